"""Segments as they could be known at time zero."""

from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from targeting.base.columns import KEYS, PREFIX

# How totals grow with the length of history: total ~ days ** exponent. Visits and revenue add up; variety and departments
# level off, with the exponents that the default data show between 38 and 365 days for the same households.
GROWTH = {"frequency": 1.0, "monetary_sales": 1.0, "n_products": 0.8, "n_departments": 0.28}


def window(days: Path) -> tuple[date, date]:
    """The first and the last of the days that receipts are of, by the statistics in data/tables/days.parquet: no row is read."""
    file = pq.ParquetFile(days).metadata
    place = file.schema.names.index("day")
    known = [file.row_group(number).column(place).statistics for number in range(file.num_row_groups)]
    return min(part.min for part in known), max(part.max for part in known)


def features_at_time_zero(
    panel: pd.DataFrame, eligible: pd.DataFrame, names: list[str], first_day: date, last_day: date
) -> pd.DataFrame:
    """The profile features `names` of each row of the panel as of its time zero, totals brought to the whole window's length.

    Rows as in the panel. Features come from all `eligible` rows, since the panel leaves out what is the same in all of its own.
    """
    rows = panel[[*KEYS, "time_zero"]].merge(
        eligible[[*KEYS, *(f"{PREFIX}{name}" for name in names)]], on=KEYS, how="left", validate="one_to_one"
    )
    features = rows[[f"{PREFIX}{name}" for name in names]].rename(columns=lambda column: column.removeprefix(PREFIX))
    history_days = (rows["time_zero"] - pd.Timestamp(first_day)).dt.days
    return to_window_length(features, history_days, (last_day - first_day).days + 1)


def features_at_the_end(candidates: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """The profile features `names` of the candidates with a history, as of the day after the data end, under their row numbers.

    Totals cover the whole window then: nothing needs bringing to its length.
    """
    features = candidates.loc[candidates["has_history"], [f"{PREFIX}{name}" for name in names]]
    return features.rename(columns=lambda name: name.removeprefix(PREFIX))


def to_window_length(features: pd.DataFrame, history_days: pd.Series | int, window_days: int) -> pd.DataFrame:
    """The features with the totals among them brought from `history_days` (of each row, or of all) to the window's length."""
    ratio = window_days / history_days
    return features.assign(**{name: features[name] * ratio**exponent for name, exponent in GROWTH.items() if name in features})
