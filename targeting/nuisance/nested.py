"""Nuisances of learning rows that no outcome of the held-out fold has reached.

A stored nuisance of row i saw every household but those of i's fold, and so also the fold whose effects a learner is about to
predict. Learning from it would let a household's outcome touch its own effect through other rows' nuisances, which orthogonality
makes small but not nil. Here row i's nuisance for held-out fold k comes from models that saw neither i's fold nor k: then no
outcome of fold k reaches fold k's effects at all. One fit without the folds j and k serves both as held out: n (n - 1) / 2 fits.
"""

from collections.abc import Sequence
from functools import partial
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import KEYS
from targeting.base.errors import DataError
from targeting.base.parallel import in_processes
from targeting.base.progress import track
from targeting.nuisance.cross_fit import Task, nuisance_tasks, out_of_fold, stacking_weights
from targeting.nuisance.scores import propensities
from targeting.stats.folds import OUTSIDE, in_sample
from targeting.stats.units import rounded, unit_of
from targeting.trials.panel import covariate_matrix

HELD_OUT = "held_out"  # the column that says for which fold's effects a row learns


def inner_nuisances(panel: pd.DataFrame, models: Sequence[str], clip: float, seed: int) -> pd.DataFrame:
    """One row per held-out fold and row of the sample outside it: held_out, keys, propensity; by outcome mean_*, mu0_*, mu1_*.

    Candidates are stacked on the rows outside the held-out fold alone. Estimated propensities are rounded to four decimals and
    clipped (see `propensities`), outcomes to two of their unit (see `unit_of`): processors differ in the last bits of a fit, and
    a tree grown on such numbers turns a bit into another split wherever two splits tie, and with it into another effect. Rounded
    inputs are the same everywhere.
    Raises DataError with fewer than three folds.
    """
    panel = panel[in_sample(panel["fold"])].reset_index(drop=True)
    covariates, fold = covariate_matrix(panel), panel["fold"].to_numpy()
    numbers = np.unique(fold)
    if len(numbers) < 3:
        raise DataError(f"The panel has {len(numbers)} folds, and learners need three or more: raise nuisance.folds.")
    tasks = nuisance_tasks(panel)
    pairs = list(combinations(numbers.tolist(), 2))
    jobs = [(task, model, pair) for task in tasks for model in models for pair in pairs]
    results = in_processes(partial(_without_pair, covariates, fold, seed), jobs)
    # candidates[nuisance][row, held-out fold, model]; a row has none for its own fold.
    candidates = {task.name: np.full((len(panel), len(numbers), len(models)), np.nan) for task in tasks}
    for (task, model, pair), predictions in zip(jobs, track(results, "Nuisances without two folds", len(jobs)), strict=True):
        both = np.isin(fold, pair)
        first = fold[both] == pair[0]
        column, predicted = models.index(model), np.flatnonzero(both)
        for rows, other in ((first, pair[1]), (~first, pair[0])):
            candidates[task.name][predicted[rows], np.searchsorted(numbers, other), column] = predictions[rows]
    blocks = [
        _stacked(panel, tasks, {name: values[:, place] for name, values in candidates.items()}, int(number), clip)
        for place, number in enumerate(numbers)
    ]
    return pd.concat(blocks, ignore_index=True)


def _without_pair(
    covariates: NDArray[np.float64], fold: NDArray[np.int64], seed: int, task: Task, model: str, pair: tuple[int, int]
) -> NDArray[np.float64]:
    """Predictions for the rows of both folds by a model that saw neither."""
    return out_of_fold(task, model, covariates, np.where(np.isin(fold, pair), OUTSIDE, fold), OUTSIDE, seed)


def _stacked(
    panel: pd.DataFrame, tasks: Sequence[Task], candidates: dict[str, NDArray[np.float64]], held_out: int, clip: float
) -> pd.DataFrame:
    """The rows that learn for one held-out fold; `candidates` (rows, models) by nuisance."""
    learn = panel["fold"].to_numpy() != held_out
    predictions = {}
    for task in tasks:
        values = candidates[task.name][learn] @ stacking_weights(task.subset(learn), candidates[task.name][learn])
        predictions[task.name] = values.round(4) if task.probability else rounded(values, unit_of(task.target[learn]))
    propensity = propensities(panel[learn], predictions.get("propensity"), clip)
    return panel.loc[learn, KEYS].assign(**{HELD_OUT: held_out} | predictions | {"propensity": propensity})
