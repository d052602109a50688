"""Average effects of a campaign: naive, regression, doubly robust; standard errors clustered by household."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import NDArray

from targeting.clusters import Estimate, mean_estimate, ratio_estimate
from targeting.models import with_logs

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class EffectData:
    """What the estimators need of one outcome: arrays with one entry a row; covariates have shape (n, p)."""

    outcome: Vector
    treated: Vector
    covariates: Vector
    household_id: NDArray[np.int64]
    propensity: Vector
    mu0: Vector
    mu1: Vector
    score: Vector

    def subset(self, rows: NDArray[np.bool_]) -> "EffectData":
        """The same for some rows."""
        return EffectData(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def naive(data: EffectData) -> Estimate:
    """Mean outcome of the treated less that of the controls: confounded wherever the campaign chose its households."""
    return _treatment_coefficient(data, np.empty((len(data.outcome), 0)))


def ols(data: EffectData) -> Estimate:
    """Coefficient of treatment in least squares of the outcome on treatment and the covariates, raw and logged.

    Missing (NaN) where fewer than two rows a regressor remain, as in a small trial: the fit would follow the noise, and its
    standard error would not tell.
    """
    design = _independent_columns(with_logs(data.covariates))
    if len(data.outcome) < 2 * (design.shape[1] + 2):
        return Estimate(np.nan, np.nan)
    return _treatment_coefficient(data, design)


def aipw(data: EffectData) -> Estimate:
    """Average effect over all rows: the mean difference of the doubly robust scores."""
    return mean_estimate(data.score, data.household_id)


def ato(data: EffectData) -> Estimate:
    """Average effect in the overlap population, where rows count by e (1 - e), in its orthogonal form.

    sum[(T - e)^2 (mu1 - mu0) + (1 - e) T (Y - mu1) - e (1 - T) (Y - mu0)] / sum (T - e)^2. The weight (T - e)^2 has mean
    e (1 - e) given X; with it the estimate is insensitive to small errors of e also where e enters the estimand.
    Sources: Li, Morgan & Zaslavsky (2018), Journal of the American Statistical Association 113, 390-400; Crump, Hotz, Imbens &
    Mitnik (2006), NBER Technical Working Paper 330, for the efficient influence function.
    """
    t, e = data.treated, data.propensity
    weight = np.square(t - e)
    residual = (1 - e) * t * (data.outcome - data.mu1) - e * (1 - t) * (data.outcome - data.mu0)
    return ratio_estimate(weight * (data.mu1 - data.mu0) + residual, weight, data.household_id)


ESTIMATORS: dict[str, Callable[[EffectData], Estimate]] = {"naive": naive, "ols": ols, "aipw": aipw, "ato": ato}
ADJUSTED = ("ols", "aipw", "ato")


def effect_table(data: EffectData, campaign_id: NDArray[np.int64], outcome: str) -> pd.DataFrame:
    """One row an estimator, over all trials (trial = all) and in each (trial = its campaign).

    Columns: outcome, trial, method, estimate, se, ci_lower, ci_upper, n; missing where an estimator has too few rows.
    """
    groups = {"all": np.ones(len(campaign_id), dtype=bool)}
    groups |= {str(campaign): campaign_id == campaign for campaign in pd.unique(campaign_id)}
    rows = []
    for trial, members in groups.items():
        subset = data.subset(members)
        for method, estimator in ESTIMATORS.items():
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


def _treatment_coefficient(data: EffectData, design: Vector) -> Estimate:
    regressors = np.column_stack([np.ones(len(data.outcome)), data.treated, design])
    fit = sm.OLS(data.outcome, regressors).fit(cov_type="cluster", cov_kwds={"groups": data.household_id})
    return Estimate(float(fit.params[1]), float(fit.bse[1]))


def _independent_columns(design: Vector) -> Vector:
    """Standardised columns that are linearly independent of each other and of a constant, first come first kept.

    Demographic bands and derived features repeat each other on some trials; a coefficient needs columns of full rank.
    """
    centred = design - design.mean(axis=0)
    spread = centred.std(axis=0)
    standard = centred[:, spread > 0] / spread[spread > 0]
    # The diagonal of R is what a column adds to those before it, relative to its length sqrt(n).
    added = np.abs(np.diag(np.linalg.qr(standard, mode="r"))) / np.sqrt(len(standard))
    # With fewer rows than columns the diagonal ends early: what follows depends on the columns before it.
    return standard[:, : len(added)][:, added > 1e-6]
