"""Target trials from a campaign calendar: who is eligible at time zero, who is treated, and what follows.

Each campaign of one type is a trial. Time zero is its start day. Eligible: a purchase before time zero, and either no earlier
campaign of this type that still runs for the household (`rested`), or none that ever targeted it (`first`). What a household was
mailed before is part of its past: covariates say so.
Source: Hernan & Robins (2016), American Journal of Epidemiology 183, 758-764.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from targeting.base.columns import DISCOUNTS
from targeting.base.errors import DataError
from targeting.tables.returns import purchases
from targeting.trials.panel import FIRST, RESTED


@dataclass(frozen=True)
class Trial:
    """One campaign as a trial: numbered from 1 by start day; follow-up runs from time_zero to window_end, both inclusive.

    The days before it, as many as the follow-up has or as the data hold, begin at before_start.
    """

    number: int
    campaign_id: int
    time_zero: date
    end_day: date
    window_end: date
    cut: bool
    before_start: date

    @property
    def before_scale(self) -> float:
        """What brings a total over the days before time zero to the length of the follow-up."""
        return ((self.window_end - self.time_zero).days + 1) / (self.time_zero - self.before_start).days


def plan_trials(
    campaigns: pd.DataFrame, campaign_type: str, post_days: int, min_follow_up_days: int, first_day: date, last_day: date
) -> list[Trial]:
    """The trials that data from `first_day` to `last_day` can hold, in order of time zero.

    `campaigns` has campaign_id, campaign_type, start_day, end_day. A campaign that starts on or before the first day, so
    that nobody has a history, is no trial; nor is one with fewer than `min_follow_up_days` days left. A window that would pass
    the last day is cut there, for both arms alike. Raises DataError when no campaign of this type remains, or there is
    none at all.
    """
    chosen = campaigns[campaigns["campaign_type"] == campaign_type].sort_values(["start_day", "campaign_id"])
    trials: list[Trial] = []
    for row in chosen.itertuples():
        time_zero, end_day = pd.Timestamp(row.start_day).date(), pd.Timestamp(row.end_day).date()
        if time_zero <= first_day or (last_day - time_zero).days + 1 < min_follow_up_days:
            continue
        planned_end = end_day + timedelta(days=post_days)
        window_end = min(planned_end, last_day)
        before_start = max(first_day, time_zero - (window_end - time_zero + timedelta(days=1)))
        number, cut = len(trials) + 1, planned_end > last_day
        trials.append(Trial(number, int(row.campaign_id), time_zero, end_day, window_end, cut, before_start))
    if campaigns.empty:
        raise DataError(
            "These data have no campaigns, so nothing can be said of what a mailing does: `make segments` says who the customers "
            "are, and its page how to bring campaigns."
        )
    if not trials:
        raise DataError(
            f"Of {len(chosen)} campaigns of type {campaign_type} none starts inside the data ({first_day} to {last_day}) with "
            f"{min_follow_up_days} days to follow: choose another design.campaign_type, or lower design.min_follow_up_days."
        )
    return trials


def earlier_mailings(trial: Trial, campaigns: ir.Table, targets: ir.Table) -> ir.Table:
    """How many earlier campaigns of the trial's type targeted a household, also before the data begin; none without a row.

    Columns: household_id, earlier_mailings, running (whether one of them has not ended before time zero). Of campaigns that start
    on the same day the lower number counts as earlier.
    """
    this = campaigns.filter(campaigns.campaign_id == trial.campaign_id)
    same_type = campaigns.semi_join(this, "campaign_type")
    same_day = (same_type.start_day == trial.time_zero) & (same_type.campaign_id < trial.campaign_id)
    earlier = same_type.filter((same_type.start_day < trial.time_zero) | same_day)
    return mailings(targets.inner_join(earlier, "campaign_id"), trial.time_zero)


def mailings(mailed: ir.Table, time_zero: date) -> ir.Table:
    """What `earlier_mailings` gives, from rows of a household and a campaign with its days."""
    return mailed.group_by("household_id").agg(
        earlier_mailings=mailed.campaign_id.nunique(),
        running=(mailed.end_day >= time_zero).any(),
    )


def set_aside(mailed: ir.Table, eligible: str) -> ir.Table:
    """The rows of `mailings` whose households an earlier mailing keeps out; `eligible` is `rested` or `first`."""
    return mailed if eligible == FIRST else mailed.filter(mailed.running)


def ever_targeted(campaign_type: str, campaigns: ir.Table, targets: ir.Table) -> ir.Table:
    """household_id of those whom any campaign of the type targets, whenever."""
    this_type = campaigns.filter(campaigns.campaign_type == campaign_type)
    return targets.semi_join(this_type, "campaign_id").select("household_id").distinct().order_by("household_id")


def outcomes_between(transactions: ir.Table, first_day: date, last_day: date) -> ir.Table:
    """What those with a line from `first_day` to `last_day`, both inclusive, bought: one row per household.

    Columns: household_id, purchase_amount (USD net of what came back in these days), purchase_count (baskets), and what coupons
    took off (DISCOUNTS, USD).
    """
    window = transactions.filter(transactions.day.between(first_day, last_day))
    return window.group_by("household_id").agg(
        purchase_amount=window.sales.sum().cast("float64"),
        purchase_count=window.basket_id.nunique(where=window.quantity > 0),
        **{name: window[name].sum().cast("float64") for name in DISCOUNTS},
    )


def trial_rows(trial: Trial, transactions: ir.Table, campaigns: ir.Table, targets: ir.Table, eligible: str = RESTED) -> ir.Table:
    """One row per eligible household: household_id, treated (0/1), outcomes, those before, DISCOUNTS, and other mailings.

    Outcomes are purchase_amount (USD) and purchase_count (baskets) from time zero to the window's end; a household that buys
    nothing then has zeros. before_* are those of the days before time zero, brought to the window's length. earlier_mailings
    counts the campaigns of the type that targeted the household before, mailed_after the other campaigns that start inside the
    window and target it.
    """
    bought = purchases(transactions)
    shoppers = bought.filter(bought.day < trial.time_zero).select("household_id").distinct()
    aside = set_aside(earlier_mailings(trial, campaigns, targets), eligible)
    mailed = targets.filter(targets.campaign_id == trial.campaign_id).select("household_id", mailed=ibis.literal(1, "int64"))
    arms = shoppers.anti_join(aside, "household_id").left_join(mailed, "household_id").drop("household_id_right")
    return followed(trial, arms.select("household_id", treated=arms.mailed.fill_null(0)), transactions, campaigns, targets)


def followed(trial: Trial, arms: ir.Table, transactions: ir.Table, campaigns: ir.Table, targets: ir.Table) -> ir.Table:
    """The households of `arms` (household_id, treated and further columns) with what `trial_rows` says of each."""
    during = outcomes_between(transactions, trial.time_zero, trial.window_end)
    earlier = outcomes_between(transactions, trial.before_start, trial.time_zero - timedelta(days=1))
    blocks = [
        earlier_mailings(trial, campaigns, targets),
        during,
        earlier.drop(*DISCOUNTS).rename(amount_before="purchase_amount", count_before="purchase_count"),
    ]
    rows = arms
    for block in [*blocks, _mailed_inside(trial, campaigns, targets)]:
        rows = rows.left_join(block, "household_id").drop("household_id_right")
    return rows.select(
        *arms.columns,
        purchase_amount=rows.purchase_amount.fill_null(0.0),
        purchase_count=rows.purchase_count.fill_null(0),
        before_purchase_amount=rows.amount_before.fill_null(0.0) * trial.before_scale,
        before_purchase_count=rows.count_before.fill_null(0) * trial.before_scale,
        **{name: rows[name].fill_null(0.0) for name in DISCOUNTS},
        earlier_mailings=rows.earlier_mailings.fill_null(0),
        mailed_after=rows.n_mailed.fill_null(0),
    )


def _mailed_inside(trial: Trial, campaigns: ir.Table, targets: ir.Table) -> ir.Table:
    """How many other campaigns start inside the window and target a household: household_id, n_mailed."""
    inside = campaigns.start_day.between(trial.time_zero, trial.window_end) & (campaigns.campaign_id != trial.campaign_id)
    reached = targets.semi_join(campaigns.filter(inside), "campaign_id")
    return reached.group_by("household_id").agg(n_mailed=reached.campaign_id.nunique())


def trial_flow(
    trial: Trial, transactions: ir.Table, campaigns: ir.Table, targets: ir.Table, eligible: str = RESTED
) -> dict[str, int]:
    """Who is left out of a trial, and why: counts of households, as in a CONSORT flow.

    Of all households in the data, those without a purchase before time zero are set aside first, then those whom an earlier
    mailing keeps out (n_set_aside, of whom the campaign mailed n_targeted_set_aside). n_targeted_before shopped before and were
    targeted before, kept out or not; n_targeted_again of them are targeted again.
    """
    bought = purchases(transactions)
    everyone = bought.group_by("household_id").agg(shopped=bought.day.min() < trial.time_zero, known=ibis.literal(True))
    mailed = targets.filter(targets.campaign_id == trial.campaign_id).select("household_id", mailed=ibis.literal(True))
    rows = everyone.outer_join(mailed, "household_id")
    rows = rows.mutate(household_id=ibis.coalesce(rows.household_id, rows.household_id_right)).drop("household_id_right")
    earlier = earlier_mailings(trial, campaigns, targets)
    for name, table in (("reached", earlier), ("kept_out", set_aside(earlier, eligible))):
        flag = table.select("household_id", **{name: ibis.literal(True)})
        rows = rows.left_join(flag, "household_id").drop("household_id_right")
    known, shopped, targeted, reached, kept_out = (
        rows[name].fill_null(False) for name in ("known", "shopped", "mailed", "reached", "kept_out")
    )
    before, aside = shopped & reached, shopped & kept_out
    counts = {
        "n_households": known,
        "n_no_earlier_purchase": known & ~shopped,
        "n_targeted_before": before,
        "n_set_aside": aside,
        "n_targeted": targeted,
        "n_targeted_no_earlier_purchase": targeted & ~shopped,
        "n_targeted_again": targeted & before,
        "n_targeted_set_aside": targeted & aside,
    }
    found = rows.aggregate(**{name: flag.sum().fill_null(0) for name, flag in counts.items()}).execute().iloc[0]
    return {name: int(found[name]) for name in counts}


def in_trial(rows: pd.DataFrame, trial: Trial) -> pd.DataFrame:
    """The rows of one trial with its columns: campaign_id, trial, time_zero, whether its window was cut; and lots, or none."""
    own = {"campaign_id": trial.campaign_id, "trial": trial.number, "time_zero": pd.Timestamp(trial.time_zero), "cut": trial.cut}
    observed = {name: value for name, value in (("by_lot", 0), ("known_propensity", np.nan)) if name not in rows}
    return rows.assign(**own, **observed)
