"""Trials by lot: campaigns whose households were mailed or not by a draw, with a chance that was written down.

Eligible are those who took part in the draw and bought something before time zero; whom earlier campaigns mailed plays no part.
Treated are those on whom the lot fell, whether or not the mailing reached them (intention to treat).
"""

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from targeting.tables.returns import purchases
from targeting.trials.trials import Trial, followed


def drawn_in(trial: Trial, tables: Mapping[str, ir.Table]) -> ir.Table | None:
    """Who took part in the trial's draw (household_id, mailed, propensity), or None where it is an observed one.

    `assignments` is among the tables of a retailer that has lots.
    """
    if "assignments" not in tables:
        return None
    lots = tables["assignments"].filter(tables["assignments"].campaign_id == trial.campaign_id).drop("campaign_id")
    return lots if lots.count().execute() else None


def lot_rows(trial: Trial, lots: ir.Table, tables: Mapping[str, ir.Table]) -> ir.Table:
    """One row per eligible household as `trial_rows` gives them, with by_lot (1) and known_propensity (missing if unknown)."""
    arms = lots.semi_join(_shoppers(trial, tables), "household_id").select(
        "household_id", treated=lots.mailed, by_lot=ibis.literal(1, "int64"), known_propensity=lots.propensity
    )
    return followed(trial, arms, *(tables[name] for name in ("receipts", "campaigns", "campaign_targets")))


def lot_flow(trial: Trial, lots: ir.Table, tables: Mapping[str, ir.Table]) -> dict[str, int]:
    """The counts of `trial_flow`: here none is set aside for an earlier mailing, and n_not_drawn had no part in the draw."""
    everyone, shoppers = purchases(tables["receipts"]).select("household_id").distinct(), _shoppers(trial, tables)
    targets = tables["campaign_targets"]
    mailed = targets.filter(targets.campaign_id == trial.campaign_id)
    counts = {
        "n_households": everyone,
        "n_no_earlier_purchase": everyone.anti_join(shoppers, "household_id"),
        "n_not_drawn": shoppers.anti_join(lots, "household_id"),
        "n_targeted": mailed,
        "n_targeted_no_earlier_purchase": mailed.anti_join(shoppers, "household_id"),
    }
    found = {name: int(rows.count().execute()) for name, rows in counts.items()}
    return found | dict.fromkeys(("n_targeted_before", "n_targeted_again", "n_set_aside", "n_targeted_set_aside"), 0)


def _shoppers(trial: Trial, tables: Mapping[str, ir.Table]) -> ir.Table:
    bought = purchases(tables["receipts"])
    return bought.filter(bought.day < trial.time_zero).select("household_id").distinct()
