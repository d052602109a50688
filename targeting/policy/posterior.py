"""What is believed of each household's effect, and of what a policy earns, after seeing the scores: empirical Bayes.

The effect of a row is level + slope * (its learner's out-of-fold effect, less an origin that all folds and trials share). Both
are estimated from doubly robust scores by weighted least squares, errors clustered by household, and put together with a prior:

- The level has a normal prior around nothing. Its spread is a part of the mean outcome (policy.effect_spread): by default a
  tenth of what an average household buys, as a campaign seldom moves sales by more than some percent, and hardly ever by a
  fifth; and all of it for what a table of customers counts. What a contact costs plays no part: it says nothing of what a
  contact brings.
  Households whom lots decided on correct what observed campaigns say of it, as far as the two lie apart (`stats.joined`). The
  observed level's bias is held for about as large as its standard error, and for no larger than effects themselves may be, or
  than that standard error where it is the larger: an interval may leave that open, a decision may not, or a first handful of
  lots, which say next to nothing, would leave next to nothing of the belief.
  Where nobody was decided on by lot, purchases once each campaign is over do so in their place: a difference of the arms that
  lasts is a bias, or an effect that lasts. Of such an effect the prior is normal around nothing with half the level's spread, so
  that a small difference changes little, and a large one much.
- The slope is what a learner's effects are worth: 1 if they are right, 0 if they say nothing. Before seeing data both are as
  likely: half the prior lies at 0, half is normal around 1 with a spread of 1/4, since learners that shrink their effects are a
  little too flat. Scores move belief between the two (a spike and a slab); where they say that effects differ, the size is
  nearly the learner's own, and where they do not, hardly anything is left of it.

Both are believed together: lots that only took in households with large effects say that the level is high or the slope steep,
and the other evidence says which.

Both are learned inside the overlap. Outside it no data speak, and what is expected there is carried over from inside: its error
has a part of its own, common to all such rows, of `extrapolation` times what is expected (policy.extrapolation). At 0.5, the
default, the effect out there lies between nothing and twice what is expected with a probability of 95%.

Sources: Lewis & Rao (2015), The unfavorable economics of measuring the returns to advertising, Quarterly Journal of Economics
130, 1941-1973, for the size of effects; Mitchell & Beauchamp (1988), Journal of the American Statistical Association 83,
1023-1032, for the spike and slab; Chernozhukov, Demirer, Duflo & Fernandez-Val (2025), Econometrica 93, 1121-1164, for the
regression of scores on predicted effects.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from targeting.stats.estimates import Estimate, ratio_influence
from targeting.stats.joined import bias_prior
from targeting.stats.joint import joint_covariance

Vector = NDArray[np.float64]
FEWEST = 30  # households from which anything is believed, and of each kind of evidence: with fewer an error is no error
SLOPE_ALIKE = 0.5  # prior chance that the learner's effects say nothing
SLOPE_RIGHT, SLOPE_SPREAD = 1.0, 0.25  # of the slope, where they say something
LASTING = 0.5  # spread of what lasts of a mailing once its campaign is over, in spreads of the level's prior
EXACT = 1e-9  # of a coefficient's size: a smaller standard error is what rounding left


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


def level_prior(outcome: ArrayLike, spread: float) -> Belief:
    """What is believed of the average effect before any is seen, from outcomes (rows,) and `policy.effect_spread`."""
    return Belief(0.0, spread * float(np.abs(np.asarray(outcome, dtype=float)).mean()))


@dataclass(frozen=True)
class Posterior:
    """The belief about level (outcome's units) and slope; and what carrying it outside the overlap adds.

    The level is that of a row with the centred effect `origin`, where what is not known of the two has nothing in common.
    `extrapolation` is the standard deviation that carrying adds, as a part of the expected effect; None is for nothing carried.
    """

    level: Belief
    slope: Belief
    extrapolation: float | None = None
    origin: float = 0.0

    def along(self, centred: ArrayLike) -> Vector:
        """How far each row (rows,) lies from the origin, given its learner's effect less the centre."""
        return np.asarray(centred, dtype=float) - self.origin

    def mean(self, centred: ArrayLike) -> Vector:
        """Each row's expected effect (rows,), given its learner's effect less the centre."""
        return self.level.mean + self.slope.mean * self.along(centred)

    def sd(self, centred: ArrayLike, overlap: NDArray[np.bool_]) -> Vector:
        """How uncertain each row's expected effect is (rows,): its posterior standard deviation."""
        inside = np.hypot(self.level.sd, self.slope.sd * self.along(centred))
        return np.hypot(inside, (self.extrapolation or 0.0) * self.mean(centred) * ~overlap)

    def average(self, centred: ArrayLike) -> Belief:
        """What is believed of the mean effect of rows inside the overlap, given their learner's effects less the centre."""
        mean = float(np.asarray(centred, dtype=float).mean())
        return Belief(float(self.mean(mean)), float(np.hypot(self.level.sd, self.slope.sd * self.along(mean))))

    def speaks_of(self, overlap: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Of which rows (rows,) anything is believed: those inside the overlap, or all where beliefs are carried outside."""
        return overlap if self.extrapolation is None else np.ones_like(overlap)

    def profit(
        self, policy: Vector, centred: Vector, overlap: NDArray[np.bool_], cost: float | Vector, margin: float | Vector
    ) -> Belief:
        """What a policy (rows,) earns per row, in USD, against contacting nobody."""
        gain, spent = policy * margin, policy * cost
        level, slope = float(np.mean(gain)), float(np.mean(gain * self.along(centred)))
        expected = level * self.level.mean + slope * self.slope.mean - float(np.mean(spent))
        carried = (self.extrapolation or 0.0) * float(np.mean(gain * ~overlap * self.mean(centred)))
        return Belief(expected, float(np.hypot(np.hypot(level * self.level.sd, slope * self.slope.sd), carried)))


def centred_in_trials(
    effect: Vector,
    weight: Vector,
    fold: NDArray[np.int64],
    trial: NDArray[np.int64],
    household_id: NDArray[np.int64],
    counted: NDArray[np.bool_],
) -> Vector:
    """Effects (rows,) with one origin for all folds and trials, at which the weighted mean of the counted rows is 0.

    Folds' models err in level each by itself, and so does what each makes of a trial's indicator: one number from all that the
    trial can compare, which of a trial by lot with chances near 0 and 1 is next to nothing. As slopes are of what differs between
    households, such errors would only flatten them. So the same households are given the same mean in every fold and trial. Each
    trial's own weighted mean would not do for an origin: where lots, or a policy, left but some households comparable, it lies
    where those stand, and their effect would pass for everybody's.
    """
    placed = np.asarray(effect, dtype=float).copy()
    numbers, sizes = np.unique(trial, return_counts=True)
    largest = numbers[np.argmax(sizes)]
    for own in (fold == number for number in np.unique(fold)):
        reference = own & (trial == largest)
        if not reference.any():
            reference = own
        placed[reference] -= placed[reference].mean()
        order = np.argsort(household_id[reference])
        known, standing = household_id[reference][order], placed[reference][order]
        for rows in (own & (trial == number) & ~reference for number in numbers):
            shared = rows & np.isin(household_id, known)
            if shared.any():
                placed[rows] -= (placed[shared] - standing[np.searchsorted(known, household_id[shared])]).mean()
            elif rows.any():
                placed[rows] -= placed[rows].mean()
    return placed - np.average(placed[counted], weights=weight[counted])


@dataclass(frozen=True)
class Known:
    """What beliefs are learned from, by row: a learner's centred effects, doubly robust scores, their weights, and households.

    by_lot (rows,): whom lots decided on; nobody where absent. shift (rows, splits): how far what is learned moves the scores,
    where a sample was learned from. after (rows, 2): what purchases after the campaign say of a bias, and from how many weeks
    (see `after_campaign`).
    """

    centred: Vector
    score: Vector
    weight: Vector
    household_id: NDArray[np.int64]
    by_lot: NDArray[np.bool_] | None = None
    shift: Vector | None = None
    after: Vector | None = None

    @property
    def drawn(self) -> NDArray[np.bool_]:
        """Whom lots decided on (rows,)."""
        return np.zeros(len(self.score), dtype=bool) if self.by_lot is None else self.by_lot

    def rows(self, chosen: NDArray[np.bool_]) -> "Known":
        """The same of some rows."""
        parts: dict[str, Any] = {name: None if values is None else values[chosen] for name, values in vars(self).items()}
        return Known(**parts)

    def enough(self, chosen: NDArray[np.bool_]) -> bool:
        """Whether the chosen rows (rows,) are of FEWEST households or more."""
        return len(np.unique(self.household_id[chosen])) >= FEWEST


def fit_posterior(known: Known, prior_sd: float, extrapolation: float | None = None) -> Posterior:
    """The posterior from what is known of rows; `prior_sd` is the spread of the level's prior, in the outcome's unit.

    Where a sample was learned from, level and slope are as much less certain as that moves them. Effects that are alike for all
    have no slope. Where some rows are by lot and others are not, each kind has a level of its own, and lots correct the observed
    one (`believed`). Where none are, purchases after the campaign do (`corrected`). Raises ValueError for fewer than two
    households.
    """
    alike = np.ptp(known.centred) <= 1e-9 * max(1.0, float(np.abs(known.score).mean()))
    drawn, household = known.drawn, known.household_id
    apart = known.enough(drawn) and known.enough(~drawn)
    kinds = np.column_stack([drawn, ~drawn]).astype(float) if apart else np.ones((len(drawn), 1))
    design = kinds if alike else np.column_stack([kinds, known.centred])
    values, influence = weighted_fit(design, known.score, known.weight)
    covariance = joint_covariance(influence, household)
    if known.shift is not None:
        weighted = design * known.weight[:, None]
        moved = np.linalg.solve(weighted.T @ design, weighted.T @ known.shift)
        covariance = covariance + moved @ moved.T / known.shift.shape[1]
    levels = kinds.shape[1]
    if not apart and not drawn.all() and known.after is not None and known.enough(known.after[:, 1] > 0):
        bias, of_bias = bias_shown(known.weight, known.after)
        shared = joint_covariance(np.column_stack([influence, of_bias]), household)
        shared[-1, -1] += (LASTING * prior_sd) ** 2
        values, covariance = corrected(values, covariance, bias, shared)
        levels = 2
    mean, covariance = believed(values, covariance, prior_sd, levels)
    level, slope = (Belief(float(mean[place]), float(np.sqrt(covariance[place, place]))) for place in (0, 1))
    if slope.sd == 0:
        return Posterior(level, slope, extrapolation)
    # Where level and slope have nothing in common.
    origin = -float(covariance[0, 1] / covariance[1, 1])
    left = Belief(level.mean + slope.mean * origin, float(np.sqrt(covariance[0, 0] - covariance[0, 1] ** 2 / covariance[1, 1])))
    return Posterior(left, slope, extrapolation, origin)


def corrected(values: Vector, covariance: Vector, bias: float, shared: Vector) -> tuple[Vector, Vector]:
    """A level less the bias that purchases after the campaign show, before the coefficients (p,) given; (p + 1,) and covariance.

    The first of `values` is the level as observed, `covariance` (p, p) theirs; `shared` (p + 1, p + 1) has in its last row what
    the estimated `bias` shares with each, and its own variance. A level so corrected is free of that bias, and stands to the one
    observed as that of lots does (`believed`). A deficit after the campaign is taken for no bias: households that stocked up buy
    less later, and that is an effect.
    """
    both = shared.copy()
    both[:-1, :-1] = covariance
    turn = np.vstack([np.zeros(len(both)), np.eye(len(values), len(both))])
    turn[0, [0, -1]] = 1.0, -1.0
    return np.append(values[0] - max(bias, 0.0), values), turn @ both @ turn.T


def bias_shown(weight: Vector, after: Vector) -> tuple[float, Vector]:
    """The bias of the weighted mean effect that purchases after the campaign show, and its influence values (rows,).

    `after` (rows, 2) are the columns AFTER of the table of `after_campaign`; rows count by `weight` (rows,) and their weeks.
    """
    bias, weeks = after.T
    return ratio_influence(weight * weeks * np.where(weeks > 0, bias, 0.0), weight * weeks)


def believed(values: Vector, covariance: Vector, prior_sd: float, kinds: int) -> tuple[Vector, Vector]:
    """Mean (2,) and covariance (2, 2) of level and slope, from their coefficients and the prior.

    `values` (kinds,) or (kinds + 1,) are the levels by one kind of evidence, or by two of which the second, the observed, has a
    bias (see `stats.joined`), and the slope, with their `covariance`; effects that are alike have no slope. The prior is a
    mixture: of a slope at 0 and one around 1, and of spreads of the bias. Under each part of it level and slope are normal.
    """
    exact = np.square(EXACT * np.maximum(np.abs(values), 1.0))
    variance = covariance + np.diag(np.maximum(exact - np.diag(covariance), 0.0))
    spread, chance = np.zeros(1), np.ones(1)
    if kinds == 2:
        error = float(np.sqrt(variance[1, 1]))
        apart = float(np.sqrt(variance[0, 0] + variance[1, 1] - 2 * variance[0, 1]))
        spread, chance = bias_prior(apart, error, max(prior_sd, error))
    errors = np.repeat(variance[None], len(spread), axis=0)
    if kinds == 2:
        errors[:, 1, 1] += np.square(spread)
    level, flat = np.arange(len(values)) < kinds, (0.0, 1 / max(prior_sd, EXACT) ** 2)
    alike = chance, *_normal_part(values, errors, np.column_stack([level]).astype(float), [flat])
    if kinds < len(values):
        right = (SLOPE_RIGHT, 1 / SLOPE_SPREAD**2)
        steep = chance, *_normal_part(values, errors, np.column_stack([level, ~level]).astype(float), [flat, right])
        mean, variance = _mixed([(SLOPE_ALIKE, *alike), (1 - SLOPE_ALIKE, *steep)])
        if mean[1] > 0:
            return mean, variance
    return _mixed([(1.0, *alike)])  # effects that run the wrong way say nothing


def _mixed(parts: Sequence[tuple[float, Vector, Vector, Vector, Vector]]) -> tuple[Vector, Vector]:
    """Mean (2,) and covariance (2, 2) of a mixture: by part its chance, those of bias spreads, and `_normal_part`."""
    logs = np.concatenate([np.log(chance * own) + evidence for chance, own, evidence, _, _ in parts])
    weight = np.exp(logs - logs.max())
    weight /= weight.sum()
    means = np.concatenate([_with_slope(part) for _, _, _, part, _ in parts])
    covariances = np.concatenate([_with_slope(part) for _, _, _, _, part in parts])
    mean = weight @ means
    apart = means - mean
    return mean, np.einsum("m,mij->ij", weight, covariances) + (apart * weight[:, None]).T @ apart


def _normal_part(
    values: Vector, errors: Vector, design: Vector, prior: Sequence[tuple[float, float]]
) -> tuple[Vector, Vector, Vector]:
    """Log evidence (m,), means (m, p) and covariances (m, p, p) of p numbers by a normal prior and linear coefficients (k,).

    `errors` (m, k, k) are covariances of the coefficients, `design` (k, p) what each is of the numbers, `prior` mean and
    precision of each number; a precision of 0 is for nothing known. The evidence leaves out what all parts have in common.
    """
    expected, precision = (np.array(each) for each in zip(*prior, strict=True))
    seen = np.linalg.inv(errors)
    information = np.diag(precision) + np.einsum("kp,mkl,lq->mpq", design, seen, design)
    covariances = np.linalg.inv(information)
    pulled = precision * expected + np.einsum("kp,mkl,l->mp", design, seen, values)
    means = np.einsum("mpq,mq->mp", covariances, pulled)
    fit = np.einsum("k,mkl,l->m", values, seen, values) + precision @ expected**2 - (means * pulled).sum(axis=1)
    sizes = np.linalg.slogdet(errors)[1] + np.linalg.slogdet(information)[1] - np.log(precision[precision > 0]).sum()
    return -0.5 * (sizes + fit), means, covariances


def _with_slope(part: Vector) -> Vector:
    """Means (m, 1) or covariances (m, 1, 1) of a level, beside a slope of 0; as they are where they have a slope."""
    return part if part.shape[-1] == 2 else np.pad(part, [(0, 0)] + [(0, 1)] * (part.ndim - 1))


def beliefs_by_fold(
    known: Known,
    fold: NDArray[np.int64],
    counted: NDArray[np.bool_],
    prior_sd: float,
    extrapolation: float | None = None,
) -> tuple[Vector, Vector]:
    """Each row's expected effect and its standard deviation (rows,), by the posterior of the other folds' counted rows.

    The counted rows are those inside the overlap. Missing for a fold beside which fewer than FEWEST households count.
    """
    mean, sd = np.full(len(fold), np.nan), np.full(len(fold), np.nan)
    for number in np.unique(fold):
        others, own = counted & (fold != number), fold == number
        if known.enough(others):
            found, centred = fit_posterior(known.rows(others), prior_sd, extrapolation), known.centred[own]
            mean[own], sd[own] = found.mean(centred), found.sd(centred, counted[own])
    return mean, sd


def weighted_fit(design: Vector, score: Vector, weight: Vector) -> tuple[Vector, Vector]:
    """Weighted least squares of scores (rows,) on a design (rows, p): coefficients (p,), and their influence values (rows, p)."""
    weighted = design * weight[:, None]
    bread = len(score) * np.linalg.inv(weighted.T @ design)
    coefficients = bread @ (weighted.T @ score) / len(score)
    return coefficients, (weighted * (score - design @ coefficients)[:, None]) @ bread


def combined(prior: Belief, value: float, variance: float) -> Belief:
    """A normal prior and an estimate with this variance, put together."""
    if np.isinf(prior.sd) or variance == 0:
        return Belief(value, float(np.sqrt(variance)))
    kept = prior.sd**2 / (prior.sd**2 + variance)
    return Belief(prior.mean + kept * (value - prior.mean), float(np.sqrt(kept * variance)))


def _log_density(deviation: float, variance: float) -> float:
    """Of a normal variable with this variance, at this distance from its mean; scipy.stats takes long to import."""
    return float(-0.5 * (np.log(2 * np.pi * variance) + deviation**2 / variance))
