"""Lay out the target trials: one row per household and trial, with treatment, outcomes, fold and baseline covariates.

Reads the canonical tables; writes every eligible row, the panel of those that the design compares, who is in each trial and why
others are not, what a contact costs by the tills, the units of covariates, and every household as of the day after the data end.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from targeting.base.columns import OUTCOMES, outcomes_of
from targeting.base.identifiers import own_identifiers
from targeting.base.left_out import write_sentence
from targeting.base.outputs import write_csv, write_figure, write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.trials import flow_chart
from targeting.tables.covariates import keep_covariates
from targeting.tables.engine import connect, read_tables
from targeting.tables.history import HISTORY
from targeting.tables.schemas import SCHEMAS, first_and_last_day
from targeting.trials.candidates import candidate_metrics, next_candidates, next_time_zero
from targeting.trials.contact_costs import contact_costs, cost_metrics, no_costs
from targeting.trials.customers import customer_candidates, customer_flow, customer_panel, customer_trials
from targeting.trials.designs import BY_LOT, by_lot_alone, folded_panel
from targeting.trials.lay_out import lay_out, panel_metrics, planned_trials
from targeting.trials.panel import require_outcome
from targeting.trials.units import covariate_units, no_units
from targeting.trials.weeks import no_weeks, weekly_spend

TABLES = Path("data/tables")
CUSTOMERS = TABLES / "customers.parquet"
IDENTIFIERS = TABLES / "identifiers.parquet"
LOTS = Path("data/lots/assignments.parquet")
ELIGIBLE = Path("data/trials/eligible.parquet")
PANEL = Path("data/trials/panel.parquet")
CANDIDATES = Path("data/score/candidates.parquet")
TRIALS = Path("plots/trials.csv")
FLOW_PICTURE = Path("plots/trials.png")
WEEKS = Path("data/trials/weeks.parquet")
UNITS = Path("data/trials/units.parquet")
COSTS = Path("data/trials/costs.parquet")
METRICS = Path("metrics/trials.json")
ONE_ARM = "mailed all eligible households or none, and is no trial; those whom it mailed count as mailed before"


def main() -> None:
    params = load_params("engine", "design", "nuisance", "sample", "policy", "seed")
    if CUSTOMERS.exists():
        take_customers(params)
    else:
        lay_out_trials(params)


def take_customers(params: Mapping[str, Any]) -> None:
    """A table of customers is its own trials: nothing is left to lay out, and no till says what a contact costs."""
    customers = pd.read_parquet(CUSTOMERS)
    every = customer_trials(customers)
    trials = by_lot_alone(every) if params["design"]["name"] == BY_LOT else every
    panel = customer_panel(trials, params["nuisance"]["folds"], params["seed"], params["sample"]["households"])
    require_outcome(panel, params["policy"]["outcome"], "its column of the table")
    tell_silent(outcomes_of(trials.columns), panel)
    flow, candidates = customer_flow(trials), customer_candidates(every)
    metrics = {**panel_metrics(panel, trials["trial"].nunique()), "costs": {}, "candidates": candidate_metrics(candidates)}
    write_metrics(metrics, METRICS)
    write_parquet(trials, ELIGIBLE)
    write_parquet(panel, PANEL)
    flow = flow.assign(campaign_id=own_identifiers(flow["campaign_id"], "campaign", pd.read_parquet(IDENTIFIERS)))
    tell_one_armed(flow, panel)
    write_csv(flow, TRIALS)
    treated = int(panel["treated"].sum())
    write_sentence(f"As the table has them: {treated:,} rows treated, {len(panel) - treated:,} not treated.", FLOW_PICTURE)
    write_parquet(covariate_units(customers), UNITS)
    write_parquet(no_weeks(panel), WEEKS)
    write_parquet(no_costs(), COSTS)
    write_parquet(candidates, CANDIDATES)


def tell_silent(outcomes: Iterable[str], panel: pd.DataFrame) -> None:
    """Say which of the outcomes the panel leaves out."""
    for outcome in sorted(set(outcomes).difference(outcomes_of(panel.columns))):
        print(f"trials: {outcome} is the same in every row, and is left out.", file=sys.stderr)


def tell_one_armed(flow: pd.DataFrame, panel: pd.DataFrame) -> None:
    """Say which campaigns of the flow, with the user's own identifiers, the panel leaves out, which has numbers of its own."""
    for campaign in flow.loc[~flow["trial"].isin(panel["trial"]), "campaign_id"]:
        print(f"trials: campaign {campaign} {ONE_ARM}.", file=sys.stderr)


def lay_out_trials(params: Mapping[str, Any]) -> None:
    """The target trials of a retailer's tills."""
    design, seed = params["design"], params["seed"]

    with connect(params["engine"]) as backend:
        names = [*SCHEMAS, *HISTORY]
        tables = dict(zip(names, read_tables(backend, TABLES, *names), strict=True)) | {"assignments": backend.read_parquet(LOTS)}
        campaign_types = tables["campaigns"].execute()["campaign_type"]
        trials = planned_trials(tables, design)
        time_zeros = [*(trial.time_zero for trial in trials), next_time_zero(tables)]
        covariates = keep_covariates(backend, tables, time_zeros, design["recent_days"])
        layout = lay_out(tables, covariates, trials, design, seed)
        panel = folded_panel(layout.eligible[layout.chosen], params["nuisance"]["folds"], seed, params["sample"]["households"])
        require_outcome(panel, params["policy"]["outcome"])
        costs = contact_costs(tables, trials)
        weeks = weekly_spend(tables, trials, panel, first_and_last_day(tables["receipts"])[0])
        (key,) = (table.execute() for table in read_tables(backend, TABLES, "identifiers"))
        candidates = next_candidates(tables, covariates, design, repeated=(panel["earlier_mailings"] > 0).any())

    flow = layout.flow.assign(campaign_id=own_identifiers(layout.flow["campaign_id"], "campaign", key))
    tell_one_armed(flow, panel)
    tell_silent(OUTCOMES, panel)
    metrics = {
        **panel_metrics(panel, (campaign_types == design["campaign_type"]).sum()),
        "costs": cost_metrics(costs),
        "candidates": candidate_metrics(candidates),
    }
    write_metrics(metrics, METRICS)
    write_parquet(layout.eligible, ELIGIBLE)
    write_parquet(panel, PANEL)
    write_parquet(no_units(), UNITS)
    write_parquet(weeks, WEEKS)
    write_csv(flow, TRIALS)
    write_figure(flow_chart(flow), FLOW_PICTURE)
    write_parquet(costs.assign(campaign_id=own_identifiers(costs["campaign_id"], "campaign", key)), COSTS)
    write_parquet(candidates, CANDIDATES)


if __name__ == "__main__":
    run("trials", main)
