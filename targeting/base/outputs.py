"""Write a stage's outputs so that a reader sees a whole file or none, and read what is too large for one piece."""

import json
import os
import re
import shutil
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype, is_float_dtype, is_numeric_dtype
from pyarrow.parquet import ParquetFile

from targeting.base.errors import DataError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PART = 250_000  # rows of a part
PICTURE_WIDTH = 1100  # pixels; as wide as the pages that show pictures
DIGITS = 8  # kernels for other processors sum in another order, which some numbers show in the ninth digit

# What spreadsheets take for the start of a formula (OWASP, "CSV Injection"); tabs and ends of lines are taken out before.
FORMULA_STARTS = tuple("=+-@")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def replace(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write` with a temporary path beside `path`, then move the result there in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame without its index."""
    replace(path, lambda part: frame.to_parquet(part, index=False))


def read_batches(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    """A Parquet file's rows in their order, at most so many at a time; one frame without rows for a file without."""
    file = ParquetFile(path)
    if file.metadata.num_rows == 0:
        yield file.read().to_pandas()
    for batch in file.iter_batches(batch_size=rows):
        yield batch.to_pandas()


def write_parts(frame: pd.DataFrame, folder: Path, rows: int = PART) -> None:
    """Write a frame as Parquet files of at most so many rows, part-00000.parquet and on; whatever was in the folder is gone."""
    temporary = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        for number, first in enumerate(range(0, max(len(frame), 1), rows)):
            frame.iloc[first : first + rows].to_parquet(temporary / f"part-{number:05d}.parquet", index=False)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame without its index; floats with the significant digits that processors share, no text as a formula."""
    form: dict[str, Any] = {"index": False, "float_format": f"%.{DIGITS}g", "lineterminator": "\n"}

    def write(part: Path) -> None:
        # Part by part: text takes several times its size on the way.
        with part.open("w", encoding="utf-8", newline="") as file:
            for first in range(0, max(len(frame), 1), PART):
                _plain_zeros(_safe_text(frame.iloc[first : first + PART])).to_csv(file, header=first == 0, **form)

    replace(path, write)


def _plain_zeros(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with nothing below nothing: whether a zero has a minus is the processor's choice."""
    return frame.assign(**{name: frame[name] + 0.0 for name in frame if is_float_dtype(frame[name])})


def _safe_text(frame: pd.DataFrame) -> pd.DataFrame:
    safe = frame.rename(columns=_safe)
    texts = [name for name in safe if not (is_numeric_dtype(safe[name]) or is_datetime64_any_dtype(safe[name]))]
    return safe.assign(**{name: safe[name].astype(object).map(_safe) for name in texts})


def spreadsheet_safe(text: str) -> str:
    """Text that no spreadsheet runs: an apostrophe goes before what would start a formula, as people do who mean text.

    Leading spaces, and full-width forms of the signs, hide nothing. Tabs, ends of lines and other control characters, which
    could begin another cell or row, become spaces. A number stays as it is.
    """
    plain = "".join(" " if unicodedata.category(character) == "Cc" else character for character in text)
    start = unicodedata.normalize("NFKC", plain).lstrip(" ")
    return f"'{plain}" if start.startswith(FORMULA_STARTS) and not NUMBER.fullmatch(plain) else plain


def _safe(value: Any) -> Any:
    return spreadsheet_safe(value) if isinstance(value, str) else value


def write_text(text: str, path: Path) -> None:
    """Write a text as UTF-8."""
    replace(path, lambda part: part.write_text(text, encoding="utf-8"))


def write_metrics(metrics: Mapping[str, Any], path: Path) -> None:
    """Write a stage's metrics as JSON; a value that is not finite stops the stage, since it measures nothing.

    Stages write their metrics first, so that one that stops here leaves nothing else behind.
    """
    write_text(json.dumps(_plain(metrics, path), indent=2, allow_nan=False) + "\n", path)


def write_figure(figure: "Figure", path: Path) -> None:
    """Write a picture, as wide as any; without the software's version in it, so that the same picture gives the same bytes."""
    dpi = PICTURE_WIDTH / figure.get_size_inches()[0]
    replace(path, lambda part: figure.savefig(part, format="png", dpi=dpi, metadata={"Software": None}))


def write_png(picture: bytes, path: Path) -> None:
    """Write a picture that is drawn already."""
    replace(path, lambda part: part.write_bytes(picture))


def write_outputs(outputs: Mapping[str, Any]) -> None:
    """Write a stage's outputs, by path, each in the form that the path's ending says; metrics first.

    .json takes metrics, .csv and .parquet a frame, .png a matplotlib figure or the bytes of a picture, .html a text.
    """
    for name in metrics_first(outputs):
        path, output = Path(name), outputs[name]
        FORMS[path.suffix](output, path)


def metrics_first(names: Iterable[str]) -> list[str]:
    """The paths in their order, but for metrics, which come first: see `write_metrics`."""
    return sorted(names, key=lambda name: not name.endswith(".json"))


def read_metrics(path: str) -> Any:
    """What `write_metrics` wrote."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def _write_picture(picture: "Figure | bytes", path: Path) -> None:
    if isinstance(picture, bytes):
        write_png(picture, path)
    else:
        write_figure(picture, path)


FORMS: dict[str, Callable[[Any, Path], None]] = {
    ".json": write_metrics,
    ".csv": write_csv,
    ".parquet": write_parquet,
    ".png": _write_picture,
    ".html": write_text,
}


def _plain(value: Any, path: Path) -> Any:
    """Python's own numbers, floats with the significant digits that processors share."""
    if isinstance(value, Mapping):
        return {key: _plain(item, path) for key, item in value.items()}
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        if not np.isfinite(value):
            raise DataError(f"{path} would hold {value}: the number is undefined on these data; look at the stage's inputs.")
        return float(f"{value:.{DIGITS}g}") + 0.0
    return value
