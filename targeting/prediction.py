"""Effects and propensities of households in a campaign still to come, by the very models that were judged on past ones.

For each held-out fold there is a model that was judged on that fold. A household that was in a trial gets the prediction of the
model that never saw it; one that was in none gets the average of all. A next campaign has no indicator of its own trial: it is
taken to be like those of the past, each counted by its rows, so every prediction is the average over their indicators.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray

from targeting.cate import LearnerError
from targeting.effects import ato, effect_data
from targeting.ensemble import CONSTANT, constant_effect
from targeting.errors import DataError
from targeting.learners.data import OutcomeData
from targeting.learners.registry import Learner
from targeting.learners.rows import Effects, HeldOut
from targeting.models import propensity_model
from targeting.panel import PREFIX, covariate_names
from targeting.progress import track
from targeting.selection import AVERAGE_EFFECT, COMBINED

Vector = NDArray[np.float64]
Settings = Mapping[int, Mapping[str, Any]]
TRIAL = f"{PREFIX}trial_"


@dataclass(frozen=True)
class Judged:
    """The models that were judged on one outcome, by held-out fold.

    `recipe` has for each fold the weights of what is used there, by name; `learners` and their `settings` by fold are those that
    it names; `average` is the average effect with the ends of its interval, which is everybody's where no learner is used.
    """

    data: OutcomeData | None  # None where no learner is used
    recipe: Mapping[int, Mapping[str, float]]
    learners: Mapping[str, Learner]
    settings: Mapping[str, Settings]
    average: tuple[float, float, float]


def recipe(used: Mapping[int, str], stack: pd.DataFrame) -> dict[int, dict[str, float]]:
    """For each fold the parts and weights of what is used there: one learner, the average effect, or a combination of learners.

    `stack` has fold, learner and weight, on the outcome that decides, of every learner that did not fail, and of a constant.
    """
    consists = {}
    for number, name in used.items():
        weights = stack[stack["fold"] == number].set_index("learner")["weight"]
        if name not in COMBINED:
            consists[number] = {name: 1.0}
        elif name == "stack":
            consists[number] = weights[weights > 0].to_dict()
        else:
            learners = weights.index.drop(CONSTANT)
            consists[number] = dict.fromkeys(learners, 1 / len(learners))
    return consists


def average_effect(panel: pd.DataFrame, nuisance: pd.DataFrame, outcome: str) -> tuple[float, float, float]:
    """The overlap-weighted effect, and the ends of its 95% interval."""
    estimate = ato(effect_data(panel, nuisance, outcome))
    return estimate.value, estimate.lower, estimate.upper


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


def predict_effects(panel: pd.DataFrame, households: pd.DataFrame, propensity: Vector, judged: Judged, seed: int) -> Effects:
    """Effects of `households` (n,) and their intervals, by the models judged on `panel`. The one place that fits learners.

    `propensity` (trials, n) is what some learners blend with. Ends of intervals are averaged like the effects, NaN where anything
    averaged has none. Raises LearnerError for a learner that stops, and DataError for effects that are not finite.
    """
    shares, copies = in_each_trial(panel, households)
    new = HeldOut(copies, propensity.ravel())
    jobs = [(number, name) for number, parts in judged.recipe.items() for name in parts]
    fits = Parallel(n_jobs=-1, return_as="generator")(delayed(_part)(judged, number, name, new, seed) for number, name in jobs)
    by_fold = {number: np.zeros((3, len(households))) for number in judged.recipe}
    for (number, name), values in zip(jobs, track(fits, "Predicting effects", len(jobs)), strict=True):
        averaged = np.einsum("t,ktn->kn", shares, values.reshape(3, len(shares), -1))
        by_fold[number] += judged.recipe[number][name] * averaged

    fold = households["household_id"].map(panel.drop_duplicates("household_id").set_index("household_id")["fold"])
    result = np.mean(list(by_fold.values()), axis=0)
    for number, values in by_fold.items():
        own = (fold == number).to_numpy()
        result[:, own] = values[:, own]
    if not np.isfinite(result[0]).all():
        raise DataError("Some predicted effects are not finite: choose another policy.learner.")
    # Averages of equal effects must be equal: policies and groups compare them.
    return Effects(*result.round(6))


def _part(judged: Judged, number: int, name: str, new: HeldOut, seed: int) -> Vector:
    """Effects and both ends of their intervals (3, m) by one part of one fold's recipe; NaN ends where it has no interval."""
    n = len(new.propensity)
    if name == AVERAGE_EFFECT:
        return np.tile(np.array(judged.average)[:, None], n)
    if judged.data is None:
        raise ValueError(f"A recipe with {name} needs the data that it learns from.")
    if name == CONSTANT:
        constant = constant_effect(judged.data, judged.data.fold != number)
        return np.vstack([np.full(n, constant), np.full((2, n), np.nan)])
    try:
        effects = judged.learners[name].fit(judged.data.learn(number), new, judged.settings[name][number], seed)
    except (ValueError, ArithmeticError) as error:  # as where learners are judged
        raise LearnerError(f"Learner {name} stopped on the households of a next campaign: {error}") from error
    ends = (np.full(n, np.nan) if end is None else end for end in (effects.lower, effects.upper))
    return np.vstack([effects.cate, *ends])


def predict_propensity(
    panel: pd.DataFrame, households: pd.DataFrame, models: Sequence[str], weights: Sequence[float], clip: float, seed: int
) -> Vector:
    """How likely each past campaign would have reached each household, (trials, n), by the nuisances' models and their weights.

    Clipped to [clip, 1 - clip] and rounded to four decimals: strata are cut at these numbers, alike on every processor.
    """
    shares, copies = in_each_trial(panel, households)
    covariates, treated = panel[covariate_names(panel)].to_numpy(dtype=float), panel["treated"].to_numpy()
    total = np.zeros(len(copies))
    for model, weight in zip(models, weights, strict=True):
        total += weight * propensity_model(model, seed).fit(covariates, treated).predict_proba(copies)[:, 1]
    return np.clip(total.reshape(len(shares), -1), clip, 1 - clip).round(4)


def in_each_trial(panel: pd.DataFrame, households: pd.DataFrame) -> tuple[Vector, Vector]:
    """Each past trial's share of rows, shape (trials,), and the households as if in each, shape (trials * n, covariates).

    The covariates are the panel's, in its order; indicators of trials that the panel does not have are 0.
    """
    shares = panel["trial"].value_counts(normalize=True).sort_index()
    names = covariate_names(panel)
    indicators = [name for name in names if name.startswith(TRIAL)]
    blocks = []
    for trial in shares.index:
        own = {name: float(name == f"{TRIAL}{trial}") for name in indicators}
        blocks.append(households.assign(**own)[names].to_numpy(dtype=float))
    return shares.to_numpy(), np.vstack(blocks)
