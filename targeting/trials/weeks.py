"""Spend week by week around each trial's time zero: when an effect comes, and whether the arms were alike before."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from targeting.base.columns import KEYS
from targeting.trials.trials import Trial

WEEK = 7  # days
BEFORE = 8  # weeks


def weekly_spend(tables: Mapping[str, ir.Table], trials: Sequence[Trial], panel: pd.DataFrame, first_day: date) -> pd.DataFrame:
    """The panel's rows, in their order, with what they spent in each week from time zero on and before it.

    Columns: household_id, campaign_id, campaign_weeks (how many weeks the campaign ran), window_weeks (how many its outcome
    counts), then one per week by its number as text: -8 to -1 before time zero, 0 for the first after it, in USD, net of what
    came back. A week without a purchase is 0. One that is not wholly inside the data and the trial's outcome window is missing.
    `tables` are those of `with_history`.
    """
    receipts, rows = tables["receipts"], []
    for trial in trials:
        own = panel.loc[panel["trial"] == trial.number, KEYS]
        if own.empty:
            continue
        first = trial.time_zero - timedelta(days=WEEK * BEFORE)
        window = receipts.filter(receipts.day.between(max(first, first_day), trial.window_end))
        spent = window.group_by("household_id", "day").agg(spend=window.sales.sum().cast("float64"))
        each = spent.order_by("household_id", "day").execute()  # the days of a week are added up in this order
        days = (pd.to_datetime(each["day"]) - pd.Timestamp(trial.time_zero)).dt.days
        each["week"] = np.floor_divide(days, WEEK)
        spend = each.pivot_table(values="spend", index="household_id", columns="week", aggfunc="sum", fill_value=0.0)
        covered = [week for week in range(-BEFORE, _weeks_after(trial)) if trial.time_zero + timedelta(WEEK * week) >= first_day]
        spend = spend.reindex(index=own["household_id"], columns=covered, fill_value=0.0).set_axis(own.index)
        ran, counted = (((last - trial.time_zero).days + 1) / WEEK for last in (trial.end_day, trial.window_end))
        rows.append(own.assign(campaign_weeks=ran, window_weeks=counted).join(spend))
    table = pd.concat(rows).sort_index()
    weeks = sorted(name for name in table.columns if not isinstance(name, str))
    return table[[*KEYS, "campaign_weeks", "window_weeks", *weeks]].rename(columns=str).reset_index(drop=True)


def no_weeks(panel: pd.DataFrame) -> pd.DataFrame:
    """The table of `weekly_spend` of a panel of which no receipts are known."""
    return panel[KEYS].assign(campaign_weeks=np.nan, window_weeks=np.nan)


def _weeks_after(trial: Trial) -> int:
    """Whole weeks from time zero to the window's end."""
    return ((trial.window_end - trial.time_zero).days + 1) // WEEK
