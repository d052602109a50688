"""A source's folder of files: find each whatever the case of its name, and read it as the user's own columns, typed."""

from dataclasses import replace
from pathlib import Path

import duckdb
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.base.errors import DataError
from targeting.tables.origins import Origin, typed


def require_folder(path: str, content: str) -> Path:
    """The folder that `data.path` names; `content` says what belongs there. Raises DataError if it is none."""
    folder = Path(path)
    if not folder.is_dir():
        raise DataError(f"data.path is {path!r}, which is no folder: give the absolute path of {content}.")
    return folder


def find(folder: Path, file: str) -> Path | None:
    """The path of `file` in `folder`, whatever the case of its name."""
    matches = sorted(path for path in folder.iterdir() if path.name.lower() == file)
    return matches[0] if matches else None


def missing(folder: Path, file: str) -> DataError:
    """The error for a file that is not there, to be raised."""
    present = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
    return DataError(f"{folder} has no file {file}; it has {present}. Copy the file there, or correct data.path.")


def read_file(backend: BaseBackend, folder: Path, origin: Origin) -> ir.Table:
    """The typed columns of `origin` from its file in `folder`: CSV, or Parquet in one file or in a folder of parts.

    Raises DataError, naming the file, if it is missing or cannot be read.
    """
    path = find(folder, origin.file)
    if path is None:
        raise missing(folder, origin.file)
    reader = _read_parquet if path.suffix.lower() == ".parquet" else _read_csv
    return reader(backend, path, replace(origin, file=path.name))


def _read_csv(backend: BaseBackend, path: Path, origin: Origin) -> ir.Table:
    if path.is_dir():
        raise DataError(f"{path.name} is a folder: make it one CSV file, or bring Parquet, which may come in parts.")
    if path.stat().st_size == 0:
        raise DataError(f"{path.name} is empty: it needs a header line and at least one row.")
    try:
        # The separator is fixed: guessing it takes a line with too many fields for a file of one column.
        return typed(backend.read_csv(path, header=True, all_varchar=True, sep=",", quote='"', escape='"'), origin)
    except duckdb.InvalidInputException as error:
        raise DataError(
            f"{path.name} cannot be read as CSV: {_reason(error)}. Save it as comma-separated UTF-8 text with one header line "
            "and as many fields in every line."
        ) from error


def _read_parquet(backend: BaseBackend, path: Path, origin: Origin) -> ir.Table:
    parts = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not parts:
        raise DataError(f"{path.name} is a folder without a .parquet file: copy the table's parts there.")
    try:
        return typed(backend.read_parquet(parts), origin)
    except duckdb.Error as error:
        raise DataError(f"{path.name} cannot be read as Parquet: {_reason(error)}. Write the file anew.") from error


def _reason(error: duckdb.Error) -> str:
    return " ".join(str(error).split("\n\n")[0].split())[:300]
