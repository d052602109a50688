"""The error of learning: by how much effects would differ had nuisances been learned from another sample of households.

Either half of the sample gives nuisances of its own, and with them an effect over the same rows outside the sample. Twice the
variance of one half's error is what the squared difference of the two effects has as its mean; a whole sample's variance is at
most half of one half's, since errors shrink at least by the root of the number of households. So a quarter of the squared
difference, averaged over splits, is its variance, or errs on the wide side. It is added to the variance of sampling.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from targeting.base.columns import outcomes_of
from targeting.effects.estimators import ESTIMATORS, Estimator, effect_data, effect_table
from targeting.nuisance.halves import Halves
from targeting.stats.estimates import Estimate
from targeting.stats.folds import in_sample
from targeting.trials.panel import require_aligned

NAMES = ["outcome", "trial", "method"]
LEARNED = {method: ESTIMATORS[method] for method in ESTIMATORS if method not in ("naive", "did", "ols")}


def learning_errors(
    panel: pd.DataFrame, nuisance: pd.DataFrame, halves: Iterable[Halves], estimators: Mapping[str, Estimator] = LEARNED
) -> pd.DataFrame:
    """One row per outcome, trial (or all) and estimator, of those that ask for nuisances: outcome, trial, method, se_learning.

    `nuisance` has the panel's rows in their order, `halves` their tables outside the sample (see `half_nuisances`). The variance
    of outcomes, by which owate weighs, stays that of `nuisance`. No rows where there are no halves.
    """
    outside = ~in_sample(panel["fold"])
    rows, stored = panel[outside].reset_index(drop=True), nuisance[outside].reset_index(drop=True)
    squares = [
        np.square(first.set_index(NAMES)["estimate"] - second.set_index(NAMES)["estimate"]) / 4
        for first, second in ((_effects(rows, stored, own, estimators) for own in pair) for pair in halves)
    ]
    if not squares:
        return pd.DataFrame(columns=[*NAMES, "se_learning"])
    return np.sqrt(sum(squares) / len(squares)).rename("se_learning").reset_index()


def with_learning(effects: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """The table of effects with its standard errors and intervals widened by the errors of learning, and both kinds beside them.

    Adds se_sampling and se_learning (0 for estimators that learn nothing) where there are errors of learning; else as it is.
    """
    if errors.empty:
        return effects
    table = effects.merge(errors, on=NAMES, how="left", validate="one_to_one").rename(columns={"se": "se_sampling"})
    table["se_learning"] = table["se_learning"].fillna(0.0)
    whole = Estimate(table["estimate"], np.hypot(table["se_sampling"], table["se_learning"]))
    table = table.assign(**whole.columns())
    return table[[*effects.columns, "se_sampling", "se_learning"]]


def _effects(rows: pd.DataFrame, stored: pd.DataFrame, own: pd.DataFrame, estimators: Mapping[str, Estimator]) -> pd.DataFrame:
    """The effects over `rows` by their nuisances `own`, with the variance of outcomes that `stored` ones have."""
    own = own.reset_index(drop=True)
    require_aligned(rows, own, "the nuisances of a half")
    spread = own["propensity"] * (1 - own["propensity"]) / (stored["propensity"] * (1 - stored["propensity"]))
    tables = []
    for outcome in outcomes_of(rows.columns):
        precise = own.assign(**{f"precision_{outcome}": spread * stored[f"precision_{outcome}"]})
        data = effect_data(rows, precise, outcome)
        tables.append(effect_table(data, rows["campaign_id"].to_numpy(), outcome, estimators))
    return pd.concat(tables, ignore_index=True)
