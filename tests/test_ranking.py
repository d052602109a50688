"""Areas under ranking curves against slow loops and worlds where the right ranking is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targeting.validation.ranking import autoc, autoc_weights, qini, qini_weights, tie_averaged
from tests.worlds import mean_of_largest, slow_toc, world


def test_areas_agree_with_slow_loops():
    cate, score, households = world(60)
    toc = slow_toc(cate, score)
    assert autoc(cate, score, households).estimate.value == pytest.approx(np.mean(toc))
    shares = np.arange(1, 61) / 60
    assert qini(cate, score, households).estimate.value == pytest.approx(np.mean(shares * toc))


def test_weights_of_three_rows_by_hand():
    # TOC averages over k = 1, 2, 3: the first row's weight is 1 + 1/2 + 1/3 - 1.
    np.testing.assert_allclose(autoc_weights(3), [5 / 6, -1 / 6, -2 / 3])
    # k/n TOC(k/n) = (sum of first k)/n - k/n mean: weights (n - r + 1)/n - (n + 1)/(2n).
    np.testing.assert_allclose(qini_weights(3), [1 / 3, 0, -1 / 3], atol=1e-15)


@pytest.mark.parametrize("area", [autoc, qini])
def test_a_reversed_ranking_is_negative_and_passes_no_test(area):
    cate, score, households = world()
    right, wrong = area(cate, score, households), area(-cate, score, households)
    assert right.estimate.value > 0 > wrong.estimate.value
    assert right.p < 0.01
    assert wrong.p > 0.99
    random = area(np.random.default_rng(9).normal(size=len(cate)), score, households)
    assert right.estimate.value > random.estimate.value > wrong.estimate.value


@pytest.mark.parametrize("area", [autoc, qini])
def test_a_constant_effect_ranks_nobody(area):
    _, score, households = world()
    result = area(np.full(len(score), 3.0), score, households)
    assert (result.estimate.value, result.p) == (0, 1)


def test_ties_share_their_places():
    np.testing.assert_allclose(tie_averaged(np.array([5.0, 5.0, 2.0]), np.array([1.0, 0.0, -1.0])), [0.5, 0.5, -1.0])


def test_row_order_changes_nothing():
    cate, score, households = world()
    order = np.random.default_rng(2).permutation(len(cate))
    one, other = autoc(cate, score, households), autoc(cate[order], score[order], households[order])
    assert other.estimate.value == pytest.approx(one.estimate.value)
    assert other.estimate.se == pytest.approx(one.estimate.se)


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 1.0], ids=["no heterogeneity", "heterogeneity"])
@pytest.mark.parametrize("area", [autoc, qini])
def test_intervals_cover_the_known_area(area, spread):
    # The true TOC of a standard normal effect at a share is the mean of its largest values; the areas integrate it.
    shares = (np.arange(20_000) + 0.5) / 20_000
    normal = mean_of_largest(shares)
    truth = spread * float(np.mean(normal) if area is autoc else np.mean(shares * normal))
    results = [area(*world(800, seed, spread)) for seed in range(400)]
    covered = np.mean([result.estimate.lower <= truth <= result.estimate.upper for result in results])
    assert 0.92 < covered < 0.98
    if spread == 0:
        assert np.mean([result.p < 0.05 for result in results]) < 0.08


@given(scale=st.floats(0.01, 100), shift=st.floats(-50, 50), seed=st.integers(0, 10_000))
def test_only_the_order_of_effects_matters(scale, shift, seed):
    cate, score, households = world(40, seed)
    one, other = autoc(cate, score, households), autoc(np.exp(cate * scale / 50) + shift, score, households)
    assert other.estimate.value == pytest.approx(one.estimate.value, abs=1e-9)
