"""A policy tree once grown: where it sends each household, and its questions in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from targeting.base.columns import PREFIX

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
