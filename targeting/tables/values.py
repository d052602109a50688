"""What a value of a file may look like: by pattern and bounds, since a cast takes too much (1_000, 0x1F, 2/6/17).

A value that is not read is never changed: it becomes missing here, and `origins.typed` refuses the file with `why_wrong`.
"""

import re

import ibis
import ibis.expr.types as ir

from targeting.base.sections import FIRST_YEAR, LAST_YEAR

# Sums of decimals do not depend on the order of the rows or the number of threads; sums of floats do.
MONEY = "decimal(18, 4)"
# What no line of a till, no date of a loyalty programme and no counter goes beyond. Larger values are other numbers in the wrong
# column, or made to break sums: squares of sales are added up as decimals.
MOST_MONEY, MOST_QUANTITY, MOST_WHOLE, MOST_DAY = 1e9, 1e6, 1e9, 36_525
# Doubles hold whole numbers exactly below this one.
EXACT_BELOW = 2.0**53

BLANKS = " \t\n\r\v\f\u00a0\u200b\ufeff"
BLANK_AROUND = f"^[{BLANKS}]|[{BLANKS}]$"
# How programs write that there is no value.
PLACEHOLDERS = ("null", "na", "n/a", "#n/a", "nan", "<na>", "none", "nil", "-", "--", "?", "undefined", "nat", r"\n", "#ref!")
AMOUNT = r"^[+-]?[0-9]+(\.[0-9]+)?$"
AMOUNT_WITH_COMMA = r"^[+-]?[0-9]+(,[0-9]+)?$"
# Also as programs write a number that is very small or large.
REAL = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
REAL_WITH_COMMA = r"^[+-]?([0-9]+(,[0-9]*)?|,[0-9]+)([eE][+-]?[0-9]+)?$"
WHOLE = r"^[+-]?[0-9]{1,18}(\.0+)?$"
NO_FRACTION = r"\.0+$"  # what a whole number may have behind it; not every engine casts it with that
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?$"
# What may follow a day that is written in another form: a time of the shop's own clocks.
TIME = r"([T ]+([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?( ?[AaPp]\.?[Mm]\.?)?)?"
EXAMPLE_DAY = {"YYYY": "2017", "MM": "01", "DD": "31"}
TRUE, FALSE = ("true", "t", "yes", "y", "1", "1.0"), ("false", "f", "no", "n", "0", "0.0")

WORDS = {
    "int64": "a whole number",
    MONEY: "a number with a decimal point",
    "date": "a date such as 2017-01-31",
    "boolean": "true or false",
    "identifier": "an identifier",
    "float64": "a number with a decimal point",
}
CORRECT = "correct the values where the file is made"
# Patterns of values that cannot be read, what each is, and what to do; the first that matches is named.
NUMBERS = (
    (
        r"[+-]?\d+([.,]\d+)?[eE][+-]?\d+",
        "it has lost its digits in a spreadsheet: export it anew, the column as text or plain number",
    ),
    (r"[+-]?0[xX][0-9a-fA-F]+", "it is hexadecimal: write it in decimals"),
    (r"[+-]?\d{1,3}([,.' \u00a0]\d{3})+([.,]\d+)?", "it has a separator of thousands, or a decimal comma: write 1234.50"),
    (r"[+-]?\d+,\d+", "it has a decimal comma: write a decimal point, or separate the columns by semicolons"),
    (r"[+-]?\d+(_\d+)+", "it has underscores: write digits alone"),
    (r"[+-]?inf(inity)?", "it is infinite: correct it where it is computed"),
    (r"[=@\uff1d\uff20].*|[+-].*[^\d., ].*", "it begins as a spreadsheet's formula does: export the value itself"),
)
DATES = (
    (
        r".*\d{1,2}:\d{2}.*(Z|[+-]\d{2}(:?\d{2})?)",
        "it has a time zone, and its day depends on where one stands: write the shop's own date",
    ),
    (r"\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2}", "a year of two digits can be read in several ways: write 2017-01-31"),
    (r"\d{1,2}[-/.]\d{1,2}[-/.]\d{4}.*", "day and month can be mistaken for each other: write 2017-01-31"),
    (r"\d{5}(\.\d+)?", "it is a spreadsheet's number of a day: format the column as a date such as 2017-01-31"),
    (r".*\(BC\)", f"days lie between {FIRST_YEAR} and {LAST_YEAR}: correct the year"),
    (r"[+-]?\d{4,}-\d{2}-\d{2}.*", f"no such day, or not between {FIRST_YEAR} and {LAST_YEAR}: correct it, or its year"),
    (r"[+-]?inf(inity)?", "it is infinite: give the day on which it ended, or will end"),
)


