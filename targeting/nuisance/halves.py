"""Nuisances learned twice, from two halves of the sample that share no household: their distance tells the error of learning.

All rows outside the sample are predicted by the same few models. What these are off by does not average out over the rows,
however many there are, and no standard error of a mean of scores knows of it.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.parallel import in_processes
from targeting.base.progress import track
from targeting.nuisance.cross_fit import Task, nuisance_table, nuisance_tasks, out_of_fold
from targeting.stats.folds import OUTSIDE, in_sample, split_anew
from targeting.trials.panel import covariate_matrix

Vector = NDArray[np.float64]
Halves = tuple[pd.DataFrame, pd.DataFrame]


def half_nuisances(
    panel: pd.DataFrame, models: pd.DataFrame, clip: float, splits: int, seed: int, outcomes: Sequence[str]
) -> Iterator[Halves]:
    """The table of nuisances of the rows outside the sample, as either half of the sample would have it: a pair for each split.

    `models` has the weights of the candidates (nuisance, model, weight), which stay. Splits are drawn by lot, household by
    household. Rows are in the panel's order; none, and so no pair, where all households are in the sample.
    """
    fold, households = panel["fold"].to_numpy(), panel["household_id"].to_numpy()
    outside = ~in_sample(fold)
    if not outside.any():
        return
    tasks, covariates = nuisance_tasks(panel, outcomes), covariate_matrix(panel)
    weights = models.set_index(["nuisance", "model"])["weight"]
    jobs = [(task, model, half) for task in tasks for model in weights[task.name].index for half in (0, 1)]
    for split in track(range(splits), "Learning from halves"):
        learn = split_anew(fold, households, 2, seed + split)
        results = in_processes(partial(_by_half, covariates, learn, seed), jobs)
        predictions: list[dict[str, Vector]] = [{task.name: np.zeros(outside.sum()) for task in tasks} for _ in (0, 1)]
        for (task, model, half), values in zip(jobs, results, strict=True):
            predictions[half][task.name] += weights[task.name, model] * values
        first, second = (nuisance_table(panel[outside], own, clip, outcomes) for own in predictions)
        yield first, second


def _by_half(covariates: Vector, half_of: NDArray[np.int64], seed: int, task: Task, model: str, half: int) -> Vector:
    """Predictions for the rows outside the sample by a model of one half."""
    kept = (half_of == half) | (half_of == OUTSIDE)
    return out_of_fold(task.subset(kept), model, covariates[kept], half_of[kept], OUTSIDE, seed)
