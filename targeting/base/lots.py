"""What the columns by_lot and known_propensity of a panel say of its rows: who was mailed by lot, and with which chance."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def known_propensities(panel: pd.DataFrame) -> NDArray[np.float64]:
    """Each row's chance of being mailed where whoever drew lots wrote it down, else NaN: shape (rows,).

    A panel without the column known_propensity is an observed one.
    """
    return panel.get("known_propensity", pd.Series(np.nan, index=panel.index)).to_numpy(dtype=float, copy=True)


def drawn_by_lot(panel: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows (rows,) were mailed or not by lot; none in a panel without the column by_lot."""
    return panel.get("by_lot", pd.Series(0, index=panel.index)).to_numpy() == 1
