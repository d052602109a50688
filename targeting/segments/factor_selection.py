"""How many factors: what each number explains, how sparse it is, and whether resamples find the same factors again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from targeting.base.parallel import in_processes
from targeting.base.progress import track
from targeting.segments.factors import FactorSettings, explained_variance, explained_variance_columns, fit_factors
from targeting.stats.resampling import resample

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class FactorChoice:
    """Which number of factors the rule recommends, and why, in words."""

    recommended: int
    reason: str


def matched_cosines(directions: Matrix, others: Matrix) -> Matrix:
    """Cosine between each factor of one fit and its partner in another, pairs chosen for the largest sum. Shape (factors,).

    Both of shape (factors, features), rows of length 1 or 0.
    """
    cosines = directions @ others.T
    return cosines[linear_sum_assignment(cosines, maximize=True)]


def loadings_stability(features: pd.DataFrame, directions: Matrix, settings: FactorSettings, resamples: int, seed: int) -> Matrix:
    """Matched cosines between `directions` and those of fits on resamples of the households, shape (resamples, factors)."""
    rows = (features.iloc[resample(len(features), seed, number)] for number in range(resamples))
    return np.array([matched_cosines(directions, fit_factors(sample, settings, seed).directions) for sample in rows])


def select_factors(
    features: pd.DataFrame, numbers: Sequence[int], settings: FactorSettings, resamples: int, seed: int
) -> pd.DataFrame:
    """One row per number of factors, each fitted anew.

    Columns: n_factors, both explained variances, n_active (factors that the penalties leave anything), reconstruction_error
    (Frobenius norm), the shares of zeros among scores and loadings (sparsity_*), and the matched cosine of the loadings with
    those of resamples: stability is its mean over factors and resamples, stability_worst the mean of the worst factor.
    """
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
        row, why = both.iloc[0], f"the fewest that explain {enough:.0%} or more with every factor found again in resamples"
    elif len(steady):
        row, why = (
            steady.loc[steady["explained_variance"].idxmax()],
            f"none explains {enough:.0%} stably; of those found again, the most",
        )
    else:
        row, why = active.loc[active["stability_worst"].idxmax()], "no number is found again in resamples; the most stable"
    return FactorChoice(
        int(row["n_factors"]),
        f"{why} (explained {row['explained_variance']:.3f}, worst matched cosine {row['stability_worst']:.2f})",
    )
