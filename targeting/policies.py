"""Targeting policies: whom to contact, given predicted effects. None of them looks at an outcome.

A learned policy contacts only households inside the overlap, as long as there are any: outside it nobody like them was mailed
(or nobody like them was not), and no data can say what the policy would earn there.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class PolicyData:
    """What a policy may see: out-of-fold effects in USD, the overlap, who was treated, and the effect at which a contact pays.

    Arrays have one entry a row of the panel.
    """

    cate: Vector
    overlap: NDArray[np.bool_]
    treated: Vector
    breakeven: float


def contact_order(cate: Vector, overlap: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Row numbers in the order of contact: inside the overlap first, largest effect first; of equals the first rows."""
    return np.lexsort((-cate, ~overlap))


def top_share(cate: Vector, overlap: NDArray[np.bool_], share: float) -> Vector:
    """1 for the first `share` of all rows in the order of contact (rounded to whole rows), else 0."""
    chosen = np.zeros(len(cate))
    chosen[contact_order(cate, overlap)[: round(share * len(cate))]] = 1.0
    return chosen


POLICIES: dict[str, Callable[[PolicyData], Vector]] = {
    "none": lambda data: np.zeros(len(data.cate)),
    "all": lambda data: np.ones(len(data.cate)),
    "current": lambda data: data.treated.astype(float),
    "breakeven": lambda data: (data.overlap & (data.cate > data.breakeven)).astype(float),
    "positive": lambda data: (data.overlap & (data.cate > 0)).astype(float),
    "top_20": lambda data: top_share(data.cate, data.overlap, 0.20),
    "top_30": lambda data: top_share(data.cate, data.overlap, 0.30),
}


def assign(data: PolicyData) -> pd.DataFrame:
    """Every policy's decision, one column a policy (0 or 1), one row a row of the data."""
    return pd.DataFrame({name: policy(data) for name, policy in POLICIES.items()})
