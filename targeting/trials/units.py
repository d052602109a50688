"""The units in which models read the covariates of a table of customers: from its low values on, in steps of its own.

Models see each covariate and its logarithm, signed log1p of it. Of tills the units are known, visits, days and money, and that
means something. A table may count in dollars or in thousands of them, or be standardised already, and is to give the same
effects. With these units a count from 0 on keeps about the logarithm that it had, and a standardised one gets as good a one. What
people read is in the table's own units.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import PREFIX

COLUMNS = ("covariate", "origin", "unit")
DIGITS = 12
LOW, STEP = 0.01, 0.25  # shares of rows: a lost refund or a code for missing values far below all others is to stretch no unit


def covariate_units(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per covariate x_* with more than two values: covariate, origin and unit.

    The origin is the value that LOW of the rows lie below, the unit the distance from there that a quarter of the rows above it
    stay within. (On public tables' losses a tenth to a half hardly differ; standard deviations from the mean are worse.)
    """
    names = [name for name in rows if name.startswith(PREFIX) and rows[name].nunique() > 2]
    return _table([(name, *_origin_and_unit(rows[name].to_numpy(dtype=float))) for name in names])


def no_units() -> pd.DataFrame:
    """Of covariates whose own units are to be kept: no row."""
    return _table([])


def in_units(rows: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """The rows with the covariates of `units` in these."""
    known = _of(rows, units)
    # By halves: the distance between two numbers that a float holds may be more than it holds.
    counted = (rows[known.index] / 2 - known["origin"] / 2) / (known["unit"] / 2)
    # The last bits hang on the table's own units, and would decide where a tree sends a value in the middle of two.
    size = 10.0 ** np.floor(np.log10(counted.abs().where(counted != 0, 1.0)))
    return _with(rows, (counted / size).round(DIGITS) * size)


def in_own_units(rows: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """The rows with the covariates of `units` as the table had them: the reverse of `in_units`."""
    known = _of(rows, units)
    return _with(rows, rows[known.index] * known["unit"] + known["origin"])


def _of(rows: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    return units[units["covariate"].isin(rows.columns)].set_index("covariate")


def _with(rows: pd.DataFrame, covariates: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows.drop(columns=covariates.columns), covariates], axis=1)[rows.columns.tolist()]


def _origin_and_unit(values: NDArray[np.float64]) -> tuple[float, float]:
    halves = np.sort(values / 2)
    low = float(np.quantile(halves, LOW, method="lower"))
    above = halves[halves > low] - low
    unit = float(np.quantile(above, STEP)) if len(above) else float(low - halves[0])
    return 2 * low, min(2 * unit, float(np.finfo(float).max))


def _table(rows: Sequence[tuple[str, float, float]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"covariate": "str", "origin": np.float64, "unit": np.float64})
