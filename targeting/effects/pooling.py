"""One effect from several trials that share households: a pooled estimate, and whether the trials differ."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from targeting.effects.estimators import RATIOS, EffectData
from targeting.stats.estimates import Estimate, cluster_sums

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Pooled:
    """The precision-weighted effect, and Cochran's Q of the trials about it with its degrees of freedom and p-value."""

    estimate: Estimate
    q: float
    df: int
    p: float

    @property
    def i2(self) -> float:
        """The share of the trials' variation that is beyond chance (Higgins & Thompson 2002, Statistics in Medicine 21)."""
        return max(0.0, 1 - self.df / self.q) if self.q > 0 else 0.0


def joint_ratios(
    numerator: ArrayLike, denominator: ArrayLike, trial: ArrayLike, household_id: ArrayLike
) -> tuple[Vector, NDArray[np.float64]]:
    """sum(numerator) / sum(denominator) in each trial, shape (trials,), and their covariance (trials, trials).

    A household's rows in several trials are correlated: influence values are summed by household and trial first, so the
    covariance has the clustered variances on its diagonal and what the trials share beside it.
    """
    top, bottom = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    numbers, codes = np.unique(np.asarray(trial), return_inverse=True)
    member = codes[:, None] == np.arange(len(numbers))
    weights = (bottom[:, None] * member).sum(axis=0)
    values = (top[:, None] * member).sum(axis=0) / weights
    influence = np.where(member, (top[:, None] - values * bottom[:, None]) / weights, 0.0)
    sums = cluster_sums(influence, household_id)
    households = np.array([len(np.unique(np.asarray(household_id)[inside])) for inside in member.T])
    correction = np.sqrt(households / (households - 1))
    return values, (sums.T @ sums) * np.outer(correction, correction)


def pool_estimates(values: ArrayLike, covariance: ArrayLike) -> Pooled:
    """Generalised least squares of the trials' effects, shape (t,), on a constant, with their covariance (t, t).

    Q = (v - m)' S^-1 (v - m) is chi-squared with t - 1 degrees of freedom if all trials have one effect; p is NaN for one trial.
    Source: Becker & Wu (2007), Statistical Science 22, 414-429, for correlated estimates.
    """
    v, inverse = np.asarray(values, dtype=float), np.linalg.inv(np.asarray(covariance, dtype=float))
    precision = inverse.sum()
    mean = float(inverse.sum(axis=0) @ v / precision)
    q = float((v - mean) @ inverse @ (v - mean))
    df = len(v) - 1
    return Pooled(Estimate(mean, float(1 / np.sqrt(precision))), q, df, float(chi2.sf(q, df)) if df else np.nan)


def pooling_table(data: EffectData, outcome: str) -> pd.DataFrame:
    """For each estimator that is a ratio of sums: outcome, method, estimate, se, ci_lower, ci_upper, q, df, p, i2."""
    rows = []
    for method, terms in RATIOS.items():
        pooled = pool_estimates(*joint_ratios(*terms(data), data.trial, data.household_id))
        rows.append(
            {
                "outcome": outcome,
                "method": method,
                "estimate": pooled.estimate.value,
                **pooled.estimate.columns(),
                "q": pooled.q,
                "df": pooled.df,
                "p": pooled.p,
                "i2": pooled.i2,
            }
        )
    return pd.DataFrame(rows)
