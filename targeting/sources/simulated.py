"""A made-up retailer whose campaigns' effects are known (targeting.sources.simulation); the truth comes as a ninth table."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis.backends import BaseBackend

from targeting.sources.simulation.world import RetailerSettings, simulate
from targeting.tables.schemas import MONEY, SCHEMAS, named_as_here

ORIGINS = {name: named_as_here(name, f"simulated {name}") for name in SCHEMAS}
MONEY_COLUMNS = ("sales", "loyalty_discount", "coupon_discount", "coupon_match_discount")


def tables(backend: BaseBackend, data: Mapping[str, Any]) -> dict[str, ir.Table]:
    """The canonical tables of the retailer that `data` describes, and `truth`: see targeting.sources.simulation.world."""
    names = ("households", "weeks", "overlap", "effect", "seed")
    world = simulate(RetailerSettings(**{name: data[name] for name in names}, first_day=date.fromisoformat(data["first_day"])))
    truth = backend.create_table("simulated_truth", ibis.memtable(world.truth), temp=True)
    return as_tables(backend, world.tables) | {"truth": truth}


def as_tables(backend: BaseBackend, frames: Mapping[str, pd.DataFrame]) -> dict[str, ir.Table]:
    """The retailer's frames as canonical tables."""
    return {name: _canonical(backend, name, frame) for name, frame in frames.items()}


def _canonical(backend: BaseBackend, name: str, frame: pd.DataFrame) -> ir.Table:
    """The frame as a table of the canonical types; whole cents become USD."""
    table = backend.create_table(f"simulated_{name}", ibis.memtable(frame), temp=True)
    types = SCHEMAS[name].columns
    return table.select(
        **{
            key: ((table[key] / 100).cast(MONEY) if key in MONEY_COLUMNS else table[key].cast(types[key].dtype.type))
            for key in types
        }
    )
