"""Does an effect rank households rightly? Judged by doubly robust scores of households it never saw.

`cate` are out-of-fold effects, `score` the difference of doubly robust scores (treated less control), both shape (n,).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from targeting.clusters import Estimate, mean_estimate, standard_error

Vector = NDArray[np.float64]
GROUPS = 5


@dataclass(frozen=True)
class OneSided:
    """An estimate and the p-value against it being zero or less, which a reversed ranking cannot pass."""

    estimate: Estimate
    p: float


# What a constant effect shows: it ranks nobody.
NOTHING_SHOWN = OneSided(Estimate(0.0, 0.0), 1.0)


def one_sided(estimate: Estimate) -> OneSided:
    """The one-sided normal test; scores without any spread show nothing, and p is 1."""
    return OneSided(estimate, float(norm.sf(estimate.value / estimate.se)) if estimate.se > 0 else 1.0)


def descending(cate: ArrayLike) -> NDArray[np.int64]:
    """Row numbers from the largest effect to the smallest; ties keep the rows' order."""
    return np.argsort(-np.asarray(cate, dtype=float), kind="stable")


def tie_averaged(cate: Vector, values: Vector) -> Vector:
    """`values`, each group of equal effects given its mean: no ranking tells them apart, so their order earns nothing."""
    _, codes = np.unique(cate, return_inverse=True)
    return (np.bincount(codes, values) / np.bincount(codes))[codes]


def autoc_weights(n: int) -> Vector:
    """Weight (n,) of the row at each rank, first rank first: AUTOC is the mean of weight times score.

    TOC(k/n) is the mean score of the first k less the mean of all; averaging over k gives row r the weight sum_{k >= r} 1/k - 1.
    """
    return np.cumsum(1 / np.arange(n, 0, -1))[::-1] - 1


def qini_weights(n: int) -> Vector:
    """Weight (n,) of each rank in the Qini coefficient: the average over k of k/n TOC(k/n)."""
    ranks = np.arange(1, n + 1)
    return (n - ranks + 1) / n - (n + 1) / (2 * n)


def rank_weighted_effect(cate: ArrayLike, score: ArrayLike, household_id: ArrayLike, weights: Vector) -> OneSided:
    """A rank-weighted average effect: mean over ranks of weight times score, ties averaged, clustered by household.

    The standard error adds, to the noise of the scores, what a row moves by shifting everybody's rank; this second part takes
    the effect at each rank from the line that fits scores on ranks. A constant effect ranks nobody: 0, with p = 1.
    Source: Yadlowsky, Fleming, Shah, Brunskill & Wager (2025), Journal of the American Statistical Association 120, 38-51.
    """
    effect, scores = np.asarray(cate, dtype=float), np.asarray(score, dtype=float)
    if np.ptp(effect) == 0:
        return NOTHING_SHOWN
    n = len(scores)
    order = descending(effect)
    by_rank = tie_averaged(effect[order], weights)
    value = float(np.mean(by_rank * scores[order]))

    slope, intercept = np.polyfit(np.arange(n) / n, scores[order], 1)
    level = intercept + slope * np.arange(n) / n
    # d value / d rank at rank r is level(r) * (w(r + 1) - w(r)); a row pushes all ranks behind its own by one, so its
    # influence is the sum of those from its rank on, less its mean over rows.
    pushed = level[:-1] * np.diff(by_rank)
    shift = np.append(np.cumsum(pushed[::-1])[::-1], 0.0)
    influence = np.empty(n)
    influence[order] = by_rank * scores[order] - value + shift - shift.mean()
    return one_sided(Estimate(value, standard_error(influence, household_id)))


def autoc(cate: ArrayLike, score: ArrayLike, household_id: ArrayLike) -> OneSided:
    """Area under the TOC: the gain over the average effect from treating the first q by rank, averaged over q."""
    return rank_weighted_effect(cate, score, household_id, autoc_weights(len(np.asarray(score))))


def qini(cate: ArrayLike, score: ArrayLike, household_id: ArrayLike) -> OneSided:
    """Area between the Qini curve and that of a random ranking, in units of the outcome per row."""
    return rank_weighted_effect(cate, score, household_id, qini_weights(len(np.asarray(score))))


