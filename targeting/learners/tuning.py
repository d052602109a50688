"""Search for a learner's settings by Optuna: the R-loss of out-of-fold effects, by a seeded search that survives interruption."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.importance import get_param_importances
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import FrozenTrial, TrialState

from targeting.learners.base_models import Range
from targeting.learners.cross_fit import LearnerError, fit_fold, require_sane
from targeting.learners.data import OutcomeData
from targeting.learners.registry import Learner
from targeting.stats.units import widest_effects

optuna.logging.set_verbosity(optuna.logging.WARNING)  # a line per study opened tells nobody anything
Settings = dict[str, Any]
LOSSES = "fold_losses"  # of a finished trial, in Optuna's user attributes
STUDY = "search"
# TPE draws at random until it has this many trials, and the median of fewer prunes by chance.
STARTUP_TRIALS = 5
FEWEST_FOR_IMPORTANCE = 4


@dataclass(frozen=True)
class Tuned:
    """What a search found for one outcome.

    `losses` has one row per candidate, the default first, and one column per fold: sums of squares, divided by all rows, so that
    a row adds up to the candidate's R-loss. `settings` are the candidates', in the same order.
    """

    settings: list[Settings]
    losses: np.ndarray

    @property
    def choices(self) -> list[int]:
        """For each fold the candidate with the lowest loss on the other folds; of equals the first, and so the default."""
        return [int(np.argmin(np.delete(self.losses, fold, axis=1).sum(axis=1))) for fold in range(self.losses.shape[1])]

    @property
    def default_loss(self) -> float:
        """R-loss of the default settings."""
        return float(self.losses[0].sum())

    @property
    def honest_loss(self) -> float:
        """R-loss when each fold has the settings that the other folds chose: no fold judges what it chose."""
        return float(self.losses[self.choices, np.arange(self.losses.shape[1])].sum())

    @property
    def wins(self) -> bool:
        """Whether the search beats the default on folds that did not choose."""
        return self.honest_loss < self.default_loss

    def by_fold(self) -> list[Settings]:
        """The settings of each fold: those that the other folds chose if the search wins, else the default."""
        return [self.settings[choice] for choice in (self.choices if self.wins else [0] * self.losses.shape[1])]


def default_losses(data: OutcomeData, learner: Learner, seed: int) -> list[float]:
    """The folds' parts of the default settings' R-loss; infinite where the default cannot learn from these data."""
    losses = []
    for number in data.numbers:
        try:
            losses.append(fold_loss(data, learner, {**learner.settings, **learner.thrift}, number, seed))
        except LearnerError:
            losses.append(float("inf"))
    return losses


def fold_loss(data: OutcomeData, learner: Learner, settings: Settings, number: int, seed: int) -> float:
    """One fold's part of the R-loss: its sum of squares, divided by the number of all rows."""
    cate, held_out = np.zeros(len(data.outcome)), data.fold == number
    cate[held_out] = fit_fold(learner, data, number, settings, seed).cate
    require_sane(cate[held_out], widest_effects(data.outcome, data.treated), "the outcome")
    return float(data.r_losses(cate)[held_out].sum() / len(data.outcome))


def study_key(data: OutcomeData, learner: Learner, default: Sequence[float], seed: int) -> str:
    """Names a search by all that decides its results, so that none is continued on other data or by another learner.

    What the default settings lose stands for the code that fits them.
    """
    digest = sha256(repr((dict(learner.settings), dict(learner.ranges), dict(learner.thrift), list(default), seed)).encode())
    for array in (data.covariates, data.fold, data.treated, data.outcome, data.propensity, data.mean, *data.inner.values()):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def search(data: OutcomeData, learner: Learner, trials: int, seed: int, path: Path) -> None:
    """Run trials until the file at `path` holds `trials` of them; a file that another run left is continued.

    Only finished trials go to the file, and each trial's sampler starts from its own number: what an interrupted and continued
    search tries is what an uninterrupted one would have tried.
    """
    store = _open(path)
    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS))
    study.add_trials(store.get_trials(deepcopy=False))
    for number in range(len(study.trials), trials):
        study.sampler = optuna.samplers.TPESampler(seed=seed + number, n_startup_trials=STARTUP_TRIALS)
        trial = study.ask()
        losses = _run(trial, data, learner, seed)
        if losses is None:  # these settings cannot learn from these data: never chosen
            study.tell(trial, state=TrialState.FAIL)
        elif len(losses) < len(data.numbers):
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, float(np.sum(losses)))
        store.add_trial(study.trials[number])


def _run(trial: optuna.Trial, data: OutcomeData, learner: Learner, seed: int) -> list[float] | None:
    """A trial's losses by fold, fewer than the folds where it was pruned; None where it failed."""
    settings = {**fixed(learner), **suggest(trial, learner.ranges), **learner.thrift}
    losses: list[float] = []
    for number in data.numbers:
        try:
            losses.append(fold_loss(data, learner, settings, number, seed))
        except LearnerError:
            return None
        trial.report(float(np.sum(losses)), len(losses))
        if trial.should_prune():
            break
    trial.set_user_attr(LOSSES, losses)
    return losses


