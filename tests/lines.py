"""Two lines of tills in one file, and what is read of it."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from ibis.backends import BaseBackend

from targeting.tables.files import read_table
from targeting.tables.origins import Origin, SourceColumn
from targeting.tables.schemas import MONEY

ORIGIN = Origin(
    "lines.csv",
    {
        "household_id": SourceColumn("household_id", "int64"),
        "day": SourceColumn("day", "date"),
        "sales": SourceColumn("sales", MONEY),
        "brand": SourceColumn("brand", "string"),
    },
)
HEADER = "household_id,day,sales,brand"
TEXT = f"{HEADER}\n7,2017-01-02,1.43,Own\n8,2017-01-03,-2,\n"
ROWS = [(7, date(2017, 1, 2), Decimal("1.43"), "Own"), (8, date(2017, 1, 3), Decimal(-2), None)]


def rows(engine: BaseBackend, path: Path, origin: Origin = ORIGIN) -> list[tuple]:
    return [tuple(row.values()) for row in read_table(engine, path, origin).to_pyarrow().to_pylist()]


def stored(folder: Path, content: bytes, name: str = "lines.csv") -> Path:
    (folder / name).write_bytes(content)
    return folder / name