@ibis.udf.scalar.builtin(name="trim", signature=(("string", "string"), "string"))
def _without(text: ir.StringValue, characters: str) -> ir.StringValue:
    """The engine's trim: the text without these characters at both ends."""


def cleaned(column: ir.Column) -> ir.Column:
    """The column with what stands for nothing missing: empty text, and not-a-number; spaces around text do not count."""
    if column.type().is_string():
        # Few values have blanks around them, and trimming costs several times as much as looking for them.
        return ibis.ifelse(column.re_search(BLANK_AROUND), _without(column, BLANKS), column).nullif("")
    if column.type().is_floating():
        # As text: Parquet's least and largest value leave NaN out, by which the engine takes isnan to be false everywhere.
        return ibis.ifelse(column.cast("string").lower() == "nan", ibis.null(column.type()), column)
    return column.cast("string") if column.type().is_uuid() else column


def fits(column: ir.Column, kind: str) -> bool:
    """Whether a column of a file, by its stored type, can hold values of a kind at all."""
    stored = column.type()
    if stored.is_string() or stored.is_null():
        return True
    if kind in ("date", "timestamp"):
        return stored.is_date() or (stored.is_timestamp() and stored.timezone is None)
    if kind == "string":
        return stored.is_numeric() or stored.is_boolean() or stored.is_uuid() or stored.is_date()
    if kind == "identifier" and stored.is_uuid():
        return True
    return stored.is_numeric() or (stored.is_boolean() and kind == "boolean")


def value(column: ir.Column, kind: str, most: float, decimal_comma: bool = False, dates: str | None = None) -> ir.Column:
    """The `cleaned` column as the ibis type `kind`; missing where pattern, type or the bound `most` do not take the value.

    `dates` is the form of a text's days, such as DD/MM/YYYY; None is the one that needs no word, YYYY-MM-DD.
    """
    if kind == "date":
        return _day(column, dates)
    if kind == "boolean":
        return _flag(column)
    if kind == "int64":
        return _whole(column, most)
    if kind == MONEY:
        return _amount(column, most, decimal_comma)
    if kind == "float64" and column.type().is_string():
        # The engine's cast alone would read 1_000 as a thousand.
        column = _pointed(column, REAL_WITH_COMMA if decimal_comma else REAL, decimal_comma)
    return column.try_cast(kind)


def _amount(column: ir.Column, most: float, decimal_comma: bool) -> ir.Column:
    if column.type().is_string():
        column = _pointed(column, AMOUNT_WITH_COMMA if decimal_comma else AMOUNT, decimal_comma)
    cast = column.try_cast(MONEY)
    return ibis.ifelse(cast.abs() <= int(most), cast, ibis.null(MONEY))


def _pointed(column: ir.Column, pattern: str, decimal_comma: bool) -> ir.Column:
    """The text of numbers with a decimal point, missing where it does not have the pattern."""
    return ibis.ifelse(column.re_search(pattern), column.replace(",", ".") if decimal_comma else column, ibis.null("string"))


