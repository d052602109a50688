"""Segments: K-Means on household factors, how well they are separated, and how they hold when the data change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import (
    adjusted_rand_score,
    calinski_harabasz_score,
    davies_bouldin_score,
    pairwise_distances_argmin,
    silhouette_score,
)
from sklearn.mixture import GaussianMixture

from targeting.errors import DataError
from targeting.factors import Factorisation, FactorSettings, fit_factors
from targeting.progress import track

Matrix = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Separation:
    """Cluster indices on the household factors, and the share of the smallest cluster."""

    silhouette: float
    calinski_harabasz: float
    davies_bouldin: float
    smallest_share: float


def fit_kmeans(household_factors: Matrix, k: int, restarts: int, seed: int) -> KMeans:
    """K-Means with `restarts` starts; raises DataError when fewer than k households differ."""
    distinct = len(np.unique(household_factors.round(12), axis=0))
    if distinct < k:
        raise DataError(f"{distinct} distinct households cannot form {k} segments: lower segmentation.k.")
    return KMeans(k, n_init=restarts, random_state=seed).fit(household_factors)


def order_by(values: NDArray[np.float64], labels: Labels) -> Labels:
    """For each old label its new number, shape (k,): clusters numbered from 0 by falling mean of `values` (households,)."""
    means = np.bincount(labels, values) / np.bincount(labels)
    numbers = np.empty(len(means), dtype=np.int64)
    numbers[np.argsort(-means, kind="stable")] = np.arange(len(means))
    return numbers


def nearest_centre(household_factors: Matrix, centres: Matrix) -> Labels:
    """The row number of the nearest centre for each household, shape (households,)."""
    return pairwise_distances_argmin(household_factors, centres)


def separation(household_factors: Matrix, labels: Labels) -> Separation:
    """The usual indices for one clustering."""
    sizes = np.bincount(labels)
    return Separation(
        silhouette=float(silhouette_score(household_factors, labels)),
        calinski_harabasz=float(calinski_harabasz_score(household_factors, labels)),
        davies_bouldin=float(davies_bouldin_score(household_factors, labels)),
        smallest_share=float(sizes[sizes > 0].min() / len(labels)),
    )


def resample(n: int, seed: int, number: int) -> Labels:
    """Row numbers of bootstrap resample `number`, shape (n,); each number has its own stream."""
    return np.random.default_rng([seed, number]).integers(0, n, n)


def bootstrap_ari(household_factors: Matrix, labels: Labels, k: int, restarts: int, bootstraps: int, seed: int) -> Matrix:
    """Adjusted Rand index between `labels` and K-Means refitted on resamples of the same size, shape (bootstraps,).

    Each refit predicts every household. The factors stay as they are, as in the reference study's number.
    Source: Hennig (2007), Computational Statistics & Data Analysis 52, 258-271.
    """

    def refit(number: int) -> float:
        rows = resample(len(labels), seed, number)
        model = KMeans(k, n_init=restarts, random_state=seed).fit(household_factors[rows])
        return float(adjusted_rand_score(labels, model.predict(household_factors)))

    return _repeat(refit, bootstraps, f"Refitting {k} segments")


def bootstrap_ari_all(
    features: pd.DataFrame, settings: FactorSettings, labels: Labels, k: int, restarts: int, bootstraps: int, seed: int
) -> Matrix:
    """The same where each resample refits everything: logs, scaling, factors and clusters. Shape (bootstraps,)."""

    def refit(number: int) -> float:
        rows = features.iloc[resample(len(labels), seed, number)]
        factorisation = fit_factors(rows, settings, seed)
        model = KMeans(k, n_init=restarts, random_state=seed).fit(factorisation.transform(rows))
        return float(adjusted_rand_score(labels, model.predict(factorisation.transform(features))))

    return _repeat(refit, bootstraps, f"Refitting factors and {k} segments")


def _repeat(refit: Callable[[int], float], bootstraps: int, description: str) -> Matrix:
    jobs = Parallel(n_jobs=-1, return_as="generator")(delayed(refit)(number) for number in range(bootstraps))
    return np.array(list(track(jobs, description, bootstraps)))


def select_clusters(household_factors: Matrix, numbers: Sequence[int], restarts: int, bootstraps: int, seed: int) -> pd.DataFrame:
    """K-Means and a Gaussian mixture over `numbers` of clusters, factors held fixed.

    One row a method and number: method, k, silhouette, calinski_harabasz, davies_bouldin, smallest_share, inertia (K-Means) or
    bic (mixture), and the mean and deviation of the ARI between the full fit and fits on resamples of the same size.
    """
    jobs = [(method, k) for method in ("kmeans", "mixture") for k in numbers]
    results = Parallel(n_jobs=-1, return_as="generator")(
        delayed(_compare)(household_factors, method, k, restarts, bootstraps, seed) for method, k in jobs
    )
    return pd.DataFrame(list(track(results, "Comparing numbers of segments", len(jobs))))


def _compare(household_factors: Matrix, method: str, k: int, restarts: int, bootstraps: int, seed: int) -> dict[str, float | str]:
    def fit(rows: Matrix) -> KMeans | GaussianMixture:
        if method == "kmeans":
            return KMeans(k, n_init=restarts, random_state=seed).fit(rows)
        return GaussianMixture(k, random_state=seed, reg_covar=1e-4, max_iter=300).fit(rows)

    model = fit(household_factors)
    labels = model.predict(household_factors)
    agreements = [
        adjusted_rand_score(labels, fit(household_factors[resample(len(labels), seed, number)]).predict(household_factors))
        for number in range(bootstraps)
    ]
    return {
        "method": method,
        "k": k,
        **vars(separation(household_factors, labels)),
        "inertia": float(model.inertia_) if method == "kmeans" else np.nan,
        "bic": float(model.bic(household_factors)) if method == "mixture" else np.nan,
        "ari_mean": float(np.mean(agreements)),
        "ari_std": float(np.std(agreements)),
    }


def assign_segments(features: pd.DataFrame, factorisation: Factorisation, centres: Matrix) -> Labels:
    """The segment of any household from its features alone, shape (households,): factors, then the nearest centre."""
    return nearest_centre(factorisation.transform(features), centres)
