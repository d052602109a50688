"""Every row's decision by trees that did not see its household, and the rules that people read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import KEYS
from targeting.base.errors import DataError
from targeting.nuisance.overlap import comparable
from targeting.nuisance.scores import effect_scores
from targeting.policy.economics import Economics
from targeting.policy.tree import (
    SIZES,
    best_size,
    cross_fit_tree,
    grow,
    held_out_profits,
    leaf_table,
    scored_profits,
)
from targeting.stats.resampling import by_lot
from targeting.stats.units import unit_of
from targeting.trials.panel import household_covariates

MONEY = ["profit", "se", "ci_lower", "ci_upper"]  # columns of the leaves in USD


@dataclass(frozen=True)
class TreeResults:
    """What the stage `policy_tree` writes.

    decisions: see `tree_decisions`. leaves: see `leaf_table`, with tree (chosen, or best with a question).
    """

    metrics: dict[str, Any]
    decisions: pd.DataFrame
    leaves: pd.DataFrame


def profit_unit(panel: pd.DataFrame, economics: Economics, outcome: str) -> float:
    """The unit (USD) that profits are grown on in trees: that of the outcome's margin (see targeting.stats.units)."""
    return unit_of(float(np.mean(economics.margin)) * panel[outcome].to_numpy(dtype=float))


@dataclass(frozen=True)
class TreeRows:
    """What trees are grown on and decide, row by row as the panel.

    keys and covariates have a row each; profit (rows,) is what a contact earns, in `unit` USD; overlap says who may be contacted,
    grown_on from whom trees may learn.
    """

    keys: pd.DataFrame
    covariates: pd.DataFrame
    fold: NDArray[np.int64]
    profit: NDArray[np.float64]
    unit: float
    overlap: NDArray[np.bool_]
    grown_on: NDArray[np.bool_]


def tree_rows(
    panel: pd.DataFrame,
    nuisance: pd.DataFrame,
    economics: Economics,
    outcome: str,
    bounds: Sequence[float],
    seed: int,
    at_most: int | None = None,
) -> TreeRows:
    """The rows of the panel; trees learn from `at_most` so many households, by lot.

    `nuisance` has the scores, row by row as the panel; `bounds` are those of the overlap's propensities. Raises DataError for a
    fold that has no row between them.
    """
    unit = profit_unit(panel, economics, outcome)
    profit = scored_profits(effect_scores(nuisance, outcome), economics.cost, economics.margin, unit)
    overlap = comparable(panel, nuisance["propensity"], bounds)
    if panel.loc[overlap, "fold"].nunique() < panel["fold"].nunique():
        raise DataError(f"Some fold has nobody whose propensity lies inside nuisance.overlap {bounds}: no tree can be grown.")
    covariates = panel[household_covariates(panel)].astype(float)
    few = by_lot(panel["household_id"], at_most, seed)
    return TreeRows(panel[KEYS], covariates, panel["fold"].to_numpy(), profit, unit, overlap, few)


def tree_decisions(rows: TreeRows, seed: int) -> pd.DataFrame:
    """Keys, and each row's policy_tree (0/1) and promised profit (USD) by trees without its household (`cross_fit_tree`)."""
    contact, promised = cross_fit_tree(rows.covariates.to_numpy(), rows.profit, rows.fold, rows.overlap, seed, rows.grown_on)
    return rows.keys.assign(policy_tree=contact.astype("int8"), promised=promised * rows.unit)


def tree_results(rows: TreeRows, seed: int) -> TreeResults:
    """The decisions of `tree_decisions`, and the leaves of a tree grown on all that these trees may learn from.

    That tree is for readers, and its leaves are of everybody that the policy may reach; nothing is valued by it but these leaves.
    Where nobody is the best rule found, the best one that asks a question is shown too.
    """
    decisions = tree_decisions(rows, seed)
    overlap, learn = rows.overlap, rows.overlap & rows.grown_on
    household_id, contact = rows.keys["household_id"].to_numpy()[overlap], decisions["policy_tree"].to_numpy()

    learned, earned_by_these = rows.covariates[learn].to_numpy(), rows.profit[learn]
    earned = held_out_profits(learned, earned_by_these, rows.fold[learn], seed)
    chosen, asking = best_size(earned), best_size({size: earned[size] for size in SIZES if size.depth > 0})
    trees = {size: grow(learned, earned_by_these, size, seed) for size in dict.fromkeys([chosen, asking])}
    tables = []
    for size, tree in trees.items():
        leaves = leaf_table(tree, rows.covariates[overlap], rows.profit[overlap], household_id, contact[overlap])
        leaves[MONEY] *= rows.unit
        tables.append(leaves.assign(tree="chosen" if size == chosen else "best with a question"))
    leaves = tables[0]
    metrics = {
        "depth": chosen.depth,
        "leaf_share": chosen.leaf_share,
        "n_leaves": len(leaves),
        "share": contact.mean(),
        "agreement": np.average(leaves["agreement"], weights=leaves["n"]),
    }
    return TreeResults(metrics, decisions, pd.concat(tables, ignore_index=True))
