"""Files: read as they are, or refused by name; never a row lost, never a value changed."""

import codecs
import gzip
import re

import pandas as pd
import pytest

from targeting.base.errors import DataError
from targeting.tables.files import find, read_files
from targeting.tables.origins import Origin
from tests.lines import HEADER, ORIGIN, ROWS, TEXT, rows, stored

READ = {
    "plain": TEXT.encode(),
    "Windows lines": TEXT.replace("\n", "\r\n").encode(),
    "lines of an old Mac": TEXT.replace("\n", "\r").encode(),
    "two kinds of lines": TEXT.replace("\n", "\r\n", 1).encode(),
    "no end of the last line": TEXT.rstrip("\n").encode(),
    "empty lines": TEXT.replace("\n", "\n\n").encode(),
    "a mark of UTF-8": codecs.BOM_UTF8 + TEXT.encode(),
    "UTF-16": codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
    "UTF-16, big end first": codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    "gzip": gzip.compress(TEXT.encode()),
    "gzip of UTF-16": gzip.compress(TEXT.encode("utf-16")),
    "semicolons": TEXT.replace(",", ";").encode(),
    "semicolons and decimal commas": TEXT.replace(",", ";").replace("1.43", "1,43").encode(),
    "a spreadsheet's hint": b"sep=;\r\n" + TEXT.replace(",", ";").replace("\n", "\r\n").encode(),
    "tabs": TEXT.replace(",", "\t").encode(),
    "vertical bars": TEXT.replace(",", "|").encode(),
    "every value quoted": re.sub(r"[^,\n]+", r'"\g<0>"', TEXT).encode(),
    "spaces around": TEXT.replace(",", " , ").encode(),
    "other order and further columns": b"x,brand,sales,day,HOUSEHOLD_ID\n1,Own,1.43,2017-01-02,7\n2,,-2,2017-01-03,8\n",
    "a whole number with a decimal part": TEXT.replace("7,", "7.0,").replace("8,", "8.0,").encode(),
}


@pytest.mark.parametrize("how", READ)
def test_what_is_unambiguous_is_read(how, engine, tmp_path):
    assert sorted(rows(engine, stored(tmp_path, READ[how]))) == ROWS


def with_line(line: str) -> bytes:
    return (TEXT + line + "\n").encode()


