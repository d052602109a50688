"""A CSV file as it is: told by its first bytes, its header read here, and then read with nothing guessed."""

import codecs
import csv
import gzip
import io
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.base.errors import DataError
from targeting.tables.engine import failures
from targeting.tables.origins import FURTHER, Origin, matched, typed
from targeting.tables.values import MONEY, cleaned

GZIP = b"\x1f\x8b"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
# What the first bytes of other files say. UTF-32's mark begins as UTF-16's does, so it is looked for first.
OTHERS = {
    b"PK\x03\x04": "an Excel workbook or another zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"PAR1": "a Parquet file, which is called .parquet",
    b"%PDF": "a PDF document",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"7z\xbc\xaf": "a 7z archive",
    b"SQLite format": "an SQLite database",
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself",
    b"{": "JSON",
    b"\xff\xfe\x00\x00": "UTF-32 text",
    b"\x00\x00\xfe\xff": "UTF-32 text",
}
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True)
class CsvLayout:
    """How a CSV file is written: encoding and compression, separator, names of columns, lines before the data, number of rows.

    `regular` says that the engine reads it as it lies: UTF-8, one kind of line end, no quotation mark inside a value (at the
    begin of a value that is not quoted, readers differ).
    """

    encoding: str
    compressed: bool
    separator: str
    names: list[str]
    header_lines: int
    n_rows: int
    regular: bool


def read_csv(backend: BaseBackend, path: Path, origin: Origin) -> ir.Table:
    """The typed columns of `origin` from a CSV file: UTF-8, UTF-16 with its mark, or `origin.encoding`; also compressed by gzip.

    Columns are separated by commas, semicolons, tabs or vertical bars, whichever gives the wanted columns; with semicolons
    numbers may have decimal commas. Raises DataError, naming the file and where possible the line, for what cannot be read.
    """
    layout = _layout(path, origin)
    wanted = matched(layout.names, origin)
    try:
        raw = _raw(backend, path, layout)
        positions = {name: f"c{layout.names.index(name)}" for name in wanted.values()}
        if origin.further:
            positions |= _further(layout.names, set(positions))
        table = raw.select(**{name: raw[position] for name, position in positions.items()})
        return typed(backend, table, origin, layout.n_rows, layout.separator == ";" and _decimal_comma(table, origin, wanted))
    except failures(backend) as error:
        reason = " ".join(str(error).split("\n\n")[0].split())[:300]
        raise DataError(f"{path.name} cannot be read as CSV: {reason}. Save it as CSV UTF-8 again.") from None


def csv_names(path: Path) -> set[str]:
    """The names of a file's columns in lower case, by the separator that gives most; none where `read_csv` says what is wrong."""
    try:
        compressed = _is_compressed(path)
        with _text(path, _encoding_of(path, None, compressed), compressed) as text:
            _, header = _first_line(text)
    except (OSError, EOFError, zlib.error, UnicodeError, DataError):
        return set()
    split = (next(csv.reader([header], delimiter=separator), []) for separator in SEPARATORS)
    return {name.strip().lower() for name in max(split, key=len)}


def _further(names: list[str], wanted: set[str]) -> dict[str, str]:
    """The columns that are not wanted, by names of which none is there twice: `note` and `note (2)`; and where they stand."""
    positions: dict[str, str] = {}
    for place, name in enumerate(names):
        if name not in wanted:
            own = name.strip()
            times = 1 + [other.strip().lower() for other in names[:place]].count(own.lower())
            positions[f"{FURTHER}{own}" + (f" ({times})" if times > 1 else "")] = f"c{place}"
    return positions


def _layout(path: Path, origin: Origin) -> CsvLayout:
    """What the file says of itself; every record is counted here, apart from the engine that reads it."""
    compressed = _is_compressed(path)
    try:
        encoding = _encoding_of(path, origin.encoding, compressed)
        if encoding == origin.encoding:
            _require_no_utf8(path, encoding, compressed, origin.settings)
        with _text(path, encoding, compressed) as text:
            return _measured(text, path.name, origin, encoding, compressed)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path.name} is compressed by gzip and damaged or cut short ({error}). Copy it anew.") from None


