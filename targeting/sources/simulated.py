"""A made-up retailer whose campaigns' effects are known (targeting.sources.simulation); the truth comes as a ninth table."""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import chain
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis.backends import BaseBackend

from targeting.sources.simulation.world import RetailerSettings, simulate, towns
from targeting.tables.engine import keep_parts, release
from targeting.tables.schemas import MONEY, SCHEMAS, named_as_here

ORIGINS = {name: named_as_here(name, f"simulated {name}") for name in SCHEMAS}
LINES = "transactions"
BY_HOUSEHOLD = ("households", "campaign_targets", "redemptions")  # what else each town has of its own
MONEY_COLUMNS = ("sales", "loyalty_discount", "coupon_discount", "coupon_match_discount")


def tables(backend: BaseBackend, data: Mapping[str, Any]) -> dict[str, ir.Table]:
    """The canonical tables of the retailer that `data` describes, and `truth`: see targeting.sources.simulation.world.

    Its towns are drawn one after the other, and no more than one's lines are in this process at a time.
    """
    names = ("households", "weeks", "overlap", "effect", "seed")
    settings = RetailerSettings(**{name: data[name] for name in names}, first_day=date.fromisoformat(data["first_day"]))
    frames: list[Mapping[str, pd.DataFrame]] = []
    truths: list[pd.DataFrame] = []

    def lines_of(town: RetailerSettings) -> Iterator[ir.Table]:
        world = simulate(town)
        frames.append({name: frame for name, frame in world.tables.items() if name != LINES})
        truths.append(world.truth)
        drawn = ibis.memtable(world.tables[LINES])
        yield drawn
        release(backend, drawn)

    lines = chain.from_iterable(map(lines_of, towns(settings)))
    bought = _canonical(LINES, keep_parts(backend, f"simulated_{LINES}", lines))
    own = {name: pd.concat([frame[name] for frame in frames], ignore_index=True) for name in BY_HOUSEHOLD}
    truth = backend.create_table("simulated_truth", ibis.memtable(pd.concat(truths, ignore_index=True)), temp=True)
    return {LINES: bought, **as_tables(backend, {**frames[0], **own}), "truth": truth}


def as_tables(backend: BaseBackend, frames: Mapping[str, pd.DataFrame]) -> dict[str, ir.Table]:
    """The retailer's frames as canonical tables."""
    return {
        name: _canonical(name, backend.create_table(f"simulated_{name}", ibis.memtable(frame), temp=True))
        for name, frame in frames.items()
    }


def _canonical(name: str, table: ir.Table) -> ir.Table:
    """The table with the canonical types; whole cents become USD."""
    types = SCHEMAS[name].columns
    return table.select(
        **{
            key: ((table[key] / 100).cast(MONEY) if key in MONEY_COLUMNS else table[key].cast(types[key].dtype.type))
            for key in types
        }
    )
