"""Average effects against slow formulas, statsmodels' formula interface and worlds with a known effect."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from targeting.effects import EffectData, aipw, ato, effect_table, naive, ols


def world(n: int = 600, seed: int = 0, spread: float = 1.0) -> EffectData:
    """Covariate x in [0, 1] raises treatment and spend; the effect is 4 + spread * 6 * (x - 1/2), 4 on average.

    Nuisances are the true ones; two rows a household.
    """
    rng = np.random.default_rng(seed)
    x = np.repeat(rng.random(n // 2), 2)
    e = 0.2 + 0.6 * x
    treated = (rng.random(n) < e).astype(float)
    mu0, effect = 20 + 30 * x, 4 + spread * 6 * (x - 0.5)
    outcome = mu0 + treated * effect + np.repeat(rng.normal(size=n // 2), 2) + rng.normal(size=n)
    mu1 = mu0 + effect
    score = mu1 - mu0 + treated * (outcome - mu1) / e - (1 - treated) * (outcome - mu0) / (1 - e)
    return EffectData(outcome, treated, x[:, None], np.repeat(np.arange(n // 2), 2), e, mu0, mu1, score)


def test_naive_is_the_difference_of_means():
    data = world()
    difference = data.outcome[data.treated == 1].mean() - data.outcome[data.treated == 0].mean()
    assert naive(data).value == pytest.approx(difference)


def test_ols_agrees_with_the_formula_interface():
    data = world()
    frame = pd.DataFrame({"y": data.outcome, "t": data.treated, "x": data.covariates[:, 0], "h": data.household_id})
    fit = smf.ols("y ~ t + x + np.log1p(x)", frame).fit(cov_type="cluster", cov_kwds={"groups": frame["h"]})
    estimate = ols(data)
    assert (estimate.value, estimate.se) == pytest.approx((fit.params["t"], fit.bse["t"]))


def test_repeated_and_constant_covariates_change_no_ols_estimate():
    data = world()
    repeated = np.column_stack([data.covariates, data.covariates, np.ones(len(data.outcome))])
    assert ols(replace(data, covariates=repeated)).value == pytest.approx(ols(data).value)


def test_ols_needs_two_rows_a_regressor():
    data = world(24)
    wide = np.random.default_rng(0).random((24, 40))
    assert np.isnan(ols(replace(data, covariates=wide)).value)
    assert np.isfinite(ols(replace(data, covariates=wide[:, :4])).value)


def test_aipw_is_the_mean_score():
    data = world()
    assert aipw(data).value == pytest.approx(data.score.mean())


def test_ato_agrees_with_a_slow_loop():
    data = world()
    top = bottom = 0.0
    for y, t, e, m0, m1 in zip(data.outcome, data.treated, data.propensity, data.mu0, data.mu1, strict=True):
        top += (t - e) ** 2 * (m1 - m0) + ((1 - e) * (y - m1) if t else -e * (y - m0))
        bottom += (t - e) ** 2
    assert ato(data).value == pytest.approx(top / bottom)


def overlap_effect() -> float:
    """The true effect in the overlap population of `world`, by numerical integration."""
    x = (np.arange(100_000) + 0.5) / 100_000
    weight = (0.2 + 0.6 * x) * (0.8 - 0.6 * x)
    return float(np.average(4 + 6 * (x - 0.5), weights=weight))


@pytest.mark.slow
@pytest.mark.parametrize(("estimator", "truth"), [(aipw, 4.0), (ato, overlap_effect()), (ols, 4.0)], ids=["aipw", "ato", "ols"])
def test_intervals_cover_the_known_effect(estimator, truth):
    # OLS assumes one effect for all, so it is judged where that holds.
    worlds = [world(seed=seed, spread=0.0 if estimator is ols else 1.0) for seed in range(400)]
    estimates = [estimator(data) for data in worlds]
    covered = np.mean([estimate.lower <= truth <= estimate.upper for estimate in estimates])
    assert abs(np.mean([estimate.value for estimate in estimates]) - truth) < 0.03
    assert 0.92 < covered < 0.98  # 95% with a Monte Carlo error of 1.1%


def test_repeated_households_do_not_shrink_intervals():
    data = world()
    twice = EffectData(*(np.concatenate([getattr(data, name)] * 2) for name in data.__dataclass_fields__))
    for estimator in (naive, aipw, ato):
        assert estimator(twice).se == pytest.approx(estimator(data).se, rel=0.01)


def test_one_outlier_widens_the_interval():
    data = world()
    wild = data.outcome.copy()
    wild[0] += 1e5
    assert naive(replace(data, outcome=wild)).se > 20 * naive(data).se


def test_the_table_has_all_trials_and_each():
    data = world()
    campaign = np.where(np.arange(600) < 200, 27, 8)
    table = effect_table(data, campaign, "purchase_amount")
    assert table["trial"].drop_duplicates().tolist() == ["all", "27", "8"]
    part = table.set_index(["trial", "method"]).loc[("27", "aipw")]
    assert part["estimate"] == pytest.approx(data.score[:200].mean())
    assert part["n"] == 200
    assert (table["ci_upper"] - table["ci_lower"]).to_numpy() == pytest.approx(2 * 1.959964 * table["se"].to_numpy())
