"""Conditional average effects by household, out of fold: no outcome of a fold reaches the effects of that fold."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import KEYS, all_effect_columns, effect_columns
from targeting.base.errors import DataError
from targeting.base.parallel import in_processes
from targeting.base.progress import track
from targeting.learners.base_models import Settings
from targeting.learners.data import OutcomeData
from targeting.learners.fitted import effects_in_blocks
from targeting.learners.registry import Learner
from targeting.learners.rows import Effects
from targeting.stats.folds import OUTSIDE
from targeting.stats.units import widest_effects


class LearnerError(DataError):
    """A learner that cannot learn from these data: it stopped, or gave effects that cannot be believed."""


def usual_settings(by_fold: Mapping[str, Settings]) -> Settings:
    """The settings that most folds have, of equals the first: what a model of the whole sample is fitted with."""
    return max(by_fold.values(), key=lambda own: (list(by_fold.values()).count(own), -list(by_fold.values()).index(own)))


def settings_by_fold(by_fold: Mapping[str, Settings]) -> dict[int, Settings]:
    """The settings that tuning gave each fold, by its number, and the usual ones for households outside the sample."""
    return {int(number): own for number, own in by_fold.items()} | {OUTSIDE: usual_settings(by_fold)}


def cross_fit_effects(
    panel: pd.DataFrame,
    data: Mapping[str, OutcomeData],
    learner: Learner,
    settings: Mapping[str, Mapping[int, Settings]],
    seed: int,
) -> pd.DataFrame:
    """Out-of-fold effects of one learner on every outcome of `data`, with the settings of each outcome and held-out fold.

    Returns one row per row of the panel: keys, and per outcome cate_*, lower_*, upper_*, the interval missing where the learner
    has none. Raises LearnerError when the learner fails or its effects are not finite or more spread out than effects can be.
    """
    jobs = [(outcome, number) for outcome, rows in data.items() for number in rows.numbers]
    results = in_processes(partial(_fit_of, learner, data, settings, seed), jobs)
    table = panel[KEYS].assign(**dict.fromkeys(all_effect_columns(data), np.nan))
    for (outcome, number), effects in zip(jobs, track(results, "Fitting effects", len(jobs)), strict=True):
        held_out = data[outcome].fold == number
        for name, values in zip(effect_columns(outcome), (effects.cate, effects.lower, effects.upper), strict=True):
            if values is not None:
                table.loc[held_out, name] = values
    for outcome, rows in data.items():
        require_sane(table[f"cate_{outcome}"].to_numpy(), widest_effects(rows.outcome, rows.treated), outcome)
    return table


def _fit_of(
    learner: Learner,
    data: Mapping[str, OutcomeData],
    settings: Mapping[str, Mapping[int, Settings]],
    seed: int,
    outcome: str,
    number: int,
) -> Effects:
    return fit_fold(learner, data[outcome], number, settings[outcome][number], seed)


def fit_fold(learner: Learner, data: OutcomeData, number: int, settings: Settings, seed: int) -> Effects:
    """Effects for one held-out fold; raises LearnerError when the learner stops."""
    try:
        return effects_in_blocks(learner.learned(data.learn(number), settings, seed), data.held_out(number))
    except (ValueError, ArithmeticError) as error:  # what numpy, scikit-learn and econml raise when numbers are past saving
        raise LearnerError(f"it stopped in fold {number}: {error}") from error


def require_sane(cate: NDArray[np.float64], widest: float, outcome: str) -> None:
    """Raise LearnerError for effects (n,) that are not finite, or vary more than effects can (see `widest_effects`)."""
    failed = ~np.isfinite(cate)
    if failed.any():
        raise LearnerError(f"{failed.sum()} of {len(cate)} effects on {outcome} are not finite")
    if cate.std() > widest:
        raise LearnerError(
            f"it diverged: effects on {outcome} have a standard deviation of {cate.std():.4g}, "
            f"and by the outcome in both arms it can be at most {widest:.4g}"
        )


def no_effects(outcomes: tuple[str, ...]) -> pd.DataFrame:
    """The table of a learner that failed: the columns of every other, and no rows, so that nothing can take it for effects."""
    return pd.DataFrame(columns=[*KEYS, *all_effect_columns(outcomes)], dtype="float64").astype(dict.fromkeys(KEYS, "int64"))
