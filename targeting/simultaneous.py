"""Several estimates at once: their covariance clustered by household, and intervals that hold for all of them together.

Estimates that are means over households are jointly normal in large samples; the largest of their errors is then drawn rather
than bounded, which is what a multiplier bootstrap tends to, at the price of one small covariance matrix.
Source: Chernozhukov, Chetverikov & Kato (2013), Annals of Statistics 41, 2786-2819.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from targeting.clusters import LEVEL, cluster_sums

Vector = NDArray[np.float64]
DRAWS = 4000
# Keeps the factor of a singular correlation (policies alike, shares without noise) the same on every processor.
RIDGE = 1e-9


def covariance_of_means(values: Vector, household_id: ArrayLike) -> Vector:
    """Covariance (m, m) of the means of the columns of `values`, shape (n, m), clustered by household."""
    sums = cluster_sums(values - values.mean(axis=0), household_id)
    return sums.T @ sums * len(sums) / (len(sums) - 1) / len(values) ** 2


def normal_draws(covariance: Vector, seed: int, n_draws: int = DRAWS) -> Vector:
    """Errors drawn from a normal with this covariance (m, m), shape (draws, m); a column without variance stays 0."""
    sd = np.sqrt(np.clip(np.diag(covariance), 0.0, None))
    noisy = sd > 0
    draws = np.zeros((n_draws, len(sd)))
    if noisy.any():
        correlation = covariance[np.ix_(noisy, noisy)] / np.outer(sd[noisy], sd[noisy])
        factor = np.linalg.cholesky(correlation + RIDGE * np.eye(len(correlation)))
        draws[:, noisy] = np.random.default_rng(seed).normal(size=(n_draws, len(factor))) @ factor.T * sd[noisy]
    return draws


def critical_value(covariance: Vector, seed: int, level: float = LEVEL) -> float:
    """How many standard errors to go either way so that all m intervals hold together with probability `level`.

    Between that of one estimate (1.96), where all are alike, and Bonferroni's, where they are unrelated; 0 without any noise.
    """
    sd = np.sqrt(np.clip(np.diag(covariance), 0.0, None))
    noisy = sd > 0
    if not noisy.any():
        return 0.0
    return float(np.quantile(np.abs(normal_draws(covariance, seed)[:, noisy] / sd[noisy]).max(axis=1), level))
