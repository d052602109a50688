"""Baseline covariates of a household at a time zero: everything here looks only at days before it."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.base.columns import PREFIX
from targeting.tables.features import household_features
from targeting.tables.returns import purchases


def promoted_lines(transactions: ir.Table, promotions: ir.Table) -> ir.Table:
    """Purchases of a product that was promoted in that store and week: household_id, day, display, mailer.

    One pass over the promotions serves every time zero.
    """
    lines = purchases(transactions).inner_join(promotions, ["product_id", "store_id", "week"])
    return lines.select("household_id", "day", "display", "mailer")


def keep_promoted_lines(backend: BaseBackend, tables: Mapping[str, ir.Table]) -> ir.Table:
    """`promoted_lines` of the tables, computed once and kept while the connection lasts."""
    return backend.create_table("promoted", promoted_lines(tables["transactions"], tables["promotions"]), temp=True)


def baseline_covariates(
    tables: Mapping[str, ir.Table], promoted: ir.Table, time_zero: date, recent_days: Sequence[int]
) -> ir.Table:
    """One row per household with a purchase before `time_zero`: household_id and the covariates, prefix x_, none missing.

    The 33 profile features as of time zero; spend (USD, net of returns) and visits in the last so many days; how many campaigns
    of each type had reached the household, how many of those still run, and its redemptions; the share of its lines that were on
    display or in the mailer; demographics where known (lower ends of bands, else 0, with an indicator of being known).
    """
    features = household_features(tables["transactions"], tables["products"], time_zero)
    blocks = [
        _recent(tables["transactions"], time_zero, recent_days),
        _campaign_history(tables["campaigns"], tables["campaign_targets"], time_zero),
        _redemptions(tables["redemptions"], time_zero),
        _exposure(promoted, time_zero),
        _demographics(tables["households"]),
    ]
    rows = features
    for block in blocks:
        rows = rows.left_join(block, "household_id").drop("household_id_right")
    rows = rows.mutate(
        display_share=rows.n_display / rows.transaction_count, mailer_share=rows.n_mailer / rows.transaction_count
    ).drop("n_display", "n_mailer")
    names = [name for name in rows.columns if name != "household_id"]
    return rows.select("household_id", **{f"{PREFIX}{name}": rows[name].cast("float64").fill_null(0.0) for name in names})


def _recent(transactions: ir.Table, time_zero: date, recent_days: Sequence[int]) -> ir.Table:
    lines = transactions.filter(transactions.day < time_zero)
    values = {}
    for days in recent_days:
        recent = lines.day >= time_zero - timedelta(days=days)
        values[f"spend_{days}d"] = ibis.ifelse(recent, lines.sales, 0).sum().cast("float64")
        values[f"visits_{days}d"] = lines.basket_id.nunique(where=recent & (lines.quantity > 0))
    return lines.group_by("household_id").agg(**values)


def _campaign_history(campaigns: ir.Table, targets: ir.Table, time_zero: date) -> ir.Table:
    earlier = targets.inner_join(campaigns.filter(campaigns.start_day < time_zero), "campaign_id")
    return earlier.group_by("household_id").agg(
        campaigns_a=(earlier.campaign_type == "A").sum(),
        campaigns_b=(earlier.campaign_type == "B").sum(),
        campaigns_c=(earlier.campaign_type == "C").sum(),
        campaigns_running=(earlier.end_day >= time_zero).sum(),
    )


def _redemptions(redemptions: ir.Table, time_zero: date) -> ir.Table:
    earlier = redemptions.filter(redemptions.day < time_zero)
    return earlier.group_by("household_id").agg(redemptions=earlier.count())


def _exposure(promoted: ir.Table, time_zero: date) -> ir.Table:
    lines = promoted.filter(promoted.day < time_zero)
    return lines.group_by("household_id").agg(n_display=lines.display.sum(), n_mailer=lines.mailer.sum())


def _demographics(households: ir.Table) -> ir.Table:
    return households.select(
        "household_id",
        demographics_known=ibis.literal(1.0),
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
