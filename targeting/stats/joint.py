"""Statements about several estimates at once: bands that cover all of them together, p-values that allow for the best of many.

Both come from the multiplier bootstrap of the estimates' influence values, summed by household. With normal multipliers its
draws are normal with the clustered covariance, so they are drawn from that directly: the same law, without a matrix of one
multiplier per household and draw. Source: Chernozhukov, Chetverikov & Kato (2013), Annals of Statistics 41, 2786-2819.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from targeting.stats.estimates import CONFIDENCE, Z, cluster_sums

Matrix = NDArray[np.float64]
DRAWS = 20_000  # of the largest of several: leaves 0.0015 of simulation error in a p-value of 0.05
# Added to the correlation's diagonal, so that estimates which are copies of each other still have a Cholesky factor.
JITTER = 1e-9
RADIUS = 0.1  # leaves about a fifth of the draws of eight correlated estimates
MOST_REFERENCES = 200  # of one number of estimates: each keeps some 300 kB


def joint_covariance(influence: Matrix, household_id: ArrayLike) -> Matrix:
    """Covariance (m, m) of m means from their influence values, shape (n, m), each of mean zero; clustered by household.

    Raises ValueError for fewer than two households.
    """
    sums = cluster_sums(influence, household_id)
    if len(sums) < 2:
        raise ValueError("A covariance needs at least two households.")
    return len(sums) / (len(sums) - 1) * (sums.T @ sums) / len(influence) ** 2


def critical_value(covariance: Matrix, seed: int, n_draws: int = DRAWS) -> float:
    """How many standard errors cover all of m estimates, covariance (m, m), at once with 95%: at least the usual 1.96.

    Estimates without variance are known, and count for nothing; 0 where that is all of them.
    """
    known = np.diag(covariance) <= 0
    if known.all():
        return 0.0
    draws = _standard_draws(covariance[np.ix_(~known, ~known)], seed, n_draws)
    return max(Z, float(np.quantile(np.abs(draws).max(axis=1), CONFIDENCE)))  # of one estimate it is Z, but for the draws' luck


class CriticalValues:
    """`critical_value` of many covariances, most of them like one that came before: the same numbers, far cheaper.

    A draw's errors are the rows of a Cholesky factor times its normals. By a factor whose rows lie within a distance of RADIUS
    each of them moves by at most RADIUS times the length of the normals. So most draws can be told to stay below the quantile,
    whatever factor that near is asked for, and are passed over.
    """

    def __init__(self, seed: int) -> None:
        """Draws are those of `critical_value` with this seed."""
        self.seed = seed
        self._factors: dict[int, Matrix] = {}  # by m, factors (references, m, m), and for each the normals (m, kept) that matter
        self._kept: dict[int, list[Matrix]] = {}

    def __call__(self, covariance: Matrix) -> float:
        """The critical value of one covariance (m, m)."""
        varies = np.diag(covariance) > 0
        if not varies.any():
            return 0.0
        factor = _factor(covariance[np.ix_(varies, varies)])
        normals = self._that_matter(factor)
        largest = np.abs(factor @ normals).max(axis=0)
        place = CONFIDENCE * (DRAWS - 1)
        below = int(place) - (DRAWS - len(largest))
        lower, upper = np.partition(largest, [below, below + 1])[[below, below + 1]]
        return max(Z, float(lower + (upper - lower) * (place - int(place))))

    def _that_matter(self, factor: Matrix) -> Matrix:
        """Normals (m, kept) of the draws whose largest error may reach the quantile; found anew where no reference is near."""
        m = len(factor)
        known = self._factors.get(m, np.empty((0, m, m)))
        near = np.flatnonzero(np.square(known - factor).sum(axis=2).max(axis=1, initial=0.0) <= RADIUS**2)
        if len(near):
            return self._kept[m][near[0]]
        if len(known) == MOST_REFERENCES:
            known, self._kept[m] = known[:0], []
        normals = _normals(self.seed, DRAWS, m).T
        # A little further, for rounding.
        largest, reach = np.abs(factor @ normals).max(axis=0), RADIUS * np.linalg.norm(normals, axis=0) + JITTER
        least = np.partition(largest - reach, int(CONFIDENCE * (DRAWS - 1)))[int(CONFIDENCE * (DRAWS - 1))]
        kept = np.ascontiguousarray(normals[:, largest + reach >= least])
        self._factors[m] = np.concatenate([known, factor[None]])
        self._kept.setdefault(m, []).append(kept)
        return kept


def adjusted_p_values(values: ArrayLike, covariance: Matrix, seed: int) -> Matrix:
    """One-sided p-value (m,) of each of m estimates being above zero, allowing for the others: P(the largest of all is as large).

    Correlated estimates cost less than by Bonferroni. An estimate without variance shows nothing: its p-value is 1.
    """
    estimates, errors = np.asarray(values, dtype=float), np.sqrt(np.diag(covariance))
    varies = errors > 0
    p = np.ones(len(estimates))
    if varies.any():
        largest = np.sort(_standard_draws(covariance[np.ix_(varies, varies)], seed).max(axis=1))
        beaten = np.searchsorted(largest, estimates[varies] / errors[varies], side="left")
        p[varies] = (len(largest) - beaten + 1) / (len(largest) + 1)
    return p


def normal_errors(covariance: Matrix, seed: int, n_draws: int = DRAWS) -> Matrix:
    """Errors drawn from a normal with this covariance (m, m), shape (draws, m); an estimate without variance has none."""
    varies = np.diag(covariance) > 0
    errors = np.zeros((n_draws, len(varies)))
    if varies.any():
        own = covariance[np.ix_(varies, varies)]
        errors[:, varies] = _standard_draws(own, seed, n_draws) * np.sqrt(np.diag(own))
    return errors


def _standard_draws(covariance: Matrix, seed: int, n_draws: int = DRAWS) -> Matrix:
    factor = _factor(covariance)
    # Transposed twice, so that the largest of each draw is found down contiguous columns, several times as fast.
    return (factor @ _normals(seed, n_draws, len(factor)).T).T


def _factor(covariance: Matrix) -> Matrix:
    """Cholesky factor of the correlation."""
    errors = np.sqrt(np.diag(covariance))
    return np.linalg.cholesky(covariance / np.outer(errors, errors) + JITTER * np.eye(len(errors)))


@lru_cache(maxsize=16)
def _normals(seed: int, n_draws: int, m: int) -> Matrix:
    """Standard normal draws (n_draws, m), kept since many tables ask for the same; not to be written to."""
    drawn = np.random.default_rng(seed).standard_normal((n_draws, m))
    drawn.setflags(write=False)
    return drawn
