"""Parquet files, whole or in parts: held to the rules of CSV files."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from targeting.base.errors import DataError
from targeting.tables.origins import Origin, SourceColumn
from tests.lines import ROWS, rows


def arrow(**changed: pa.Array) -> pa.Table:
    columns = {"household_id": [7, 8], "day": [date(2017, 1, 2), date(2017, 1, 3)], "sales": [1.43, -2.0], "brand": ["Own", None]}
    return pa.table(columns | changed)


PARQUET = {
    "integers too large for a double": (pa.array([2.0**53, 8.0]), "household_id", "fraction or too long for the type"),
    "fractions": (pa.array([7.5, 8.0]), "household_id", "fraction or too long"),
    "unsigned": (pa.array([2**63, 8], pa.uint64()), "household_id", "fraction or too long"),
    "an instant of a zone": (pa.array([0, 1], pa.timestamp("s", "UTC")), "day", "instants with a time zone"),
    "seconds": (pa.array([0, 1]), "day", "it is stored as int64"),
    "a day of the year 12017": (pa.array([3_670_000, 1], pa.date32()), "day", "between 1990 and 2100"),
    "infinite": (pa.array([float("inf"), 1.0]), "sales", "cannot be read"),
    "far too much": (pa.array([9e13, 1.0]), "sales", "cannot be read"),
    "true": (pa.array([True, False]), "sales", "it is stored as boolean"),
    "bytes": (pa.array([b"a", b"b"]), "brand", "it is stored as binary"),
    "lists": (pa.array([[1], [2]]), "sales", "it is stored as array"),
}


@pytest.mark.parametrize("how", PARQUET)
def test_parquet_is_held_to_the_same_rules(how, engine, tmp_path):
    values, column, message = PARQUET[how]
    pq.write_table(arrow(**{column: values}), tmp_path / "lines.parquet")
    with pytest.raises(DataError, match=rf"lines.parquet, column {column}: .*{message}"):
        rows(engine, tmp_path / "lines.parquet")


def test_not_a_number_is_missing(engine, tmp_path):
    origin = Origin(
        "flags.parquet", {"display": SourceColumn("display", "boolean"), "household_id": SourceColumn("household_id", "int64")}
    )
    table = pa.table({"display": [float("nan"), 1.0, 0.0], "household_id": [float("nan"), 1.0, 2.0]})
    pq.write_table(table, tmp_path / "flags.parquet")
    assert rows(engine, tmp_path / "flags.parquet", origin) == [(None, None), (True, 1), (False, 2)]


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    folder = tmp_path / "lines.parquet"
    folder.mkdir()
    pq.write_table(arrow()[:1], folder / "part-0.parquet")
    pq.write_table(arrow()[1:], folder / "part-1.parquet")
    return folder


def test_parts_are_one_table_and_leftovers_no_part(engine, parts):
    for name in (".part-0.parquet", "_tmp_1.parquet", "_SUCCESS", ".part-1.parquet.crc"):
        (parts / name).write_bytes((parts / "part-0.parquet").read_bytes())
    (parts / "part-1.parquet").rename(parts / "PART-1.PARQUET")
    pq.write_table(arrow()[:0], parts / "part-2.pq")
    assert sorted(rows(engine, parts)) == ROWS


@pytest.mark.parametrize("stray", ["part-2.parquet.crdownload", "part-2.csv", "notes.txt", "store_id=1/"])
def test_whatever_else_lies_among_parts_is_refused_by_name(stray, engine, parts):
    (parts / stray).mkdir() if stray.endswith("/") else (parts / stray).touch()
    with pytest.raises(DataError, match=rf"lines.parquet has {stray} beside its parts"):
        rows(engine, parts)


def test_parts_agree_in_their_types(engine, parts):
    pq.write_table(arrow(sales=pa.array([1, 2]))[1:], parts / "part-1.parquet")
    with pytest.raises(DataError, match=r"lines.parquet, column sales: INT64 in part-1.parquet, and DOUBLE in part-0.parquet"):
        rows(engine, parts)
    # A part in which all values of a column are missing has no type to agree with.
    pq.write_table(arrow(brand=pa.nulls(2))[1:], parts / "part-1.parquet")
    assert sorted(rows(engine, parts)) == ROWS
