"""Cross-fitted nuisances: propensity and outcome models that never saw the household they predict.

Candidates are stacked for each nuisance by itself: the convex weights with the lowest out-of-fold loss. Repeats over
different splits are averaged. Households outside the sample (see targeting.stats.folds) need no split: a model of the whole
sample predicts them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from sklearn.base import BaseEstimator
from sklearn.metrics import log_loss, mean_squared_error

from targeting.base.columns import KEYS, outcomes_of
from targeting.base.lots import known_propensities
from targeting.base.parallel import in_processes
from targeting.base.progress import track
from targeting.nuisance.models import outcome_model, propensity_model
from targeting.nuisance.scores import dr_scores, propensities
from targeting.stats.blocks import in_blocks
from targeting.stats.folds import OUTSIDE, in_sample, split_anew
from targeting.stats.units import unit_of
from targeting.trials.panel import covariate_matrix

Vector = NDArray[np.float64]
EXACT = 1e-14  # relative change of a loss, below which its stacking weights are found
CERTAIN = 1e-12  # what a probability of 0 counts for in a loss: more than the last bits by which weights miss a sum of 1


@dataclass(frozen=True)
class Task:
    """A nuisance: what to predict, learned from the rows of `learn_from`, with which loss candidates compete."""

    name: str
    target: Vector
    learn_from: NDArray[np.bool_]
    build: Callable[[str, int], BaseEstimator]
    probability: bool

    def loss(self, predictions: Vector) -> float:
        """Log loss of a probability, mean squared error of an outcome, over the rows the nuisance is learned from."""
        target, predicted = self.target[self.learn_from], predictions[self.learn_from]
        if self.probability:
            return float(log_loss(target, np.clip(predicted, CERTAIN, 1 - CERTAIN)))
        return float(mean_squared_error(target, predicted))

    def gradient(self, candidates: Vector, weights: Vector) -> Vector:
        """By how much the loss of `candidates` (rows, models) joined by `weights` rises with each weight (models,)."""
        own, target = candidates[self.learn_from], self.target[self.learn_from]
        joint = own @ weights
        if not self.probability:
            return own.T @ (2 * (joint - target)) / len(target)
        inside = np.clip(joint, CERTAIN, 1 - CERTAIN)
        return own.T @ np.where(joint == inside, (inside - target) / (inside * (1 - inside)), 0.0) / len(target)

    def subset(self, rows: NDArray[np.bool_]) -> "Task":
        """The same for some rows."""
        return replace(self, target=self.target[rows], learn_from=self.learn_from[rows])


# Turns tasks and a panel's rows into out-of-fold predictions by nuisance name, shape (rows,) each.
CrossFit = Callable[[Sequence[Task], pd.DataFrame], Mapping[str, Vector]]


def nuisance_tasks(panel: pd.DataFrame, outcomes: Sequence[str] | None = None) -> list[Task]:
    """The propensity, and for each outcome its mean whatever the arm (mean), as control (mu0) and as treated (mu1).

    All of the panel's outcomes by default. The propensity is learned from the rows whose chance is not known, and is no task
    where there are none.
    """
    treated = panel["treated"].to_numpy()
    everyone, observed = np.ones(len(panel), dtype=bool), np.isnan(known_propensities(panel))
    tasks = []
    if observed.any():
        tasks.append(Task("propensity", treated.astype(float), observed, propensity_model, probability=True))
    for outcome in outcomes_of(panel.columns) if outcomes is None else outcomes:
        values = panel[outcome].to_numpy(dtype=float)
        tasks.append(Task(f"mean_{outcome}", values, everyone, outcome_model, probability=False))
        tasks += [Task(f"mu{arm}_{outcome}", values, treated == arm, outcome_model, probability=False) for arm in (0, 1)]
    return tasks


def out_of_fold(task: Task, model: str, covariates: Vector, fold: NDArray[np.int64], number: int, seed: int) -> Vector:
    """Predictions for the rows of fold `number` by a model learned on the other folds' rows of the task's arm, in the sample."""
    learn = task.learn_from & (fold != number) & in_sample(fold)
    model_of, held_out = task.build(model, seed), covariates[fold == number]
    if task.probability:
        fitted = model_of.fit(covariates[learn], task.target[learn].astype(int))
        return in_blocks(lambda rows: fitted.predict_proba(rows)[:, 1], held_out)
    # In units, as gradient boosting reckons with few digits.
    unit = unit_of(task.target[learn])
    return in_blocks(model_of.fit(covariates[learn], task.target[learn] / unit).predict, held_out) * unit


def cross_fit(
    tasks: Sequence[Task], panel: pd.DataFrame, models: Sequence[str], n_folds: int, repeats: int, seed: int
) -> tuple[dict[str, Vector], pd.DataFrame]:
    """Out-of-fold predictions of every nuisance, and how its candidates fared.

    The first repeat splits by the panel's own folds, further ones by other seeds. Returns the stacked predictions, averaged
    over repeats, by nuisance name, shape (rows,) each; and one row per nuisance and candidate: nuisance, model, loss, weight,
    stacked_loss, all of the sample. The weights see all its rows, but there are a handful of them: what a row's own outcome can
    move is negligible.
    """
    covariates = covariate_matrix(panel)
    folds = [panel["fold"].to_numpy()]
    folds += [split_anew(folds[0], panel["household_id"], n_folds, seed + repeat) for repeat in range(1, repeats)]
    inside = in_sample(folds[0])
    splits = [(repeat, number) for repeat in range(repeats) for number in range(n_folds)]
    splits += [] if inside.all() else [(0, OUTSIDE)]
    jobs = [(task, model, *split) for task in tasks for model in models for split in splits]
    results = in_processes(partial(_repeated, covariates, folds, seed), jobs)
    sums = {(task.name, model): np.zeros(len(panel)) for task in tasks for model in models}
    for (task, model, repeat, number), predictions in zip(
        jobs, track(results, "Cross-fitting nuisances", len(jobs)), strict=True
    ):
        sums[task.name, model][folds[repeat] == number] += predictions if number == OUTSIDE else predictions / repeats

    stacked, rows = {}, []
    for task in tasks:
        candidates = np.column_stack([sums[task.name, model] for model in models])
        own, sample = task.subset(inside), candidates[inside]
        weights = stacking_weights(own, sample)
        stacked[task.name] = candidates @ weights
        losses, joint = [own.loss(sample[:, column]) for column in range(len(models))], own.loss(stacked[task.name][inside])
        rows += [
            {"nuisance": task.name, "model": model, "loss": loss, "weight": weight, "stacked_loss": joint}
            for model, loss, weight in zip(models, losses, weights, strict=True)
        ]
    return stacked, pd.DataFrame(rows)


def _repeated(
    covariates: Vector, folds: Sequence[NDArray[np.int64]], seed: int, task: Task, model: str, repeat: int, number: int
) -> Vector:
    return out_of_fold(task, model, covariates, folds[repeat], number, seed)


def one_split(models: Sequence[str], n_folds: int, seed: int) -> CrossFit:
    """`cross_fit` over the panel's own folds alone, for side questions: repeats would cost more than they steady."""
    return lambda tasks, panel: cross_fit(tasks, panel, models, n_folds, repeats=1, seed=seed)[0]


