"""Targeting policies: whom to contact, given predicted effects. None of them looks at an outcome."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.ranking import descending

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class PolicyData:
    """What a policy may see: out-of-fold effects (rows,) in USD, who was treated, and the effect at which a contact pays."""

    cate: Vector
    treated: Vector
    breakeven: float


def top_share(cate: Vector, share: float) -> Vector:
    """1 for the `share` of rows with the largest effects (rounded to whole rows; of equal effects the first rows), else 0."""
    chosen = np.zeros(len(cate))
    chosen[descending(cate)[: round(share * len(cate))]] = 1.0
    return chosen


POLICIES: dict[str, Callable[[PolicyData], Vector]] = {
    "none": lambda data: np.zeros(len(data.cate)),
    "all": lambda data: np.ones(len(data.cate)),
    "current": lambda data: data.treated.astype(float),
    "breakeven": lambda data: (data.cate > data.breakeven).astype(float),
    "positive": lambda data: (data.cate > 0).astype(float),
    "top_20": lambda data: top_share(data.cate, 0.20),
    "top_30": lambda data: top_share(data.cate, 0.30),
}


def assign(data: PolicyData) -> pd.DataFrame:
    """Every policy's decision, one column a policy (0 or 1), one row a row of the data."""
    return pd.DataFrame({name: policy(data) for name, policy in POLICIES.items()})
