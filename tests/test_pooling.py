"""Pooling trials that share households: against clustered single estimates, statsmodels' meta-analysis and simulation."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.stats.meta_analysis import combine_effects

from targeting.effects.estimators import RATIOS
from targeting.effects.pooling import joint_ratios, pool_estimates, pooling_table
from targeting.stats.estimates import ratio_estimate
from tests.test_effects import world


def test_each_trial_has_its_own_clustered_estimate():
    rng = np.random.default_rng(0)
    top, bottom, trial, household = (
        rng.normal(3, 1, 90),
        rng.uniform(1, 2, 90),
        np.repeat([1, 2, 3], 30),
        np.tile(np.arange(30), 3),
    )
    values, covariance = joint_ratios(top, bottom, trial, household)
    for place, number in enumerate((1, 2, 3)):
        single = ratio_estimate(top[trial == number], bottom[trial == number], household[trial == number])
        assert (values[place], np.sqrt(covariance[place, place])) == pytest.approx((single.value, single.se))


def test_shared_households_give_the_covariance_of_stacked_regressions():
    # Means by trial are a regression on trial indicators; statsmodels clusters it.
    rng = np.random.default_rng(1)
    household = np.tile(np.arange(40), 2)
    values = np.tile(rng.normal(size=40), 2) + 0.5 * rng.normal(size=80)
    trial = np.repeat([1, 2], 40)
    fit = sm.OLS(values, pd.get_dummies(trial).astype(float)).fit(
        cov_type="cluster", cov_kwds={"groups": household, "use_correction": False}
    )
    _, covariance = joint_ratios(values, np.ones(80), trial, household)
    np.testing.assert_allclose(covariance, np.asarray(fit.cov_params()) * 40 / 39)
    assert covariance[0, 1] > 0


def test_independent_trials_pool_as_in_a_meta_analysis():
    values, variances = np.array([3.0, 5.0, 1.0, 4.0]), np.array([1.0, 2.0, 0.5, 4.0])
    pooled, reference = pool_estimates(values, np.diag(variances)), combine_effects(values, variances)
    assert pooled.estimate.value == pytest.approx(reference.mean_effect_fe)
    assert pooled.estimate.se == pytest.approx(reference.sd_eff_w_fe)
    assert (pooled.q, pooled.df, pooled.i2) == pytest.approx((reference.q, 3, max(0, 1 - 3 / reference.q)))
    assert pooled.p == pytest.approx(reference.test_homogeneity().pvalue)


def test_one_trial_cannot_differ_from_itself():
    pooled = pool_estimates([2.0], [[4.0]])
    assert (pooled.estimate.value, pooled.estimate.se, pooled.df, pooled.i2) == (2.0, 2.0, 0, 0.0)
    assert np.isnan(pooled.p)


@pytest.mark.slow
def test_the_test_of_heterogeneity_keeps_its_level_and_finds_a_difference():
    alike, unlike = [], []
    for seed in range(400):
        data = world(seed=seed)
        alike.append(pool_estimates(*joint_ratios(*RATIOS["aipw"](data), data.trial, data.household_id)).p)
        shifted = data.score + 1.0 * (data.trial == 2)
        unlike.append(pool_estimates(*joint_ratios(shifted, np.ones(600), data.trial, data.household_id)).p)
    assert 0.02 < np.mean(np.array(alike) < 0.05) < 0.08
    assert np.mean(np.array(unlike) < 0.05) > 0.9


def test_the_table_has_a_row_a_method():
    table = pooling_table(world(), "purchase_amount").set_index("method")
    assert table.index.tolist() == list(RATIOS)
    assert table.loc["aipw", "estimate"] == pytest.approx(4, abs=4 * table.loc["aipw", "se"])
