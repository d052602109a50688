"""The eight example tables of docs/data.md as a retailer's own files, and what `ingest` makes of them."""

import io
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import yaml

import stages.ingest
from scripts.compose_params import compose
from targeting.tables.schemas import SCHEMAS
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^### (\w+)\n+```csv\n(.*?)```$", PAGE, re.DOTALL | re.MULTILINE))
FRAMES = {name: pd.read_csv(io.StringIO(text), dtype={"kids": str, "household_size": str}) for name, text in EXAMPLES.items()}
DAYS = {"transactions": ["day"], "campaigns": ["start_day", "end_day"], "redemptions": ["day"]}


def as_stored(name: str) -> pd.DataFrame:
    """The example with real dates, as a Parquet file would have it."""
    frame = FRAMES[name]
    return frame.assign(**{column: pd.to_datetime(frame[column]).dt.date for column in DAYS.get(name, [])})


def write_examples(folder: Path) -> Path:
    """A folder with the page's eight examples as CSV files."""
    folder.mkdir()
    for name, text in EXAMPLES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


@cache
def composed(data: str) -> str:
    """params.yaml with one of the groups conf/data, which takes Hydra a tenth of a second."""
    with TemporaryDirectory() as folder:
        compose(Path(folder) / "params.yaml", [f"data={data}"])
        return (Path(folder) / "params.yaml").read_text()


def ingest(project: Path, folder: Path, data: str = "canonical", **settings: Any) -> dict[str, Any]:
    """Run the stage on the folder, as `-S data=DATA -S data.path=FOLDER` and such settings of the section do; its metrics."""
    params = yaml.safe_load(composed(data))
    params["data"] |= {"path": str(folder), **settings}
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    stages.ingest.main()
    return json.loads((project / "metrics" / "ingest.json").read_text())


def written(project: Path) -> dict[str, dict[str, list]]:
    """What `ingest` wrote, values alone: bytes differ by how the source stored them."""
    return {name: pq.read_table(project / "data" / "tables" / f"{name}.parquet").to_pydict() for name in SCHEMAS}


def add(name: str, row: str) -> Callable[[Path], None]:
    """A further row in a CSV file."""

    def change(folder: Path) -> None:
        with (folder / f"{name}.csv").open("a", encoding="utf-8") as file:
            file.write(row + "\n")

    return change


def store(name: str, **changed: object) -> Callable[[Path], None]:
    """The table as Parquet in place of CSV, with these columns changed."""

    def change(folder: Path) -> None:
        (folder / f"{name}.csv").unlink()
        as_stored(name).assign(**changed).to_parquet(folder / f"{name}.parquet", index=False)

    return change


def change(name: str, **changed: object) -> Callable[[Path], None]:
    """The table with these columns changed, as CSV."""
    return lambda folder: FRAMES[name].assign(**changed).to_csv(folder / f"{name}.csv", index=False)
