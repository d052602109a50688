"""Average effects against slow formulas, statsmodels' formula interface and worlds with a known effect."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold

from targeting.effects.estimators import (
    ESTIMATORS,
    EffectData,
    aipw,
    ato,
    att,
    difference_in_differences,
    dml,
    effect_data,
    effect_table,
    ipw,
    matching,
    naive,
    ols,
    tmle,
)


def world(n: int = 600, seed: int = 0, spread: float = 1.0) -> EffectData:
    """Covariate x in [0, 1] raises treatment and spend; the effect is 4 + spread * 6 * (x - 1/2), 4 on average.

    Nuisances are the true ones; two rows per household.
    """
    rng = np.random.default_rng(seed)
    x = np.repeat(rng.random(n // 2), 2)
    e = 0.2 + 0.6 * x
    treated = (rng.random(n) < e).astype(float)
    mu0, effect = 20 + 30 * x, 4 + spread * 6 * (x - 0.5)
    outcome = mu0 + treated * effect + np.repeat(rng.normal(size=n // 2), 2) + rng.normal(size=n)
    mu1 = mu0 + effect
    score = mu1 - mu0 + treated * (outcome - mu1) / e - (1 - treated) * (outcome - mu0) / (1 - e)
    return EffectData(
        outcome=outcome,
        treated=treated,
        covariates=x[:, None],
        household_id=np.repeat(np.arange(n // 2), 2),
        trial=np.tile([1, 2], n // 2),
        before=mu0 - 5,
        propensity=e,
        mean=mu0 + e * effect,
        mu0=mu0,
        mu1=mu1,
        score=score,
        variance=np.full(n, 2.0),
    )


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


def test_ols_keeps_its_digits_where_covariates_nearly_repeat_each_other():
    data, rng = world(), np.random.default_rng(5)
    nearly = data.covariates + 1e-5 * rng.normal(size=data.covariates.shape)
    found = ols(replace(data, covariates=np.hstack([data.covariates, nearly])))
    # The same columns as what each adds, which are of one size.
    pairs = [(data.covariates, nearly), (np.log1p(data.covariates), np.log1p(nearly))]
    frame = pd.DataFrame(np.hstack([column for first, second in pairs for column in (first, (second - first) / 1e-5)]))
    frame = frame.add_prefix("x").assign(y=data.outcome, t=data.treated)
    formula = "y ~ t + " + " + ".join(name for name in frame if name.startswith("x"))
    fit = smf.ols(formula, frame).fit(cov_type="cluster", cov_kwds={"groups": data.household_id})
    assert found.se == pytest.approx(fit.bse["t"], rel=1e-9)


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


def test_att_agrees_with_a_slow_loop():
    data = world()
    total = 0.0
    for y, t, e, m0 in zip(data.outcome, data.treated, data.propensity, data.mu0, strict=True):
        total += y - m0 if t else -e / (1 - e) * (y - m0)
    assert att(data).value == pytest.approx(total / data.treated.sum())


def test_ipw_is_the_difference_of_weighted_means_and_its_error_that_of_weighted_least_squares():
    data = world()
    weights = data.treated / data.propensity + (1 - data.treated) / (1 - data.propensity)
    frame = pd.DataFrame({"y": data.outcome, "t": data.treated, "w": weights, "h": data.household_id})
    fit = smf.wls("y ~ t", frame, weights=frame["w"]).fit(cov_type="cluster", cov_kwds={"groups": frame["h"]})
    assert ipw(data).value == pytest.approx(fit.params["t"])
    assert ipw(data).se == pytest.approx(fit.bse["t"], rel=0.01)  # they differ in the small-sample correction


def test_difference_in_differences_worked_by_hand():
    data = replace(
        world(8),
        outcome=np.array([10.0, 20, 30, 40, 12, 22, 32, 42]),
        before=np.array([8.0, 20, 25, 36, 12, 20, 30, 38]),
        treated=np.array([1.0, 1, 0, 0, 0, 0, 1, 1]),
        trial=np.array([1, 1, 1, 1, 1, 1, 1, 1]),
    )
    # Changes 2, 0, 5, 4, 0, 2, 2, 4: the treated (2 + 0 + 2 + 4) / 4 = 2, the controls (5 + 4 + 0 + 2) / 4 = 2.75.
    assert difference_in_differences(data).value == pytest.approx(-0.75)


def test_difference_in_differences_compares_within_trials():
    data = world()
    shifted = replace(
        data, outcome=data.outcome + 100 * (data.trial == 2), treated=np.where(data.trial == 2, 1 - data.treated, data.treated)
    )
    plain = replace(data, treated=shifted.treated)
    assert difference_in_differences(shifted).value == pytest.approx(difference_in_differences(plain).value)


def test_dml_is_econmls_partially_linear_estimate():
    from econml.dml import LinearDML

    data = world()
    x, folds = data.covariates, GroupKFold(3, shuffle=True, random_state=0)
    splits = list(folds.split(x, groups=data.household_id))
    models = {"model_y": Ridge(1.0), "model_t": LogisticRegression()}
    learner = LinearDML(**models, discrete_treatment=True, cv=splits, random_state=0)
    learner.fit(data.outcome, data.treated.astype(int), X=None, W=x)
    mean, propensity = np.empty(len(x)), np.empty(len(x))
    for learn, rest in splits:
        mean[rest] = Ridge(1.0).fit(x[learn], data.outcome[learn]).predict(x[rest])
        propensity[rest] = LogisticRegression().fit(x[learn], data.treated[learn]).predict_proba(x[rest])[:, 1]
    ours = dml(replace(data, mean=mean, propensity=propensity))
    assert ours.value == pytest.approx(float(np.ravel(learner.effect(T0=0, T1=1))[0]), rel=1e-6)


def test_tmle_maximises_the_weighted_likelihood_of_each_arm():
    data = replace(world(), mu0=np.full(600, 25.0), mu1=np.full(600, 40.0))
    low, width = data.outcome.min(), np.ptp(data.outcome)
    y, t, e = (data.outcome - low) / width, data.treated, data.propensity
    moved = []
    for arm, mu, weight in ((t == 0, 25.0, 1 / (1 - e)), (t == 1, 40.0, 1 / e)):
        offset = logit((mu - low) / width)

        def loss(shift: float, arm: np.ndarray = arm, offset: float = offset, weight: np.ndarray = weight) -> float:
            p = expit(offset + shift)
            return -float((weight * (y * np.log(p) + (1 - y) * np.log(1 - p)))[arm].sum())

        moved.append(low + width * expit(offset + minimize_scalar(loss, bounds=(-5, 5), options={"xatol": 1e-10}).x))
    assert tmle(data).value == pytest.approx(moved[1] - moved[0], rel=1e-5)


def test_a_constant_outcome_has_no_effect():
    data = world()
    flat = replace(
        data,
        outcome=np.full(600, 7.0),
        before=np.full(600, 7.0),
        mean=np.full(600, 7.0),
        mu0=np.full(600, 7.0),
        mu1=np.full(600, 7.0),
    )
    flat = replace(flat, score=np.zeros(600))
    for name, estimator in ESTIMATORS.items():
        assert estimator(flat).value == pytest.approx(0, abs=1e-9), name


def weighted_effect(weight) -> float:
    """The true effect in `world` of a population in which x counts by `weight`(propensity), by numerical integration."""
    x = (np.arange(100_000) + 0.5) / 100_000
    return float(np.average(4 + 6 * (x - 0.5), weights=weight(0.2 + 0.6 * x)))


OVERLAP, TREATED = weighted_effect(lambda e: e * (1 - e)), weighted_effect(lambda e: e)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "truth"),
    [(aipw, 4.0), (tmle, 4.0), (ipw, 4.0), (att, TREATED), (matching, TREATED), (ato, OVERLAP), (dml, OVERLAP), (ols, 4.0)],
    ids=["aipw", "tmle", "ipw", "att", "matching", "ato", "dml", "ols"],
)
def test_intervals_cover_the_known_effect(estimator, truth):
    # OLS assumes one effect for all, so it is judged where that holds.
    worlds = [world(seed=seed, spread=0.0 if estimator is ols else 1.0) for seed in range(400)]
    estimates = [estimator(data) for data in worlds]
    covered = np.mean([estimate.lower <= truth <= estimate.upper for estimate in estimates])
    # Weights alone leave the spread of spend in the estimate: 8 times the others' error.
    assert abs(np.mean([estimate.value for estimate in estimates]) - truth) < (0.1 if estimator is ipw else 0.03)
    # 95% with a Monte Carlo error of 1.1%; inverse weights taken as known give too wide an interval.
    assert 0.92 < covered < (1.01 if estimator is ipw else 0.98)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [aipw, tmle, att, ato], ids=["aipw", "tmle", "att", "ato"])
def test_one_wrong_nuisance_is_forgiven_and_two_are_not(estimator):
    def average(wrong_outcome: bool, wrong_propensity: bool) -> float:
        values = []
        for seed in range(60):
            data = world(seed=seed, spread=0.0)
            e = np.full(600, 0.5) if wrong_propensity else data.propensity
            m0, m1 = (np.full(600, 30.0), np.full(600, 34.0)) if wrong_outcome else (data.mu0, data.mu1)
            y, t = data.outcome, data.treated
            score = m1 - m0 + t * (y - m1) / e - (1 - t) * (y - m0) / (1 - e)
            values.append(estimator(replace(data, propensity=e, mu0=m0, mu1=m1, score=score)).value)
        return float(np.mean(values))

    # The effect is 4 for all; confounding adds about 30 * 2 * Cov(x, T) / (1/2) = 6.
    assert average(wrong_outcome=False, wrong_propensity=True) == pytest.approx(4, abs=0.1)
    assert average(wrong_outcome=True, wrong_propensity=False) == pytest.approx(4, abs=0.35)
    assert average(wrong_outcome=True, wrong_propensity=True) > 7


def test_effect_data_takes_the_outcome_asked_for():
    panel = pd.DataFrame(
        {
            "household_id": [1, 2],
            "trial": 1,
            "treated": [0, 1],
            "purchase_amount": [3.0, 4.0],
            "purchase_count": [1, 2],
            "before_purchase_amount": [5.0, 6.0],
            "before_purchase_count": [7.0, 8.0],
            "x_age": [30.0, 40.0],
        }
    )
    nuisance = pd.DataFrame({"propensity": [0.4, 0.5]})
    for offset, outcome in enumerate(("purchase_amount", "purchase_count")):
        for place, name in enumerate(("mean", "mu0", "mu1", "score0", "score1")):
            nuisance[f"{name}_{outcome}"] = [100.0 * offset + place, 50.0 * place]
    data = effect_data(panel, nuisance, "purchase_count")
    assert (data.outcome.tolist(), data.before.tolist()) == ([1, 2], [7, 8])
    assert (data.mean[0], data.mu0[0], data.mu1[0], data.score.tolist()) == (100, 101, 102, [1.0, 50.0])
    assert data.covariates.tolist() == [[30.0], [40.0]]


def test_repeated_households_do_not_shrink_intervals():
    data = world()
    twice = EffectData(*(np.concatenate([getattr(data, name)] * 2) for name in data.__dataclass_fields__))
    # The copies' ties share a match among themselves; every estimator sees twice the rows and no more households.
    for estimator in ESTIMATORS.values():
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
