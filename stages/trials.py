"""Lay out the target trials: one row per household and trial, with treatment, outcomes, fold and baseline covariates.

Reads the canonical tables; writes every eligible row, the panel of those that the design compares, who is in each trial and why
others are not, what a contact costs by the tills, and every household as of the day after the data end.
"""

import sys
from pathlib import Path

from targeting.base.columns import OUTCOMES, outcomes_of
from targeting.base.identifiers import own_identifiers
from targeting.base.outputs import write_csv, write_figure, write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.trials import flow_chart
from targeting.tables.engine import connect, read_tables
from targeting.tables.schemas import SCHEMAS
from targeting.trials.candidates import candidate_metrics, next_candidates
from targeting.trials.contact_costs import contact_costs, cost_metrics
from targeting.trials.designs import folded_panel
from targeting.trials.lay_out import lay_out, panel_metrics, planned_trials
from targeting.trials.panel import require_outcome

TABLES = Path("data/tables")
LOTS = Path("data/lots/assignments.parquet")
ELIGIBLE = Path("data/trials/eligible.parquet")
PANEL = Path("data/trials/panel.parquet")
CANDIDATES = Path("data/score/candidates.parquet")
TRIALS = Path("plots/trials.csv")
FLOW_PICTURE = Path("plots/trials.png")
COSTS = Path("plots/costs.csv")
METRICS = Path("metrics/trials.json")
ONE_ARM = "mailed all eligible households or none, and is no trial; those whom it mailed count as mailed before"


def main() -> None:
    params = load_params("engine", "design", "nuisance", "policy", "seed")
    design, seed = params["design"], params["seed"]

    with connect(params["engine"]) as backend:
        tables = dict(zip(SCHEMAS, read_tables(backend, TABLES, *SCHEMAS), strict=True))
        tables["assignments"] = backend.read_parquet(LOTS)
        campaign_types = tables["campaigns"].execute()["campaign_type"]
        trials = planned_trials(tables, design)
        layout = lay_out(backend, tables, trials, design, seed)
        panel = folded_panel(layout.eligible[layout.chosen], params["nuisance"]["folds"], seed)
        require_outcome(panel, params["policy"]["outcome"])
        costs = contact_costs(tables, trials)
        (key,) = (table.execute() for table in read_tables(backend, TABLES, "identifiers"))
        candidates = next_candidates(tables, design["campaign_type"], design["recent_days"])

    flow = layout.flow.assign(campaign_id=own_identifiers(layout.flow["campaign_id"], "campaign", key))
    for campaign in flow.loc[~layout.flow["campaign_id"].isin(panel["campaign_id"]), "campaign_id"]:
        print(f"trials: campaign {campaign} {ONE_ARM}.", file=sys.stderr)
    for outcome in sorted(set(OUTCOMES).difference(outcomes_of(panel.columns))):
        print(f"trials: {outcome} is the same in every row, and is left out.", file=sys.stderr)
    metrics = {
        **panel_metrics(panel, (campaign_types == design["campaign_type"]).sum()),
        "costs": cost_metrics(costs),
        "candidates": candidate_metrics(candidates),
    }
    write_metrics(metrics, METRICS)
    write_parquet(layout.eligible, ELIGIBLE)
    write_parquet(panel, PANEL)
    write_csv(flow, TRIALS)
    write_figure(flow_chart(flow), FLOW_PICTURE)
    write_csv(costs.assign(campaign_id=own_identifiers(costs["campaign_id"], "campaign", key)), COSTS)
    write_parquet(candidates, CANDIDATES)


if __name__ == "__main__":
    run("trials", main)
