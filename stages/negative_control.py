"""Move every trial back before its campaign: outcomes that the campaign cannot have changed, covariates from before those.

Reads the canonical tables and the panel's households; writes a panel of the same form, and who could not be moved back.
"""

from pathlib import Path

import pandas as pd

from targeting.base.outputs import write_csv, write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.progress import track
from targeting.base.stage import run
from targeting.tables.covariates import promoted_lines
from targeting.tables.engine import connect, read_tables
from targeting.tables.schemas import SCHEMAS
from targeting.trials.negative_control import control_panel, control_trial

TABLES = Path("data/tables")
PANEL = Path("data/trials/panel.parquet")
CONTROL = Path("data/trials/negative_control.parquet")
FLOW = Path("plots/negative_control.csv")
METRICS = Path("metrics/negative_control.json")


def main() -> None:
    params = load_params("engine", "design", "refute")
    panel = pd.read_parquet(PANEL)

    with connect(params["engine"]) as backend:
        tables = dict(zip(SCHEMAS, read_tables(backend, TABLES, *SCHEMAS), strict=True))
        promoted = backend.create_table("promoted", promoted_lines(tables["transactions"], tables["promotions"]), temp=True)
        settings = (params["refute"]["control_days"], params["design"]["recent_days"])
        groups = [rows for _, rows in panel.groupby("trial")]
        trials = [control_trial(tables, promoted, rows, *settings) for rows in track(groups, "Moving trials back")]

    control = control_panel(trials)
    flow = pd.DataFrame([trial.flow() for trial in trials])
    metrics = {
        "n_rows": len(control),
        "n_households": control["household_id"].nunique(),
        "n_trials": flow["used"].sum(),
        "n_treated": control["treated"].sum(),
        "n_without_history": flow["n_treated_without_history"].sum() + flow["n_control_without_history"].sum(),
    }
    write_metrics(metrics, METRICS)
    write_parquet(control, CONTROL)
    write_csv(flow, FLOW)


if __name__ == "__main__":
    run("negative_control", main)
