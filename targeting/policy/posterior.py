"""What is believed of each household's effect, and of what a policy earns, after seeing the scores: empirical Bayes.

The effect of a row is level + slope * (its learner's out-of-fold effect, less the mean of its fold and trial). Both are estimated
from doubly robust scores by weighted least squares, errors clustered by household, and then put together with a prior:

- The level has a normal prior around nothing. Its spread is a part of the mean outcome (policy.effect_spread): by default a
  tenth of what an average household buys, as a campaign seldom moves sales by more than some percent, and hardly ever by a
  fifth; and all of it for what a table of customers counts. What a contact costs plays no part: it says nothing of what a
  contact brings.
  Households whom lots decided on correct what observed campaigns say of it, as far as the two lie apart (`stats.joined`). The
  observed level's bias is held for about as large as its standard error, and for no larger than effects themselves may be: an
  interval may leave that open, a decision may not, or a first handful of lots, which say next to nothing, would leave
  next to nothing of the belief.
- The slope is what a learner's effects are worth: 1 if they are right, 0 if they say nothing. Before seeing data both are as
  likely: half the prior lies at 0, half is normal around 1 with a spread of 1/4, since learners that shrink their effects are a
  little too flat. Scores move belief between the two (a spike and a slab); where they say that effects differ, the size is
  nearly the learner's own, and where they do not, hardly anything is left of it.

Both are learned inside the overlap. Outside it no data speak, and what is expected there is carried over from inside: its error
has a part of its own, common to all such rows, of `extrapolation` times what is expected (policy.extrapolation). At 0.5, the
default, the effect out there lies between nothing and twice what is expected with a probability of 95%.

Sources: Lewis & Rao (2015), The unfavorable economics of measuring the returns to advertising, Quarterly Journal of Economics
130, 1941-1973, for the size of effects; Mitchell & Beauchamp (1988), Journal of the American Statistical Association 83,
1023-1032, for the spike and slab; Chernozhukov, Demirer, Duflo & Fernandez-Val (2025), Econometrica 93, 1121-1164, for the
regression of scores on predicted effects.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, ndtr

from targeting.stats.estimates import Estimate, cluster_sums
from targeting.stats.joined import join

Vector = NDArray[np.float64]
FEWEST = 30  # households from which anything is believed, and of each kind of evidence: with fewer an error is no error
SLOPE_ALIKE = 0.5  # prior chance that the learner's effects say nothing
SLOPE_RIGHT, SLOPE_SPREAD = 1.0, 0.25  # of the slope, where they say something


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

    @property
    def expected_loss(self) -> float:
        """What is expected to be lost: the mean of the number's part below zero, in its own unit, as a number above zero."""
        if self.sd == 0:
            return max(0.0, -self.mean)
        z = self.mean / self.sd
        return float(self.sd * np.exp(_log_density(z, 1.0)) - self.mean * ndtr(-z))

    @property
    def expected_gain(self) -> float:
        """What is expected to be gained: the mean of the number's part above zero, in its own unit."""
        return self.mean + self.expected_loss


