"""Effects and propensities of households that are in no trial yet, from models learned on all trials.

A next campaign has no indicator of its own trial: it is taken to be like those of the past, each counted by its rows, so every
prediction is the average of those with each past trial's indicator set.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.cate import LEARNERS, Effects, Rows
from targeting.errors import DataError
from targeting.models import propensity_model
from targeting.panel import PREFIX, covariate_names

Vector = NDArray[np.float64]
TRIAL = f"{PREFIX}trial_"


def household_covariates(panel: pd.DataFrame) -> list[str]:
    """The panel's covariates that describe a household rather than its trial."""
    return [name for name in covariate_names(panel) if not name.startswith(TRIAL)]


def outside_range(panel: pd.DataFrame, households: pd.DataFrame) -> pd.Series:
    """For each household the covariates (without prefix, joined by commas) outside the panel's range, else empty text.

    Raises DataError for a covariate of the panel that `households` lacks.
    """
    names = household_covariates(panel)
    absent = [name for name in names if name not in households]
    if absent:
        raise DataError(f"The candidates lack covariates of the panel: {', '.join(absent)}. Run `dvc repro` to rebuild them.")
    outside = (households[names] < panel[names].min()) | (households[names] > panel[names].max())
    short = np.array([name.removeprefix(PREFIX) for name in names])
    words = [", ".join(short[row]) for row in outside.to_numpy()]
    return pd.Series(words, index=households.index, dtype="str")


def predict_effects(panel: pd.DataFrame, households: pd.DataFrame, learner: str, outcome: str, seed: int) -> Effects:
    """Effects on `outcome` of `households` (n,), by the learner fitted on the whole panel. The one place that knows learners.

    Ends of intervals are averaged over past trials like the effects; NaN where the learner has none.
    Raises DataError for effects that are not finite.
    """
    rows = Rows(
        _learnable(panel),
        panel["treated"].to_numpy(),
        panel[outcome].to_numpy(dtype=float),
        panel["household_id"].to_numpy(),
    )
    shares, copies = _in_each_trial(panel, households)
    effects = LEARNERS[learner](rows, copies, seed)
    averaged = (shares @ values.reshape(len(shares), -1) for values in (effects.cate, effects.lower, effects.upper))
    result = Effects(*averaged)
    if not np.isfinite(result.cate).all():
        raise DataError(f"Learner {learner} gave effects on {outcome} that are not finite: choose another policy.learner.")
    return result


def predict_propensity(
    panel: pd.DataFrame, households: pd.DataFrame, models: Sequence[str], weights: Sequence[float], clip: float, seed: int
) -> Vector:
    """How likely a past campaign would have reached each of `households` (n,), by the nuisances' models and their weights.

    Clipped to [clip, 1 - clip] and rounded to four decimals: strata are cut at these numbers, alike on every processor.
    """
    shares, copies = _in_each_trial(panel, households)
    covariates, treated = _learnable(panel), panel["treated"].to_numpy()
    total = np.zeros(len(copies))
    for model, weight in zip(models, weights, strict=True):
        total += weight * propensity_model(model, seed).fit(covariates, treated).predict_proba(copies)[:, 1]
    return np.clip(shares @ total.reshape(len(shares), -1), clip, 1 - clip).round(4)


def _learnable(panel: pd.DataFrame) -> Vector:
    """Household covariates, then an indicator for every trial but the first, shape (rows, covariates)."""
    trials = sorted(panel["trial"].unique())[1:]
    indicators = [(panel["trial"] == number).to_numpy(dtype=float) for number in trials]
    return np.column_stack([panel[household_covariates(panel)].to_numpy(dtype=float), *indicators])


def _in_each_trial(panel: pd.DataFrame, households: pd.DataFrame) -> tuple[Vector, Vector]:
    """Each past trial's share of rows, shape (trials,), and the households as if in each, shape (trials * n, covariates)."""
    shares = panel["trial"].value_counts(normalize=True).sort_index().to_numpy()
    values = households[household_covariates(panel)].to_numpy(dtype=float)
    blocks = []
    for place in range(len(shares)):
        indicators = np.zeros((len(values), len(shares) - 1))
        if place > 0:
            indicators[:, place - 1] = 1.0
        blocks.append(np.column_stack([values, indicators]))
    return shares, np.vstack(blocks)
