"""From a retailer's files to the canonical tables: read, checked, and written where the other stages find them."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir

from targeting.base.outputs import replace as replace_file
from targeting.base.outputs import write_parquet
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

HELD_OUT = "They do not count as mailed; data/tables/held_out.parquet has them."
GUEST = "a card that tills lend to anybody is no household, and its lines should stay out"


@dataclass(frozen=True)
class Places:
    """Where to write: the folder of canonical tables, the file of who took part in draws, the file of what is true."""

    tables: Path
    lots: Path
    truth: Path


@dataclass(frozen=True)
class Ingested:
    """What the files hold, in numbers, and what their user should hear of them."""

    metrics: dict[str, Any]
    notices: list[str]


@contextmanager
def _whole(tables: Path) -> Iterator[Path]:
    """A folder to write tables to, which takes the place of `tables` once all of them are there."""
    part = tables.with_name(f"{tables.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        yield part
        shutil.rmtree(tables, ignore_errors=True)
        part.rename(tables)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def ingest_customers(engine: Mapping[str, Any], data: Mapping[str, Any], places: Places) -> Ingested:
    """Write a table of customers in the place of tills, whose tables stay empty; sections `engine` and `data` of params.yaml."""
    with _whole(places.tables) as part:
        with connect(engine) as backend:
            customers = read_customers(backend, data)
            key = {"identifiers": ibis.memtable(customers.identifiers, schema=KEY)}
            tables = {name: without_rows(name) for name in SCHEMAS}
            write_tables(backend, tables | key, part)
            write_history(backend, tables, part)
            replace_file(places.truth, lambda path: write_truth(backend, {}, path))
            replace_file(places.lots, lambda path: backend.to_parquet(no_draws(), path))
        write_parquet(customers.rows, part / "customers.parquet")
    rows, unused = customers.rows, customers.unused
    notices = [f"columns that no covariate comes of are left out: {reasons(unused)}."] if unused else []
    counts = {"n_households": rows["household_id"].nunique(), "n_rows": len(rows), "n_by_lot": rows["by_lot"].sum()}
    return Ingested({**counts, "n_transactions": 0, "n_dropped": 0, "guest_cards": {}}, notices)


def ingest_tills(engine: Mapping[str, Any], data: Mapping[str, Any], places: Places) -> Ingested:
    """Write a retailer's tills as canonical tables; sections `engine` and `data` of params.yaml.

    Raises DataError for what cannot be read, and where a check fails.
    """
    with _whole(places.tables) as part, connect(engine) as backend:
        files = read_lots(backend, data["assignments"] or [])
        source = canonical_tables(backend, data, files)
        write_tables(backend, source, part)

        tables = dict(zip(SCHEMAS, read_tables(backend, part, *SCHEMAS), strict=True))
        key = backend.read_parquet(part / "identifiers.parquet")
        origin = {name: replace(own, shown=partial(own_text, key)) for name, own in origins(data).items()}
        for name, table in tables.items():
            validate(name, table, origin)
        counts = cross_check(tables, origin) | plausibility(tables, origin)
        (held_out,) = read_tables(backend, part, "held_out")
        counts["n_held_out"] = check_held_out(held_out, tables["campaigns"], origin)
        lots, drawn = draws({name: numbered(file, source[name], key) for name, file in files.items()}, tables, held_out, origin)
        counts |= drawn
        replace_file(places.lots, lambda path: backend.to_parquet(lots.order_by(list(ASSIGNMENTS)), path))
        totals, guests = _of_tills(source, tables, key)
        replace_file(places.truth, lambda path: write_truth(backend, source, path))
        write_history(backend, tables, part)
    return Ingested(totals | counts | {"guest_cards": guests}, list(_notices(totals | counts, guests, data["currency"])))


def _of_tills(
    source: Mapping[str, ir.Table], tables: Mapping[str, ir.Table], key: ir.Table
) -> tuple[dict[str, Any], dict[str, float]]:
    """What the tills hold in all, and the shares of sales of cards that look as if they were lent, by household."""
    totals, guests = till_totals(tables["transactions"], source["transactions"]), guest_cards(tables["transactions"])
    anonymous = without_household(source["without_household"]) if "without_household" in source else {}
    named = {str(own_text(key, "household_id", int(household))): share for household, share in guests.items()}
    return totals | anonymous, named


def _notices(counts: Mapping[str, Any], guests: Mapping[str, float], currency: str) -> Iterator[str]:
    if counts["n_held_out"]:
        yield f"{counts['n_held_out']:,} of the targets are flagged as held out. {HELD_OUT}"
    for household, share in guests.items():
        yield f"household {household} holds {share:.1%} of all sales: {GUEST}."
    if counts.get("n_without_household"):
        n, money = counts["n_without_household"], f"{counts['sales_without_household']:,.2f} {currency}"
        yield f"{n:,} lines name no household and are left out, with {money} of sales net of returns."
