"""The engine that runs table expressions (ibis): DuckDB, embedded, or Spark."""

import itertools
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.base.errors import DataError

SPILL = ".spill"  # folders of what does not fit into memory, in the project's folder: a disk's, where /tmp may be memory
DUCKDB, SPARK = ENGINES = ("duckdb", "spark")
_numbers = itertools.count()


@contextmanager
def connect(engine: Mapping[str, Any]) -> Iterator[BaseBackend]:
    """A connection by the `engine` section of params.yaml; closed at the end.

    Results do not depend on `threads`: money is summed as decimals, and every table written is ordered by its key.
    Raises DataError for an engine that this version does not know, and for Spark where it is not installed or does not start.
    """
    if engine["name"] not in ENGINES:
        raise DataError(f"engine.name is {engine['name']!r}; this version knows {' and '.join(ENGINES)}.")
    _clear_spills()
    spill = f"{SPILL}-{os.getpid()}-{next(_numbers)}"  # an engine makes it when it needs it, and removes it
    if engine["name"] == SPARK:
        with _spark()(engine, Path(spill)) as backend:
            yield backend
        return
    backend = ibis.duckdb.connect(threads=engine["threads"], memory_limit=engine["memory_limit"], temp_directory=spill)
    backend.raw_sql("SET enable_progress_bar = false")
    try:
        yield backend
    finally:
        backend.disconnect()


def read_tables(backend: BaseBackend, folder: Path, *names: str) -> tuple[ir.Table, ...]:
    """The named canonical tables as expressions over `folder`/NAME.parquet; nothing is read yet."""
    return tuple(backend.read_parquet(folder / f"{name}.parquet") for name in names)


def keep(backend: BaseBackend, name: str, table: ir.Table) -> ir.Table:
    """The table, computed once and kept while the connection lasts."""
    return backend.create_table(ibis.util.gen_name(name), table, temp=True)


def keep_parts(backend: BaseBackend, name: str, parts: Iterable[ir.Table]) -> ir.Table:
    """The parts (at least one) one after the other as one table, each computed once, when it is its turn."""
    waiting = iter(parts)
    kept = keep(backend, name, next(waiting))
    for part in waiting:
        if backend.name == DUCKDB:
            backend.insert(kept.op().name, part)
        else:  # what Spark keeps is a file, into which nothing is inserted
            kept = kept.union(keep(backend, name, part))
        del part  # or it would be there while the next one is made
    return kept


def drop(backend: BaseBackend, kept: ir.Table) -> None:
    """Make room for what comes after a kept table. On Spark it is a file among others, removed at the connection's end."""
    if backend.name == DUCKDB:
        # ibis' own drop_table gives DuckDB a statement without the table's name.
        backend.raw_sql(f'DROP TABLE "{kept.op().name}"')


def release(backend: BaseBackend, frame: ir.Table) -> None:
    """Let the memory of a frame go whose rows are kept: DuckDB would hold it as long as the connection lasts."""
    if backend.name == DUCKDB:
        backend.con.unregister(frame.op().name)


def failures(backend: BaseBackend) -> tuple[type[Exception], ...]:
    """What the engine raises for a file that it cannot read."""
    if backend.name == DUCKDB:
        import duckdb

        return (duckdb.Error,)
    from targeting.tables.spark import FAILURES

    return FAILURES


def _spark() -> Callable[[Mapping[str, Any], Path], AbstractContextManager[BaseBackend]]:
    """`connect_spark`, whose packages are loaded where they are asked for alone."""
    try:
        from targeting.tables.spark import connect_spark
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("pyspark", "py4j"):
            raise
        raise DataError("engine.name is spark, and pyspark is missing: run `make spark`, or choose engine=duckdb.") from None
    return connect_spark


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
