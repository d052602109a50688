"""Read a source's own files: find columns whatever their case, and give them types without losing a row."""

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from targeting.base.errors import DataError

WORDS = {
    "int64": "a whole number",
    "decimal(18, 4)": "a number with a decimal point",
    "date": "a date such as 2017-01-31",
    "boolean": "true or false",
}


@dataclass(frozen=True)
class Column:
    """A column of a source: its name there and the ibis type that its values must have."""

    name: str
    type: str


@dataclass(frozen=True)
class Origin:
    """Where a canonical table comes from: the source's file, its columns by canonical name, and whether it may lack rows."""

    file: str
    columns: Mapping[str, Column]
    may_be_empty: bool = False


def typed(raw: ir.Table, origin: Origin) -> ir.Table:
    """`raw` with the wanted columns alone, under their canonical names, each cast to its type.

    Names match regardless of case and of spaces around them; text is trimmed, and empty text is missing.
    Raises DataError, naming the file, for a missing column, no rows where some are needed, values that the type cannot hold,
    and instants of a time zone where a day is wanted.
    """
    file, columns = origin.file, origin.columns
    present = {name.strip().lower(): name for name in raw.columns}
    absent = [column.name for column in columns.values() if column.name.lower() not in present]
    if absent:
        raise DataError(
            f"{file} has no column {', '.join(absent)}; it has {', '.join(raw.columns)}. "
            "Add the column, or rename the one that holds it (case does not matter); columns are separated by commas."
        )
    _require_days(raw, file, [present[column.name.lower()] for column in columns.values() if column.type == "date"])
    text = {key: _trimmed(raw[present[column.name.lower()]]) for key, column in columns.items()}
    cast = {key: _cast(text[key], column.type) for key, column in columns.items()}
    _require_readable(raw, origin, text, cast)
    return raw.select(**cast)


def _trimmed(column: ir.Column) -> ir.Column:
    return column.strip().nullif("") if column.type().is_string() else column


def _cast(column: ir.Column, type_name: str) -> ir.Column:
    """The column as the type; missing where the type cannot hold the value."""
    cast = column.try_cast(type_name)
    if type_name != "int64" or column.type().is_integer():
        return cast
    # A fraction is no whole number, and the engine would round it to one.
    return ibis.ifelse(column.try_cast("float64") == cast.cast("float64"), cast, ibis.null("int64"))


def _require_days(raw: ir.Table, file: str, names: list[str]) -> None:
    zoned = [name for name in names if raw[name].type().is_timestamp() and raw[name].type().timezone is not None]
    if zoned:
        raise DataError(
            f"{file}, column {', '.join(zoned)}: the values are instants with a time zone, and their day depends on where one "
            "stands. Store dates, by the retailer's own clocks."
        )


def _require_readable(raw: ir.Table, origin: Origin, text: Mapping[str, ir.Column], cast: Mapping[str, ir.Column]) -> None:
    """One scan that counts the rows and, a column, the values that its type cannot hold."""
    file, columns = origin.file, origin.columns
    unreadable = {key: text[key].notnull() & cast[key].isnull() for key in columns}
    counts = raw.aggregate(
        n_rows=raw.count(),
        **{f"n_{key}": unreadable[key].sum() for key in columns},
        **{
            f"example_{key}": ibis.ifelse(unreadable[key], text[key].cast("string"), ibis.null("string")).min() for key in columns
        },
    ).execute()
    row = counts.iloc[0]
    if row["n_rows"] == 0:
        if origin.may_be_empty:
            return
        raise DataError(f"{file} is empty: it needs at least one row.")
    for key, column in columns.items():
        if row[f"n_{key}"] > 0:
            count, words = int(row[f"n_{key}"]), WORDS.get(column.type, column.type)
            raise DataError(
                f"{file}, column {column.name}: {count:,} of {int(row['n_rows']):,} rows cannot be read as {words}, for example "
                f"{row[f'example_{key}']!r}. Correct or remove these rows in the file."
            )
