"""Lay out the target trials: one row per household and trial, with treatment, outcomes, fold and baseline covariates.

Reads the canonical tables; writes every eligible row, the panel of those that the design compares, who is in each trial and why
others are not, what a contact costs by the tills, the units of covariates, and every household as of the day after the data end.
"""

import sys
from pathlib import Path

import pandas as pd

from targeting.base.identifiers import own_identifiers
from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.trials import flow_picture
from targeting.tables.engine import connect, read_tables
from targeting.tables.history import HISTORY
from targeting.tables.schemas import SCHEMAS
from targeting.trials.laid_out import trials_of_customers, trials_of_tills

TABLES, LOTS = Path("data/tables"), Path("data/lots/assignments.parquet")
CUSTOMERS, IDENTIFIERS = TABLES / "customers.parquet", TABLES / "identifiers.parquet"
ONE_ARM = "mailed all eligible households or none, and is no trial; those whom it mailed count as mailed before"


def main() -> None:
    params = load_params("engine", "design", "nuisance", "sample", "policy", "seed")
    tills, names = not CUSTOMERS.exists(), [*SCHEMAS, *HISTORY]
    if not tills:
        found = trials_of_customers(pd.read_parquet(CUSTOMERS), params)
    else:
        with connect(params["engine"]) as backend:
            tables = dict(zip(names, read_tables(backend, TABLES, *names), strict=True))
            found = trials_of_tills(backend, tables | {"assignments": backend.read_parquet(LOTS)}, params)

    key = pd.read_parquet(IDENTIFIERS)
    flow, costs = (
        table.assign(campaign_id=own_identifiers(table["campaign_id"], "campaign", key)) for table in (found.flow, found.costs)
    )
    for campaign in own_identifiers(found.one_armed(), "campaign", key):
        print(f"trials: campaign {campaign} {ONE_ARM}.", file=sys.stderr)
    for outcome in found.silent:
        print(f"trials: {outcome} is the same in every row, and is left out.", file=sys.stderr)
    write_outputs(
        {
            "metrics/trials.json": found.metrics,
            "data/trials/eligible.parquet": found.eligible,
            "data/trials/panel.parquet": found.panel,
            "data/trials/units.parquet": found.units,
            "data/trials/weeks.parquet": found.weeks,
            "data/trials/costs.parquet": costs,
            "data/score/candidates.parquet": found.candidates,
            "plots/trials.csv": flow,
            "plots/trials.png": flow_picture(flow, found.panel, tills),
        }
    )


if __name__ == "__main__":
    run("trials", main)
