"""The trials of a run as all later stages read them: of a retailer's tills, or of a table of customers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir
import pandas as pd
from ibis.backends import BaseBackend

from targeting.base.columns import OUTCOMES, outcomes_of
from targeting.tables.covariates import keep_covariates
from targeting.tables.schemas import first_and_last_day
from targeting.trials.candidates import candidate_metrics, next_candidates, next_time_zero
from targeting.trials.contact_costs import contact_costs, cost_metrics, no_costs
from targeting.trials.customers import customer_candidates, customer_flow, customer_panel, customer_trials
from targeting.trials.designs import BY_LOT, by_lot_alone, folded_panel
from targeting.trials.lay_out import lay_out, panel_metrics, planned_trials
from targeting.trials.panel import require_outcome
from targeting.trials.units import covariate_units, no_units
from targeting.trials.weeks import no_weeks, weekly_spend


@dataclass(frozen=True)
class Trials:
    """Every eligible row, the panel of those that are compared, and who is in each trial and why others are not (flow).

    weeks: spend by week of the panel's rows. units: of a table's own covariates. costs: discounts by campaign and basis.
    candidates: every household as of the day after the data end. silent: outcomes that are the same in every row, and left out.
    """

    eligible: pd.DataFrame
    panel: pd.DataFrame
    flow: pd.DataFrame
    weeks: pd.DataFrame
    units: pd.DataFrame
    costs: pd.DataFrame
    candidates: pd.DataFrame
    silent: list[str]
    metrics: dict[str, Any]

    def one_armed(self) -> pd.Series:
        """The campaigns of the flow that mailed all eligible households or none, and are no trial."""
        return self.flow.loc[~self.flow["trial"].isin(self.panel["trial"]), "campaign_id"]


def trials_of_customers(customers: pd.DataFrame, params: Mapping[str, Any]) -> Trials:
    """A table of customers is its own trials: nothing is left to lay out, and no till says what a contact costs.

    `params` has the sections design, nuisance, sample, policy and seed of params.yaml, here and below.
    """
    every = customer_trials(customers)
    trials = by_lot_alone(every) if params["design"]["name"] == BY_LOT else every
    panel = customer_panel(trials, params["nuisance"]["folds"], params["seed"], params["sample"]["households"])
    require_outcome(panel, params["policy"]["outcome"], "its column of the table")
    candidates = customer_candidates(every)
    return Trials(
        eligible=trials,
        panel=panel,
        flow=customer_flow(trials),
        weeks=no_weeks(panel),
        units=covariate_units(customers),
        costs=no_costs(),
        candidates=candidates,
        silent=_silent(outcomes_of(trials.columns), panel),
        metrics=_metrics(panel, trials["trial"].nunique(), {}, candidates),
    )


def trials_of_tills(backend: BaseBackend, tables: Mapping[str, ir.Table], params: Mapping[str, Any]) -> Trials:
    """The target trials of a retailer's tills; `tables` are the canonical ones, with those of their history and assignments."""
    design, seed = params["design"], params["seed"]
    campaign_types = tables["campaigns"].execute()["campaign_type"]
    trials = planned_trials(tables, design)
    time_zeros = [*(trial.time_zero for trial in trials), next_time_zero(tables)]
    covariates = keep_covariates(backend, tables, time_zeros, design["recent_days"])
    layout = lay_out(tables, covariates, trials, design, seed)
    panel = folded_panel(layout.eligible[layout.chosen], params["nuisance"]["folds"], seed, params["sample"]["households"])
    require_outcome(panel, params["policy"]["outcome"])
    costs = contact_costs(tables, trials)
    candidates = next_candidates(tables, covariates, design, repeated=(panel["earlier_mailings"] > 0).any())
    return Trials(
        eligible=layout.eligible,
        panel=panel,
        flow=layout.flow,
        weeks=weekly_spend(tables, trials, panel, first_and_last_day(tables["receipts"])[0]),
        units=no_units(),
        costs=costs,
        candidates=candidates,
        silent=_silent(OUTCOMES, panel),
        metrics=_metrics(panel, (campaign_types == design["campaign_type"]).sum(), cost_metrics(costs), candidates),
    )


def _silent(outcomes: tuple[str, ...], panel: pd.DataFrame) -> list[str]:
    return sorted(set(outcomes).difference(outcomes_of(panel.columns)))


def _metrics(panel: pd.DataFrame, n_campaigns: int, costs: Mapping[str, float], candidates: pd.DataFrame) -> dict[str, Any]:
    return {**panel_metrics(panel, n_campaigns), "costs": dict(costs), "candidates": candidate_metrics(candidates)}
