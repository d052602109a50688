"""Shared fixtures: the tiny retailer as files, and its canonical tables."""

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import stages  # before numpy: tests compute with one thread, as stages do  # isort: skip

import ibis.expr.types as ir
import pandas as pd
import pytest
from ibis.backends import BaseBackend
from playwright.sync_api import Browser

from targeting.base.parallel import CORES
from targeting.sources import canonical_tables
from targeting.tables.engine import connect, read_tables
from targeting.tables.schemas import SCHEMAS
from targeting.tables.write import write_tables
from targeting.words.money import speak_in
from tests import retailer
from tests.browser import start

assert stages
if "PYTEST_XDIST_WORKER" in os.environ:  # workers have a core each, and nothing to gain from processes of their own
    os.environ.setdefault(CORES, "1")
ROOT = Path(__file__).resolve().parent.parent
ENGINE = {"name": "duckdb", "threads": 2, "memory_limit": "1GB"}


@pytest.fixture(autouse=True)
def dollars() -> Iterator[None]:
    """Amounts are in USD again after a test whose stages spoke of another currency."""
    yield
    speak_in("USD")


@pytest.fixture(scope="session")
def files() -> dict[str, pd.DataFrame]:
    """The tiny retailer's files, as written."""
    return retailer.frames()


@pytest.fixture(scope="session")
def folder(files: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny retailer's files."""
    return retailer.write(tmp_path_factory.mktemp("retailer"), files)


@pytest.fixture
def backend() -> Iterator[BaseBackend]:
    """A fresh engine."""
    with connect(ENGINE) as connection:
        yield connection


@pytest.fixture(scope="module")
def engine() -> Iterator[BaseBackend]:
    """An engine that the tests of a module share."""
    with connect(ENGINE) as connection:
        yield connection


@pytest.fixture(scope="session")
def tables_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny retailer's canonical tables as Parquet files."""
    target = tmp_path_factory.mktemp("tables") / "tables"
    with connect(ENGINE) as connection:
        write_tables(connection, canonical_tables(connection, dunnhumby(folder)), target)
    return target


@pytest.fixture
def tables(backend: BaseBackend, tables_folder: Path) -> dict[str, ir.Table]:
    """The tiny retailer's canonical tables as expressions."""
    return dict(zip(SCHEMAS, read_tables(backend, tables_folder, *SCHEMAS), strict=True))


def dunnhumby(folder: Path) -> dict[str, str]:
    """The `data` section for a folder."""
    return {"source": "dunnhumby", "path": str(folder), "first_day": "2016-03-23"}


@pytest.fixture
def project_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run a stage in, with the parameters."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(ROOT / "params.yaml", folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, one a worker."""
    yield from start()


@pytest.fixture(scope="session")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed run's report, on made-up rows, with hostile names in the data."""
    from tests.reports import hostile_report  # here: most tests make no page

    return hostile_report(tmp_path_factory.mktemp("report") / "index.html")


def pytest_configure() -> None:
    """Garbage is looked for less often: an expression of tables is thousands of small objects that all live as long as it."""
    gc.set_threshold(10_000, 20, 20)


def pytest_collection_finish() -> None:
    """What is loaded stays: the collector of garbage need not look through it again, as often as statsmodels calls it."""
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The end-to-end tests take longest, and those of a module stay together: each worker begins with a module of them.

    Whatever opens a page in Chromium is slow.
    """
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")
    items.sort(key=lambda item: (item.path.name != "test_pipeline.py", item.path.name != "test_pipeline_sources.py"))
