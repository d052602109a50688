"""Imbalance against chance: as often beyond it as promised where the propensity is the true one, and found where it is not."""

import numpy as np
import pytest
from scipy.special import expit

from targeting.nuisance.imbalance import imbalance_test


def world(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Five covariates of several laws, two of them alike, the true propensity, and who was treated."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    x[:, 1] = np.exp(2 * x[:, 1])
    x[:, 2] = x[:, 0] + 0.1 * x[:, 2]
    x[:, 3] = x[:, 3] > 1.3
    e = expit(x[:, 0] + x[:, 3] - 0.5)
    return x, e, (rng.random(n) < e).astype(int)


def test_the_true_propensity_is_beyond_chance_as_often_as_the_level_says():
    beyond = [imbalance_test(*(x, t, e), seed=0, level=0.05, draws=200).beyond_chance.any() for x, e, t in map(world, range(400))]
    # 20 of 400 expected, with a standard deviation of 4.4.
    assert 6 <= np.sum(beyond) <= 36


def test_a_propensity_that_leaves_a_confounder_out_is_found():
    x, e, t = world(1, n=2000)
    found = imbalance_test(x, t, np.full(len(e), e.mean()), seed=0)
    assert found.beyond_chance.tolist() == [True, False, True, True, False]
    assert not imbalance_test(x, t, e, seed=0).beyond_chance.any()


def test_a_difference_is_counted_in_the_spread_of_a_slow_loop_over_draws():
    x, e, t = world(2)
    far = 10 * x.std(axis=0)
    near = np.clip(x, x.mean(axis=0) - far, x.mean(axis=0) + far)
    assert (near != x).any()  # one value lies farther than the test of imbalance sees
    rng, differences = np.random.default_rng(9), []
    for treated in [t, *(rng.random((4000, len(e))) < e)]:
        one, zero = treated == 1, treated == 0
        means = [np.average(near[one], axis=0, weights=1 - e[one]), np.average(near[zero], axis=0, weights=e[zero])]
        differences.append(means[0] - means[1])
    expected = np.abs(differences[0]) / np.std(differences[1:], axis=0)
    np.testing.assert_allclose(imbalance_test(x, t, e, seed=0, draws=4000).t, expected, rtol=0.06)


def test_units_and_the_seed_alone_decide():
    x, e, t = world(3)
    first = imbalance_test(x, t, e, seed=5)
    again = imbalance_test(1e6 + 1000 * x, t, e, seed=5)
    np.testing.assert_allclose(again.t, first.t, rtol=1e-6)
    assert again.critical == pytest.approx(first.critical, rel=1e-6)
    assert imbalance_test(x, t, e, seed=6).critical != first.critical


def test_a_constant_covariate_says_nothing_and_no_arm_to_draw_no_more():
    x, e, t = world(4)
    assert imbalance_test(np.column_stack([x, np.ones(len(e))]), t, e, seed=0).t[-1] == 0
    lonely = imbalance_test(x[:2], t[:2], np.array([0.01, 0.02]), seed=0)
    assert not lonely.beyond_chance.any()
