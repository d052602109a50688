"""Standard errors that count the nuisances' own error: households drawn anew, and every model refitted on them.

The analytic standard error takes the cross-fitted nuisances as good as true. Where overlap is weak they extrapolate, and what
they are off by then is as large as what the analytic error knows of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator

from targeting.clusters import Estimate
from targeting.effects import RATIOS, effect_data
from targeting.folds import household_folds
from targeting.models import without_search
from targeting.nuisance import Task, nuisance_table, nuisance_tasks, out_of_fold
from targeting.panel import covariate_matrix
from targeting.progress import track


def refit_draws(panel: pd.DataFrame, outcome: str, n_draws: int, n_folds: int, clip: float, seed: int) -> pd.DataFrame:
    """Estimates on `n_draws` samples of as many households, drawn with replacement: one row a draw, one column an estimator.

    Nuisances are the linear models, cross-fitted anew in each draw by one split; penalties are chosen once, on all rows, since
    copies of a row would make a search overfit. A household's copies share a fold. Estimators are the ratios of sums.
    """
    models = _models_of(panel, outcome, seed)
    rules = (outcome, models, n_folds, clip)
    # Processes, not threads: each fit is single-threaded, so the numbers do not depend on how many run at once.
    results = Parallel(n_jobs=-1, return_as="generator")(
        delayed(_draw)(panel, *rules, [seed, number]) for number in range(n_draws)
    )
    return pd.DataFrame(list(track(results, "Refitting on resampled households", n_draws)))


def _tasks(panel: pd.DataFrame, outcome: str) -> list[Task]:
    return [task for task in nuisance_tasks(panel) if task.name == "propensity" or task.name.endswith(outcome)]


def _models_of(panel: pd.DataFrame, outcome: str, seed: int) -> dict[str, BaseEstimator]:
    """For every nuisance the linear model with its penalty chosen on all rows, unfitted."""
    covariates, models = covariate_matrix(panel), {}
    for task in _tasks(panel, outcome):
        target = task.target[task.learn_from]
        fitted = task.build("linear", seed).fit(covariates[task.learn_from], target.astype(int) if task.probability else target)
        models[task.name] = without_search(fitted)
    return models


def _draw(
    panel: pd.DataFrame, outcome: str, models: Mapping[str, BaseEstimator], n_folds: int, clip: float, seed: Sequence[int]
) -> dict[str, float]:
    """The estimates on one resample of households."""
    households = panel["household_id"].to_numpy()
    unique, codes = np.unique(households, return_inverse=True)
    counts = np.bincount(np.random.default_rng(seed).integers(0, len(unique), len(unique)), minlength=len(unique))
    rows = panel.iloc[np.repeat(np.arange(len(panel)), counts[codes])].reset_index(drop=True)
    fold = household_folds(rows["household_id"], n_folds, seed[1])
    covariates, predictions = covariate_matrix(rows), {}
    for task in _tasks(rows, outcome):
        fixed = replace(task, build=lambda name, _: models[name])
        predicted = np.empty(len(rows))
        for number in range(n_folds):
            predicted[fold == number] = out_of_fold(fixed, task.name, covariates, fold, number, seed[1])
        predictions[task.name] = predicted
    data = effect_data(rows, nuisance_table(rows, predictions, clip, [outcome]), outcome)
    return {method: float(np.divide(*(part.sum() for part in terms(data)))) for method, terms in RATIOS.items()}


def refit_table(draws: pd.DataFrame, estimates: Mapping[str, Estimate]) -> pd.DataFrame:
    """One row an estimator: method, estimate, se (analytic), se_refit (spread of the draws), ci_lower, ci_upper, n_draws.

    The intervals are normal with the larger standard error, about the estimate from all rows; the draws only say how wide.
    """
    rows = []
    for method in draws.columns:
        found, spread = estimates[method], float(draws[method].std(ddof=1))
        honest = Estimate(found.value, max(found.se, spread))
        rows.append(
            {
                "method": method,
                "estimate": found.value,
                "se": found.se,
                "se_refit": spread,
                "ci_lower": honest.lower,
                "ci_upper": honest.upper,
                "n_draws": len(draws),
            }
        )
    return pd.DataFrame(rows)