REFUSED = {
    "an Excel workbook": (b"PK\x03\x04\x14\x00", r"lines.csv is an Excel workbook.*save the table as CSV UTF-8"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1", r"old Excel workbook"),
    "Parquet": (b"PAR1\x15\x04", r"is a Parquet file"),
    "a document": (b"%PDF-1.7\n", r"is a PDF document"),
    "a web page": (b"\n<!DOCTYPE html><html>", r"is a web page"),
    "JSON": (b'{"household_id": 7}', r"is JSON"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04", r"compressed by zstd"),
    "UTF-16 without its mark": (TEXT.encode("utf-16-le"), r"UTF-16 without its mark"),
    "UTF-32": (TEXT.encode("utf-32"), r"UTF-32"),
    "ISO-8859-1": (TEXT.replace("Own", "Köln").encode("latin-1"), r"is not UTF-8: .*Windows-1252.*Köln.*CSV UTF-8"),
    "cut gzip": (gzip.compress(TEXT.encode())[:-9], r"compressed by gzip and damaged or cut short"),
    "nothing": (b"", r"is empty: it needs a header line"),
    "a mark and nothing": (codecs.BOM_UTF8, r"is empty: it needs a header line"),
    "a header alone": (f"{HEADER}\n".encode(), r"is empty: it needs at least one row"),
    "a title above the header": (
        b"Report of 2017\n" + TEXT.encode(),
        r"line 1: the header is one column, 'Report of 2017', where 4 are wanted.*header in",
    ),
    "carets": (
        TEXT.replace(",", "^").encode(),
        r"one column, 'household_id\^day.*Tried are commas, semicolons, tabs, vertical bars: save",
    ),
    "a header of two lines": (TEXT.replace("brand", '"brand\nname"', 1).encode(), r"line 1: the header spans several lines"),
    "a short line": (with_line("9,2017-01-04,3"), r"line 4: 3 fields, where the header names 4 columns: '9,2017-01-04,3'"),
    "a long line": (with_line("9,2017-01-04,3,Own,5"), r"line 4: 5 fields, where the header names 4"),
    "a decimal comma": (with_line("9,2017-01-04,3,50,Own"), r"line 4: 5 fields"),
    "an open quotation mark": (with_line('9,2017-01-04,3,"Own'), r"from line 4 on: .*Close every quotation mark"),
    "a quotation mark behind a backslash": (with_line(r'9,2017-01-04,3,"5\" pipe"'), r"from line 4 on: .*double those inside"),
    "NUL": (with_line("9,2017-01-04,3,O\x00n"), r"line 4: it holds a NUL"),
    "a second header": (with_line(HEADER), r"column day: 1 of 3.*'day'.*column sales: 1 of 3"),
    "commas and points": (
        TEXT.replace(",", ";").replace("1.43", "1,43").replace("-2", "1.234").encode(),
        r"commas in column sales and points in column sales",
    ),
    "a column twice": (TEXT.replace("brand", "Sales ").encode(), r"no column brand"),
    "a wanted column twice": (
        b"household_id,day,sales,brand,Sales \n7,2017-01-02,1,Own,2\n",
        r"several columns of one name: 'sales' and 'Sales '",
    ),
}


@pytest.mark.parametrize("how", REFUSED)
def test_what_is_not_is_refused_by_its_name(how, engine, tmp_path):
    content, message = REFUSED[how]
    with pytest.raises(DataError, match=re.compile(message, re.DOTALL)):
        rows(engine, stored(tmp_path, content))


def test_a_number_sign_begins_no_comment(engine, tmp_path):
    content = f"{HEADER}\n#7,2017-01-02,1.43,Own\nB8,2017-01-03,-2,\n".encode()
    assert [row[0] for row in rows(engine, stored(tmp_path, content))] == ["#7", "B8"]


def test_a_quotation_mark_inside_a_value_stays(engine, tmp_path):
    content = f'{HEADER}\n7,2017-01-02,1.43,5" pipe\n8,2017-01-03,-2,"a ""b"", c\nd"\n9,2017-01-04,1, "x"\n'.encode()
    assert [row[3] for row in rows(engine, stored(tmp_path, content))] == ['5" pipe', 'a "b", c\nd', '"x"']


@pytest.mark.parametrize("folder", ["year=2017", "a[1]", "b*", "c'd", "e f", "ü", "g&h,i"])
def test_names_of_folders_mean_nothing(folder, engine, tmp_path):
    (tmp_path / folder).mkdir()
    assert rows(engine, stored(tmp_path / folder, TEXT.encode())) == ROWS


SPREADSHEET = "lost its digits in a spreadsheet"
VALUES = [
    ("household_id", "7.00013E+15", SPREADSHEET),
    ("household_id", "7e15", SPREADSHEET),
    ("household_id", "0x1F", "hexadecimal"),
    ("household_id", "1_000", "underscores"),
    ("household_id", "1,000", "separator of thousands"),
    ("household_id", "17.5", "cannot be read as a whole number, as the others are"),
    ("household_id", "+17", "cannot be read as a whole number, as the others are"),
    ("household_id", "=17", "formula"),
    ("household_id", "NULL", "stands for a missing value"),
    ("household_id", "Infinity", "infinite"),
    ("day", "2/6/17", "year of two digits"),
    ("day", "17-01-02", "year of two digits"),
    ("day", "02.01.2017", "mistaken for each other"),
    ("day", "2017-01-02T23:00:00Z", "time zone"),
    ("day", "2017-01-02 23:00:00+01:00", "time zone"),
    ("day", "2017-02-30", "no such day"),
    ("day", "2999-01-01", "between 1990 and 2100"),
    ("day", "12017-01-02", "between 1990 and 2100"),
    ("day", "0016-01-02", "between 1990 and 2100"),
    ("day", "0016-01-02 (BC)", "between 1990 and 2100"),
    ("day", "9999-12-31", "between 1990 and 2100"),
    ("day", "42737", "spreadsheet's number of a day"),
    ("day", "infinity", "infinite"),
    ("day", "20170102", "a date such as 2017-01-31"),
    ("sales", "1,234.50", "separator of thousands"),
    ("sales", "1,5", "decimal comma"),
    ("sales", "1e3", SPREADSHEET),
    ("sales", "1_000", "underscores"),
    ("sales", "0x1F", "hexadecimal"),
    ("sales", "nan", "stands for a missing value"),
    ("sales", "inf", "infinite"),
    ("sales", "$1.50", "a number with a decimal point"),
    ("sales", "1.50-", "a number with a decimal point"),
    ("sales", "(1.50)", "a number with a decimal point"),
    ("sales", "90000000000000", "beyond 1,000,000,000"),
    ("sales", "\u0661", "a number with a decimal point"),
]


@pytest.mark.parametrize(("column", "text", "reason"), VALUES)
def test_a_value_that_a_cast_would_bend_is_refused_with_its_reason(column, text, reason, engine, tmp_path):
    frame = pd.DataFrame({"household_id": range(1, 6), "day": "2017-01-02", "sales": "1", "brand": "Own"}).astype(str)
    frame.loc[2, column] = text
    path = stored(tmp_path, frame.to_csv(index=False).encode())
    with pytest.raises(DataError, match=rf"lines.csv, column {column}: 1 of 5 rows .*{reason}") as error:
        rows(engine, path)
    assert repr(text) in str(error.value)
    assert "emove" not in str(error.value)


def test_an_instant_without_a_zone_has_its_day(engine, tmp_path):
    content = TEXT.replace("2017-01-02", "2017-01-02 23:59:01.5").encode()
    assert rows(engine, stored(tmp_path, content)) == ROWS


def test_all_unreadable_columns_of_all_files_are_named_at_once(engine, tmp_path):
    stored(tmp_path, TEXT.replace("1.43", "free").replace("2017-01-03", "soon").encode(), "one.csv")
    stored(tmp_path, TEXT.replace(",brand", ",label").encode(), "two.csv")
    origins = {name: Origin(f"{name}.csv", ORIGIN.columns) for name in ("one", "two", "three")}
    with pytest.raises(DataError) as error:
        read_files(engine, tmp_path, origins)
    for part in (
        "one.csv, column day: 1 of 2",
        "one.csv, column sales: 1 of 2",
        "two.csv has no column brand",
        "no file three.csv",
    ):
        assert part in str(error.value)


def test_files_that_differ_in_case_are_refused(tmp_path):
    stored(tmp_path, b"", "Lines.csv")
    stored(tmp_path, b"", "lines.csv")
    with pytest.raises(DataError, match=r"has Lines.csv and lines.csv, and it is not said which"):
        find(tmp_path, "lines.csv")


def test_a_link_to_nothing_is_named(engine, tmp_path):
    (tmp_path / "lines.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(DataError, match=r"lines.csv is not there, or is a link to what is not there"):
        rows(engine, tmp_path / "lines.csv")


IDENTIFIERS = {
    "words": ["A563185", "b04965e6-a9bb-591f-8f8a-1adcb2c8dc39", "é"],
    "leading zeros": ["00017", "17", "018"],
    "numbers too long": ["12345678901234567890", "12345678901234567891", "3"],
}


@pytest.mark.parametrize("kind", IDENTIFIERS)
def test_identifiers_that_are_text_stay_as_they_are(kind, engine, tmp_path):
    own = IDENTIFIERS[kind]
    content = "\n".join([HEADER, *(f"{name},2017-01-02,1,Own" for name in own)]).encode()
    assert [row[0] for row in rows(engine, stored(tmp_path, content))] == own


def test_a_few_words_among_many_numbers_are_a_mistake(engine, tmp_path):
    content = "\n".join([HEADER, *(f"{name},2017-01-02,1,Own" for name in [*range(500), "anna"])]).encode()
    with pytest.raises(
        DataError, match=r"household_id: 1 of 501 rows cannot be read as a whole number, as the others are, .*'anna'"
    ):
        rows(engine, stored(tmp_path, content))
