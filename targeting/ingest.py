"""Write the canonical tables: one Parquet file each, columns and rows in a fixed order."""

from collections.abc import Mapping
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.progress import track
from targeting.tables import SCHEMAS, columns


def sold(lines: ir.Table) -> ir.Table:
    """The lines that sold something: quantity above zero. Others are voids and till messages."""
    return lines.filter(lines.quantity > 0)


def promoted(promotions: ir.Table) -> ir.Table:
    """One row a product, store and week: a product can stand in several places, and is displayed if it is in any."""
    return promotions.group_by("product_id", "store_id", "week").agg(
        display=promotions.display.any(), mailer=promotions.mailer.any()
    )


def write_tables(backend: BaseBackend, source: Mapping[str, ir.Table], folder: Path) -> None:
    """Write each canonical table to `folder`/NAME.parquet, ordered by all its columns; an absent one is written empty."""
    folder.mkdir(parents=True)
    prepared = dict(source)
    prepared["transactions"] = sold(source["transactions"])
    prepared["coupons"] = source["coupons"].distinct()  # the published files repeat some coupon and product pairs
    if "promotions" in source:
        prepared["promotions"] = promoted(source["promotions"])
    else:
        types = {"product_id": "int64", "store_id": "int64", "week": "int64", "display": "boolean", "mailer": "boolean"}
        prepared["promotions"] = ibis.memtable([], schema=types)
    for name in track(SCHEMAS, "Writing tables"):
        names = columns(name)
        table = prepared[name].select(names)
        # A key of few columns already orders the promotions; sorting 21 million rows by five columns costs memory.
        backend.to_parquet(table.order_by(names[:3] if name == "promotions" else names), folder / f"{name}.parquet")
