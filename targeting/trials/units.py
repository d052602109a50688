"""The units in which models read the covariates of a table of customers: from its lowest value on, in steps of its own.

Models see each covariate and its logarithm, log1p of it. Of tills the units are known, visits, days and money, and that means
something. A table may count in dollars or in thousands of them, or be standardised already, and is to give the same effects. With
these units a count from 0 on keeps about the logarithm that it had, and a standardised one gets as good a one. What people read
is in the table's own units.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import PREFIX

COLUMNS = ("covariate", "origin", "unit")
DECIMALS = 12
STEP = 0.25  # that share: losses on public tables hardly tell a tenth from a half; by standard deviations they are worse


def covariate_units(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per covariate x_* with more than two values: covariate, origin and unit.

    The origin is its lowest value, the unit the distance from there that a quarter of the rows above it stay within.
    """
    names = [name for name in rows if name.startswith(PREFIX) and rows[name].nunique() > 2]
    return _table([(name, *_origin_and_unit(rows[name].to_numpy(dtype=float))) for name in names])


def own_units() -> pd.DataFrame:
    """Of covariates whose own units are to be kept: no row."""
    return _table([])


def in_units(rows: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """The rows with the covariates of `units` in these."""
    known = _of(rows, units)
    # The last bits hang on the table's own units, and would decide where a tree sends a value in the middle of two.
    return _with(rows, ((rows[known.index] - known["origin"]) / known["unit"]).round(DECIMALS))


def in_own_units(rows: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """The rows with the covariates of `units` as the table had them: the reverse of `in_units`."""
    known = _of(rows, units)
    return _with(rows, rows[known.index] * known["unit"] + known["origin"])


def _of(rows: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    return units[units["covariate"].isin(rows.columns)].set_index("covariate")


def _with(rows: pd.DataFrame, covariates: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows.drop(columns=covariates.columns), covariates], axis=1)[rows.columns.tolist()]


def _origin_and_unit(values: NDArray[np.float64]) -> tuple[float, float]:
    above = values[values > values.min()] - values.min()
    return float(values.min()), float(np.quantile(above, STEP))


def _table(rows: Sequence[tuple[str, float, float]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"covariate": "str", "origin": np.float64, "unit": np.float64})
