"""What is believed of each household's effect, and of what a policy earns, after seeing the scores: empirical Bayes.

The effect of a row is level + slope * (its learner's out-of-fold effect, less its fold's mean). Both numbers are estimated from
doubly robust scores by weighted least squares, errors clustered by household, and then shrunk:

- The level has a normal prior around nothing, with the spread of the breakeven: before seeing data a mailing is as likely to
  cost as to bring, and hardly ever brings many times what it costs.
- The slope is what a learner's effects are worth: 1 if they are right, 0 if they say nothing, never below. Its prior is normal
  around 0 with the spread that makes the scores most likely (type-II maximum likelihood), which takes all of a slope away that
  is within its error and leaves nearly all of one that is far beyond it.

Sources: Efron & Morris (1973), Journal of the American Statistical Association 68, 117-130, for the shrinkage; Chernozhukov,
Demirer, Duflo & Fernandez-Val (2025), Econometrica 93, 1121-1164, for the regression of scores on predicted effects.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from targeting.stats.estimates import Estimate, cluster_sums

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Belief:
    """A normal belief about a number, such as a profit in USD per household."""

    mean: float
    sd: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% credible interval."""
        as_estimate = Estimate(self.mean, self.sd)
        return as_estimate.lower, as_estimate.upper

    @property
    def chance_below_zero(self) -> float:
        """The chance that the number is below zero; 0 for a number that is known to be zero."""
        if self.sd == 0:
            return float(self.mean < 0)
        return float(ndtr(-self.mean / self.sd))


@dataclass(frozen=True)
class Posterior:
    """The belief about level (outcome's units) and slope, each by itself."""

    level: Belief
    slope: Belief

    def mean(self, centred: ArrayLike) -> Vector:
        """Each row's expected effect (rows,), given its learner's effect less the centre."""
        return self.level.mean + self.slope.mean * np.asarray(centred, dtype=float)

    def sd(self, centred: ArrayLike) -> Vector:
        """How uncertain each row's expected effect is (rows,): its posterior standard deviation."""
        return np.hypot(self.level.sd, self.slope.sd * np.asarray(centred, dtype=float))

    def profit(self, policy: Vector, centred: Vector, cost: float | Vector, margin: float | Vector) -> Belief:
        """What a policy (rows,) earns per row, in USD, against contacting nobody."""
        gain, spent = policy * margin, policy * cost
        level, slope = float(np.mean(gain)), float(np.mean(gain * centred))
        expected = level * self.level.mean + slope * self.slope.mean - float(np.mean(spent))
        return Belief(expected, float(np.hypot(level * self.level.sd, slope * self.slope.sd)))


def centred_by_fold(effect: Vector, weight: Vector, fold: NDArray[np.int64], counted: NDArray[np.bool_]) -> Vector:
    """Effects (rows,) less the weighted mean of the counted rows of their fold: folds' models err in level each by itself.

    A fold without a counted row keeps its effects as they are; its rows are learned from by nobody.
    """
    centred = np.array(effect, dtype=float)
    for number in np.unique(fold):
        rows = fold == number
        if (rows & counted).any():
            centred[rows] -= np.average(effect[rows & counted], weights=weight[rows & counted])
    return centred


def fit_posterior(centred: Vector, score: Vector, weight: Vector, household_id: ArrayLike, prior_sd: float) -> Posterior:
    """The posterior from rows with effects (rows,), their doubly robust scores and weights.

    `prior_sd` is the spread of the level's prior, in the outcome's units. Effects that are alike for all have no slope. Raises
    ValueError for fewer than two households.
    """
    alike = np.ptp(centred) <= 1e-9 * max(1.0, float(np.abs(score).mean()))
    design = np.ones((len(score), 1)) if alike else np.column_stack([np.ones(len(score)), centred])
    values, covariance = weighted_fit(design, score, weight, household_id)
    level = _shrunk(float(values[0]), float(covariance[0, 0]), prior_sd**2)
    if alike:
        return Posterior(level, Belief(0.0, 0.0))
    slope, variance = max(float(values[1]), 0.0), float(covariance[1, 1])
    return Posterior(level, _shrunk(slope, variance, max(slope**2 - variance, 0.0)))


def weighted_fit(design: Vector, score: Vector, weight: Vector, household_id: ArrayLike) -> tuple[Vector, Vector]:
    """Weighted least squares of scores (rows,) on a design (rows, p): coefficients (p,) and their covariance by household."""
    weighted = design * weight[:, None]
    bread = np.linalg.inv(weighted.T @ design)
    coefficients = bread @ (weighted.T @ score)
    sums = cluster_sums(weighted * (score - design @ coefficients)[:, None], household_id)
    if len(sums) < 2:
        raise ValueError("A posterior needs at least two households.")
    return coefficients, len(sums) / (len(sums) - 1) * bread @ (sums.T @ sums) @ bread


def _shrunk(value: float, variance: float, prior_variance: float) -> Belief:
    """A normal prior around 0 and an estimate with this variance, put together."""
    kept = 1 / (1 + variance / prior_variance) if prior_variance > 0 else 0.0
    return Belief(kept * value, float(np.sqrt(kept * variance)))
