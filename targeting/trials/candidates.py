"""Every household as it stands the day after the data end: who could be mailed next, with the panel's covariates."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from targeting.tables.covariates import at
from targeting.tables.schemas import first_and_last_day
from targeting.trials.panel import FIRST
from targeting.trials.trials import mailings

Tables = Mapping[str, ir.Table]


def candidate_rows(tables: Tables, covariates: ir.Table, design: Mapping[str, Any], time_zero: date) -> ir.Table:
    """One row per household that any table knows: household_id, has_history, targeted_before, running, then covariates (x_).

    has_history: a purchase before `time_zero`; without one the covariates are missing. targeted_before: a campaign of the type
    that starts before `time_zero` has the household among its targets. running: one of these has not ended. `tables` are
    those of `with_history`, `covariates` those of `baseline_covariates`, as of `time_zero` among others, `design` is the
    section of params.yaml.
    """
    campaigns = tables["campaigns"]
    earlier = campaigns.filter((campaigns.campaign_type == design["campaign_type"]) & (campaigns.start_day < time_zero))
    mailed = mailings(tables["campaign_targets"].inner_join(earlier, "campaign_id"), time_zero)
    known = at(covariates, time_zero)
    anywhere = [tables[name].select("household_id") for name in ("receipts", "households", "campaign_targets")]
    rows = ibis.union(*anywhere, distinct=True)
    for block in (mailed, known.mutate(shopped=ibis.literal(True))):
        rows = rows.left_join(block, "household_id").drop("household_id_right")
    names = [name for name in known.columns if name != "household_id"]
    flags = {
        "has_history": rows.shopped.fill_null(False),
        "targeted_before": rows.earlier_mailings.fill_null(0) > 0,
        "running": rows.running.fill_null(False),
    }
    return rows.select("household_id", **flags, **{name: rows[name] for name in names}).order_by("household_id")


def next_time_zero(tables: Tables) -> date:
    """The day after the data end."""
    return first_and_last_day(tables["receipts"])[1] + timedelta(days=1)


def next_candidates(tables: Tables, covariates: ir.Table, design: Mapping[str, Any], repeated: bool) -> pd.DataFrame:
    """`candidate_rows` as of `next_time_zero`, which is the column time_zero, after household_id; and eligible.

    Eligible is who would be by the trials' rule. But where these hold no `repeated` mailing, nothing is known of one, and whoever
    was targeted before is not eligible either.
    """
    time_zero = next_time_zero(tables)
    candidates = candidate_rows(tables, covariates, design, time_zero).execute()
    candidates.insert(1, "time_zero", pd.Timestamp(time_zero))
    first = design["eligible"] == FIRST or not repeated
    aside = candidates["targeted_before"] if first else candidates["running"]
    candidates.insert(4, "eligible", candidates["has_history"] & ~aside)
    return candidates


def candidate_metrics(candidates: pd.DataFrame) -> dict[str, int]:
    """How many households there are, lack a history, were targeted before, and are eligible."""
    return {
        "n_households": len(candidates),
        "n_no_history": (~candidates["has_history"]).sum(),
        "n_targeted_before": candidates["targeted_before"].sum(),
        "n_eligible": candidates["eligible"].sum(),
    }
