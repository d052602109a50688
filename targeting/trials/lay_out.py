"""The target trials laid out: from the canonical tables to every eligible row, those that a design compares, and the flow."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from targeting.base.errors import DataError
from targeting.base.progress import track
from targeting.tables.covariates import at
from targeting.tables.schemas import first_and_last_day
from targeting.trials.designs import BY_LOT, FIRST, NO_LOTS, design_flow, first_campaign_rows
from targeting.trials.lots import drawn_in, lot_flow, lot_rows
from targeting.trials.trials import Trial, ever_targeted, in_trial, plan_trials, trial_flow, trial_rows

Tables = Mapping[str, ir.Table]


@dataclass(frozen=True)
class Layout:
    """Every eligible row, which of them the design compares (booleans, shape (rows,)), and one row per trial of who is in it."""

    eligible: pd.DataFrame
    chosen: pd.Series
    flow: pd.DataFrame


def planned_trials(tables: Tables, design: Mapping[str, Any]) -> list[Trial]:
    """The trials of the section `design` of params.yaml that the tables can hold; DataError where there is none.

    By lot alone, campaigns without a draw are no trials.
    """
    rules = (design["campaign_type"], design["post_days"], design["min_follow_up_days"])
    trials = plan_trials(tables["campaigns"].execute(), *rules, *first_and_last_day(tables["transactions"]))
    if design["name"] != BY_LOT:
        return trials
    drawn = [trial for trial in trials if drawn_in(trial, tables) is not None]
    if not drawn:
        raise DataError(NO_LOTS)
    return drawn


def eligible_rows(tables: Tables, covariates: ir.Table, trials: Sequence[Trial], design: Mapping[str, Any]) -> pd.DataFrame:
    """One row per eligible household and trial, ordered by both: the columns of `trial_rows`, covariates, then the trial's.

    `tables` are those of `with_history`, `covariates` those of `baseline_covariates` as of the trials' time zeros, `design` is
    the section of params.yaml.
    """
    rows = []
    for trial in track(trials, "Laying out trials"):
        lots = drawn_in(trial, tables)
        own = trial_rows(trial, *_about(tables), design["eligible"]) if lots is None else lot_rows(trial, lots, tables)
        rows.append(in_trial(own.inner_join(at(covariates, trial.time_zero), "household_id").execute(), trial))
    return pd.concat(rows, ignore_index=True).sort_values(["trial", "household_id"], ignore_index=True)


def lay_out(tables: Tables, covariates: ir.Table, trials: Sequence[Trial], design: Mapping[str, Any], seed: int) -> Layout:
    """The trials by the section `design` of params.yaml, of what `eligible_rows` takes.

    Eligible rows have a column `first_campaign`, which of them the published study's design compares, whatever `design.name`
    says; of lots, every row. The flow has the columns of Trial (its number as `trial`), `trial_flow` and `design_flow`, and where
    there are lots n_not_drawn.
    """
    _, campaigns, targets = _about(tables)
    eligible = eligible_rows(tables, covariates, trials, design)
    targeted = ever_targeted(design["campaign_type"], campaigns, targets).execute()["household_id"]
    eligible[FIRST] = first_campaign_rows(eligible, targeted, seed) | (eligible["by_lot"] == 1)
    chosen = eligible[FIRST] if design["name"] == FIRST else pd.Series(True, index=eligible.index)
    flow = pd.DataFrame([asdict(trial) | _flow(trial, tables, design["eligible"]) for trial in trials])
    if "n_not_drawn" in flow:
        flow["n_not_drawn"] = flow["n_not_drawn"].fillna(0).astype("int64")
    flow = flow.rename(columns={"number": "trial"})
    # Where earlier campaigns reached everybody, nobody is eligible for a trial, and it is in the flow all the same.
    compared = design_flow(eligible, chosen, targeted).set_index("trial").reindex(flow["trial"], fill_value=0).reset_index()
    return Layout(eligible, chosen, flow.merge(compared, on="trial", validate="one_to_one"))


def _about(tables: Tables) -> tuple[ir.Table, ir.Table, ir.Table]:
    return tables["receipts"], tables["campaigns"], tables["campaign_targets"]


def _flow(trial: Trial, tables: Tables, eligible: str) -> dict[str, int]:
    lots = drawn_in(trial, tables)
    return trial_flow(trial, *_about(tables), eligible) if lots is None else lot_flow(trial, lots, tables)


def panel_metrics(panel: pd.DataFrame, n_campaigns: int) -> dict[str, int]:
    """How many rows, households, trials, treated and controls; and how many of `n_campaigns` of the type are no trial."""
    n_trials = panel["trial"].nunique()
    return {
        "n_rows": len(panel),
        "n_households": panel["household_id"].nunique(),
        "n_trials": n_trials,
        "n_campaigns_skipped": n_campaigns - n_trials,
        "n_treated": panel["treated"].sum(),
        "n_control": (1 - panel["treated"]).sum(),
    }
