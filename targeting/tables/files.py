"""A source's folder of files: find each whatever the case of its name, and read it as the user's own columns, typed."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import ibis.expr.types as ir
import pyarrow.parquet as pq
from ibis.backends import BaseBackend
from pyarrow import ArrowException

from targeting.base.errors import DataError
from targeting.tables.csv_files import csv_names, read_csv
from targeting.tables.engine import failures
from targeting.tables.origins import Origin, matched, typed

NO_VALUES = "INT32 (Null)"  # the type of a column in a part where all its values are missing
LEFTOVERS = (".", "_")  # how writers name what is no part of a table: _SUCCESS, .part-0.parquet.crc


def require_folder(path: str, content: str) -> Path:
    """The folder that `data.path` names; `content` says what belongs there. Raises DataError if it is none."""
    folder = Path(path)
    if not folder.is_dir():
        raise DataError(f"data.path is {path!r}, which is no folder: give the absolute path of {content}.")
    return folder


def find(folder: Path, file: str) -> Path | None:
    """The path of `file` in `folder`, whatever the case of its name. Raises DataError if two differ in nothing but case."""
    matches = sorted(path for path in folder.iterdir() if path.name.lower() == file)
    if len(matches) > 1:
        names = " and ".join(path.name for path in matches)
        raise DataError(f"{folder} has {names}, and it is not said which one holds. Remove or rename one of them.")
    return matches[0] if matches else None


def missing(folder: Path, file: str) -> DataError:
    """The error for a file that is not there, to be raised."""
    present = sorted(path.name for path in folder.iterdir())
    other = [name for name in present if name.lower().split(".")[0] == file.split(".")[0]]
    remedy = f"Save {' or '.join(other)} as {file}" if other else "Copy the file there, or correct data.path"
    return DataError(f"{folder} has no file {file}; it has {', '.join(present) or 'nothing'}. {remedy}.")


def read_files(backend: BaseBackend, folder: Path, origins: Mapping[str, Origin]) -> dict[str, ir.Table]:
    """`read_file` of each table's origin; one DataError has the problems of all of them."""
    tables, problems = {}, []
    for name, origin in origins.items():
        try:
            tables[name] = read_file(backend, folder, origin)
        except DataError as error:
            problems.append(str(error))
    if problems:
        raise DataError(" ".join(problems))
    return tables


def read_file(backend: BaseBackend, folder: Path, origin: Origin) -> ir.Table:
    """The typed columns of `origin` from its file in `folder`; see `read_table`. Raises DataError if it is missing."""
    path = find(folder, origin.file)
    if path is None:
        raise missing(folder, origin.file)
    return read_table(backend, path, origin)


def read_table(backend: BaseBackend, path: Path, origin: Origin) -> ir.Table:
    """The typed columns of `origin` from one file: CSV, or Parquet in one file or in a folder of parts.

    Raises DataError, naming the file, for what cannot be read.
    """
    own = replace(origin, file=path.name)
    if not path.exists():
        raise DataError(f"{path} is not there, or is a link to what is not there. Copy the file itself.")
    try:
        if _is_parquet(path):
            return _read_parquet(backend, path, own)
        if path.is_dir():
            raise DataError(f"{path.name} is a folder: make it one CSV file, or bring Parquet, which may come in parts.")
        return read_csv(backend, path, own)
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror or error}. See that it is there and may be read.") from None


def columns_in_file(path: Path) -> set[str]:
    """The names of a table's columns in lower case; none where they cannot be told, which reading it explains."""
    if not _is_parquet(path):
        return csv_names(path)
    try:
        return {name.strip().lower() for name in pq.read_schema(_files(path)[0]).names}
    except (OSError, ArrowException, DataError):
        return set()


def _is_parquet(path: Path) -> bool:
    """Whether that is a Parquet file by its name, or a folder, of whatever name but that of another file."""
    return path.suffix.lower() in (".parquet", ".pq") or (path.is_dir() and not path.suffix)


def _files(path: Path) -> list[Path]:
    return _parts(path) if path.is_dir() else [path]


def _read_parquet(backend: BaseBackend, path: Path, origin: Origin) -> ir.Table:
    parts = _files(path)
    try:
        _require_same_types(parts, origin)
        # By name, since a part without one value in a column may store it as any type.
        return typed(backend, backend.read_parquet(parts, hive_partitioning=False, union_by_name=True), origin)
    except (*failures(backend), ArrowException) as error:
        reason = " ".join(str(error).split("\n\n")[0].split())[:300]
        raise DataError(f"{path.name} cannot be read as Parquet: {reason}. Write the file anew.") from None


def _parts(folder: Path) -> list[Path]:
    """The parts of a table in a folder; leftovers of writers are none. Raises DataError for whatever else lies there."""
    inside = sorted(path for path in folder.iterdir() if not path.name.startswith(LEFTOVERS))
    parts = [path for path in inside if path.is_file() and path.suffix.lower() in (".parquet", ".pq")]
    strays = [f"{path.name}/" if path.is_dir() else path.name for path in inside if path not in parts]
    if strays:
        raise DataError(
            f"{folder.name} has {', '.join(strays[:5])} beside its parts, and it is not said whether that belongs to the table. "
            "Put all parts into the folder itself as .parquet files (a table in sub-folders: write it without partitions), and "
            "take the rest away."
        )
    if not parts:
        raise DataError(f"{folder.name} is a folder without a .parquet file: copy the table's parts there.")
    return parts


def _require_same_types(parts: list[Path], origin: Origin) -> None:
    """Refuse columns that are there twice, and parts that store a wanted column differently: the first's type would round."""
    stored: dict[str, tuple[str, str]] = {}
    for path in parts:
        columns = pq.ParquetFile(path).schema
        types = {columns.column(i).path.split(".")[0]: _stored(columns.column(i)) for i in range(len(columns))}
        for key, name in matched(pq.read_schema(path).names, origin).items():
            if types[name] == NO_VALUES:
                continue
            first, kind = stored.setdefault(key, (path.name, types[name]))
            if kind != types[name]:
                raise DataError(
                    f"{origin.file}, column {name}: {types[name]} in {path.name}, and {kind} in {first}. Write all parts with "
                    "one type."
                )


def _stored(column: pq.ColumnSchema) -> str:
    logical = str(column.logical_type)
    return column.physical_type if logical == "None" else f"{column.physical_type} ({logical})"
