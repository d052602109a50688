"""Every row's decision by trees that did not see its household, and the rules that people read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

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


def tree_decisions(
    panel: pd.DataFrame,
    nuisance: pd.DataFrame,
    economics: Economics,
    outcome: str,
    bounds: Sequence[float],
    seed: int,
    at_most: int | None = None,
) -> pd.DataFrame:
    """Keys, and each row's policy_tree (0/1) and promised profit (USD) by trees grown without its household (`cross_fit_tree`).

    `nuisance` has the scores, row by row as the panel; `bounds` are those of the overlap's propensities. Trees grow on `at_most`
    so many households, by lot. Raises DataError for a fold that has no row between the bounds.
    """
    unit = profit_unit(panel, economics, outcome)
    profit = scored_profits(effect_scores(nuisance, outcome), economics.cost, economics.margin, unit)
    overlap = comparable(panel, nuisance["propensity"], bounds)
    if panel.loc[overlap, "fold"].nunique() < panel["fold"].nunique():
        raise DataError(f"Some fold has nobody whose propensity lies inside nuisance.overlap {bounds}: no tree can be grown.")
    covariates = panel[household_covariates(panel)].to_numpy(dtype=float)
    few = by_lot(panel["household_id"], at_most, seed)
    contact, promised = cross_fit_tree(covariates, profit, panel["fold"].to_numpy(), overlap, seed, few)
    return panel[KEYS].assign(policy_tree=contact.astype("int8"), promised=promised * unit)


def tree_results(
    panel: pd.DataFrame,
    nuisance: pd.DataFrame,
    economics: Economics,
    outcome: str,
    bounds: Sequence[float],
    seed: int,
    at_most: int | None = None,
) -> TreeResults:
    """The decisions of `tree_decisions`, and the leaves of a tree grown on all rows inside the overlap, or of as few households.

    That tree is for readers, and its leaves are of everybody that the policy may reach; nothing is valued by it but these leaves.
    Where nobody is the best rule found, the best one that asks a question is shown too.
    """
    decisions = tree_decisions(panel, nuisance, economics, outcome, bounds, seed, at_most)
    overlap = comparable(panel, nuisance["propensity"], bounds)
    unit = profit_unit(panel, economics, outcome)
    profit = scored_profits(effect_scores(nuisance, outcome), economics.cost, economics.margin, unit)
    covariates, fold = panel[household_covariates(panel)].astype(float), panel["fold"].to_numpy()
    inside, earned_inside = covariates[overlap], profit[overlap]
    household_id, contact = panel["household_id"].to_numpy()[overlap], decisions["policy_tree"].to_numpy()

    few = by_lot(panel["household_id"], at_most, seed)[overlap]
    learned, earned_by_few = inside[few].to_numpy(), earned_inside[few]
    earned = held_out_profits(learned, earned_by_few, fold[overlap][few], seed)
    chosen, asking = best_size(earned), best_size({size: earned[size] for size in SIZES if size.depth > 0})
    trees = {size: grow(learned, earned_by_few, size, seed) for size in dict.fromkeys([chosen, asking])}
    tables = []
    for size, tree in trees.items():
        leaves = leaf_table(tree, inside, earned_inside, household_id, contact[overlap])
        leaves[MONEY] *= unit
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
