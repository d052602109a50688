"""Write the canonical tables, and the truth where a source knows it: Parquet files, columns and rows in a fixed order."""

from collections.abc import Mapping
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.base.columns import KEYS, OUTCOMES
from targeting.base.progress import track
from targeting.tables.identifiers import KEY
from targeting.tables.returns import with_returns_negative
from targeting.tables.schemas import OPTIONAL, SCHEMAS, column_names, without_rows

# What is known of a household and campaign on the campaign's first day, given what had happened until then: its chance of being
# mailed, and its expected outcomes (USD and visits) if not mailed, if mailed, and their difference.
TRUTH = {
    **dict.fromkeys(KEYS, "int64"),
    "propensity": "float64",
    **{f"{name}_{outcome}": "float64" for outcome in OUTCOMES for name in ("mu0", "mu1", "effect")},
    "archetype": "string",
}


def promoted(promotions: ir.Table) -> ir.Table:
    """One row per product, store and week: a product can stand in several places, and is displayed if it is in any."""
    return promotions.group_by("product_id", "store_id", "week").agg(
        display=promotions.display.any(), mailer=promotions.mailer.any()
    )


def write_tables(backend: BaseBackend, source: Mapping[str, ir.Table], folder: Path) -> None:
    """Write each canonical table to `folder`/NAME.parquet, ordered by all its columns; an absent one is written empty.

    So are `held_out`, rows like those of the targets that were not mailed on purpose, and the key `identifiers`.
    """
    folder.mkdir(parents=True)
    prepared = {name: without_rows(name) for name in OPTIONAL} | dict(source)
    prepared["transactions"] = with_returns_negative(source["transactions"])
    prepared["coupons"] = prepared["coupons"].distinct()  # the published files repeat some coupon and product pairs
    prepared["promotions"] = promoted(prepared["promotions"])
    for name in track(SCHEMAS, "Writing tables"):
        names = column_names(name)
        table = prepared[name].select(names)
        # A key of few columns already orders the promotions; sorting 21 million rows by five columns costs memory.
        backend.to_parquet(table.order_by(names[:3] if name == "promotions" else names), folder / f"{name}.parquet")
    held_out = source.get("held_out", without_rows("campaign_targets")).select(column_names("campaign_targets"))
    backend.to_parquet(held_out.order_by(held_out.columns), folder / "held_out.parquet")
    # The key to identifiers that were text; without rows where all were whole numbers.
    key = source.get("identifiers", ibis.memtable([], schema=KEY))
    backend.to_parquet(key.order_by(["kind", "number"]), folder / "identifiers.parquet")


def write_truth(backend: BaseBackend, source: Mapping[str, ir.Table], path: Path) -> None:
    """Write the source's truth, columns TRUTH, ordered by its keys; without rows for a source that does not know it."""
    truth = source.get("truth", ibis.memtable([], schema=TRUTH))
    backend.to_parquet(truth.select(list(TRUTH)).order_by(KEYS), path)
