"""Baseline covariates of a household at a time zero: everything here looks only at days before it."""

from collections.abc import Mapping, Sequence
from datetime import date

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.base.columns import PREFIX
from targeting.tables.engine import keep
from targeting.tables.features import household_features
from targeting.tables.history import before

KEY = ["time_zero", "household_id"]


def baseline_covariates(tables: Mapping[str, ir.Table], time_zeros: Sequence[date], recent_days: Sequence[int]) -> ir.Table:
    """One row per time zero and household with a purchase before it: time_zero, household_id and the covariates.

    `tables` are those of `with_history`. The covariates have the prefix x_, and none is missing. They are the 33 profile features
    as of time zero; spend (USD, net of returns) and visits in the last so many days; how many campaigns of each type had reached
    the household, how many of those still run, and its redemptions; the share of its lines that were on display or in the mailer;
    demographics where known (lower ends of bands, else 0, with an indicator of being known).
    """
    rows = household_features(tables["days"], time_zeros).rename(time_zero="as_of")
    blocks = [
        _recent(before(tables["receipts"], time_zeros, "time_zero"), recent_days),
        _campaign_history(tables["campaigns"], tables["campaign_targets"], time_zeros),
        _redemptions(before(tables["redemptions"], time_zeros, "time_zero")),
        _exposure(before(tables["promoted"], time_zeros, "time_zero")),
    ]
    for block in blocks:
        rows = rows.left_join(block, KEY).drop("time_zero_right", "household_id_right")
    rows = rows.left_join(_demographics(tables["households"]), "household_id").drop("household_id_right")
    rows = rows.mutate(
        display_share=rows.n_display / rows.transaction_count, mailer_share=rows.n_mailer / rows.transaction_count
    ).drop("n_display", "n_mailer")
    names = [name for name in rows.columns if name not in KEY]
    return rows.select(*KEY, **{f"{PREFIX}{name}": rows[name].cast("float64").fill_null(0.0) for name in names})


def keep_covariates(
    backend: BaseBackend, tables: Mapping[str, ir.Table], time_zeros: Sequence[date], recent_days: Sequence[int]
) -> ir.Table:
    """`baseline_covariates` of all time zeros, computed once and kept while the connection lasts."""
    return keep(backend, "covariates", baseline_covariates(tables, time_zeros, recent_days))


def at(covariates: ir.Table, time_zero: date) -> ir.Table:
    """The rows of one time zero: household_id and the covariates."""
    return covariates.filter(covariates.time_zero == time_zero).drop("time_zero")


def _recent(receipts: ir.Table, recent_days: Sequence[int]) -> ir.Table:
    age = receipts.time_zero.delta(receipts.day, unit="day")
    receipts = receipts.mutate(age=age).filter(age <= max(recent_days))
    values = {}
    for days in recent_days:
        recent = receipts.age <= days
        values[f"spend_{days}d"] = ibis.ifelse(recent, receipts.sales, 0).sum().cast("float64")
        values[f"visits_{days}d"] = receipts.basket_id.nunique(where=recent & (receipts.quantity > 0))
    return receipts.group_by(KEY).agg(**values)


def _campaign_history(campaigns: ir.Table, targets: ir.Table, time_zeros: Sequence[date]) -> ir.Table:
    earlier = before(targets.inner_join(campaigns.rename(day="start_day"), "campaign_id"), time_zeros, "time_zero")
    return earlier.group_by(KEY).agg(
        campaigns_a=(earlier.campaign_type == "A").sum(),
        campaigns_b=(earlier.campaign_type == "B").sum(),
        campaigns_c=(earlier.campaign_type == "C").sum(),
        campaigns_running=(earlier.end_day >= earlier.time_zero).sum(),
    )


def _redemptions(earlier: ir.Table) -> ir.Table:
    return earlier.group_by(KEY).agg(redemptions=earlier.count())


def _exposure(promoted: ir.Table) -> ir.Table:
    return promoted.group_by(KEY).agg(n_display=promoted.n_display.sum(), n_mailer=promoted.n_mailer.sum())


def _demographics(households: ir.Table) -> ir.Table:
    return households.select(
        "household_id",
        demographics_known=ibis.literal(1).cast("float64"),  # Spark takes a written 1.0 for a decimal
        age_from=_lower_end(households.age),
        income_from=_lower_end(households.income),
        household_size=_lower_end(households.household_size),
        kids=_lower_end(households.kids),
        homeowner=(households.home_ownership == "Homeowner").fill_null(False),
        married=(households.marital_status == "Married").fill_null(False),
    )


def _lower_end(band: ir.StringColumn) -> ir.FloatingColumn:
    """The first number in a band such as 35-49K; half of it where the band is open below (Under 15K)."""
    number = band.re_extract(r"([0-9]+)", 1).try_cast("float64")
    return ibis.ifelse(band.lower().startswith("under"), number / 2, number)
