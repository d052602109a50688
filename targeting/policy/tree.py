"""A targeting rule that people can read: a shallow tree grown on doubly robust scores (econml).

The tree maximises the profit of contacting its yes-leaves. Source: Athey & Wager (2021), Policy learning with observational data,
Econometrica 89, 133-161; Zhou, Athey & Wager (2023), Operations Research 71, 148-183.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from econml.policy import PolicyTree
from numpy.typing import NDArray

from targeting.base.parallel import in_processes
from targeting.policy.tree_rule import Learned, rules
from targeting.stats.estimates import Estimate, mean_estimate

Vector = NDArray[np.float64]
DEPTHS = (1, 2, 3)  # more than three questions are no rule that anybody reads
# Fewest rows of the learning sample in a leaf, as shares: below some 2% a leaf's mean profit is noise.
LEAF_SHARES = (0.02, 0.05, 0.1)


@dataclass(frozen=True)
class Size:
    """How large a tree may grow: questions in a row, and the least share of the learning rows in a leaf. Depth 0 is one leaf."""

    depth: int
    leaf_share: float


SIZES = (Size(0, 1.0), *(Size(depth, share) for depth in DEPTHS for share in sorted(LEAF_SHARES, reverse=True)))


def scored_profits(score: Vector, cost: float | Vector, margin: float | Vector, unit: float = 1.0) -> Vector:
    """Profit of contacting each row (rows,) in units of so many USD, rounded to hundredths of one: by default to cents.

    Scores come from solvers whose last digits depend on the processor, and a tree may split on the last digit of a tie. Whole
    cents add up without any rounding, so that every processor grows the same tree.
    """
    return np.rint((margin * score - cost) / unit * 100) / 100


def grow(covariates: Vector, profit: Vector, size: Size, seed: int) -> Learned:
    """A tree on rows (rows, p) whose contacts earn `profit` (rows,); a leaf is contacted where its mean profit is above 0."""
    if size.depth == 0:
        nowhere = np.full(1, -1)
        return Learned(nowhere, np.zeros(1), nowhere, nowhere, np.array([profit.mean()]))
    tree = PolicyTree(
        max_depth=size.depth,
        min_samples_leaf=max(1, round(size.leaf_share * len(profit))),
        min_samples_split=2,
        min_balancedness_tol=0.5,  # the leaf share alone says how lopsided a split may be
        honest=False,  # nothing is read off the learning rows: households outside them judge the tree
        random_state=seed,
    )
    cents = np.rint(profit * 100)
    tree.fit(covariates, np.column_stack([np.zeros(len(profit)), cents]))
    parts = tree.tree_
    return Learned(parts.feature, parts.threshold, parts.children_left, parts.children_right, parts.value[:, 1, 0] / 100)


def mean_profit(tree: Learned, covariates: Vector, profit: Vector, depth: int | None = None) -> float:
    """Mean profit of the tree's decisions on rows that it did not see, in whole millionths of a USD: ties are ties.

    With a `depth` the tree is cut there, and what its rows earned on average decides for a node.
    """
    return round(float(np.mean((tree.profit[tree.leaves(covariates, depth)] > 0) * profit)), 6)


def held_out_profits(covariates: Vector, profit: Vector, fold: NDArray[np.int64], seed: int) -> dict[Size, float]:
    """What trees of each size earn in all on held-out folds of these rows.

    A split is chosen without regard to those below it, so that a tree cut at some depth is the one grown no deeper.
    """
    earned = dict.fromkeys(SIZES, 0.0)
    deepest = {size.leaf_share: size for size in SIZES}  # the last of each share
    for number in np.unique(fold):
        learn, held_out = fold != number, fold == number
        trees = {share: grow(covariates[learn], profit[learn], size, seed) for share, size in deepest.items()}
        for size in SIZES:
            own = mean_profit(trees[size.leaf_share], covariates[held_out], profit[held_out], size.depth)
            earned[size] += own * held_out.sum()
    return earned


def best_size(earned: Mapping[Size, float]) -> Size:
    """The size whose trees earn most, to the cent; of equals the smaller, which comes first."""
    return max(earned, key=lambda size: round(earned[size], 2))


def learn_tree(covariates: Vector, profit: Vector, fold: NDArray[np.int64], seed: int) -> Learned:
    """A tree on these rows, of the size that their folds choose."""
    return grow(covariates, profit, best_size(held_out_profits(covariates, profit, fold, seed)), seed)


def cross_fit_tree(
    covariates: Vector,
    profit: Vector,
    fold: NDArray[np.int64],
    overlap: NDArray[np.bool_],
    seed: int,
    grown_on: NDArray[np.bool_] | None = None,
) -> tuple[Vector, Vector]:
    """For each row (rows,), whether the tree of the other folds contacts it (0/1), and the profit that tree promises (0 if not).

    Size and tree of a fold come from the other folds' rows inside the overlap alone (of those `grown_on` where it is given);
    nobody outside is contacted. `profit` is by the stored scores, and nuisances of the other folds' rows have seen the fold: a
    trace of its outcomes stays.
    """
    contact, promised = np.zeros(len(fold)), np.zeros(len(fold))
    usable = overlap if grown_on is None else overlap & grown_on
    folds = np.unique(fold)
    learns = [(fold != number) & usable for number in folds]
    trees = in_processes(learn_tree, ((covariates[learn], profit[learn], fold[learn], seed) for learn in learns))
    for number, tree in zip(folds, trees, strict=True):
        held_out = (fold == number) & overlap
        value = tree.profit[tree.leaves(covariates[held_out])]
        contact[held_out], promised[held_out] = value > 0, np.maximum(value, 0.0)
    return contact, promised


def leaf_table(
    tree: Learned, covariates: pd.DataFrame, profit: Vector, household_id: NDArray[np.int64], cross_fitted: Vector
) -> pd.DataFrame:
    """One row a leaf of a tree on all the rows given: rule, mail (0/1), n, share, profit of a contact with se and ci, agreement.

    The profit of a leaf comes from the rows that shaped it, so it looks better than it is where mail is 1, and worse where it is
    0; what such trees earn on households they did not see is the policy's value. agreement is the share of the leaf's rows on
    which the trees that did not see them decide alike: near 1 the rule is stable.
    """
    leaf = tree.leaves(covariates.to_numpy(dtype=float))
    rows = []
    for node, rule in rules(tree, list(covariates.columns)).items():
        members = leaf == node
        several = len(np.unique(household_id[members])) > 1
        value = mean_estimate(profit[members], household_id[members]) if several else Estimate(float(tree.profit[node]), np.nan)
        mail = int(tree.profit[node] > 0)
        rows.append(
            {
                "rule": rule,
                "mail": mail,
                "n": int(members.sum()),
                "share": float(members.mean()),
                "profit": value.value,
                **value.columns(),
                "agreement": float(np.mean(cross_fitted[members] == mail)),
            }
        )
    return pd.DataFrame(rows).sort_values(["mail", "profit"], ascending=False, kind="stable", ignore_index=True)