def _whole(column: ir.Column, most: float) -> ir.Column:
    if column.type().is_string():
        column = ibis.ifelse(column.re_search(WHOLE), column, ibis.null("string"))
        column = column.re_replace(NO_FRACTION, "")
    # A fraction is no whole number, and the engine would round it to one.
    exact = column.try_cast("float64")
    cast = column.try_cast("int64")
    return ibis.ifelse((exact == cast.cast("float64")) & (exact.abs() <= most), cast, ibis.null("int64"))


def _day(column: ir.Column, dates: str | None) -> ir.Column:
    if column.type().is_string() and dates is not None:
        column = _rearranged(column, dates)
    elif column.type().is_string():
        # The whole text must be an instant, so that 24:61 is none; then its date is the day.
        column = ibis.ifelse(column.re_search(DAY), column, ibis.null("string")).try_cast("timestamp")
    day = column.try_cast("date")
    return ibis.ifelse(day.between(ibis.date(FIRST_YEAR, 1, 1), ibis.date(LAST_YEAR, 12, 31)), day, ibis.null("date"))


def date_pattern(dates: str) -> str:
    """The regular expression of days written as `dates`, with a group each for YYYY, MM and DD in their order there.

    Between marks a month or day may have one digit: 12/1/2010.
    """
    few = "{2}" if dates == "YYYYMMDD" else "{1,2}"
    pattern = re.escape(dates).replace("YYYY", "([0-9]{4})").replace("MM", f"([0-9]{few})").replace("DD", f"([0-9]{few})")
    return f"^{pattern}{TIME}$"


def example_day(dates: str) -> str:
    """One day as `dates` writes it: 31/01/2017."""
    return re.sub("YYYY|MM|DD", lambda part: EXAMPLE_DAY[part[0]], dates)


def _rearranged(column: ir.StringColumn, dates: str) -> ir.StringColumn:
    """Text of days in the form `dates` as YYYY-MM-DD; missing where the text has another form."""
    pattern, order = date_pattern(dates), re.findall("YYYY|MM|DD", dates)
    year, month, day = (column.re_extract(pattern, order.index(part) + 1) for part in ("YYYY", "MM", "DD"))
    plain = year + "-" + month.lpad(2, "0") + "-" + day.lpad(2, "0")
    return ibis.ifelse(column.re_search(pattern), plain, ibis.null("string"))


def _flag(column: ir.Column) -> ir.Column:
    if column.type().is_boolean():
        return column
    if column.type().is_string():
        word = column.lower()
        return ibis.cases((word.isin(TRUE), True), (word.isin(FALSE), False), else_=ibis.null("boolean"))
    return ibis.cases((column == 1, True), (column == 0, False), else_=ibis.null("boolean"))


def why_wrong(example: str, kind: str, most: float, dates: str | None = None, settings: str = "data.mapping") -> str:
    """Why a value is not read as a kind, and what to do about all like it; empty where nothing is known of it.

    `dates` as for `value`; `settings` are the parameters in which the user gave it.
    """
    if example.lower() in PLACEHOLDERS:
        return "it stands for a missing value: leave the field empty, or the row out"
    if kind == "date" and dates is not None:
        zone, words = DATES[0]
        if re.fullmatch(zone, example):
            return words
        return (
            f"{settings}.dates is {dates}, and this is no such day between {FIRST_YEAR} and {LAST_YEAR}: give there the form "
            "in which the file writes its days, or correct these"
        )
    if kind == "int64" and re.fullmatch(r"[+-]?\d+\.\d*[1-9]\d*", example):
        return "it is a fraction: look whether columns are mixed up"
    if kind in ("int64", MONEY) and re.fullmatch(AMOUNT, example):
        return f"it is beyond {most:,.0f}: look whether columns are mixed up"
    for pattern, words in {"date": DATES, "boolean": ()}.get(kind, NUMBERS):
        if re.fullmatch(pattern, example, re.IGNORECASE):
            return words
    return ""
