"""The engine that runs table expressions (ibis): DuckDB, embedded."""

import itertools
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.base.errors import DataError

SPILL = ".spill"  # folders of what does not fit into memory, in the project's folder: a disk's, where /tmp may be memory
_numbers = itertools.count()


@contextmanager
def connect(engine: Mapping[str, Any]) -> Iterator[BaseBackend]:
    """A connection by the `engine` section of params.yaml; closed at the end.

    Results do not depend on `threads`: money is summed as decimals, and every table written is ordered by its key.
    Raises DataError for an engine that this version does not know.
    """
    if engine["name"] != "duckdb":
        raise DataError(f"engine.name is {engine['name']!r}; this version knows duckdb.")
    _clear_spills()
    spill = f"{SPILL}-{os.getpid()}-{next(_numbers)}"  # DuckDB makes it when it needs it, and removes it
    backend = ibis.duckdb.connect(threads=engine["threads"], memory_limit=engine["memory_limit"], temp_directory=spill)
    backend.raw_sql("SET enable_progress_bar = false")
    try:
        yield backend
    finally:
        backend.disconnect()


def read_tables(backend: BaseBackend, folder: Path, *names: str) -> tuple[ir.Table, ...]:
    """The named canonical tables as expressions over `folder`/NAME.parquet; nothing is read yet."""
    return tuple(backend.read_parquet(folder / f"{name}.parquet") for name in names)


def _clear_spills() -> None:
    """Remove what processes left that were killed."""
    for folder in Path().glob(f"{SPILL}-*-*"):
        process = folder.name.split("-")[1]
        if process.isdigit() and not _lives(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True
