"""Estimate the average effects again where the answer is known, or where it should hardly change.

Reads the panel, its nuisances and, for the trials moved back before their campaigns, the canonical tables; writes every repeat's
estimate, and who could not be moved back. What follows is for the stage `refute` to say.
"""

from pathlib import Path

import pandas as pd

from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.robustness.refutation import unadjusted_differences
from targeting.robustness.refutation_fits import estimate_perturbed
from targeting.tables.engine import connect, read_tables
from targeting.tables.history import HISTORY
from targeting.tables.schemas import SCHEMAS
from targeting.trials.negative_control import control_flow, control_metrics, control_panel, control_trials
from targeting.trials.panel import read_aligned

TABLES = Path("data/tables")


def main() -> None:
    params = load_params("engine", "design", "refute", "nuisance", "sample", "seed")
    panel = pd.read_parquet("data/trials/panel.parquet")
    nuisance = read_aligned(panel, "data/trials/nuisance.parquet")
    names, days = [*SCHEMAS, *HISTORY], params["refute"]["control_days"]
    with connect(params["engine"]) as backend:
        tables = dict(zip(names, read_tables(backend, TABLES, *names), strict=True))
        moved = control_trials(backend, tables, panel, days, params["design"]["recent_days"])
    control, flow = control_panel(moved), control_flow(moved)

    draws = estimate_perturbed(panel, nuisance, control, params)

    write_outputs(
        {
            "metrics/perturb.json": {"n_draws": len(draws), "negative_control": control_metrics(control, flow)},
            "data/perturb/draws.parquet": draws,
            "data/perturb/unadjusted.parquet": unadjusted_differences(control),
            "plots/negative_control.csv": flow,
        }
    )


if __name__ == "__main__":
    run("perturb", main)