@dataclass(frozen=True)
class Posterior:
    """The belief about level (outcome's units) and slope, each by itself; and what carrying it outside the overlap adds.

    `extrapolation` is the standard deviation that this adds, as a part of the expected effect; None is for nothing carried.
    """

    level: Belief
    slope: Belief
    extrapolation: float | None = None

    def mean(self, centred: ArrayLike) -> Vector:
        """Each row's expected effect (rows,), given its learner's effect less the centre."""
        return self.level.mean + self.slope.mean * np.asarray(centred, dtype=float)

    def sd(self, centred: ArrayLike, overlap: NDArray[np.bool_]) -> Vector:
        """How uncertain each row's expected effect is (rows,): its posterior standard deviation."""
        inside = np.hypot(self.level.sd, self.slope.sd * np.asarray(centred, dtype=float))
        return np.hypot(inside, (self.extrapolation or 0.0) * self.mean(centred) * ~overlap)

    def average(self, centred: ArrayLike) -> Belief:
        """What is believed of the mean effect of rows inside the overlap, given their learner's effects less the centre."""
        mean = float(np.asarray(centred, dtype=float).mean())
        return Belief(float(self.mean(mean)), float(np.hypot(self.level.sd, self.slope.sd * mean)))

    def speaks_of(self, overlap: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Of which rows (rows,) anything is believed: those inside the overlap, or all where beliefs are carried outside."""
        return overlap if self.extrapolation is None else np.ones_like(overlap)

    def profit(
        self, policy: Vector, centred: Vector, overlap: NDArray[np.bool_], cost: float | Vector, margin: float | Vector
    ) -> Belief:
        """What a policy (rows,) earns per row, in USD, against contacting nobody."""
        gain, spent = policy * margin, policy * cost
        level, slope = float(np.mean(gain)), float(np.mean(gain * centred))
        expected = level * self.level.mean + slope * self.slope.mean - float(np.mean(spent))
        carried = (self.extrapolation or 0.0) * float(np.mean(gain * ~overlap * self.mean(centred)))
        return Belief(expected, float(np.hypot(np.hypot(level * self.level.sd, slope * self.slope.sd), carried)))


def centred_in_trials(
    effect: Vector, weight: Vector, fold: NDArray[np.int64], trial: NDArray[np.int64], counted: NDArray[np.bool_]
) -> Vector:
    """Effects (rows,) less the weighted mean of the counted rows of their fold and trial.

    Folds' models err in level each by itself, and so does what each makes of a trial's indicator: one number from all that the
    trial can compare, which of a trial by lot with chances near 0 and 1 is next to nothing. As slopes are of what differs between
    households, such errors would only flatten them. Where no row of a fold and trial counts, the fold's mean serves; a fold
    without a counted row keeps its effects, and nobody learns from its rows.
    """
    by_fold = _less_mean(np.asarray(effect, dtype=float), weight, fold, counted)
    _, group = np.unique(np.column_stack([fold, trial]), axis=0, return_inverse=True)
    return _less_mean(by_fold, weight, group, counted)


def _less_mean(effect: Vector, weight: Vector, group: NDArray[np.int64], counted: NDArray[np.bool_]) -> Vector:
    centred = effect.copy()
    for number in np.unique(group):
        rows = group == number
        if (rows & counted).any():
            centred[rows] -= np.average(effect[rows & counted], weights=weight[rows & counted])
    return centred


def fit_posterior(
    centred: Vector,
    score: Vector,
    weight: Vector,
    household_id: ArrayLike,
    prior_sd: float,
    shift: Vector | None = None,
    by_lot: NDArray[np.bool_] | None = None,
    extrapolation: float | None = None,
) -> Posterior:
    """The posterior from rows with effects (rows,), their doubly robust scores and weights.

    `prior_sd` is the spread of the level's prior, in the outcome's unit; `shift` (rows, splits) how far what is learned moves
    the scores, where a sample was learned from: level and slope are then as much less certain as it moves them. Effects that are
    alike for all have no slope. Where some rows are `by_lot` (rows,) and others are not, each kind has a level of its own, and
    lots correct the observed one (`join`). Raises ValueError for fewer than two households.
    """
    alike = np.ptp(centred) <= 1e-9 * max(1.0, float(np.abs(score).mean()))
    drawn = np.zeros(len(score), dtype=bool) if by_lot is None else by_lot
    apart = all(len(np.unique(np.asarray(household_id)[rows])) >= FEWEST for rows in (drawn, ~drawn))
    kinds = np.column_stack([drawn, ~drawn]).astype(float) if apart else np.ones((len(score), 1))
    design = kinds if alike else np.column_stack([kinds, centred])
    values, covariance = weighted_fit(design, score, weight, household_id)
    if shift is not None:
        weighted = design * weight[:, None]
        moved = np.linalg.solve(weighted.T @ design, weighted.T @ shift)
        covariance = covariance + moved @ moved.T / shift.shape[1]
    found, variance = float(values[0]), float(covariance[0, 0])
    if apart:
        error = float(np.sqrt(covariance[1, 1]))
        both = join(found, float(values[1]), covariance[:2, :2], scale=error, most=max(prior_sd, error)).estimate
        found, variance = both.value, both.se**2
    level = combined(Belief(0.0, prior_sd), found, variance)
    slope = Belief(0.0, 0.0) if alike else slope_belief(float(values[-1]), float(covariance[-1, -1]))
    return Posterior(level, slope, extrapolation)


def beliefs_by_fold(
    centred: Vector,
    score: Vector,
    weight: Vector,
    household_id: NDArray[np.int64],
    fold: NDArray[np.int64],
    counted: NDArray[np.bool_],
    prior_sd: float,
    shift: Vector | None = None,
    by_lot: NDArray[np.bool_] | None = None,
    extrapolation: float | None = None,
) -> tuple[Vector, Vector]:
    """Each row's expected effect and its standard deviation (rows,), by the posterior of the other folds' counted rows.

    The counted rows are those inside the overlap; `shift` and `extrapolation` are as of `fit_posterior`. Missing for a fold
    beside which fewer than FEWEST households count.
    """
    mean, sd = np.full(len(fold), np.nan), np.full(len(fold), np.nan)
    for number in np.unique(fold):
        others, own = counted & (fold != number), fold == number
        if len(np.unique(household_id[others])) >= FEWEST:
            known = (centred[others], score[others], weight[others], household_id[others])
            drawn = None if by_lot is None else by_lot[others]
            found = fit_posterior(*known, prior_sd, None if shift is None else shift[others], drawn, extrapolation)
            mean[own], sd[own] = found.mean(centred[own]), found.sd(centred[own], counted[own])
    return mean, sd


def slope_belief(value: float, variance: float) -> Belief:
    """Mean and spread of the belief about a slope with this estimate and variance; never below 0."""
    if variance == 0:
        return Belief(max(value, 0.0), 0.0)
    slab = combined(Belief(SLOPE_RIGHT, SLOPE_SPREAD), value, variance)
    odds = _log_density(value - SLOPE_RIGHT, SLOPE_SPREAD**2 + variance) - _log_density(value, variance)
    differs = float(expit(odds + np.log(1 / SLOPE_ALIKE - 1)))
    mean = differs * slab.mean
    square = differs * (slab.sd**2 + slab.mean**2)
    return Belief(max(mean, 0.0), float(np.sqrt(max(square - mean**2, 0.0))))


def weighted_fit(design: Vector, score: Vector, weight: Vector, household_id: ArrayLike) -> tuple[Vector, Vector]:
    """Weighted least squares of scores (rows,) on a design (rows, p): coefficients (p,) and their covariance by household."""
    weighted = design * weight[:, None]
    bread = np.linalg.inv(weighted.T @ design)
    coefficients = bread @ (weighted.T @ score)
    sums = cluster_sums(weighted * (score - design @ coefficients)[:, None], household_id)
    if len(sums) < 2:
        raise ValueError("A posterior needs at least two households.")
    return coefficients, len(sums) / (len(sums) - 1) * bread @ (sums.T @ sums) @ bread


def combined(prior: Belief, value: float, variance: float) -> Belief:
    """A normal prior and an estimate with this variance, put together."""
    if np.isinf(prior.sd) or variance == 0:
        return Belief(value, float(np.sqrt(variance)))
    kept = prior.sd**2 / (prior.sd**2 + variance)
    return Belief(prior.mean + kept * (value - prior.mean), float(np.sqrt(kept * variance)))


def _log_density(deviation: float, variance: float) -> float:
    """Of a normal variable with this variance, at this distance from its mean; scipy.stats takes long to import."""
    return float(-0.5 * (np.log(2 * np.pi * variance) + deviation**2 / variance))
