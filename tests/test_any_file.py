"""Whatever file is drawn: read as the csv module reads it, or refused by name."""

import codecs
import csv
import gzip
import io
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibis.backends import BaseBackend

from targeting.base.errors import DataError
from tests.lines import HEADER, rows

VALUE = st.one_of(
    st.sampled_from(
        ["7", "00017", "17", "-3", "1.5", "1,5", "1.234,5", "7.00013E+15", "0x1F", "1_000", "inf", "nan", "NULL", "#", ""]
    ),
    st.sampled_from(["2017-01-02", "2/6/17", "17-01-02", "2017-02-30", "2017-01-02T10:00", "2017-01-02T10:00Z", "12017-01-02"]),
    st.sampled_from(['"', '5" pipe', "a,b", "a;b", "a\nb", " x ", "é", "\t", "=1+1", "\\", "'", "\u00a0"]),
    st.text("0123456789.,-+eE /:TZ", max_size=12),
    st.text(max_size=4),
)
IDENTIFIER = st.one_of(st.integers(-9, 10**16).map(str), VALUE)
DAYS = st.one_of(st.dates(date(1990, 1, 1), date(2100, 12, 31)).map(str), VALUE)
AMOUNTS = st.one_of(st.decimals(-(10**6), 10**6, places=2).map(str), VALUE)


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """A CSV file, mostly of good values, written in one of many ways and sometimes damaged."""
    good = st.tuples(st.integers(1, 99).map(str), st.just("2017-01-02"), st.just("1.5"), st.just("Own"))
    any_row = st.tuples(IDENTIFIER, DAYS, AMOUNTS, VALUE)
    lines = draw(st.lists(st.one_of(good, good, any_row), min_size=1, max_size=6))
    text = io.StringIO()
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    separator = draw(st.sampled_from([",", ",", ";", "\t"]))
    writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=draw(st.sampled_from(["\n", "\r\n", "\r"])))
    writer.writerows([HEADER.split(","), *lines])
    encoded = text.getvalue().encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"])), "replace")
    if draw(st.booleans()):
        at = draw(st.integers(0, len(encoded)))
        damage = st.sampled_from([b'"', b",", b"\n", b"\r", b"#", b"\x00", b"\xff", b"\\", b"", b'"a"b'])
        encoded = encoded[:at] + draw(damage) + encoded[at + draw(st.integers(0, 3)) :]
    return gzip.compress(encoded, mtime=0) if draw(st.integers(0, 9)) == 0 else encoded


def slowly(content: bytes) -> list[list[str]]:
    """The records of a file by the csv module, without its header and empty lines."""
    content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    text = content.decode("utf-16" if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig")
    separator = next(mark for mark in ",;\t" if len(next(csv.reader(io.StringIO(text, newline=""), delimiter=mark))) > 1)
    header, *records = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row]
    order = [[name.strip().lower() for name in header].index(name) for name in HEADER.split(",")]
    return [[row[position].strip(" \t\n\r\v\f\u00a0\u200b\ufeff") for position in order] for row in records]


def same(value: object, text: str, decimal_comma: bool) -> bool:
    """Whether a value that was read is what a person reads in the text."""
    if value is None or text == "":
        return value is None and text == ""
    if isinstance(value, int):
        return re.fullmatch(rf"{value}(\.0+)?", text) is not None
    if isinstance(value, Decimal):
        number = text.replace(",", ".") if decimal_comma else text
        plain = re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", number) is not None
        return plain and abs(value - Decimal(number)) <= Decimal("0.00005")
    if isinstance(value, date):
        return re.fullmatch(r"\d{4}-\d{2}-\d{2}([T ][\d:.]+)?", text) is not None and str(value) == text[:10]
    return value == text


def rows_or_refusal(engine: BaseBackend, path: Path) -> list[tuple] | str:
    try:
        return rows(engine, path)
    except DataError as error:
        return str(error)


def check(engine: BaseBackend, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    found = rows_or_refusal(engine, path)
    if isinstance(found, str):
        assert "lines.csv" in found
        return
    expected = slowly(content)
    assert len(found) == len(expected)
    for row, texts in zip(found, expected, strict=True):
        for value, text in zip(row, texts, strict=True):
            assert same(value, text, decimal_comma=";" in str(content[:60])), (row, texts)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "lines.csv"


@pytest.mark.slow
@given(contents())
@settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_no_file_is_read_wrong(engine, fuzzed, content):
    check(engine, fuzzed, content)


@pytest.mark.long
@given(contents())
@settings(max_examples=3000, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_no_file_of_thousands_is_read_wrong(engine, fuzzed, content):
    check(engine, fuzzed, content)