def stacking_weights(task: Task, candidates: Vector) -> Vector:
    """Weights (models,), none negative, sum 1, that give the lowest loss to `candidates` (rows, models).

    Source: van der Laan, Polley & Hubbard (2007), Super Learner, Statistical Applications in Genetics 6(1).
    """
    n_models = candidates.shape[1]
    scale = task.loss(candidates.mean(axis=1))
    if scale == 0:  # a constant outcome, which every candidate predicts
        return np.full(n_models, 1 / n_models)
    result = minimize(
        lambda weights: task.loss(candidates @ weights) / scale,
        # A gradient by differences leaves the optimum so inexact that processors end on either side of a rounded weight.
        jac=lambda weights: task.gradient(candidates, weights) / scale,
        x0=np.full(n_models, 1 / n_models),
        method="SLSQP",
        bounds=[(0, 1)] * n_models,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1},
        options={"ftol": EXACT},
    )
    if not result.success:
        raise RuntimeError(f"Stacking {task.name} did not converge: {result.message}")
    # A third decimal changes no loss that matters, and keeps the last bits of an optimiser out of every later number.
    weights = np.round(np.clip(result.x, 0, None), 3)
    return weights / weights.sum()


def nuisance_table(
    panel: pd.DataFrame, predictions: Mapping[str, Vector], clip: float, outcomes: Sequence[str] | None = None
) -> pd.DataFrame:
    """One row per row of the panel: keys, nuisances and scores.

    The propensity is known or clipped (see `propensities`), fitted_propensity is not clipped; for each of `outcomes`, all of the
    panel's by default, follow mean_*, mu0_*, mu1_* and the doubly robust scores score0_*, score1_*.
    """
    table = panel[KEYS].copy()
    table["propensity"] = propensities(panel, predictions.get("propensity"), clip)
    table["fitted_propensity"] = propensities(panel, predictions.get("propensity"), clip=0.0)
    for outcome in outcomes_of(panel.columns) if outcomes is None else outcomes:
        mu0, mu1 = predictions[f"mu0_{outcome}"], predictions[f"mu1_{outcome}"]
        scores = dr_scores(panel[outcome], panel["treated"], table["propensity"], mu0, mu1)
        table[f"mean_{outcome}"] = predictions[f"mean_{outcome}"]
        table[f"mu0_{outcome}"], table[f"mu1_{outcome}"] = mu0, mu1
        table[f"score0_{outcome}"], table[f"score1_{outcome}"] = scores[:, 0], scores[:, 1]
    return table


def observed_arm(treated: ArrayLike, mu0: ArrayLike, mu1: ArrayLike) -> Vector:
    """The prediction for the arm that a row was in."""
    return np.where(np.asarray(treated) == 1, mu1, mu0)
