"""The posterior of effects and of a policy's profit: by hand, against statsmodels, and in worlds drawn from its own prior."""

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.regression.linear_model import WLS

from targeting.policy.posterior import Belief, Posterior, centred_by_fold, fit_posterior, weighted_fit


def rows(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Centred effects, scores whose slope on them is 2, weights and households of two rows each."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(size=n)
    effect -= effect.mean()
    household = np.repeat(np.arange(n // 2), 2)
    noise = rng.normal(size=n) + np.repeat(rng.normal(size=n // 2), 2)
    return effect, 5 + 2 * effect + noise, rng.uniform(0.5, 2, n), household


def test_the_regression_is_statsmodels_weighted_and_clustered():
    effect, score, weight, household = rows(0)
    design = np.column_stack([np.ones(len(effect)), effect])
    values, covariance = weighted_fit(design, score, weight, household)
    # Its small-sample factor is (C / (C - 1)) (n - 1) / (n - p); here it is C / (C - 1), as everywhere in this project.
    reference = WLS(score, design, weights=weight).fit(cov_type="cluster", cov_kwds={"groups": household})
    np.testing.assert_allclose(values, reference.params, rtol=1e-10)
    factor = (len(score) - 1) / (len(score) - 2)
    np.testing.assert_allclose(covariance * factor, reference.cov_params(), rtol=1e-10)


def test_level_and_slope_are_shrunk_by_hand():
    # Four households of one row. Level: mean of the scores, 20; residuals -10, 10, -10, 10 around 20 + 5 effect.
    effect, score = np.array([-2.0, -2.0, 2.0, 2.0]), np.array([0.0, 20.0, 20.0, 40.0])
    found = fit_posterior(effect, score, np.ones(4), np.arange(4), prior_sd=10.0)
    # Level: variance 4/3 * 400 / 16 = 100 / 3, prior 100: kept 100 / (100 + 100 / 3) = 3/4; 15, and sd sqrt(3/4 * 100 / 3) = 5.
    assert (found.level.mean, found.level.sd) == pytest.approx((15.0, 5.0))
    # Slope 5: variance 4/3 * sum (2 * 10)^2 / 16^2 = 4/3 * 1600 / 256 = 25/3. Prior 25 - 25/3 = 50/3: kept 2/3.
    assert (found.slope.mean, found.slope.sd) == pytest.approx((10 / 3, np.sqrt(2 / 3 * 25 / 3)))
    np.testing.assert_allclose(found.mean([-3.0, 3.0]), [5.0, 25.0])
    np.testing.assert_allclose(found.sd([3.0]), np.sqrt(25 + 9 * 50 / 9))
    # Where nothing is unlikely beforehand the level is the estimate.
    assert fit_posterior(effect, score, np.ones(4), np.arange(4), prior_sd=np.inf).level.mean == pytest.approx(20.0)


def test_a_slope_within_its_error_or_below_zero_is_none():
    effect, score, weight, household = rows(2)
    rng = np.random.default_rng(3)
    for unrelated in (-effect + rng.normal(size=len(effect)), -score):
        found = fit_posterior(effect, unrelated, weight, household, 10.0)
        assert found.slope == Belief(0.0, 0.0)
    alike = fit_posterior(np.zeros(len(effect)), score, weight, household, 10.0)
    assert alike.slope == Belief(0.0, 0.0)
    assert np.ptp(alike.mean(effect)) == 0


def test_the_profit_of_a_policy_by_hand():
    posterior = Posterior(Belief(40.0, 10.0), Belief(1.0, 0.5))
    policy, effect = np.array([1.0, 1.0, 0.0, 0.0]), np.array([10.0, 30.0, 99.0, -99.0])
    # Sales (50 + 70) / 4 at 30% are 9, less half a contact of 10 USD. Level counts 0.3 / 2, slope 0.3 * 40 / 4 = 3.
    profit = posterior.profit(policy, effect, cost=10.0, margin=0.3)
    assert (profit.mean, profit.sd) == pytest.approx((4.0, np.hypot(1.5, 1.5)))
    assert profit.chance_below_zero == pytest.approx(norm.cdf(-4 / np.hypot(1.5, 1.5)))
    assert profit.interval == pytest.approx(norm.interval(0.95, 4.0, np.hypot(1.5, 1.5)))
    # Costs by row count where they are spent.
    assert posterior.profit(policy, effect, np.array([10.0, 20.0, 0.0, 0.0]), 0.3).mean == pytest.approx(1.5)


def test_a_number_that_is_known_has_no_chance_of_being_another():
    assert Belief(0.0, 0.0).chance_below_zero == 0
    assert Belief(-1.0, 0.0).chance_below_zero == 1


def test_effects_are_centred_fold_by_fold_on_the_rows_that_count():
    effect, fold = np.array([1.0, 3.0, 50.0, 10.0, 20.0]), np.array([0, 0, 0, 1, 1])
    counted, weight = np.array([True, True, False, True, True]), np.array([1.0, 1.0, 1.0, 3.0, 1.0])
    np.testing.assert_allclose(centred_by_fold(effect, weight, fold, counted), [-1.0, 1.0, 48.0, -2.5, 7.5])


def test_one_household_gives_no_posterior():
    with pytest.raises(ValueError, match="two households"):
        fit_posterior(np.zeros(2), np.ones(2), np.ones(2), np.array([1, 1]), 10.0)


def test_beliefs_hold_as_often_as_they_say():
    """Levels drawn from the prior, effects alike: intervals hold 95%, and mailing whom the belief says earns what it says."""
    rng, n, household = np.random.default_rng(5), 300, np.arange(300)
    held, expected, true, chances, lost = [], [], [], [], []
    for _ in range(2000):
        level = rng.normal(0, 10)
        found = fit_posterior(np.zeros(n), level + rng.normal(0, 150, n), np.ones(n), household, prior_sd=10.0)
        lower, upper = found.level.interval
        held.append(lower <= level <= upper)
        if found.level.mean > 5:  # a margin of 1 and a cost of 5
            belief = found.profit(np.ones(n), np.zeros(n), 5.0, 1.0)
            expected.append(belief.mean)
            true.append(level - 5)
            chances.append(belief.chance_below_zero)
            lost.append(level < 5)
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)
    # Monte Carlo error of the mean of some 500 levels, each known to about 6.5.
    assert np.mean(expected) == pytest.approx(np.mean(true), abs=1.0)
    assert np.mean(chances) == pytest.approx(np.mean(lost), abs=0.06)
