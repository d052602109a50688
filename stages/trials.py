"""Lay out the target trials: one row a household and trial, with treatment, outcomes, fold and baseline covariates.

Reads the canonical tables; writes every eligible row, the panel of those that the design compares, and who is in each trial
and why others are not.
"""

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from targeting.base.outputs import write_csv, write_figure, write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.progress import track
from targeting.base.stage import run
from targeting.figures.trials import flow_chart
from targeting.stats.folds import household_folds
from targeting.tables.covariates import baseline_covariates, promoted_lines
from targeting.tables.engine import connect, read_tables
from targeting.tables.schemas import SCHEMAS, first_and_last_day
from targeting.trials.designs import FIRST, design_flow, first_campaign_rows
from targeting.trials.panel import assemble, require_both_arms
from targeting.trials.trials import ever_targeted, in_trial, plan_trials, trial_flow, trial_rows

TABLES = Path("data/tables")
ELIGIBLE = Path("data/trials/eligible.parquet")
PANEL = Path("data/trials/panel.parquet")
TRIALS = Path("plots/trials.csv")
FLOW_PICTURE = Path("plots/trials.png")
METRICS = Path("metrics/trials.json")


def main() -> None:
    params = load_params("engine", "design", "nuisance", "seed")
    design = params["design"]

    with connect(params["engine"]) as backend:
        tables = dict(zip(SCHEMAS, read_tables(backend, TABLES, *SCHEMAS), strict=True))
        lines, campaigns, targets = tables["transactions"], tables["campaigns"], tables["campaign_targets"]
        calendar = campaigns.execute()
        rules = (design["campaign_type"], design["post_days"], design["min_follow_up_days"])
        trials = plan_trials(calendar, *rules, *first_and_last_day(lines))
        rows, flows = [], []
        promoted = backend.create_table("promoted", promoted_lines(lines, tables["promotions"]), temp=True)
        for trial in track(trials, "Laying out trials"):
            covariates = baseline_covariates(tables, promoted, trial.time_zero, design["recent_days"])
            frame = trial_rows(trial, lines, campaigns, targets).inner_join(covariates, "household_id").execute()
            rows.append(in_trial(frame, trial))
            flows.append(asdict(trial) | trial_flow(trial, lines, campaigns, targets))
        targeted = ever_targeted(design["campaign_type"], campaigns, targets).execute()["household_id"]

    eligible = pd.concat(rows, ignore_index=True).sort_values(["trial", "household_id"], ignore_index=True)
    eligible[FIRST] = first_campaign_rows(eligible, targeted, params["seed"])
    chosen = eligible[FIRST] if design["name"] == FIRST else pd.Series(True, index=eligible.index)
    panel = assemble(eligible[chosen])
    panel["fold"] = household_folds(panel["household_id"], params["nuisance"]["folds"], params["seed"])
    require_both_arms(panel)
    flow = pd.DataFrame(flows).rename(columns={"number": "trial"})
    flow = flow.merge(design_flow(eligible, chosen, targeted), on="trial", validate="one_to_one")

    metrics = {
        "n_rows": len(panel),
        "n_households": panel["household_id"].nunique(),
        "n_trials": len(trials),
        "n_campaigns_skipped": (calendar["campaign_type"] == design["campaign_type"]).sum() - len(trials),
        "n_treated": panel["treated"].sum(),
        "n_control": (1 - panel["treated"]).sum(),
    }
    write_metrics(metrics, METRICS)
    write_parquet(eligible, ELIGIBLE)
    write_parquet(panel, PANEL)
    write_csv(flow, TRIALS)
    write_figure(flow_chart(flow), FLOW_PICTURE)


if __name__ == "__main__":
    run("trials", main)
