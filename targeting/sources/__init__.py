"""Data sources: one adapter per source, all giving the same canonical tables (see targeting.tables.schemas)."""

from collections.abc import Mapping
from typing import Any

import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.base.errors import DataError
from targeting.sources import canonical, completejourney, dunnhumby, simulated
from targeting.tables.identifiers import number
from targeting.tables.origins import Origin

ADAPTERS = {"canonical": canonical, "completejourney": completejourney, "dunnhumby": dunnhumby, "simulated": simulated}


def canonical_tables(backend: BaseBackend, data: Mapping[str, Any]) -> dict[str, ir.Table]:
    """The canonical tables of the source that the `data` section of params.yaml names, as expressions.

    Identifiers are whole numbers; `identifiers` is the key to those that were text (see targeting.tables.identifiers).
    A source whose effects are known also gives `truth` (see targeting.tables.write.TRUTH).
    Raises DataError for an unknown source and for whatever the adapter cannot read.
    """
    if data["source"] not in ADAPTERS:
        raise DataError(f"data.source is {data['source']!r}; known sources: {', '.join(sorted(ADAPTERS))}.")
    tables = ADAPTERS[data["source"]].tables(backend, data)
    return number(backend, tables, origins(data["source"]))


def origins(source: str) -> Mapping[str, Origin]:
    """Where each canonical table of a known source comes from, to name what its user can mend."""
    return ADAPTERS[source].ORIGINS
