"""Bring a retailer's data into the canonical tables: names, types, signs and days; nothing is judged here.

Reads the source that `data` names; writes one Parquet file per canonical table, households that campaigns held out where the list
of targets flags them, who took part in a draw, and the truth about campaigns: without rows where it is not known, as with every
real retailer. A table of customers is written as it is, beside canonical tables without rows.
"""

import dataclasses
import shutil
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import ibis

from targeting.base.columns import CUSTOMERS
from targeting.base.outputs import replace, write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.sources import canonical_tables, origins
from targeting.sources.customer_table import read_customers, reasons
from targeting.tables.assignments import ASSIGNMENTS, draws, no_draws, numbered, read_lots
from targeting.tables.checks import cross_check
from targeting.tables.engine import connect, read_tables
from targeting.tables.held_out import check_held_out
from targeting.tables.history import write_history
from targeting.tables.identifiers import KEY, own_text
from targeting.tables.plausible import plausibility
from targeting.tables.schemas import SCHEMAS, validate, without_rows
from targeting.tables.till_totals import guest_cards, till_totals, without_household
from targeting.tables.write import write_tables, write_truth

TABLES = Path("data/tables")
LOTS = Path("data/lots/assignments.parquet")
TRUTH = Path("data/truth/truth.parquet")
METRICS = Path("metrics/ingest.json")
HELD_OUT = "They do not count as mailed; data/tables/held_out.parquet has them."
GUEST = "a card that tills lend to anybody is no household, and its lines should stay out"


def main() -> None:
    params = load_params("data", "engine")
    if params["data"]["source"] == CUSTOMERS:
        ingest_customers(params)
    else:
        ingest_tills(params)


def ingest_customers(params: Mapping[str, Any]) -> None:
    """A table of customers in the place of tills, whose tables stay empty."""
    part = TABLES.with_name("tables.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with connect(params["engine"]) as backend:
            customers = read_customers(backend, params["data"])
            key = {"identifiers": ibis.memtable(customers.identifiers, schema=KEY)}
            tables = {name: without_rows(name) for name in SCHEMAS}
            write_tables(backend, tables | key, part)
            write_history(backend, tables, part)
            replace(TRUTH, lambda path: write_truth(backend, {}, path))
            replace(LOTS, lambda path: backend.to_parquet(no_draws(), path))
        write_parquet(customers.rows, part / "customers.parquet")
        shutil.rmtree(TABLES, ignore_errors=True)
        part.rename(TABLES)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    if customers.unused:
        print(f"ingest: columns that no covariate comes of are left out: {reasons(customers.unused)}.", file=sys.stderr)
    rows = customers.rows
    counts = {"n_households": rows["household_id"].nunique(), "n_rows": len(rows), "n_by_lot": rows["by_lot"].sum()}
    write_metrics({**counts, "n_transactions": 0, "n_dropped": 0, "guest_cards": {}}, METRICS)


def ingest_tills(params: Mapping[str, Any]) -> None:
    part = TABLES.with_name("tables.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with connect(params["engine"]) as backend:
            files = read_lots(backend, params["data"]["assignments"] or [])
            source = canonical_tables(backend, params["data"], files)
            write_tables(backend, source, part)

            tables = dict(zip(SCHEMAS, read_tables(backend, part, *SCHEMAS), strict=True))
            key = backend.read_parquet(part / "identifiers.parquet")
            origin = {
                name: dataclasses.replace(own, shown=partial(own_text, key)) for name, own in origins(params["data"]).items()
            }
            for name, table in tables.items():
                validate(name, table, origin)
            counts = cross_check(tables, origin) | plausibility(tables, origin)
            (held_out,) = read_tables(backend, part, "held_out")
            counts["n_held_out"] = check_held_out(held_out, tables["campaigns"], origin)
            files = {name: numbered(file, source[name], key) for name, file in files.items()}
            lots, drawn = draws(files, tables, held_out, origin)
            counts |= drawn
            replace(LOTS, lambda path: backend.to_parquet(lots.order_by(list(ASSIGNMENTS)), path))
            totals, guests = till_totals(tables["transactions"], source["transactions"]), guest_cards(tables["transactions"])
            anonymous = without_household(source["without_household"]) if "without_household" in source else {}
            guests = {str(own_text(key, "household_id", int(household))): share for household, share in guests.items()}
            replace(TRUTH, lambda path: write_truth(backend, source, path))
            write_history(backend, tables, part)
        shutil.rmtree(TABLES, ignore_errors=True)
        part.rename(TABLES)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    if counts["n_held_out"]:
        print(f"ingest: {counts['n_held_out']:,} of the targets are flagged as held out. {HELD_OUT}", file=sys.stderr)
    for household, share in guests.items():
        print(f"ingest: household {household} holds {share:.1%} of all sales: {GUEST}.", file=sys.stderr)
    if anonymous.get("n_without_household"):
        n, sales = anonymous["n_without_household"], anonymous["sales_without_household"]
        money = f"{sales:,.2f} {params['data']['currency']}"
        print(f"ingest: {n:,} lines name no household and are left out, with {money} of sales net of returns.", file=sys.stderr)
    write_metrics(totals | anonymous | counts | {"guest_cards": guests}, METRICS)


if __name__ == "__main__":
    run("ingest", main)