def toc_table(cate: ArrayLike, score: ArrayLike, household_id: ArrayLike, shares: ArrayLike) -> pd.DataFrame:
    """TOC at some shares: share, toc, se, ci_lower, ci_upper: mean score of the first share by rank less the mean of all.

    Pointwise 95% intervals, clustered by household, for the ranking as given.
    """
    scores = np.asarray(score, dtype=float)
    n = len(scores)
    order = descending(cate)
    rows = []
    for share in np.asarray(shares, dtype=float):
        first = np.zeros(n)
        first[order[: max(1, round(share * n))]] = 1.0
        if first.all():  # everybody is no better than everybody, exactly
            rows.append({"share": share, "toc": 0.0, **Estimate(0.0, 0.0).columns()})
            continue
        top = float(scores @ first / first.sum())
        influence = first * (scores - top) / first.mean() - (scores - scores.mean())
        estimate = Estimate(top - float(scores.mean()), standard_error(influence, household_id))
        rows.append({"share": share, "toc": estimate.value, **estimate.columns()})
    return pd.DataFrame(rows)


def best_linear_predictor(cate: ArrayLike, score: ArrayLike, household_id: ArrayLike) -> OneSided:
    """Slope of the scores on the centred effects: 1 where effects are right on average, 0 where they say nothing.

    A constant effect has no slope: 0, with p = 1. Source: Chernozhukov, Demirer, Duflo & Fernandez-Val (2025), Econometrica 93,
    1121-1164.
    """
    effect = np.asarray(cate, dtype=float)
    if np.ptp(effect) == 0:
        return NOTHING_SHOWN
    design = np.column_stack([np.ones(len(effect)), effect - effect.mean()])
    fit = sm.OLS(np.asarray(score, dtype=float), design).fit(cov_type="cluster", cov_kwds={"groups": np.asarray(household_id)})
    return one_sided(Estimate(float(fit.params[1]), float(fit.bse[1])))


def calibration_table(cate: ArrayLike, score: ArrayLike, household_id: ArrayLike, n_groups: int = GROUPS) -> pd.DataFrame:
    """Predicted and actual effect in groups of equal size by predicted effect: group (1 is lowest), n, cate, gate, se, ci_*."""
    effect, scores, households = np.asarray(cate, dtype=float), np.asarray(score, dtype=float), np.asarray(household_id)
    rows = []
    for number, members in enumerate(np.array_split(descending(effect)[::-1], n_groups), start=1):
        actual = mean_estimate(scores[members], households[members])
        rows.append(
            {
                "group": number,
                "n": len(members),
                "cate": float(effect[members].mean()),
                "gate": actual.value,
                **actual.columns(),
            }
        )
    return pd.DataFrame(rows)


def calibration_r2(table: pd.DataFrame, ate: float) -> float:
    """1 - sum |gate - cate| / sum |gate - ate| over groups: 1 is perfect, 0 as good as the average effect, below 0 worse.

    As in econml's DRTester (Dwivedi et al. 2020), which weights groups by their size.
    """
    share = table["n"] / table["n"].sum()
    missed = (share * (table["gate"] - table["cate"]).abs()).sum()
    spread = (share * (table["gate"] - ate).abs()).sum()
    return float(1 - missed / spread)


def raw_auuc(cate: ArrayLike, outcome: ArrayLike, treated: ArrayLike) -> float:
    """The reference study's area under the uplift curve, from raw group means: confounded wherever treatment was chosen.

    Mean over k of (mean outcome of treated less of controls among the first k by rank) times k/n; where an arm is still empty
    its mean is 0.
    """
    order = descending(cate)
    y, t = np.asarray(outcome, dtype=float)[order], np.asarray(treated, dtype=float)[order]
    n_treated, n_control = np.cumsum(t), np.cumsum(1 - t)
    mean_treated = np.cumsum(y * t) / np.maximum(n_treated, 1)
    mean_control = np.cumsum(y * (1 - t)) / np.maximum(n_control, 1)
    return float(np.mean((mean_treated - mean_control) * np.arange(1, len(y) + 1) / len(y)))
