"""Average effects of a campaign by every estimator of the study; standard errors clustered by household."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from statsmodels.regression.linear_model import OLS

from targeting.base.columns import EARLIER
from targeting.base.lots import drawn_by_lot, evidence_kind
from targeting.effects.matching import match_on_propensity
from targeting.effects.tmle import targeted_estimate
from targeting.nuisance.models import independent_columns, with_logs
from targeting.nuisance.scores import effect_scores
from targeting.stats.estimates import Estimate, ratio_estimate, standard_error
from targeting.trials.panel import covariate_matrix

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class EffectData:
    """What the estimators need of one outcome: arrays with one entry per row; covariates have shape (n, p).

    `mean` is the prediction of the outcome whatever the arm, `before` the outcome in the days before time zero, brought to the
    length of the outcome window, and missing where nobody knows it, as of discounts; `variance` is that of the outcome given
    covariates and arm. All predictions are cross-fitted by household.
    """

    outcome: Vector
    treated: Vector
    covariates: Vector
    household_id: NDArray[np.int64]
    trial: NDArray[np.int64]
    before: Vector
    propensity: Vector
    mean: Vector
    mu0: Vector
    mu1: Vector
    score: Vector
    variance: Vector

    def subset(self, rows: NDArray[np.bool_]) -> "EffectData":
        """The same for some rows."""
        return EffectData(*(getattr(self, field.name)[rows] for field in fields(self)))


def effect_data(panel: pd.DataFrame, nuisance: pd.DataFrame, outcome: str) -> EffectData:
    """Bring together what the panel and the nuisances, row by row alike, say of one outcome.

    Nuisances without the column precision_* have variance 1 in every row: as if all outcomes were as noisy.
    """
    e, precision = nuisance["propensity"].to_numpy(), nuisance.get(f"precision_{outcome}")
    return EffectData(
        outcome=panel[outcome].to_numpy(dtype=float),
        treated=panel["treated"].to_numpy(dtype=float),
        covariates=covariate_matrix(panel),
        household_id=panel["household_id"].to_numpy(),
        trial=panel["trial"].to_numpy(),
        before=panel.get(f"{EARLIER}{outcome}", pd.Series(np.nan, index=panel.index)).to_numpy(dtype=float),
        propensity=e,
        mean=nuisance[f"mean_{outcome}"].to_numpy(),
        mu0=nuisance[f"mu0_{outcome}"].to_numpy(),
        mu1=nuisance[f"mu1_{outcome}"].to_numpy(),
        score=effect_scores(nuisance, outcome),
        variance=np.ones(len(e)) if precision is None else e * (1 - e) / precision.to_numpy(dtype=float),
    )


def naive(data: EffectData) -> Estimate:
    """Mean outcome of the treated less that of the controls: confounded wherever the campaign chose its households."""
    return _treatment_coefficient(data.outcome, data, np.empty((len(data.outcome), 0)))


def difference_in_differences(data: EffectData) -> Estimate:
    """Change since the days before time zero, treated less controls, within trials: an effect on the treated.

    Assumes that both arms would have changed by as many dollars, which heavy and light shoppers hardly do.
    """
    if np.isnan(data.before).all():
        return Estimate(np.nan, np.nan)
    trials = np.unique(data.trial)
    indicators = (data.trial[:, None] == trials[1:]).astype(float)
    return _treatment_coefficient(data.outcome - data.before, data, indicators)


def ols(data: EffectData) -> Estimate:
    """Coefficient of treatment in least squares of the outcome on treatment and the covariates, raw and logged.

    Missing (NaN) where fewer than two rows a regressor remain, as in a small trial: the fit would follow the noise, and its
    standard error would not tell.
    """
    design = independent_columns(with_logs(data.covariates))
    if len(data.outcome) < 2 * (design.shape[1] + 2):
        return Estimate(np.nan, np.nan)
    # Nearly dependent columns cost the standard error its digits; an orthonormal basis of them gives the same fit and keeps them.
    return _treatment_coefficient(data.outcome, data, np.linalg.qr(design)[0])


def ipw(data: EffectData) -> Estimate:
    """Difference of the arms' means weighted by inverse propensity, weights normalised in each arm (Hajek).

    No outcome model helps: what the weights leave unbalanced goes into the estimate. The standard error takes the propensity as
    known, which errs on the wide side where its model is right.
    """
    influence, value = np.zeros(len(data.outcome)), 0.0
    for weight, sign in (
        (data.treated / data.propensity, 1),
        ((1 - data.treated) / (1 - data.propensity), -1),
    ):
        mean = np.average(data.outcome, weights=weight)
        value += sign * mean
        influence += sign * weight * (data.outcome - mean) / weight.mean()
    return Estimate(float(value), standard_error(influence, data.household_id))


def aipw_terms(data: EffectData) -> tuple[Vector, Vector]:
    """Average effect over all rows: the mean difference of the doubly robust scores."""
    return data.score, np.ones(len(data.score))


def att_terms(data: EffectData) -> tuple[Vector, Vector]:
    """Average effect on the treated: sum[T (Y - mu0) - (1 - T) e / (1 - e) (Y - mu0)] / sum T.

    Source: Hahn (1998), Econometrica 66, 315-331, for the efficient influence function.
    """
    odds = data.propensity / (1 - data.propensity)
    residual = data.outcome - data.mu0
    return (data.treated - (1 - data.treated) * odds) * residual, data.treated


def ato_terms(data: EffectData) -> tuple[Vector, Vector]:
    """Average effect in the overlap population, where rows count by e (1 - e), in its orthogonal form.

    sum[(T - e)^2 (mu1 - mu0) + (1 - e) T (Y - mu1) - e (1 - T) (Y - mu0)] / sum (T - e)^2. The weight (T - e)^2 has mean
    e (1 - e) given X; with it the estimate is insensitive to small errors of e also where e enters the estimand.
    Sources: Li, Morgan & Zaslavsky (2018), Journal of the American Statistical Association 113, 390-400; Crump, Hotz, Imbens &
    Mitnik (2006), NBER Technical Working Paper 330, for the efficient influence function.
    """
    t, e = data.treated, data.propensity
    weight = np.square(t - e)
    residual = (1 - e) * t * (data.outcome - data.mu1) - e * (1 - t) * (data.outcome - data.mu0)
    return weight * (data.mu1 - data.mu0) + residual, weight


def owate_terms(data: EffectData) -> tuple[Vector, Vector]:
    """Average effect with rows weighted by e (1 - e) over the outcome's variance: of all averages the one known best.

    The overlap-weighted terms over each row's variance. It answers for households that compare and whose spend is steady, rather
    than for all that compare: where effects differ with spend, so does it from `ato`. Source: Crump, Hotz, Imbens & Mitnik
    (2006), NBER Technical Working Paper 330, section 4: the optimally weighted average treatment effect.
    """
    numerator, weight = ato_terms(data)
    return numerator / data.variance, weight / data.variance


def dml_terms(data: EffectData) -> tuple[Vector, Vector]:
    """Effect in a partially linear model: sum (T - e) (Y - mean) / sum (T - e)^2, one model of the outcome for both arms.

    With mean = e mu1 + (1 - e) mu0 it would be ATO; the outcome model that does not know the arm is what makes it another view.
    Source: Chernozhukov et al. (2018), The Econometrics Journal 21, C1-C68; econml's LinearDML without effect modifiers.
    """
    residual = data.treated - data.propensity
    return residual * (data.outcome - data.mean), np.square(residual)


def tmle(data: EffectData) -> Estimate:
    """Average effect over all rows by targeted minimum loss estimation; see targeting.effects.tmle."""
    return targeted_estimate(data.outcome, data.treated, data.propensity, data.mu0, data.mu1, data.household_id)


def matching(data: EffectData) -> Estimate:
    """Average effect on the treated that have a control of like propensity in their trial; see targeting.effects.matching."""
    return match_on_propensity(data.outcome, data.treated, data.propensity, data.mu0, data.trial, data.household_id)


Terms = Callable[[EffectData], tuple[Vector, Vector]]
# Estimators that are a ratio of two sums over rows: trials can then be compared and pooled with what they share.
RATIOS: dict[str, Terms] = {"aipw": aipw_terms, "att": att_terms, "ato": ato_terms, "owate": owate_terms, "dml": dml_terms}


def ratio(terms: Terms) -> Callable[[EffectData], Estimate]:
    """The estimator sum(numerator) / sum(denominator) with its clustered standard error."""
    return lambda data: ratio_estimate(*terms(data), data.household_id)


aipw, att, ato, owate, dml = (ratio(RATIOS[name]) for name in ("aipw", "att", "ato", "owate", "dml"))
Estimator = Callable[[EffectData], Estimate]
ESTIMATORS: dict[str, Estimator] = {
    "naive": naive,
    "did": difference_in_differences,
    "ols": ols,
    "ipw": ipw,
    "aipw": aipw,
    "tmle": tmle,
    "att": att,
    "matching": matching,
    "ato": ato,
    "owate": owate,
    "dml": dml,
}
# Those that adjust with an outcome model: how far they lie apart is a headline number.
ADJUSTED = ("ols", "aipw", "ato", "dml", "tmle", "matching")


def effect_table(
    data: EffectData, campaign_id: NDArray[np.int64], outcome: str, estimators: Mapping[str, Estimator] = ESTIMATORS
) -> pd.DataFrame:
    """One row per estimator, over all trials (trial = all) and in each (trial = its campaign).

    Columns: outcome, trial, method, estimate, se, ci_lower, ci_upper, n; missing where an estimator has too few rows.
    """
    groups = {"all": np.ones(len(campaign_id), dtype=bool)}
    groups |= {str(campaign): campaign_id == campaign for campaign in pd.unique(campaign_id)}
    rows = []
    for trial, members in groups.items():
        subset = data.subset(members)
        for method, estimator in estimators.items():
            estimate = estimator(subset)
            rows.append(
                {
                    "outcome": outcome,
                    "trial": trial,
                    "method": method,
                    "estimate": estimate.value,
                    **estimate.columns(),
                    "n": int(members.sum()),
                }
            )
    return pd.DataFrame(rows)


def evidence_by_trial(panel: pd.DataFrame) -> dict[str, str]:
    """On what the rows of `effect_table` rest, by its column trial (see `evidence_kind`)."""
    drawn = drawn_by_lot(panel)
    own = {str(campaign): drawn[panel["campaign_id"] == campaign] for campaign in panel["campaign_id"].unique()}
    return {trial: str(evidence_kind(rows)) for trial, rows in {"all": drawn, **own}.items()}


def _treatment_coefficient(response: Vector, data: EffectData, design: Vector) -> Estimate:
    regressors = np.column_stack([np.ones(len(response)), data.treated, design])
    fit = OLS(response, regressors).fit(cov_type="cluster", cov_kwds={"groups": data.household_id})
    return Estimate(float(fit.params[1]), float(fit.bse[1]))
