"""Read a source's own files: find columns whatever their case, and give them types without losing a row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.base.errors import DataError
from targeting.base.spelling import did_you_mean
from targeting.tables.values import (
    CORRECT,
    EXACT_BELOW,
    MONEY,
    MOST_DAY,
    MOST_MONEY,
    MOST_QUANTITY,
    MOST_WHOLE,
    NO_FRACTION,
    PLACEHOLDERS,
    WORDS,
    cleaned,
    example_day,
    fits,
    value,
    why_wrong,
)


@dataclass(frozen=True)
class IdentifierKind:
    """A kind of identifier: the table that says which there are, and whether it is all numbers or all words.

    Where it is, a few words among numbers are mistakes; baskets and products mix them at many retailers.
    """

    name: str
    home: str
    of_one_sort: bool


IDENTIFIERS = {
    "household_id": IdentifierKind("household", "transactions", True),
    "basket_id": IdentifierKind("basket", "transactions", False),
    "product_id": IdentifierKind("product", "products", False),
    "store_id": IdentifierKind("store", "transactions", True),
    "campaign_id": IdentifierKind("campaign", "campaigns", True),
    "coupon_upc": IdentifierKind("coupon", "coupons", True),
}
FEW = 0.01
# Always a mistake: what lost its digits, formulas.
SPOILT = r"(?i)^([+-]?[0-9]+\.[0-9]+e[+-]?[0-9]+|[+-]?[0-9]+e[+-][0-9]+|[=@\x{FF1D}\x{FF20}].*|[+-].*[^0-9 ].*|[+-]?inf(inity)?)$"
# A number, but not a plain one: a mistake where the column's other values are plain.
ODD = r"^(\+[0-9]+|-0[0-9]*|[+-]?[0-9]+([_,.' ][0-9]+)+|0[xX][0-9a-fA-F]+|[0-9]+[eE][0-9]+)$"
FURTHER = "further column "  # before the names of columns that are kept though no canonical table has them
OWN = "own value of "  # before the names of columns as the file has them, beside what is read from them
WHOLE_FLOAT = r"^(0|-?[1-9][0-9]{0,14})\.0+$"


@dataclass(frozen=True)
class SourceColumn:
    """A column of a source: its name there and the ibis type that its values must have.

    `dates` is the form in which its text writes days, where that is not YYYY-MM-DD; `nothing` are values that mean none.
    `named_by` is the parameter by which the user names the column, of a source where that can be; `remedy` is what to do about
    values that cannot be read, where nothing else is known of them.
    """

    name: str
    type: str
    dates: str | None = None
    nothing: tuple[str, ...] = ()
    named_by: str | None = None
    remedy: str = CORRECT


@dataclass(frozen=True)
class Origin:
    """Where a canonical table comes from: the source's file, its columns by canonical name, and whether it may lack rows.

    `further` keeps the file's other columns too, as text, their names behind FURTHER. `shown` gives a value of a canonical column
    as the user wrote it. `encoding` is the one that the user names, of a source where that can be; else CSV files are UTF-8.
    `settings` are the parameters in which the user does, and names the form of days.
    """

    file: str
    columns: Mapping[str, SourceColumn]
    may_be_empty: bool = False
    further: bool = False
    shown: Callable[[str, Any], Any] = field(default=lambda column, value: value, compare=False)
    encoding: str | None = None
    settings: str = "data.mapping"

    def place(self, key: str) -> str:
        """File and column as the user names them, for a sentence."""
        return f"{self.file}, column {self.columns[key].name}"


@dataclass(frozen=True)
class _Reading:
    """How one column is read: the cleaned values of the file, what becomes of them, and which are refused."""

    column: SourceColumn
    kind: str
    most: float
    own: ir.Column
    value: ir.Column
    refused: ir.BooleanColumn
    odd: ir.BooleanColumn | None = None
    text: ir.BooleanColumn | None = None


def typed(
    backend: BaseBackend, raw: ir.Table, origin: Origin, n_rows: int | None = None, decimal_comma: bool = False
) -> ir.Table:
    """`raw` with the wanted columns alone (and further ones, where `origin` keeps them), under their canonical names and typed.

    Names match regardless of case and of spaces around them; text is trimmed, and empty text is missing. Identifiers are whole
    numbers, or text where they are not all plain whole numbers (see targeting.tables.identifiers). `n_rows` is how many rows the
    file has, where that is known apart from `raw`.
    Raises DataError, naming the file, for a missing column, one that is there twice, no rows where some are needed, and all
    columns with values that cannot be read.
    """
    names = matched(list(raw.columns), origin)
    unfit = [_unfit(raw[names[key]], column, key) for key, column in origin.columns.items()]
    if any(unfit):
        raise DataError(" ".join(f"{origin.file}, {problem}" for problem in unfit if problem))
    others = [name for name in raw.columns if origin.further and name not in names.values()]
    further = {f"{FURTHER}{name.removeprefix(FURTHER)}": cleaned(raw[name].cast("string")) for name in others}
    # Step by step and behind a name in the engine, so that each value is cleaned and read once, however many expressions ask
    # for it, and what is made of the table need not spell that out again.
    own = raw.select(**{f"{OWN}{key}": _own(raw[names[key]], column) for key, column in origin.columns.items()}, **further)
    values = {key: _read(own[f"{OWN}{key}"], key, column, decimal_comma) for key, column in origin.columns.items()}
    read = backend.create_view(ibis.util.gen_name("read"), own.mutate(**values))
    readings = {key: _reading(read[f"{OWN}{key}"], read[key], key, column) for key, column in origin.columns.items()}
    counts = _counts(read, readings)
    if n_rows not in (None, counts["n_rows"]):
        raise DataError(f"{origin.file}: {counts['n_rows']:,} of its {n_rows:,} rows can be read. Save it as CSV UTF-8 again.")
    if counts["n_rows"] == 0 and not origin.may_be_empty:
        raise DataError(f"{origin.file} is empty: it needs at least one row.")
    found = (_problem(key, reading, counts, origin.settings) for key, reading in readings.items())
    problems = [problem for problem in found if problem]
    if problems:
        raise DataError(" ".join(f"{origin.file}, {problem}" for problem in problems))
    return read.select(
        **{key: _kept(key, reading, counts) for key, reading in readings.items()}, **{name: read[name] for name in further}
    )


def matched(present: list[str], origin: Origin) -> dict[str, str]:
    """The file's own name of each wanted column. Raises DataError for columns that are absent, or there more than once."""
    names: dict[str, list[str]] = {}
    for name in present:
        names.setdefault(_plain(name), []).append(name)
    absent = [column for column in origin.columns.values() if _plain(column.name) not in names]
    if absent:
        # What somebody wrote by hand may be a slip; the names of a source that is fixed are none.
        words = [column.name + (did_you_mean(column.name, present) if column.named_by else "") for column in absent]
        keys = list(dict.fromkeys(column.named_by for column in absent if column.named_by))
        correct = f", or correct {' and '.join(keys)}" if keys else ""
        raise DataError(
            f"{origin.file} has no column {', '.join(words)}; it has {', '.join(present)}. "
            f"Add the column, or rename the one that holds it (case does not matter){correct}."
        )
    twice = [names[_plain(column.name)] for column in origin.columns.values() if len(names[_plain(column.name)]) > 1]
    if twice:
        raise DataError(
            f"{origin.file} has several columns of one name: {' and '.join(map(repr, twice[0]))}, and it is not said which one "
            "holds (case and spaces around do not count). Rename the one that does not hold."
        )
    return {key: names[_plain(column.name)][0] for key, column in origin.columns.items()}


