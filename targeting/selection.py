"""Choose the learner whose effects rank households best, without judging it on the rows that chose it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.panel import KEYS, OUTCOMES
from targeting.ranking import autoc

SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Choice:
    """The learner chosen on all rows, and for each fold the one chosen on the other folds."""

    overall: str
    by_fold: dict[int, str]


def choose_learner(effects: Mapping[str, pd.DataFrame], score: NDArray[np.float64], panel: pd.DataFrame, outcome: str) -> Choice:
    """The learner with the largest AUTOC on `outcome`; of equals, the first.

    `effects` has a table a learner (cate_*, rows as in the panel), `score` the difference of doubly robust scores (rows,).
    """
    fold, households = panel["fold"].to_numpy(), panel["household_id"].to_numpy()

    def best(rows: NDArray[np.bool_]) -> str:
        values = {
            learner: autoc(table.loc[rows, f"cate_{outcome}"], score[rows], households[rows]).estimate.value
            for learner, table in effects.items()
        }
        return max(values, key=lambda learner: values[learner])

    by_fold = {int(number): best(fold != number) for number in np.unique(fold)}
    return Choice(best(np.ones(len(panel), dtype=bool)), by_fold)


def selected_effects(effects: Mapping[str, pd.DataFrame], choice: Choice, panel: pd.DataFrame) -> pd.DataFrame:
    """For each fold the effects of the learner that the other folds chose: keys, cate_*, lower_*, upper_*, learner."""
    learner = panel["fold"].map(choice.by_fold)
    columns = [f"{name}_{outcome}" for outcome in OUTCOMES for name in ("cate", "lower", "upper")]
    table = panel[KEYS].copy()
    for column in columns:
        table[column] = np.nan
        for name, effect in effects.items():
            rows = (learner == name).to_numpy()
            table.loc[rows, column] = effect.loc[rows, column]
    return table.assign(learner=learner)


def reasons(learners: pd.DataFrame, choice: Choice) -> list[str]:
    """Why each learner of a table (learner, autoc, autoc_p) was or was not chosen, in words."""
    best = learners.set_index("learner").loc[choice.overall]
    chosen_in = pd.Series(choice.by_fold).value_counts()
    words = []
    for row in learners.itertuples():
        folds = f"chosen in {chosen_in.get(row.learner, 0)} of {len(choice.by_fold)} folds"
        doubt = ", though no better than a random order" if row.autoc <= 0 else ", though not beyond noise"
        noise = "" if row.autoc_p < SIGNIFICANCE else doubt
        if row.learner == choice.overall:
            words.append(f"chosen: the largest AUTOC{noise}; {folds}")
        else:
            words.append(f"not chosen: AUTOC lower than {choice.overall}'s by {best['autoc'] - row.autoc:.2f}; {folds}")
    return words
