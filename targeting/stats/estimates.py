"""Standard errors and intervals when a household has several rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05
Z = float(ndtri(0.5 + CONFIDENCE / 2))  # what scipy.stats.norm.ppf gives, without the half second that scipy.stats takes to load


@dataclass(frozen=True)
class Estimate:
    """A point estimate with its standard error; its 95% interval is normal."""

    value: float
    se: float

    @property
    def lower(self) -> float:
        """Lower end of the 95% interval."""
        return self.value - Z * self.se

    @property
    def upper(self) -> float:
        """Upper end of the 95% interval."""
        return self.value + Z * self.se

    def columns(self) -> dict[str, float]:
        """Standard error and interval under the names that the tables use."""
        return {"se": self.se, "ci_lower": self.lower, "ci_upper": self.upper}

    def times(self, factor: float, less: float) -> "Estimate":
        """`factor`, above 0, times the number that is estimated, less another that is known."""
        return Estimate(factor * self.value - less, factor * self.se)


@dataclass(frozen=True)
class SkewedEstimate(Estimate):
    """A point estimate with its standard deviation, whose 95% interval is not normal: `ends` are its two ends."""

    ends: tuple[float, float]

    @property
    def lower(self) -> float:
        """Lower end of the 95% interval."""
        return self.ends[0]

    @property
    def upper(self) -> float:
        """Upper end of the 95% interval."""
        return self.ends[1]

    def times(self, factor: float, less: float) -> "SkewedEstimate":
        """`factor`, above 0, times the number that is estimated, less another that is known."""
        lower, upper = (factor * end - less for end in self.ends)
        return SkewedEstimate(factor * self.value - less, factor * self.se, (lower, upper))


def cluster_sums(values: ArrayLike, household_id: ArrayLike) -> NDArray[np.float64]:
    """Sums of `values`, shape (n,) or (n, m), over each household's rows: shape (households,) or (households, m)."""
    array = np.asarray(values, dtype=float)
    households, codes = np.unique(np.asarray(household_id), return_inverse=True)
    sums = np.zeros((len(households), *array.shape[1:]))
    np.add.at(sums, codes, array)
    return sums


def standard_error(influence: ArrayLike, household_id: ArrayLike) -> float:
    """Standard error of a mean from its influence values, shape (n,), mean about zero: sums within households are independent.

    sqrt(C / (C - 1) * sum of squared household sums) / n for C households. Raises ValueError for fewer than two households.
    Source: Liang & Zeger (1986), Biometrika 73, 13-22.
    """
    sums = cluster_sums(influence, household_id)
    if len(sums) < 2:
        raise ValueError("A standard error needs at least two households.")
    return float(np.sqrt(len(sums) / (len(sums) - 1) * np.square(sums).sum()) / len(np.asarray(influence)))


def mean_estimate(values: ArrayLike, household_id: ArrayLike) -> Estimate:
    """The mean of `values`, shape (n,), with its standard error clustered by household."""
    array = np.asarray(values, dtype=float)
    return Estimate(float(array.mean()), standard_error(array - array.mean(), household_id))


def ratio_estimate(numerator: ArrayLike, denominator: ArrayLike, household_id: ArrayLike) -> Estimate:
    """mean(numerator) / mean(denominator), shape (n,) each, by the delta method, clustered by household.

    Raises ValueError when the denominator's mean is zero.
    """
    value, influence = ratio_influence(numerator, denominator)
    return Estimate(value, standard_error(influence, household_id))


def ratio_influence(numerator: ArrayLike, denominator: ArrayLike) -> tuple[float, NDArray[np.float64]]:
    """mean(numerator) / mean(denominator), shape (n,) each, and its influence values (n,), whose mean is zero.

    Raises ValueError when the denominator's mean is zero.
    """
    top, bottom = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    if bottom.mean() == 0:
        raise ValueError("A ratio needs a denominator whose mean is not zero.")
    value = float(top.mean() / bottom.mean())
    return value, (top - value * bottom) / bottom.mean()
