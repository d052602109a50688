"""One learner's settings for every outcome: searched for side by side, kept or not, and what the searches tried."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from targeting.base.parallel import in_processes
from targeting.base.progress import track
from targeting.learners.data import OutcomeData, data_by_outcome
from targeting.learners.registry import Learner
from targeting.learners.tuning import default_losses, importances, search, search_history, study_key, summary, tuned
from targeting.stats.folds import in_sample
from targeting.stats.resampling import by_lot

# Trials between two looks at the clock: outcomes run at once, and wait for each other this often.
STEP = 5


@dataclass(frozen=True)
class TunedLearner:
    """By outcome the `summary`, and with it the settings of each fold; of all outcomes what was tried, and what mattered."""

    summaries: dict[str, dict[str, Any]]
    settings: dict[str, dict[str, Any]]
    history: pd.DataFrame
    importance: pd.DataFrame


def data_to_tune_on(
    panel: pd.DataFrame, nuisance: pd.DataFrame, inner: pd.DataFrame, at_most: int | None, seed: int
) -> dict[str, OutcomeData]:
    """The data by outcome of `at_most` households of those that are learned from: settings serve all."""
    learned = in_sample(panel["fold"])
    panel, nuisance = (table[learned].reset_index(drop=True) for table in (panel, nuisance))
    kept = by_lot(panel["household_id"], at_most, seed)
    panel, nuisance = (table[kept].reset_index(drop=True) for table in (panel, nuisance))
    return data_by_outcome(panel, nuisance, inner[inner["household_id"].isin(panel["household_id"])])


def tune_learner(
    name: str, learner: Learner, data: Mapping[str, OutcomeData], trials: int, seed: int, studies: Path
) -> TunedLearner:
    """Search `trials` settings for each outcome; finished ones are kept in the folder `studies`, and not tried again."""
    outcomes = list(data)
    jobs = [(data[outcome], learner, seed) for outcome in outcomes]
    losses = dict(zip(outcomes, in_processes(default_losses, jobs), strict=True))
    keys = {outcome: study_key(data[outcome], learner, losses[outcome], seed) for outcome in outcomes}
    paths = {outcome: studies / f"{name}_{outcome}_{keys[outcome]}.log" for outcome in outcomes}
    for done in track(range(0, trials, STEP), f"Tuning {name}"):
        upto = min(done + STEP, trials)
        list(in_processes(search, [(data[outcome], learner, upto, seed, paths[outcome]) for outcome in outcomes]))
    results = {outcome: tuned(learner, losses[outcome], paths[outcome], trials) for outcome in outcomes}
    summaries = {outcome: summary(result) for outcome, result in results.items()}
    tried = [search_history(path, trials).assign(outcome=outcome) for outcome, path in paths.items()]
    mattered = [importances(path, learner.ranges, trials).assign(outcome=outcome) for outcome, path in paths.items()]
    return TunedLearner(
        summaries,
        {o: {**summaries[o], "settings": dict(zip(data[o].numbers, results[o].by_fold(), strict=True))} for o in outcomes},
        pd.concat(tried, ignore_index=True),
        pd.concat(mattered, ignore_index=True),
    )
