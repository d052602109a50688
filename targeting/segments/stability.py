"""Whether the segments hold: when households are drawn again or left out, with other seeds, and over time.

Here everything is refitted: logs, scaling, factors and clusters. Agreement is the adjusted Rand index over all households.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.cluster import contingency_matrix
from sklearn.model_selection import KFold

from targeting.base.parallel import in_processes
from targeting.base.progress import track
from targeting.segments.factors import Factorisation, FactorSettings, factor_shares, fit_factors, varying_features
from targeting.segments.grouping import Separation, assign_segments, fit_kmeans, separation
from targeting.stats.resampling import resample

Matrix = NDArray[np.float64]
Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]
FOLDS, SEEDS, DRAWS = 10, 10, 10
ABSENT = "no purchase"


@dataclass(frozen=True)
class FittedSegments:
    """What gives any household its segment."""

    factorisation: Factorisation
    centres: Matrix

    def assign(self, features: pd.DataFrame) -> Labels:
        """The segment of each household from its features, shape (households,)."""
        return assign_segments(features, self.factorisation, self.centres)


@dataclass(frozen=True)
class Recipe:
    """How segments are made from features: the factors' settings, the number of segments and K-Means starts, the seed."""

    settings: FactorSettings
    k: int
    restarts: int
    seed: int

    def fit(self, features: pd.DataFrame) -> FittedSegments:
        """Fit everything on `features` (one row per household).

        A feature with one value in all rows, as a resample or half of the weeks may have, tells nothing there and is left out.
        """
        factorisation = fit_factors(features[varying_features(features)], self.settings, self.seed)
        model = fit_kmeans(factor_shares(factorisation.transform(features)), self.k, self.restarts, self.seed)
        return FittedSegments(factorisation, model.cluster_centers_)


def of_these_alone(features: pd.DataFrame, segments: Labels, drawn: Mask, recipe: Recipe) -> Labels:
    """Segments of the households `drawn` by a fit on these alone; `segments` themselves where everybody is drawn.

    What is fitted on them again is compared with that fit, so that to be fewer does not count as to be unstable.
    """
    return segments if drawn.all() else recipe.fit(features[drawn]).assign(features[drawn])


def refitted_on_resamples(features: pd.DataFrame, recipe: Recipe, bootstraps: int, drawn: Mask) -> Matrix:
    """Segments of the households `drawn`, by fits on resamples of all that have as many: shape (bootstraps, drawn households)."""
    rows = [resample(len(features), recipe.seed, number, int(drawn.sum())) for number in range(bootstraps)]
    return _refit(features, [(sample, recipe) for sample in rows], "Refitting everything on resamples", features[drawn])


def refitted_without_a_tenth(features: pd.DataFrame, recipe: Recipe) -> Matrix:
    """Segments of every household by fits that each leave out another tenth of the households, shape (10, households)."""
    folds = KFold(FOLDS, shuffle=True, random_state=recipe.seed).split(features)
    return _refit(features, [(kept, recipe) for kept, _ in folds], "Leaving out a tenth of the households")


def refitted_with_other_seeds(features: pd.DataFrame, recipe: Recipe) -> Matrix:
    """Segments of every household by fits with other seeds, shape (10, households)."""
    everyone = np.arange(len(features))
    others = [Recipe(recipe.settings, recipe.k, recipe.restarts, recipe.seed + number) for number in range(1, SEEDS + 1)]
    return _refit(features, [(everyone, other) for other in others], "Refitting with other seeds")


def _refit(
    features: pd.DataFrame,
    fits: Sequence[tuple[NDArray[np.int64], Recipe]],
    description: str,
    assigned: pd.DataFrame | None = None,
) -> Matrix:
    """Segments of those `assigned`, by default everybody, by each of the fits: shape (fits, households)."""
    labels = partial(_labels, features, features if assigned is None else assigned)
    return np.array(list(track(in_processes(labels, fits), description, len(fits))))


def _labels(features: pd.DataFrame, assigned: pd.DataFrame, rows: NDArray[np.int64], recipe: Recipe) -> Labels:
    return recipe.fit(features.iloc[rows]).assign(assigned)