def _is_compressed(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == GZIP


def _encoding_of(path: Path, named: str | None, compressed: bool) -> str:
    with gzip.open(path) if compressed else path.open("rb") as stream:
        return _encoding(stream.read(64), path.name, named)


def _encoding(head: bytes, file: str, named: str | None) -> str:
    """The encoding by the first bytes, else the `named` one. Raises DataError for an empty file and for one that is no text."""
    if not head.strip(b"\xef\xbb\xbf \r\n"):
        raise DataError(f"{file} is empty: it needs a header line and at least one row.")
    kind = next((words for mark, words in OTHERS.items() if head.startswith(mark)), None)
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        kind = "a web page or XML"
    if kind is None and not head.startswith(UTF16) and b"\x00" in head:
        kind = "no text, or UTF-16 without its mark"
    if kind is not None:
        raise DataError(f"{file} is {kind}, and no CSV file: save the table as CSV UTF-8.")
    if head.startswith(UTF16):
        return "utf-16"
    return "utf-8-sig" if head.startswith(codecs.BOM_UTF8) or named in (None, "utf-8") else named


def _require_no_utf8(path: Path, encoding: str, compressed: bool, settings: str) -> None:
    """Refuse another encoding's name for UTF-8, which every byte of it would be read by: Müller would become MÃ¼ller."""
    try:
        with _text(path, "utf-8", compressed) as text:
            spread = any(not line.isascii() for line in text)
    except UnicodeError:
        return
    if spread:
        raise DataError(f"{path.name} is UTF-8, and {settings}.encoding says {encoding}: leave {settings}.encoding out.")


@contextmanager
def _text(path: Path, encoding: str, compressed: bool) -> Iterator[io.TextIOWrapper]:
    with gzip.open(path) if compressed else path.open("rb") as stream:
        yield io.TextIOWrapper(stream, encoding=encoding, newline="")


def _measured(text: io.TextIOWrapper, file: str, origin: Origin, encoding: str, compressed: bool) -> CsvLayout:
    """Read the header, then count the records and the fields of each."""
    line = 0
    try:
        hinted, header = _first_line(text)
        separator, names = _header(header, file, origin, [hinted] if hinted else list(SEPARATORS))
        matched(names, origin)
        before = 2 if hinted else 1
        reader = csv.reader(text, delimiter=separator, strict=True)
        n_rows, marks = 0, False
        for row in reader:
            line = reader.line_num
            if row:
                n_rows += 1
                whole = separator.join(row)
                marks = marks or '"' in whole
                if "\x00" in whole:
                    raise DataError(
                        f"{file}, line {before + line}: it holds a NUL, which no text does. Copy or save the file anew."
                    )
                if len(row) != len(names):
                    raise DataError(
                        f"{file}, line {before + line}: {_fields(len(row))}, where the header names {len(names)} columns: "
                        f"{whole[:60]!r}. Give every line as many fields; put quotation marks around text with "
                        f"{SEPARATORS[separator]} in it."
                    )
    except csv.Error as error:
        raise DataError(
            f"{file}, from line {before + line + 1} on: {error}. Close every quotation mark, and double those inside a text."
        ) from None
    except UnicodeError as error:
        raise DataError(_not_decoded(file, error, origin)) from None
    regular = encoding == "utf-8-sig" and not marks and not isinstance(text.newlines, tuple) and not hinted
    return CsvLayout(encoding, compressed, separator, names, before, n_rows, regular)


def _first_line(text: io.TextIOWrapper) -> tuple[str | None, str]:
    """The separator that a line `sep=;` names, if there is one, and the header, which is the line after."""
    first = text.readline()
    hint = first.strip().lower()
    hinted = hint[4:] if hint[:4] == "sep=" and hint[4:] in SEPARATORS else None
    return hinted, text.readline() if hinted else first


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"


def _not_decoded(file: str, error: UnicodeError, origin: Origin) -> str:
    """The sentence for text in another encoding, with what it says around the first such byte."""
    shown, named, setting = "", origin.encoding, f"{origin.settings}.encoding"
    if isinstance(error, UnicodeDecodeError):
        shown = error.object[max(0, error.start - 15) : error.start + 15].decode("latin-1").replace("\n", " ").replace("\r", " ")
    if named not in (None, "utf-8"):
        return f"{file} is not {named}, as {setting} says, for example near {shown!r}. Name its encoding, or UTF-8."
    remedy = "" if named is None else f", or name its encoding in {setting} (mostly windows-1252)"
    return (
        f"{file} is not UTF-8: it was saved as ISO-8859-1, Windows-1252 or the like, for example near {shown!r}. Save it as CSV "
        f"UTF-8{remedy}."
    )


def _header(line: str, file: str, origin: Origin, separators: list[str]) -> tuple[str, list[str]]:
    """The separator whose split of the header has most of the wanted columns, and the columns' names."""
    if line.count('"') % 2:
        raise DataError(f"{file}, line 1: the header spans several lines or has an open quotation mark. Write it in one line.")
    split = {separator: next(csv.reader([line], delimiter=separator), []) for separator in separators}
    wanted = {column.name.lower() for column in origin.columns.values()}

    def known(separator: str) -> tuple[int, int]:
        return len(wanted & {name.strip().lower() for name in split[separator]}), len(split[separator])

    best = max(split, key=known)
    if len(split[best]) == 1 and len(wanted) > 1:
        raise DataError(
            f"{file}, line 1: the header is one column, {line.strip()[:60]!r}, where {len(wanted)} are wanted, "
            f"{', '.join(column.name for column in origin.columns.values())[:200]}. Tried are {', '.join(SEPARATORS.values())}: "
            "save the table with one of these between its columns, and its header in the first line."
        )
    return best, [name.strip("\r\n") for name in split[best]]


def _raw(backend: BaseBackend, path: Path, layout: CsvLayout) -> ir.Table:
    """All columns as text, named c0, c1 and so on; what is irregular is rewritten first, into a table of its own."""
    if layout.regular:
        compression = "gzip" if layout.compressed else "none"
        return _scanned(backend, path, layout, skip=layout.header_lines, compression=compression)
    with tempfile.TemporaryDirectory() as folder, _text(path, layout.encoding, layout.compressed) as text:
        plain = Path(folder) / "plain.csv"
        for _ in range(layout.header_lines):
            text.readline()
        with plain.open("w", encoding="utf-8", newline="") as file:
            rows = (row for row in csv.reader(text, delimiter=layout.separator, strict=True) if row)
            csv.writer(file, delimiter=layout.separator, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
        # Given, since one inside a text would be taken for it. Elsewhere it is found: all are of one kind.
        table = _scanned(backend, plain, layout, skip=0, compression="none", new_line="\\n")
        return backend.create_table(ibis.util.gen_name("csv"), table, temp=True)


def _scanned(backend: BaseBackend, path: Path, layout: CsvLayout, **options: str | int) -> ir.Table:
    return backend.read_csv(
        path,
        columns={f"c{position}": "VARCHAR" for position in range(len(layout.names))},
        auto_detect=False,
        header=False,
        delim=layout.separator,
        quote='"',
        escape='"',
        comment="",
        null_padding=False,
        strict_mode=True,
        hive_partitioning=False,
        **options,
    )


def _decimal_comma(table: ir.Table, origin: Origin, names: dict[str, str]) -> bool:
    """Whether numbers have decimal commas. Raises DataError where some have commas and others points."""
    amounts = [names[key] for key, column in origin.columns.items() if column.type in (MONEY, "float64")]
    if not amounts:
        return False
    measures = {f"{mark}{i}": cleaned(table[name]).contains(mark).sum() for i, name in enumerate(amounts) for mark in ",."}
    found = table.aggregate(**measures).to_pyarrow().to_pylist()[0]
    commas, points = ([i for i in range(len(amounts)) if found[f"{mark}{i}"]] for mark in ",.")
    if commas and points:
        raise DataError(
            f"{origin.file}: numbers have commas in column {amounts[commas[0]]} and points in column {amounts[points[0]]}: "
            "1.234 can mean two things. Save them with one mark, before the decimals, and none for thousands."
        )
    return bool(commas)
