"""Segments: K-Means on the factor shares of households, how well they are separated, and which number of them to take."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
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

from targeting.base.errors import DataError
from targeting.base.parallel import in_processes
from targeting.base.progress import track
from targeting.segments.factors import Factorisation, factor_shares
from targeting.stats.resampling import by_lot, resample

Matrix = NDArray[np.float64]
Labels = NDArray[np.int64]
METHODS = {"kmeans": "K-Means", "mixture": "Gaussian mixture"}
# Keeps a component's variance away from zero where many households lack a factor altogether.
SMALLEST_VARIANCE = 1e-3
SILHOUETTE_OF = 5_000  # households at most, by lot: it takes the distances of all pairs


@dataclass(frozen=True)
class Separation:
    """Cluster indices on the factor shares, and the share of the smallest cluster."""

    silhouette: float
    calinski_harabasz: float
    davies_bouldin: float
    smallest_share: float


@dataclass(frozen=True)
class ClusterChoice:
    """What the rule recommends and what is in use: rows of the table of `select_clusters`.

    `separated` where the recommended one has the lowest Davies-Bouldin index, and is not merely the most stable.
    """

    best: pd.Series
    used: pd.Series
    separated: bool

    @property
    def method(self) -> str:
        """The recommended method."""
        return str(self.best["method"])

    @property
    def k(self) -> int:
        """The recommended number of segments."""
        return int(self.best["k"])


def fit_kmeans(points: Matrix, k: int, restarts: int, seed: int) -> KMeans:
    """K-Means with `restarts` starts on points (households, factors); raises DataError when fewer than k of them differ."""
    distinct = len(np.unique(points.round(12), axis=0))
    if distinct < k:
        raise DataError(f"{distinct} distinct households cannot form {k} segments: lower segmentation.k and selection.")
    return KMeans(k, n_init=restarts, random_state=seed).fit(points)


def fit_mixture(points: Matrix, k: int, seed: int) -> GaussianMixture:
    """A mixture of k Gaussians with diagonal covariances: shares sum to 1, so that a full covariance would be singular."""
    return GaussianMixture(k, covariance_type="diag", reg_covar=SMALLEST_VARIANCE, max_iter=300, random_state=seed).fit(points)


def order_by(values: NDArray[np.float64], labels: Labels) -> Labels:
    """For each old label its new number, shape (k,): clusters numbered from 0 by falling mean of `values` (households,)."""
    means = np.bincount(labels, values) / np.bincount(labels)
    numbers = np.empty(len(means), dtype=np.int64)
    numbers[np.argsort(-means, kind="stable")] = np.arange(len(means))
    return numbers


def separation(points: Matrix, labels: Labels, seed: int) -> Separation:
    """The usual indices for one clustering; not numbers where all households are in one cluster.

    The silhouette of more than SILHOUETTE_OF households is that of so many of them, drawn by lot.
    """
    sizes = np.bincount(labels)
    several = (sizes > 0).sum() > 1
    return Separation(
        silhouette=_silhouette(points, labels, seed),
        calinski_harabasz=float(calinski_harabasz_score(points, labels)) if several else np.nan,
        davies_bouldin=float(davies_bouldin_score(points, labels)) if several else np.nan,
        smallest_share=float(sizes[sizes > 0].min() / len(labels)),
    )


def _silhouette(points: Matrix, labels: Labels, seed: int) -> float:
    drawn = by_lot(np.arange(len(points)), SILHOUETTE_OF, seed)
    points, labels = points[drawn], labels[drawn]
    return float(silhouette_score(points, labels)) if len(np.unique(labels)) > 1 else np.nan


def select_clusters(
    points: Matrix, numbers: Sequence[int], restarts: int, bootstraps: int, seed: int, at_most: int | None = None
) -> pd.DataFrame:
    """K-Means and a Gaussian mixture over `numbers` of clusters on the points (households, factors), which stay as they are.

    One row per method and number: method, k, silhouette, calinski_harabasz, davies_bouldin, smallest_share, inertia (K-Means) or
    bic (mixture), and mean and deviation of the adjusted Rand index between the fit and fits on resamples of the same size,
    each of which predicts every household. Of more than `at_most` households so many by lot are looked at. Raises DataError when
    fewer households differ than the largest number.
    Source: Hennig (2007), Computational Statistics & Data Analysis 52, 258-271, for the resampling.
    """
    jobs = [(method, k) for method in METHODS for k in numbers]
    drawn = points[by_lot(np.arange(len(points)), at_most, seed)]
    results = in_processes(partial(_compare, drawn, restarts, bootstraps, seed), jobs)
    return pd.DataFrame(list(track(results, "Comparing numbers of segments", len(jobs))))


def _compare(points: Matrix, restarts: int, bootstraps: int, seed: int, method: str, k: int) -> dict[str, float | str]:
    def fit(rows: Matrix) -> KMeans | GaussianMixture:
        return fit_kmeans(rows, k, restarts, seed) if method == "kmeans" else fit_mixture(rows, k, seed)

    model = fit(points)
    labels = model.predict(points)
    samples = (points[resample(len(points), seed, number)] for number in range(bootstraps))
    agreements = [adjusted_rand_score(labels, fit(sample).predict(points)) for sample in samples]
    return {
        "method": method,
        "k": k,
        **vars(separation(points, labels, seed)),
        "inertia": float(model.inertia_) if method == "kmeans" else np.nan,
        "bic": float(model.bic(points)) if method == "mixture" else np.nan,
        "ari_mean": float(np.mean(agreements)),
        "ari_std": float(np.std(agreements)),
    }


def recommend_clusters(selection: pd.DataFrame, chosen: int, smallest: float, stable: float) -> ClusterChoice:
    """The method and number with the lowest Davies-Bouldin index among those that are large enough and stable.

    Large enough: no cluster below the share `smallest`. Stable: a mean bootstrap ARI of at least `stable`. Where nothing is
    both, the most stable of all. `selection` is as of select_clusters; `chosen` is the number in use, by K-Means.
    """
    fit = selection[(selection["smallest_share"] >= smallest) & (selection["ari_mean"] >= stable)]
    best = selection.loc[fit["davies_bouldin"].idxmin() if len(fit) else selection["ari_mean"].idxmax()]
    used = selection[(selection["method"] == "kmeans") & (selection["k"] == chosen)].iloc[0]
    return ClusterChoice(best, used, separated=len(fit) > 0)


def assign_segments(features: pd.DataFrame, factorisation: Factorisation, centres: Matrix) -> Labels:
    """The segment of any household from its features alone, shape (households,): factor shares, then the nearest centre."""
    return pairwise_distances_argmin(factor_shares(factorisation.transform(features)), centres)
