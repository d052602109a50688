"""Describe every household as of the day after the data end, as the panel describes households at time zero.

Reads the canonical tables; writes one row a household.
"""

from datetime import timedelta
from pathlib import Path

import pandas as pd

from targeting.base.outputs import write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.tables.engine import connect, read_tables
from targeting.tables.schemas import SCHEMAS, first_and_last_day
from targeting.trials.candidates import candidate_rows

TABLES = Path("data/tables")
CANDIDATES = Path("data/score/candidates.parquet")
METRICS = Path("metrics/candidates.json")


def main() -> None:
    params = load_params("engine", "design")
    design = params["design"]
    with connect(params["engine"]) as backend:
        tables = dict(zip(SCHEMAS, read_tables(backend, TABLES, *SCHEMAS), strict=True))
        time_zero = first_and_last_day(tables["transactions"])[1] + timedelta(days=1)
        candidates = candidate_rows(tables, design["campaign_type"], time_zero, design["recent_days"]).execute()
    candidates.insert(1, "time_zero", pd.Timestamp(time_zero))

    metrics = {
        "n_households": len(candidates),
        "n_no_history": (~candidates["has_history"]).sum(),
        "n_targeted_before": candidates["targeted_before"].sum(),
        "n_eligible": (candidates["has_history"] & ~candidates["targeted_before"]).sum(),
    }
    write_metrics(metrics, METRICS)
    write_parquet(candidates, CANDIDATES)


if __name__ == "__main__":
    run("candidates", main)
