"""The engine that runs table expressions (ibis): DuckDB, embedded."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.base.errors import DataError


@contextmanager
def connect(engine: Mapping[str, Any]) -> Iterator[BaseBackend]:
    """A connection by the `engine` section of params.yaml; closed at the end.

    Results do not depend on `threads`: money is summed as decimals, and every table written is ordered by its key.
    Raises DataError for an engine that this version does not know.
    """
    if engine["name"] != "duckdb":
        raise DataError(f"engine.name is {engine['name']!r}; this version knows duckdb.")
    backend = ibis.duckdb.connect(threads=engine["threads"], memory_limit=engine["memory_limit"])
    backend.raw_sql("SET enable_progress_bar = false")
    try:
        yield backend
    finally:
        backend.disconnect()


def read_tables(backend: BaseBackend, folder: Path, *names: str) -> tuple[ir.Table, ...]:
    """The named canonical tables as expressions over `folder`/NAME.parquet; nothing is read yet."""
    return tuple(backend.read_parquet(folder / f"{name}.parquet") for name in names)
