"""Every household as it stands the day after the data end: who could be mailed next, with the panel's covariates."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import pandas as pd

from targeting.tables.covariates import baseline_covariates, promoted_lines
from targeting.tables.schemas import first_and_last_day
from targeting.trials.trials import ever_targeted


def candidate_rows(tables: Mapping[str, ir.Table], campaign_type: str, time_zero: date, recent_days: Sequence[int]) -> ir.Table:
    """One row per household that any table knows: household_id, has_history, targeted_before, then the covariates (prefix x_).

    has_history: a purchase before `time_zero`; without one the covariates are missing. targeted_before: a campaign of the type
    that starts before `time_zero` has the household among its targets. The trials' rule of eligibility is the first without the
    second.
    """
    campaigns = tables["campaigns"].filter(tables["campaigns"].start_day < time_zero)
    targeted = ever_targeted(campaign_type, campaigns, tables["campaign_targets"]).mutate(targeted=ibis.literal(True))
    promoted = promoted_lines(tables["transactions"], tables["promotions"])
    covariates = baseline_covariates(tables, promoted, time_zero, recent_days).mutate(shopped=ibis.literal(True))
    known = [tables[name].select("household_id") for name in ("transactions", "households", "campaign_targets")]
    rows = ibis.union(*known, distinct=True)
    for block in (targeted, covariates):
        rows = rows.left_join(block, "household_id").drop("household_id_right")
    names = [name for name in covariates.columns if name not in ("household_id", "shopped")]
    flags = {"has_history": rows.shopped.fill_null(False), "targeted_before": rows.targeted.fill_null(False)}
    return rows.select("household_id", **flags, **{name: rows[name] for name in names}).order_by("household_id")


def next_candidates(tables: Mapping[str, ir.Table], campaign_type: str, recent_days: Sequence[int]) -> pd.DataFrame:
    """`candidate_rows` as of the day after the data end, which is the column time_zero, after household_id."""
    time_zero = first_and_last_day(tables["transactions"])[1] + timedelta(days=1)
    candidates = candidate_rows(tables, campaign_type, time_zero, recent_days).execute()
    candidates.insert(1, "time_zero", pd.Timestamp(time_zero))
    return candidates


def candidate_metrics(candidates: pd.DataFrame) -> dict[str, int]:
    """How many households there are, lack a history, were targeted before, and are eligible."""
    return {
        "n_households": len(candidates),
        "n_no_history": (~candidates["has_history"]).sum(),
        "n_targeted_before": candidates["targeted_before"].sum(),
        "n_eligible": (candidates["has_history"] & ~candidates["targeted_before"]).sum(),
    }
