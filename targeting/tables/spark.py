"""Spark as the engine of table expressions: what differs from DuckDB, in one place.

Its files are read and written as DuckDB's are: a CSV file by DuckDB itself, a table as one Parquet file, its rows in the order of
the expression. What is kept for later lies as Parquet in the folder `scratch`, which every machine of a cluster must see.
"""

import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend
from ibis.backends.pyspark import Backend
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from targeting.base.errors import DataError

FAILURES = (PySparkException, Py4JError)
GONE = (*FAILURES, ConnectionError)  # the last where Spark's own process on this machine has ended
PATIENCE = 10  # seconds for a master's answer
# Where all is one machine, Spark need not ask the network who that is.
LOCAL = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
# What Spark's messages say when its machines, and not an expression, are at fault.
LOST = (
    *("ExecutorLost", "executor lost", "OutOfMemoryError", "SparkContext was shut down", "stopped SparkContext"),
    *("Connection refused", "Connection reset", "Answer from Java side is empty", "while trying to connect to the Java server"),
)
# A cast or a sum that does not fit stops, here as in DuckDB, and is no missing value; frames come over by Arrow.
SQL = {"spark.sql.ansi.enabled": "true", "spark.sql.execution.arrow.pyspark.enabled": "true"}


class SparkEngine(Backend):
    """ibis' PySpark backend, with DuckDB's way of reading and writing files."""

    scratch: Path

    def create_table(self, name: str, /, obj: Any = None, *, temp: bool | None = None, **options: Any) -> ir.Table:
        """Keep a temporary table as Parquet, so that it is computed once and no machine's end loses it; others as ibis does."""
        if not temp:
            return super().create_table(name, obj, temp=temp, **options)
        path = self.scratch / f"{ibis.util.gen_name(name)}.parquet"
        self._write(obj if isinstance(obj, ir.Table) else ibis.memtable(obj), path)
        return self.read_parquet(path)

    def read_parquet(self, path: Any, /, *, table_name: str | None = None, **options: Any) -> ir.Table:
        """Read a file, a folder of parts, or a list of parts, columns by name."""
        parts = path if isinstance(path, list | tuple) else [path]
        frame = self._session.read.option("mergeSchema", len(parts) > 1).parquet(*(_address(part) for part in parts))
        name = table_name or ibis.util.gen_name("read_parquet")
        frame.createOrReplaceTempView(name)
        return self.table(name)

    def read_csv(self, paths: Any, /, *, table_name: str | None = None, **options: Any) -> ir.Table:
        """Read by DuckDB, whose `options` these are, and hand over as Parquet: Spark's reader takes other files for sound."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        part = self.scratch / f"{ibis.util.gen_name('csv')}.parquet"
        reader = ibis.duckdb.connect(temp_directory=str(self.scratch / "spill"))
        try:
            reader.raw_sql("SET enable_progress_bar = false")
            reader.to_parquet(reader.read_csv(paths, **options), part)
        finally:
            reader.disconnect()
        return self.read_parquet(part, table_name=table_name)

    def to_parquet(self, expr: ir.Table, /, path: str | Path, **options: Any) -> None:
        """Write one file, the rows in the expression's order, so that the same rows give the same bytes."""
        self._run_pre_execute_hooks(expr)
        target = Path(path)
        folder = target.with_name(f".{target.name}.spark")
        shutil.rmtree(folder, ignore_errors=True)
        try:
            # Spark would call the parts of a folder by a new name every time; what is sorted stays so in one part.
            self._session.sql(self.compile(expr)).coalesce(1).write.parquet(_address(folder))
            (part,) = folder.glob("part-*.parquet")
            os.replace(part, target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _write(self, table: ir.Table, folder: Path) -> None:
        """Write a table in as many parts as it is computed in."""
        self._run_pre_execute_hooks(table)
        self._session.sql(self.compile(table)).write.parquet(_address(folder))


@contextmanager
def connect_spark(engine: Mapping[str, Any], scratch: Path) -> Iterator[BaseBackend]:
    """A connection to the Spark of `engine`; closed at the end, but for a session that was there before, which goes on.

    `scratch` is a folder for what is kept meanwhile, removed at the end. Raises DataError, with the remedy, where there is no
    Java, the master does not answer, or Spark's machines fail.
    """
    _require_java()
    _require_master(engine["master"])
    running = SparkSession.getActiveSession()
    backend = SparkEngine()
    backend.register_options()
    try:
        # A session of its own has its own settings and views, though it shares the user's machines.
        session = running.newSession() if running else _started(engine, scratch)
        backend.do_connect(session, **SQL)
        backend.scratch = scratch.resolve()
        yield backend
    except GONE as error:
        if any(word in str(error) for word in LOST):
            raise DataError(
                f"Spark lost one of its machines or processes ({_first_line(error)}). Give them more memory in engine.config "
                "(spark.driver.memory, spark.executor.memory), and start again: what was finished is kept."
            ) from error
        raise
    finally:
        if running is None and (own := SparkSession.getActiveSession()) is not None:
            with suppress(*GONE):
                own.stop()
        shutil.rmtree(scratch, ignore_errors=True)


def _started(engine: Mapping[str, Any], scratch: Path) -> SparkSession:
    master = engine["master"]
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.warehouse.dir": _address(scratch / "warehouse"),
        **(LOCAL | {"spark.local.dir": str(scratch.resolve())} if master.startswith("local") else {}),
        **{key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in engine["config"].items()},
    }
    builder = SparkSession.builder.master(master).appName("campaign-targeting")
    for key, value in settings.items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except Exception as error:  # whatever a cluster answers: each kind of master has exceptions of its own
        raise DataError(
            f"Spark does not start on engine.master {master} ({_first_line(error)}). See that the master is right and "
            "reachable, and that it takes the settings of engine.config."
        ) from error


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java") is None and not (home and (Path(home) / "bin" / "java").exists()):
        raise DataError(
            "engine.name is spark, and Java is missing, which Spark runs on: install Java 17 (Debian's openjdk-17-jre-headless), "
            "set JAVA_HOME, or choose engine=duckdb."
        )


def _require_master(master: str) -> None:
    """Ask a master of Spark's own kind whether it is there: Spark itself would try for minutes."""
    place = urlsplit(master.split(",")[0])
    if place.scheme != "spark":
        return
    try:
        socket.create_connection((place.hostname or "", place.port or 7077), PATIENCE).close()
    except OSError as error:
        raise DataError(
            f"engine.master {master} does not answer ({error.strerror or error}). Start it, correct host and port, or choose "
            "engine.master=local[*]."
        ) from None


def _address(path: str | Path) -> str:
    """A path of this machine or of a shared disk, whatever file system a cluster takes paths for."""
    return f"file://{Path(path).resolve()}"


def _first_line(error: BaseException) -> str:
    return " ".join(str(error).split("\n", 1)[0].split())[:200]
