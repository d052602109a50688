"""Bring a retailer's data into the canonical tables: names, types, signs and days; nothing is judged here.

Reads the source that `data` names; writes one Parquet file per canonical table, households that campaigns held out where the list
of targets flags them, who took part in a draw, and the truth about campaigns: without rows where it is not known, as with every
real retailer. A table of customers is written as it is, beside canonical tables without rows.
"""

import sys
from pathlib import Path

from targeting.base.columns import CUSTOMERS
from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.sources.ingest import Places, ingest_customers, ingest_tills

PLACES = Places(Path("data/tables"), Path("data/lots/assignments.parquet"), Path("data/truth/truth.parquet"))


def main() -> None:
    params = load_params("data", "engine")
    ingest = ingest_customers if params["data"]["source"] == CUSTOMERS else ingest_tills

    found = ingest(params["engine"], params["data"], PLACES)

    for notice in found.notices:
        print(f"ingest: {notice}", file=sys.stderr)
    write_outputs({"metrics/ingest.json": found.metrics})


if __name__ == "__main__":
    run("ingest", main)
