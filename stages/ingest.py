"""Bring a retailer's data into the canonical tables: names, types, signs and days; nothing is judged here.

Reads the source that `data` names; writes one Parquet file a canonical table, and the truth about its campaigns: without rows
where it is not known, as with every real retailer.
"""

import dataclasses
import shutil
from functools import partial
from pathlib import Path

from targeting.base.outputs import replace, write_metrics
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.sources import canonical_tables, origins
from targeting.tables.engine import connect, read_tables
from targeting.tables.identifiers import own_text
from targeting.tables.plausible import plausibility
from targeting.tables.schemas import SCHEMAS, cross_check, validate
from targeting.tables.write import write_tables, write_truth

TABLES = Path("data/tables")
TRUTH = Path("data/truth/truth.parquet")
METRICS = Path("metrics/ingest.json")


def main() -> None:
    params = load_params("data", "engine")
    part = TABLES.with_name("tables.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with connect(params["engine"]) as backend:
            source = canonical_tables(backend, params["data"])
            write_tables(backend, source, part)
            replace(TRUTH, lambda path: write_truth(backend, source, path))

            tables = dict(zip(SCHEMAS, read_tables(backend, part, *SCHEMAS), strict=True))
            key = backend.read_parquet(part / "identifiers.parquet")
            origin = {
                name: dataclasses.replace(own, shown=partial(own_text, key))
                for name, own in origins(params["data"]["source"]).items()
            }
            for name, table in tables.items():
                validate(name, table, origin)
            counts = cross_check(tables, origin) | plausibility(tables, origin)
            lines = tables["transactions"]
            totals = lines.aggregate(
                n_transactions=lines.count(),
                n_households=lines.household_id.nunique(),
                n_baskets=lines.basket_id.nunique(),
                n_days=lines.day.max().delta(lines.day.min(), unit="day") + 1,
                sales=lines.sales.sum().cast("float64"),
            ).execute()
            n_source = int(source["transactions"].count().execute())
        sales, kept = float(totals["sales"].iloc[0]), totals.drop(columns="sales").iloc[0].astype(int).to_dict()
        metrics = kept | {"n_dropped": n_source - kept["n_transactions"], "sales": sales} | counts
        shutil.rmtree(TABLES, ignore_errors=True)
        part.rename(TABLES)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    write_metrics(metrics, METRICS)


if __name__ == "__main__":
    run("ingest", main)
