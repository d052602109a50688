"""Features of up to a hundred times the lines of the default data, on DuckDB and, where it is installed, on Spark.

`python -m benchmarks.many_lines ENGINE FOLDER` is what is timed: the features of the lines in a folder.
"""

import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import pyarrow.parquet as pq

from benchmarks.measure import Row, measured
from targeting.sources import canonical_tables
from targeting.tables.engine import DUCKDB, SPARK, connect, read_tables
from targeting.tables.features import household_features
from targeting.tables.history import keep_days
from targeting.tables.returns import with_returns_negative

ROOT = Path(__file__).resolve().parent.parent
AS_OF = date(2018, 1, 1)
COPIES = (1, 10, 30, 100)
ROOM = 10**12  # identifiers of one copy lie below it, so that no two copies share a household or a basket
ENGINES: dict[str, dict[str, Any]] = {
    DUCKDB: {"name": DUCKDB, "threads": 2, "memory_limit": "4GB"},
    SPARK: {"name": SPARK, "master": "local[2]", "config": {"spark.driver.memory": "3g", "spark.sql.shuffle.partitions": 4}},
}


def many_lines() -> Iterator[Row]:
    """A row per number of lines on DuckDB, which may take 4 GB, and one on Spark, where pyspark and Java are installed."""
    before = None
    with tempfile.TemporaryDirectory(dir=ROOT, prefix=".lines-") as name:
        folder = Path(name)
        for copies in COPIES:
            lines = write_lines(folder, copies)
            row = timed(DUCKDB, f"33 features over {lines / 1e6:.1f} million lines", folder)
            yield row if before is None else replace(row, what=f"{row.what} ({times(row, before)} those above)")
            if copies == 1 and importlib.util.find_spec("pyspark") and shutil.which("java"):
                spark = timed(SPARK, "the same on Spark", folder)
                yield replace(spark, what=f"{spark.what} ({times(spark, row)} DuckDB's)")
            before = row


def times(row: Row, other: Row) -> str:
    """How the CPU seconds of one command stand to those of another."""
    return f"CPU {row.cpu / other.cpu:.2f} x"


def timed(engine: str, what: str, folder: Path) -> Row:
    """The features of the lines in a folder, by a process of their own."""
    return measured(what, ROOT, sys.executable, "-m", "benchmarks.many_lines", engine, str(folder))


def write_lines(folder: Path, copies: int) -> int:
    """Write the lines of the default data so many times, as those of other households, and the products; gives their number."""
    with connect(ENGINES[DUCKDB]) as backend:
        source = canonical_tables(backend, {"source": "completejourney"})
        lines = with_returns_negative(source["transactions"])
        many = lines.cross_join(ibis.range(copies).unnest().name("copy").as_table())
        own = {name: many[name] + many["copy"] * ROOM for name in ("household_id", "basket_id")}
        backend.to_parquet(many.mutate(**own).drop("copy"), folder / "transactions.parquet")
        backend.to_parquet(source["products"], folder / "products.parquet")
    return int(pq.read_metadata(folder / "transactions.parquet").num_rows)


def main(engine: str, folder: Path) -> None:
    """Compute the features of the folder's lines, from lines to a table in memory."""
    with connect(ENGINES[engine]) as backend:
        lines, products = read_tables(backend, folder, "transactions", "products")
        household_features(keep_days(backend, lines, products), [AS_OF]).execute()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
