"""What the columns by_lot and known_propensity of a panel say of its rows: who was mailed by lot, and with which chance."""

from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray


class EvidenceKind(StrEnum):
    """What an estimate rests on: campaigns drawn by lot, campaigns for which the retailer chose, or some of each."""

    LOTS = "lots"
    OBSERVED = "observed"
    BOTH = "both"


def evidence_kind(by_lot: ArrayLike) -> EvidenceKind:
    """The kind of evidence that rows (at least one) of a panel are, by which of them (rows,) lots decided."""
    drawn = np.asarray(by_lot, dtype=bool)
    return EvidenceKind.LOTS if drawn.all() else EvidenceKind.BOTH if drawn.any() else EvidenceKind.OBSERVED


def known_propensities(panel: pd.DataFrame) -> NDArray[np.float64]:
    """Each row's chance of being mailed where whoever drew lots wrote it down, else NaN: shape (rows,).

    A panel without the column known_propensity is an observed one.
    """
    return panel.get("known_propensity", pd.Series(np.nan, index=panel.index)).to_numpy(dtype=float, copy=True)


def known_everywhere(panel: pd.DataFrame) -> bool:
    """Whether lots with known chances decided every row."""
    return not np.isnan(known_propensities(panel)).any()


def drawn_by_lot(panel: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows (rows,) were mailed or not by lot; none in a panel without the column by_lot."""
    return panel.get("by_lot", pd.Series(0, index=panel.index)).to_numpy() == 1