def agreement(segments: Labels, refits: Iterable[Labels]) -> Matrix:
    """Adjusted Rand index between `segments` and each refit, shape (refits,)."""
    return np.array([adjusted_rand_score(segments, refit) for refit in refits])


def agreement_table(checks: Mapping[str, Matrix]) -> pd.DataFrame:
    """One row per check: check, n (refits), and the mean, deviation and minimum of their agreement."""
    return pd.DataFrame(
        [
            {"check": name, "n": len(values), "ari_mean": values.mean(), "ari_std": values.std(), "ari_min": values.min()}
            for name, values in checks.items()
        ]
    )


def recovery(segments: Labels, refits: Iterable[Labels]) -> Matrix:
    """How well each segment is found again: the largest Jaccard index with any segment of a refit, shape (refits, segments).

    Above 0.85 a segment is highly stable, below 0.6 it should not be trusted.
    Source: Hennig (2007), Computational Statistics & Data Analysis 52, 258-271.
    """
    sizes = np.bincount(segments)
    best = []
    for refit in refits:
        shared = contingency_matrix(segments, refit)
        best.append((shared / (sizes[:, None] + shared.sum(axis=0) - shared)).max(axis=1))
    return np.array(best)


def ungrouped(features: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Made-up households with these features' distributions and rank correlations, but no groups. Shape as `features`.

    A Gaussian copula: normal scores with the correlations of the features' own, mapped back to values that occur.
    Source: Nelsen (2006), An Introduction to Copulas, chapter 2.
    """
    ranks = features.rank(method="average").to_numpy() / (len(features) + 1)
    correlation = np.corrcoef(norm.ppf(ranks), rowvar=False)
    # The small term keeps features that determine each other from making the correlations singular.
    root = np.linalg.cholesky(correlation + 1e-9 * np.eye(len(correlation)))
    uniform = norm.cdf(np.random.default_rng(seed).standard_normal(features.shape) @ root.T)
    quantiles = [features[name].quantile(uniform[:, column], "lower").to_numpy() for column, name in enumerate(features)]
    return pd.DataFrame(np.column_stack(quantiles), columns=features.columns)


def separation_without_groups(features: pd.DataFrame, recipe: Recipe) -> pd.DataFrame:
    """How well the same recipe separates households without groups: one row per draw, a column per index.

    What it finds there it would find in any data with these correlations. Indices no better than that say that the segments cut
    a continuum into convenient parts.
    """
    draws = in_processes(partial(_of_draw, features, recipe), ((number,) for number in range(DRAWS)))
    return pd.DataFrame([vars(one) for one in track(draws, "Segmenting households without groups", DRAWS)])


def _of_draw(features: pd.DataFrame, recipe: Recipe, number: int) -> Separation:
    drawn = ungrouped(features, recipe.seed + number)
    fitted = recipe.fit(drawn)
    return separation(factor_shares(fitted.factorisation.transform(drawn)), fitted.assign(drawn), recipe.seed)


def transitions(earlier: pd.Series, later: pd.Series, names: Sequence[str]) -> pd.DataFrame:
    """How households move between segments: one row per pair (earlier, later), with n and share of the earlier segment's.

    `earlier` and `later` hold segments by household_id, numbered from 0 as `names`; who is absent from one of them bought nothing
    in that half. Households of the later half alone are left out: whether they are new is not known.
    """
    states = [*names, ABSENT]
    moved = pd.DataFrame({"earlier": earlier, "later": later.reindex(earlier.index).fillna(len(names)).astype(int)})
    pairs = pd.MultiIndex.from_product([range(len(names)), range(len(states))], names=["earlier", "later"])
    table = moved.value_counts().reindex(pairs, fill_value=0).rename("n").reset_index()
    size = table.groupby("earlier")["n"].transform("sum")
    table["share"] = table["n"] / size.where(size > 0, 1)
    for column in ("earlier", "later"):
        table[column] = [states[number] for number in table[column]]
    return table
