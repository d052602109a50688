"""Describe every household by the 33 features over the whole window.

Reads the canonical tables; writes one row per household.
"""

from datetime import timedelta
from pathlib import Path

from targeting.base.left_out import NO_TILLS, leave_out
from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.tables.engine import connect, read_tables
from targeting.tables.features import FEATURES, household_features
from targeting.tables.schemas import first_and_last_day

TABLES = Path("data/tables")
METRICS, PROFILE = "metrics/profile.json", "data/profile/features.parquet"


def main() -> None:
    params = load_params("engine")
    with connect(params["engine"]) as backend:
        (days,) = read_tables(backend, TABLES, "days")
        if not days.count().execute():
            leave_out("profile", NO_TILLS, [METRICS, PROFILE])
            return
        as_of = first_and_last_day(days)[1] + timedelta(days=1)
        features = household_features(days, [as_of]).drop("as_of").order_by("household_id").execute()

    metrics = {
        "n_households": len(features),
        "n_features": len(FEATURES),
        "mean_revenue": features["monetary_sales"].mean(),
        "mean_visits": features["frequency"].mean(),
    }
    write_outputs({METRICS: metrics, PROFILE: features})


if __name__ == "__main__":
    run("profile", main)
