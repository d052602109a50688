"""Several estimates at once against textbook values and a bootstrap drawn household by household."""

import numpy as np
import pytest
from scipy.stats import norm

from targeting.stats.estimates import CONFIDENCE, Z, cluster_sums, standard_error
from targeting.stats.joint import CriticalValues, adjusted_p_values, critical_value, joint_covariance, normal_errors


def test_independent_estimates_are_sidaks_and_copies_cost_nothing():
    sidak = norm.ppf((1 + CONFIDENCE ** (1 / 5)) / 2)
    assert critical_value(np.eye(5), seed=1) == pytest.approx(sidak, abs=0.02)
    assert critical_value(np.ones((5, 5)), seed=1) == pytest.approx(Z, abs=0.02)
    p = adjusted_p_values([2.0, 0.0, -1.0], np.eye(3), seed=1)
    np.testing.assert_allclose(p, 1 - norm.cdf([2, 0, -1]) ** 3, atol=5e-3)
    np.testing.assert_allclose(adjusted_p_values([2.0, 2.0], np.ones((2, 2)), seed=1), norm.sf(2), atol=2e-3)


def test_draws_agree_with_multipliers_of_households():
    rng = np.random.default_rng(0)
    households = np.repeat(np.arange(300), 2)
    influence = np.repeat(rng.normal(size=(300, 1)), 2, axis=0) + rng.normal(size=(600, 4))
    influence -= influence.mean(axis=0)
    covariance = joint_covariance(influence, households)
    for column in range(4):
        assert np.sqrt(covariance[column, column]) == pytest.approx(standard_error(influence[:, column], households))
    sums = cluster_sums(influence, households)
    draws = rng.standard_normal((20_000, 300)) @ sums / np.sqrt(np.square(sums).sum(axis=0))
    assert critical_value(covariance, seed=1) == pytest.approx(np.quantile(np.abs(draws).max(axis=1), CONFIDENCE), abs=0.04)


def test_estimates_without_variance_count_for_nothing():
    covariance = np.diag([1.0, 0.0])
    assert critical_value(covariance, seed=1) == pytest.approx(Z, abs=0.02)
    assert adjusted_p_values([2.0, 5.0], covariance, seed=1)[1] == 1
    assert critical_value(np.zeros((2, 2)), seed=1) == 0
    # What holds for several holds for each: never less than a single interval asks for, whatever was drawn.
    assert min(critical_value(np.eye(1), seed) for seed in range(8)) >= Z
    assert min(CriticalValues(seed)(np.eye(1)) for seed in range(8)) >= Z


def test_many_critical_values_are_those_of_each_alone():
    """Covariances that move little by little, jump, change their number, and hold constants."""
    rng = np.random.default_rng(0)
    gain, spend = 2 * rng.normal(size=200) + rng.normal(size=(6, 200)), 0.2 * rng.normal(size=(6, 200))
    values = CriticalValues(seed=1)
    for cost in np.linspace(0, 30, 40):
        for chosen in ([0, 1, 2, 3], [2, 3, 4, 5], [0, 5], [1]):
            profit = gain[chosen] - cost * spend[chosen]
            covariance = profit @ profit.T
            assert values(covariance) == critical_value(covariance, seed=1)
    assert values(np.diag([1.0, 0.0, 2.0])) == critical_value(np.diag([1.0, 0.0, 2.0]), seed=1)
    assert values(np.zeros((2, 2))) == 0


def test_errors_have_the_covariance_and_constants_have_none():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(500, 3)) @ np.array([[1.0, 0.5, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    covariance = joint_covariance(values - values.mean(axis=0), np.arange(500) // 2)
    errors = normal_errors(covariance, seed=2)
    assert np.cov(errors.T) == pytest.approx(covariance, rel=0.05, abs=1e-5)
    assert not errors[:, 2].any()
    assert not normal_errors(np.zeros((2, 2)), seed=1, n_draws=7).any()
