"""A retailer's own eight tables as they are named and typed in targeting.tables: a folder of CSV or Parquet files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.errors import DataError
from targeting.files import find, missing, read_csv, read_parquet, require_folder
from targeting.tables import SCHEMAS, named_as_here

ORIGINS = {name: named_as_here(name, name) for name in SCHEMAS}
READERS = {"csv": read_csv, "parquet": read_parquet}


def tables(backend: BaseBackend, data: Mapping[str, Any]) -> dict[str, ir.Table]:
    """The canonical tables of the folder `data.path`: for each NAME a file NAME.csv or NAME.parquet. Promotions may be absent.

    Names of files and columns match regardless of case; further columns are left out. Raises DataError for a missing folder,
    file or column, a table in both formats, and unreadable values.
    """
    folder = require_folder(data["path"], "the eight tables")
    read = {name: _read(backend, folder, name) for name in SCHEMAS}
    return {name: table for name, table in read.items() if table is not None}


def _read(backend: BaseBackend, folder: Path, name: str) -> ir.Table | None:
    found = {kind: path for kind in READERS if (path := find(folder, f"{name}.{kind}")) is not None}
    if len(found) > 1:
        both = " and ".join(path.name for path in found.values())
        raise DataError(f"{folder} has {both}, and it is not said which one holds. Remove one of them.")
    for kind, path in found.items():
        return READERS[kind](backend, path, ORIGINS[name])
    if name == "promotions":
        return None
    raise missing(folder, f"{name}.csv or {name}.parquet")
