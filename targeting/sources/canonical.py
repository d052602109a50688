"""A retailer's own eight tables as they are named and typed in targeting.tables.schemas: a folder of CSV or Parquet files."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.base.errors import DataError
from targeting.tables.files import find, missing, read_files, require_folder
from targeting.tables.schemas import OPTIONAL, SCHEMAS, named_as_here

# A further column of the targets may flag households that were held out.
ORIGINS = {
    name: replace(named_as_here(name, name), may_be_empty=name in OPTIONAL, further=name == "campaign_targets")
    for name in SCHEMAS
}
ABOUT_CAMPAIGNS = ("campaigns", "campaign_targets", "coupons", "redemptions")
FORMATS = ("csv", "csv.gz", "parquet", "pq")


def tables(backend: BaseBackend, data: Mapping[str, Any]) -> dict[str, ir.Table]:
    """The canonical tables of the folder `data.path`: for each NAME a file NAME.csv or NAME.parquet.

    NAME.csv.gz and NAME.pq are these too. Those of OPTIONAL may be absent, or have no rows. Names of files and columns match
    regardless of case; further columns are left out, but for those of the targets, which may flag who was held out (see
    targeting.tables.held_out). Raises DataError for a missing folder, file or column, a table in both formats, unreadable
    values, and one of campaigns and targets without the other.
    """
    folder = require_folder(data["path"], "the eight tables")
    files = {name: _file(folder, name) for name in SCHEMAS}
    present = {name: replace(ORIGINS[name], file=file) for name, file in files.items() if file is not None}
    read = read_files(backend, folder, present)
    _require_campaigns_whole(read, {name: file or f"{name}.csv" for name, file in files.items()})
    return read


def _file(folder: Path, name: str) -> str | None:
    """The file of a table; None for an optional one that is absent."""
    found = [file for kind in FORMATS if find(folder, file := f"{name}.{kind}") is not None]
    if len(found) > 1:
        raise DataError(f"{folder} has {' and '.join(found)}, and it is not said which one holds. Remove one of them.")
    if not found and name not in OPTIONAL:
        raise missing(folder, f"{name}.csv or {name}.parquet")
    return found[0] if found else None


def _require_campaigns_whole(read: Mapping[str, ir.Table], files: Mapping[str, str]) -> None:
    """Refuse campaigns that nobody was mailed, and whatever names a campaign where there is none: a file was forgotten."""
    rows = {name: int(read[name].count().execute()) if name in read else 0 for name in ABOUT_CAMPAIGNS}
    if rows["campaigns"] and not rows["campaign_targets"]:
        raise DataError(
            f"{files['campaigns']} has {rows['campaigns']:,} campaigns, and {files['campaign_targets']} no row, or is not there: "
            "bring the households that were mailed, or leave both files out, and see by `make segments` who the customers are."
        )
    for name in ABOUT_CAMPAIGNS:
        if rows[name] and not rows["campaigns"]:
            raise DataError(
                f"{files[name]} names campaigns in {rows[name]:,} rows, and {files['campaigns']} has no row, or is not there: "
                "bring the campaigns, or leave both files out."
            )
