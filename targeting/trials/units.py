"""The units in which models read the covariates of a table of customers: standard deviations from the mean.

Models see each covariate and its logarithm. Of tills the units are known, visits, days and money, of which logarithms mean
something. A table may count in dollars or in thousands of them, or be standardised already, and is to give the same effects. What
people read is in the table's own units.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from targeting.base.columns import PREFIX

COLUMNS = ("covariate", "origin", "unit")
DECIMALS = 12


def covariate_units(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per covariate x_* with more than two values: covariate, origin (its mean) and unit (its standard deviation)."""
    names = [name for name in rows if name.startswith(PREFIX) and rows[name].nunique() > 2]
    found = [(name, *_mean_and_spread(rows[name])) for name in names]
    return _table([row for row in found if row[2] > 0])


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


def _mean_and_spread(values: pd.Series) -> tuple[float, float]:
    largest = float(values.abs().max())  # squares of huge numbers are more than a float holds
    return float((values / largest).mean() * largest), float((values / largest).std(ddof=0) * largest)


def _table(rows: Sequence[tuple[str, float, float]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"covariate": "str", "origin": np.float64, "unit": np.float64})
