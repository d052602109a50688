"""How many factors: what each number explains, how sparse it is, and whether resamples find the same factors again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum, auto
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from targeting.base.parallel import in_processes
from targeting.base.progress import track
from targeting.segments.factors import (
    FactorSettings,
    explained_variance,
    explained_variance_columns,
    fit_factors,
    varying_features,
)
from targeting.stats.resampling import by_lot, resample

Matrix = NDArray[np.float64]


class FactorRule(StrEnum):
    """What the recommended number of factors is, of those compared."""

    FEWEST = auto()  # of those stable that explain enough
    MOST_EXPLAINED = auto()  # none stable explains enough: of those stable the one that explains most
    MOST_STABLE = auto()  # none is stable


@dataclass(frozen=True)
class FactorChoice:
    """Which number of factors is recommended by which part of the rule, the variance it explains, and its stability_worst."""

    recommended: int
    rule: FactorRule
    explained_variance: float
    stability_worst: float


def matched_cosines(directions: Matrix, others: Matrix) -> Matrix:
    """Cosine between each factor of one fit and its partner in another, pairs chosen for the largest sum. Shape (factors,).

    Both of shape (factors, features), rows of length 1 or 0.
    """
    cosines = directions @ others.T
    return cosines[linear_sum_assignment(cosines, maximize=True)]


def loadings_stability(
    features: pd.DataFrame, directions: Matrix, settings: FactorSettings, resamples: int, seed: int, at_most: int | None = None
) -> Matrix:
    """Matched cosines between `directions` and those of fits on resamples of the households, shape (resamples, factors).

    A resample has as many households as there are, or `at_most` so many.
    """
    rows = (features.iloc[resample(len(features), seed, number, at_most)] for number in range(resamples))
    return np.array([matched_cosines(directions, _directions(sample, settings, seed)) for sample in rows])


def _directions(sample: pd.DataFrame, settings: FactorSettings, seed: int) -> Matrix:
    """Directions of a fit, shape (factors, features); zero for a feature that has one value in the sample, and is left out."""
    varying = sample.columns.isin(varying_features(sample))
    directions = np.zeros((settings.factors, len(varying)))
    directions[:, varying] = fit_factors(sample.loc[:, varying], settings, seed).directions
    return directions


def select_factors(
    features: pd.DataFrame,
    numbers: Sequence[int],
    settings: FactorSettings,
    resamples: int,
    seed: int,
    at_most: int | None = None,
) -> pd.DataFrame:
    """One row per number of factors, each fitted anew.

    Columns: n_factors, both explained variances, n_active (factors that the penalties leave anything), reconstruction_error
    (Frobenius norm), the shares of zeros among scores and loadings (sparsity_*), and the matched cosine of the loadings with
    those of resamples (of as many households): stability is its mean over factors and resamples, stability_worst the mean of the
    worst factor. Of more than `at_most` households so many by lot are looked at.
    """
    features = features[by_lot(np.arange(len(features)), at_most, seed)]
    judged = in_processes(partial(_judge, features, settings, resamples, seed), ((number,) for number in numbers))
    return pd.DataFrame(list(track(judged, "Comparing numbers of factors", len(numbers))))


def _judge(features: pd.DataFrame, others: FactorSettings, resamples: int, seed: int, number: int) -> dict[str, float]:
    settings = replace(others, factors=number)
    fitted = fit_factors(features, settings, seed)
    scaled, scores = fitted.scale(features), fitted.transform(features)
    rebuilt = fitted.rebuild(scores)
    cosines = loadings_stability(features, fitted.directions, settings, resamples, seed)
    return {
        "n_factors": settings.factors,
        "explained_variance": explained_variance(scaled, rebuilt),
        "explained_variance_columns": explained_variance_columns(scaled, rebuilt),
        "n_active": fitted.active,
        "reconstruction_error": float(np.linalg.norm(scaled - rebuilt)),
        "sparsity_scores": float((scores == 0).mean()),
        "sparsity_loadings": float((fitted.loadings == 0).mean()),
        "stability": float(cosines.mean()),
        "stability_worst": float(cosines.mean(axis=0).min()),
    }


def recommend_factors(selection: pd.DataFrame, enough: float, stable: float) -> FactorChoice:
    """The smallest number of factors, all of them active, that explains `enough` and whose every factor is `stable`.

    Where no number does both, the one that explains most among the stable ones; where none is stable, the most stable.
    `selection` is as of select_factors; `stable` is compared with stability_worst.
    """
    active = selection[selection["n_active"] == selection["n_factors"]]
    steady = active[active["stability_worst"] >= stable]
    both = steady[steady["explained_variance"] >= enough]
    if len(both):
        rule, row = FactorRule.FEWEST, both.iloc[0]
    elif len(steady):
        rule, row = FactorRule.MOST_EXPLAINED, steady.loc[steady["explained_variance"].idxmax()]
    else:
        rule, row = FactorRule.MOST_STABLE, active.loc[active["stability_worst"].idxmax()]
    return FactorChoice(int(row["n_factors"]), rule, float(row["explained_variance"]), float(row["stability_worst"]))