def _plain(name: str) -> str:
    return name.strip(" \t\r\n\u00a0\ufeff").lower()


def _kind(key: str, column: SourceColumn) -> str:
    return "identifier" if key in IDENTIFIERS else column.type


def _unfit(raw: ir.Column, column: SourceColumn, key: str) -> str | None:
    kind = _kind(key, column)
    if fits(raw, kind):
        return None
    if kind == "date" and raw.type().is_timestamp():
        return (
            f"column {column.name}: the values are instants with a time zone, and their day depends on where one stands. "
            "Store dates, by the retailer's own clocks."
        )
    wanted = WORDS.get(kind, kind)
    return f"column {column.name}: it is stored as {raw.type()}, where {wanted} is wanted. Store it as that, or as text."


def _most(key: str, kind: str) -> float:
    if key == "quantity":
        return MOST_QUANTITY
    if kind == MONEY:
        return MOST_MONEY
    return MOST_DAY if key == "day" or key.endswith("_day") else MOST_WHOLE


def _own(raw: ir.Column, column: SourceColumn) -> ir.Column:
    """The values of a file's column, missing where they are nothing or the column's words for it."""
    own = cleaned(raw)
    return ibis.ifelse(own.cast("string").isin(column.nothing), ibis.null(own.type()), own) if column.nothing else own


def _read(own: ir.Column, key: str, column: SourceColumn, decimal_comma: bool) -> ir.Column:
    """The value of each of a column's `_own` values, missing where it cannot be read as its kind."""
    kind = _kind(key, column)
    return _whole(own) if kind == "identifier" else value(own, kind, _most(key, kind), decimal_comma, column.dates)


