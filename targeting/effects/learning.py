"""The error of learning: by how much effects would differ had nuisances been learned from another sample of households.

Either half of the sample gives nuisances of its own, and with them an effect over the same rows outside the sample. Twice the
variance of one half's error is what the squared difference of the two effects has as its mean; a whole sample's variance is at
most half of one half's, since errors shrink at least by the root of the number of households. So a quarter of the squared
difference, averaged over splits, is its variance, or errs on the wide side. It is added to the variance of sampling.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import KEYS, outcomes_of
from targeting.effects.estimators import ESTIMATORS, Estimator, effect_data, effect_table
from targeting.nuisance.halves import Halves
from targeting.stats.estimates import Estimate
from targeting.stats.folds import in_sample
from targeting.stats.resampling import by_lot
from targeting.trials.panel import require_aligned

SPLITS = 5  # of the sample into halves: one difference says little of how large differences are
NAMES = ["outcome", "trial", "method"]
LEARNED = {method: ESTIMATORS[method] for method in ESTIMATORS if method not in ("naive", "did", "ols")}


@dataclass(frozen=True)
class Learning:
    """What two halves of the sample disagree about.

    errors: one row per outcome, trial (or all) and estimator that asks for nuisances: outcome, trial, method, se_learning.
    shifts: one row per row outside the sample that was compared: keys, and by outcome and split shift0_OUTCOME_SPLIT and
    shift1_OUTCOME_SPLIT, half of what either arm's score differs by. Neither has rows where all households are in the sample.
    """

    errors: pd.DataFrame
    shifts: pd.DataFrame


def compared_rows(panel: pd.DataFrame, at_most: int | None, seed: int) -> NDArray[np.bool_]:
    """The panel's rows (rows,) by which halves are compared: the sample's, and of `at_most` households outside it, by lot.

    By how much two means over all rows differ is what these few show, a little widened by their being few.
    """
    kept = in_sample(panel["fold"])
    kept[~kept] = by_lot(panel.loc[~kept, "household_id"], at_most, seed)
    return kept


def learning(
    panel: pd.DataFrame, nuisance: pd.DataFrame, halves: Iterable[Halves], estimators: Mapping[str, Estimator] = LEARNED
) -> Learning:
    """The errors of learning of a panel, whose rows `nuisance` has in their order; `halves` as of `half_nuisances`.

    The variance of outcomes, by which owate weighs, stays that of `nuisance`.
    """
    outside = ~in_sample(panel["fold"])
    rows, stored = panel[outside].reset_index(drop=True), nuisance[outside].reset_index(drop=True)
    squares, shifts = [], {}
    for split, pair in enumerate(halves):
        first, second = (_effects(rows, stored, own, estimators) for own in pair)
        squares.append(np.square((first - second) / 2))
        for name in (f"{arm}_{outcome}" for outcome in outcomes_of(panel.columns) for arm in ("score0", "score1")):
            shifts[f"{name.replace('score', 'shift', 1)}_{split}"] = (pair[0][name] - pair[1][name]).to_numpy() / 2
    if not squares:
        return Learning(pd.DataFrame(columns=[*NAMES, "se_learning"]), panel[KEYS].head(0))
    errors = np.sqrt(sum(squares) / len(squares)).rename("se_learning").reset_index()
    return Learning(errors, pd.concat([rows[KEYS], pd.DataFrame(shifts)], axis=1))


def with_learning(effects: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """The table of effects with its standard errors and intervals widened by the errors of learning, and both kinds beside them.

    Adds se_sampling and se_learning where there are errors of learning; else it is as it was. se_learning is 0 for estimators
    that learn nothing; missing, and the interval with it, where an estimator had too few rows outside the sample.
    """
    if errors.empty:
        return effects
    table = effects.merge(errors, on=NAMES, how="left", validate="one_to_one").rename(columns={"se": "se_sampling"})
    table["se_learning"] = table["se_learning"].where(table["method"].isin(LEARNED), 0.0)
    whole = Estimate(table["estimate"], np.hypot(table["se_sampling"], table["se_learning"]))
    table = table.assign(**whole.columns())
    return table[[*effects.columns, "se_sampling", "se_learning"]]


def _effects(rows: pd.DataFrame, stored: pd.DataFrame, own: pd.DataFrame, estimators: Mapping[str, Estimator]) -> pd.Series:
    """The effects over `rows` by their nuisances `own`, with the variance of outcomes that `stored` ones have, by NAMES."""
    own = own.reset_index(drop=True)
    require_aligned(rows, own, "the nuisances of a half")
    spread = own["propensity"] * (1 - own["propensity"]) / (stored["propensity"] * (1 - stored["propensity"]))
    tables = []
    for outcome in outcomes_of(rows.columns):
        precise = own.assign(**{f"precision_{outcome}": spread * stored[f"precision_{outcome}"]})
        data = effect_data(rows, precise, outcome)
        tables.append(effect_table(data, rows["campaign_id"].to_numpy(), outcome, estimators))
    return pd.concat(tables, ignore_index=True).set_index(NAMES)["estimate"]
