"""What households bought in each half of the weeks."""

from dataclasses import dataclass
from datetime import date, timedelta

import ibis.expr.types as ir
import pandas as pd
from ibis.backends import BaseBackend

from targeting.segments.time_zero import to_window_length
from targeting.tables.features import household_features
from targeting.tables.history import keep_days


@dataclass(frozen=True)
class Half:
    """One half of the weeks: its first day, and the day after its last."""

    first_day: date
    as_of: date


def halves(calendar: pd.DataFrame) -> tuple[Half, Half]:
    """The earlier and the later half of the weeks; `calendar` has week and day, one row per day with a line, in order.

    With an odd number of weeks the earlier half has one less.
    """
    weeks = calendar["week"]
    middle = int(weeks.min() + (weeks.max() - weeks.min() + 1) // 2)
    parts = calendar[weeks < middle], calendar[weeks >= middle]
    earlier, later = (
        Half(
            pd.Timestamp(part["day"].min()).date(),
            pd.Timestamp(part["day"].max()).date() + timedelta(days=1),
        )
        for part in parts
    )
    return earlier, later


def features_by_half(
    backend: BaseBackend, lines: ir.Table, products: ir.Table, days: ir.Table, names: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The features `names` of who bought in the earlier and in the later half of the weeks, by household_id.

    `lines` of receipts, `products` and `days` as in data/tables. Totals are brought to one window's length.
    """
    calendar = days.group_by("day").agg(week=days.first_week.min()).order_by("day").execute()
    parts = halves(calendar)
    window_days = (parts[1].as_of - parts[0].first_day).days
    # What is new to a household in the later half need not be new: of the earlier half, `days` says it.
    later_days = keep_days(backend, lines.filter(lines.day >= parts[1].first_day), products)

    def of(half: Half, own: ir.Table) -> pd.DataFrame:
        frame = household_features(own, [half.as_of]).order_by("household_id").execute().set_index("household_id")
        return to_window_length(frame[names], (half.as_of - half.first_day).days, window_days)

    return of(parts[0], days), of(parts[1], later_days)