def _whole(own: ir.Column) -> ir.IntegerColumn:
    """Identifiers that are plain whole numbers as such, the others missing."""
    if own.type().is_string():
        cast = own.try_cast("int64")
        plain = (cast.cast("string") == own).fill_null(False)
        # A conditional's branch is computed where it holds: patterns are tried on what is not plain alone.
        without_fraction = own.re_replace(NO_FRACTION, "").try_cast("int64")
        return ibis.cases((plain, cast), (own.re_search(WHOLE_FLOAT), without_fraction), else_=ibis.null("int64"))
    whole = own.try_cast("int64")
    if own.type().is_floating():
        return ibis.ifelse((own == whole.cast("float64")) & (own.abs() < EXACT_BELOW), whole, ibis.null("int64"))
    return whole if own.type().is_integer() else ibis.ifelse(own == whole.cast(own.type()), whole, ibis.null("int64"))


def _reading(own: ir.Column, read: ir.Column, key: str, column: SourceColumn) -> _Reading:
    """What is refused of a column in any case; of identifiers that are text also odd numbers, and words."""
    kind = _kind(key, column)
    other = own.notnull() & read.isnull()
    if kind != "identifier":
        return _Reading(column, kind, _most(key, kind), own, read, other)
    if not own.type().is_string():
        return _Reading(column, kind, EXACT_BELOW, own, read, other)
    spoilt = ibis.ifelse(other, own.re_search(SPOILT) | own.lower().isin(PLACEHOLDERS), False)
    odd = ibis.ifelse(other & ~spoilt, own.re_search(ODD), False)
    return _Reading(column, kind, EXACT_BELOW, own, read, spoilt, odd, other & ~spoilt & ~odd)


def _counts(raw: ir.Table, readings: Mapping[str, _Reading]) -> dict[str, Any]:
    """One scan: the number of rows and, of each column, the values known, refused, odd, and text."""
    measures: dict[str, ir.Value] = {"n_rows": raw.count()}
    for key, reading in readings.items():
        measures[f"known_{key}"] = reading.own.count()
        for name, values in (("refused", reading.refused), ("odd", reading.odd), ("text", reading.text)):
            if values is not None:
                measures[f"n_{name}_{key}"] = values.sum().fill_null(0)
    return dict(raw.aggregate(**measures).to_pyarrow().to_pylist()[0])


def _example(reading: _Reading, values: ir.BooleanColumn | None) -> str:
    """The first of these values of a column, as text: a scan of its own, which only a file that is refused needs."""
    return "" if values is None else reading.own.cast("string").min(where=values).to_pyarrow().as_py() or ""


def _problem(key: str, reading: _Reading, counts: Mapping[str, Any], settings: str) -> str | None:
    """What is wrong with a column: rows, an example, the reason and the remedy."""
    number = counts[f"n_refused_{key}"]
    example = _example(reading, reading.refused) if number else ""
    words, dates = WORDS.get(reading.kind, reading.kind), reading.column.dates
    if reading.kind == "date" and dates is not None:
        words = f"a date such as {example_day(dates)}"
    reason = why_wrong(example, reading.kind, reading.most, dates, settings) or reading.column.remedy if number else ""
    if number and reading.kind == "identifier" and not reading.own.type().is_string():
        reason = "it is a fraction or too long for the type: store whole numbers as integers, longer ones as text"
    if not number and reading.kind == "identifier":
        number, example, reason = _strays(key, reading, counts)
        words = "a whole number, as the others are"
    if not number:
        return None
    return (
        f"column {reading.column.name}: {number:,} of {counts['n_rows']:,} rows cannot be read as {words}, for example "
        f"{example!r}: {reason}."
    )


def _strays(key: str, reading: _Reading, counts: Mapping[str, Any]) -> tuple[int, str, str]:
    """The identifiers that are mistakes among plain whole numbers: how many, an example and what it is."""
    odd, text, known = counts.get(f"n_odd_{key}", 0), counts.get(f"n_text_{key}", 0), counts[f"known_{key}"]
    few = IDENTIFIERS[key].of_one_sort and 0 < text + odd < FEW * known
    if few or (odd and not text and 2 * odd <= known):
        example = _example(reading, reading.odd) or _example(reading, reading.text)
        return odd + text, example, why_wrong(example, "identifier", EXACT_BELOW) or CORRECT
    return 0, "", ""


def _kept(key: str, reading: _Reading, counts: Mapping[str, Any]) -> ir.Column:
    """Identifiers as text where one is no plain whole number; everything else as it was read."""
    return reading.own if counts.get(f"n_text_{key}", 0) + counts.get(f"n_odd_{key}", 0) else reading.value