def trials_in(path: Path, first: int) -> list[FrozenTrial]:
    """The file's first so many trials: a search that once went further has more."""
    return _open(path).get_trials(deepcopy=False)[:first]


def tuned(learner: Learner, default: Sequence[float], path: Path, trials: int) -> Tuned:
    """The default and every completed one of the first trials in the file, with their losses."""
    completed = [trial for trial in trials_in(path, trials) if trial.state == TrialState.COMPLETE]
    settings = [dict(learner.settings), *({**fixed(learner), **rounded_settings(trial.params)} for trial in completed)]
    return Tuned(settings, np.array([list(default), *(trial.user_attrs[LOSSES] for trial in completed)]))


def summary(result: Tuned) -> dict[str, Any]:
    """Which settings are kept, and what they lose: kept, default_loss, tuned_loss (honest), best_loss (of the best trial).

    A loss is None where no fit succeeded. best_loss has chosen on the rows that it is measured on.
    """
    losses = {
        "default_loss": result.default_loss,
        "tuned_loss": result.honest_loss,
        "best_loss": float(result.losses.sum(axis=1).min()),
    }
    finite = {name: value if np.isfinite(value) else None for name, value in losses.items()}
    return {"kept": "tuned" if result.wins else "default", **finite, "n_completed": len(result.settings) - 1}


def search_history(path: Path, trials: int) -> pd.DataFrame:
    """One row per trial: trial, state, r_loss (missing where pruned or failed), best of those so far, and its settings."""
    rows = [
        {"trial": trial.number, "state": trial.state.name.lower(), "r_loss": trial.value if trial.value is not None else np.nan}
        | rounded_settings(trial.params)
        for trial in trials_in(path, trials)
    ]
    table = pd.DataFrame(rows, columns=None if rows else ["trial", "state", "r_loss"])
    # Pruned trials keep their last partial loss as their value, which compares with nothing.
    table["r_loss"] = table["r_loss"].where(table["state"] == "complete").astype(float)
    table.insert(3, "best", table["r_loss"].cummin().ffill())
    return table


def importances(path: Path, ranges: Mapping[str, Range], trials: int) -> pd.DataFrame:
    """How much each setting decides whether a trial is among the better ones: setting, importance (shares of 1).

    No rows with few completed trials. PED-ANOVA; Watanabe, Bansal & Hutter (2023), IJCAI.
    """
    study = optuna.create_study()
    study.add_trials([trial for trial in trials_in(path, trials) if trial.state == TrialState.COMPLETE])
    enough = len(study.trials) >= FEWEST_FOR_IMPORTANCE
    found = get_param_importances(study, params=list(ranges)) if enough else {}
    return pd.DataFrame({"setting": list(found), "importance": np.array(list(found.values()), dtype=float)})


def suggest(trial: optuna.Trial, ranges: Mapping[str, Range]) -> Settings:
    """A trial's settings inside the ranges: whole numbers where the range's ends are."""
    drawn: Settings = {}
    for name, (low, high, log) in ranges.items():
        if isinstance(low, int) and isinstance(high, int):
            drawn[name] = trial.suggest_int(name, low, high, log=log)
        else:
            drawn[name] = trial.suggest_float(name, low, high, log=log)
    return rounded_settings(drawn)


def rounded_settings(settings: Mapping[str, Any]) -> Settings:
    """Three digits: the last bits of a draw differ between processors, and no learner's fit should."""
    return {name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in settings.items()}


def fixed(learner: Learner) -> Settings:
    """The default settings that are not searched."""
    return {name: value for name, value in learner.settings.items() if name not in learner.ranges}


def _open(path: Path) -> optuna.Study:
    path.parent.mkdir(parents=True, exist_ok=True)
    _mend(path)
    storage = JournalStorage(JournalFileBackend(str(path)))
    return optuna.create_study(storage=storage, study_name=STUDY, load_if_exists=True)


def _mend(path: Path) -> None:
    """Take off what a full disk or a kill left unfinished at the journal's end, or begin anew if more is wrong with it.

    The trials that this costs are tried again, with the same result: each is drawn by its own number. Says so in one line.
    """
    if not path.exists() or _journal_end(path.read_bytes()) == path.stat().st_size:
        return
    lock = JournalFileSymlinkLock(str(path))
    lock.acquire()
    try:
        content = path.read_bytes()
        end = _journal_end(content)
        if end < len(content):
            with path.open("r+b") as file:
                file.truncate(end)
            what = "goes on before its unfinished last line" if end else "begins anew, since its file is damaged"
            print(f"The search in {path} {what}.", file=sys.stderr)
    finally:
        lock.release()


def _journal_end(content: bytes) -> int:
    """The length of a journal's whole lines; 0 if one of them is no record of a journal."""
    end = content.rfind(b"\n") + 1
    try:
        whole = all("op_code" in json.loads(line) for line in content[:end].splitlines())
    except (ValueError, TypeError):
        whole = False
    return end if whole else 0
