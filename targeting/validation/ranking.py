"""Does an effect rank households rightly? Judged by doubly robust scores of households it never saw.

`cate` are out-of-fold effects, `score` the difference of doubly robust scores (treated less control), both shape (n,).

Standard errors take the effects as given. Cross-fitted effects are not: fold j's scores are in the effects of fold k, and those
of k in the effects of j, so that what is a product of the two counts twice. Where there is nothing to find, a measure of a
learner that is linear in scores has then up to twice the variance; the more there is to find, the less. `inflation`, a factor of
the variance, allows for it. On the problem: Wager (2024), Sequential validation of treatment heterogeneity, arXiv 2405.05534.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from targeting.stats.estimates import Estimate, standard_error

Vector = NDArray[np.float64]


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


def rank_weighted_influence(cate: ArrayLike, score: ArrayLike, weights: Vector) -> tuple[float, Vector]:
    """A rank-weighted average effect, the mean over ranks of weight times score (ties averaged), and its influence values (n,).

    The influence adds, to the noise of the scores, what a row moves by shifting everybody's rank; this second part takes
    the effect at each rank from the line that fits scores on ranks. A constant effect ranks nobody: 0, without any influence.
    Source: Yadlowsky, Fleming, Shah, Brunskill & Wager (2025), Journal of the American Statistical Association 120, 38-51.
    """
    effect, scores = np.asarray(cate, dtype=float), np.asarray(score, dtype=float)
    n = len(scores)
    if np.ptp(effect) == 0:
        return 0.0, np.zeros(n)
    order = descending(effect)
    by_rank = tie_averaged(effect[order], weights)
    value = float(np.mean(by_rank * scores[order]))

    level = level_by_rank(scores[order], np.arange(n) / n)
    # d value / d rank at rank r is level(r) * (w(r + 1) - w(r)); a row pushes all ranks behind its own by one, so its
    # influence is the sum of those from its rank on, less its mean over rows.
    pushed = level[:-1] * np.diff(by_rank)
    shift = np.append(np.cumsum(pushed[::-1])[::-1], 0.0)
    influence = np.empty(n)
    influence[order] = by_rank * scores[order] - value + shift - shift.mean()
    return value, influence


def level_by_rank(ranked_scores: Vector, shares: Vector) -> Vector:
    """The effect at each share of the ranking, by the line that fits scores in the order of ranks, shape (n,), on their rank."""
    n = len(ranked_scores)
    slope, intercept = np.polyfit(np.arange(n) / n, ranked_scores, 1)
    return intercept + slope * shares


def rank_weighted_effect(
    cate: ArrayLike, score: ArrayLike, household_id: ArrayLike, weights: Vector, inflation: float = 1.0
) -> OneSided:
    """A rank-weighted average effect with its clustered standard error; a constant effect shows nothing, and p is 1."""
    value, influence = rank_weighted_influence(cate, score, weights)
    return one_sided(Estimate(value, float(np.sqrt(inflation)) * standard_error(influence, household_id)))


def autoc(cate: ArrayLike, score: ArrayLike, household_id: ArrayLike, inflation: float = 1.0) -> OneSided:
    """Area under the TOC: the gain over the average effect from treating the first q by rank, averaged over q."""
    return rank_weighted_effect(cate, score, household_id, autoc_weights(len(np.asarray(score))), inflation)


def qini(cate: ArrayLike, score: ArrayLike, household_id: ArrayLike, inflation: float = 1.0) -> OneSided:
    """Area between the Qini curve and that of a random ranking, in units of the outcome per row."""
    return rank_weighted_effect(cate, score, household_id, qini_weights(len(np.asarray(score))), inflation)
