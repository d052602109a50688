"""Data sources: one adapter per source, all giving the same canonical tables (see targeting.tables.schemas)."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.base.errors import DataError
from targeting.base.spelling import did_you_mean
from targeting.sources import canonical, completejourney, dunnhumby, mapped, simulated
from targeting.tables.assignments import LotFile
from targeting.tables.held_out import split_targets
from targeting.tables.identifiers import numbered_tables, own_text
from targeting.tables.origins import Origin

ADAPTERS = {
    "canonical": canonical,
    "completejourney": completejourney,
    "dunnhumby": dunnhumby,
    "mapped": mapped,
    "simulated": simulated,
}


NO_LOTS: Mapping[str, LotFile] = {}


def canonical_tables(backend: BaseBackend, data: Mapping[str, Any], lots: Mapping[str, LotFile] = NO_LOTS) -> dict[str, ir.Table]:
    """The canonical tables of the source that the `data` section of params.yaml names, as expressions.

    Identifiers are whole numbers; `identifiers` is the key to those that were text (see targeting.tables.identifiers).
    A source whose list of targets may flag households that were held out gives these rows as `held_out`, and the others as
    `campaign_targets`. A source whose effects are known also gives `truth` (see targeting.tables.write.TRUTH), one that leaves
    out lines of no household gives these as `without_household`: quantity, sales. The tables of `lots` come under their own
    names, with identifiers that mean the same.
    Raises DataError for an unknown source and for whatever the adapter cannot read.
    """
    if data["source"] not in ADAPTERS:
        near = did_you_mean(data["source"], ADAPTERS)
        raise DataError(f"data.source is {data['source']!r}{near}; known sources: {', '.join(sorted(ADAPTERS))}.")
    tables = ADAPTERS[data["source"]].tables(backend, data)
    own = {**origins(data), **{name: file.origin for name, file in lots.items()}}
    tables |= {name: file.table for name, file in lots.items()}
    numbered = numbered_tables(backend, tables, own)
    if not own["campaign_targets"].further or "campaign_targets" not in numbered:
        return numbered
    origin = replace(own["campaign_targets"], shown=partial(own_text, numbered["identifiers"]))
    targets = split_targets(numbered["campaign_targets"], origin)
    return numbered | {"campaign_targets": targets.mailed, "held_out": targets.held_out}


def origins(data: Mapping[str, Any]) -> Mapping[str, Origin]:
    """Where each canonical table of a known source comes from, to name what its user can mend.

    A source has ORIGINS, but for `mapped`, whose files are named by `data` itself.
    """
    return mapped.origins_of_files(data) if data["source"] == "mapped" else ADAPTERS[data["source"]].ORIGINS
