"""A policy tree once grown: where it sends each household, its questions in words, and itself as a table to keep.

Apart from what grows trees, so that a stored rule is followed without the library that grew it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import PREFIX
from targeting.base.errors import DataError

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Learned:
    """A grown tree: its parts as arrays (nodes,), children -1 in a leaf, and each node's mean profit of a contact in USD."""

    feature: NDArray[np.int64]
    threshold: Vector
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    profit: Vector

    def leaves(self, covariates: Vector, depth: int | None = None) -> NDArray[np.int64]:
        """The leaf, as a node number, of each row (rows,) of covariates (rows, p), or the node after `depth` questions."""
        node = np.zeros(len(covariates), dtype=np.int64)
        for _ in range(len(self.feature) if depth is None else depth):
            moving = self.left[node] >= 0
            if not moving.any():
                break
            goes_left = covariates[np.arange(len(node)), np.maximum(self.feature[node], 0)] <= self.threshold[node]
            node = np.where(moving, np.where(goes_left, self.left[node], self.right[node]), node)
        return node


def rules(tree: Learned, names: Sequence[str]) -> dict[int, str]:
    """What leads to each leaf (its node number), in words; conditions on one covariate are joined into one."""
    found: dict[int, str] = {}

    def walk(node: int, ranges: dict[str, tuple[float, float]]) -> None:
        if tree.left[node] < 0:
            found[node] = " and ".join(_condition(name, *ends) for name, ends in ranges.items()) or "everybody"
            return
        name, cut = names[tree.feature[node]], float(tree.threshold[node])
        low, high = ranges.get(name, (-np.inf, np.inf))
        walk(int(tree.left[node]), {**ranges, name: (low, min(high, cut))})
        walk(int(tree.right[node]), {**ranges, name: (max(low, cut), high)})

    walk(0, {})
    return found


def _condition(name: str, low: float, high: float) -> str:
    plain = name.removeprefix(PREFIX)
    if np.isinf(low):
        return f"{plain} <= {high:.4g}"
    return f"{plain} > {low:.4g}" if np.isinf(high) else f"{low:.4g} < {plain} <= {high:.4g}"


def rule_table(tree: Learned, names: Sequence[str]) -> pd.DataFrame:
    """The tree as a table, one row per node: covariate (its name, empty in a leaf), threshold, left, right, profit.

    A row of the tree whose covariate is at most the threshold goes to node `left`; node 0 is the first.
    """
    asked = [names[feature] if left >= 0 else "" for feature, left in zip(tree.feature, tree.left, strict=True)]
    parts = {"threshold": tree.threshold, "left": tree.left, "right": tree.right, "profit": tree.profit}
    return pd.DataFrame({"covariate": pd.Series(asked, dtype="str"), **parts})


def follow_rule(rule: pd.DataFrame, households: pd.DataFrame) -> pd.DataFrame:
    """What a rule from `rule_table` says to each of `households`, index as theirs: leaf_profit (USD per contact) and leaf_rule.

    A table without rows, a rule that could not be learned, says nothing: both are missing. Raises DataError for a covariate that
    the rule asks for and `households` lacks.
    """
    if rule.empty:
        return pd.DataFrame({"leaf_profit": np.nan, "leaf_rule": None}, index=households.index)
    names = sorted(set(rule["covariate"]) - {""})
    absent = [name for name in names if name not in households]
    if absent:
        raise DataError(f"The policy tree asks for covariates that these households lack: {', '.join(absent)}. Run `dvc repro`.")
    feature = np.array([names.index(name) if name else -1 for name in rule["covariate"]])
    tree = Learned(feature, *(rule[name].to_numpy() for name in ("threshold", "left", "right", "profit")))
    leaf = tree.leaves(households[names].to_numpy(dtype=float))
    words = pd.Series(leaf, index=households.index).map(rules(tree, names))
    return pd.DataFrame({"leaf_profit": tree.profit[leaf], "leaf_rule": words})
