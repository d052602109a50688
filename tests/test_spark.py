"""On Spark the stages give what they give on DuckDB, twice the same bytes, and say in a sentence why Spark does not start."""

import importlib.util
import shutil
import socket
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import stages.ingest
import stages.profile
import stages.trials
from scripts.compose_params import compose
from targeting.base.errors import DataError
from targeting.base.params import load_params
from targeting.tables.engine import connect
from tests.conftest import ENGINE

# Compiling each query, and cutting it into two hundred parts, takes longer than the tiny retailer's lines do.
QUICK = {"spark.sql.shuffle.partitions": 2, "spark.sql.codegen.wholeStage": False, "spark.driver.memory": "3g"}
LOCAL = {"name": "spark", "master": "local[2]", "config": QUICK}
# A million lines want compiled queries, and memory: Spark's process takes that of the first session in it.
LARGE = LOCAL | {"config": {"spark.sql.shuffle.partitions": 4, "spark.driver.memory": "3g"}}
MONEY = pa.decimal128(18, 4)
INSTALLED = importlib.util.find_spec("pyspark") is not None
needs_pyspark = pytest.mark.skipif(not INSTALLED, reason="pyspark is not installed: make spark")
needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed: Debian's openjdk-17-jre-headless")


def run_on(engine: dict[str, object], project: Path, settings: list[str], *run: ModuleType) -> dict[str, Path]:
    """What the stages leave in the project, computed by the engine, copied aside; by its name."""
    for folder in ("data", "metrics", "plots"):
        shutil.rmtree(project / folder, ignore_errors=True)
    compose(project / "params.yaml", settings)
    change(project, engine=engine)
    for stage in run:
        stage.main()
    aside = Path(shutil.copytree(project, project.with_name(f"{engine['name']}-{len(list(project.parent.iterdir()))}")))
    return {path.relative_to(aside).as_posix(): path for path in sorted(aside.rglob("*")) if path.is_file()}


def assert_same(found: Path, expected: Path) -> None:
    """Every value of two Parquet files alike: numbers to a billionth, everything else to the letter, rows in the same order."""
    own, other = pq.read_table(found), pq.read_table(expected)
    assert own.column_names == other.column_names
    for name in own.column_names:
        mine, yours = own[name], other[name]
        # Whole numbers come as either kind; a decimal would reach the models as text.
        assert pa.types.is_decimal(mine.type) == pa.types.is_decimal(yours.type), f"{found.name}: {name}"
        if pa.types.is_floating(yours.type):
            np.testing.assert_allclose(mine.to_numpy(), yours.to_numpy(), rtol=1e-9, err_msg=f"{found.name}: {name}")
        else:
            assert mine.to_pylist() == yours.to_pylist(), f"{found.name}: {name}"


@pytest.fixture
def exact_money(tables_folder: Path, tmp_path: Path) -> Path:
    """The tiny retailer's canonical tables as files, its amounts with four decimals, as taxes and weighed goods make them."""
    folder = shutil.copytree(tables_folder, tmp_path / "files")
    lines = pq.read_table(folder / "transactions.parquet")
    more = pa.array([(place * 7919 % 9973) / 10_000 for place in range(len(lines))]).cast(MONEY, safe=False)
    place = lines.column_names.index("sales")
    exact = pa.chunked_array([pa.compute.add(lines["sales"].combine_chunks(), more).cast(MONEY)])
    pq.write_table(lines.set_column(place, "sales", exact), folder / "transactions.parquet")
    return folder


@needs_pyspark
@needs_java
@pytest.mark.long
@pytest.mark.parametrize("source", ["four decimals", "default data"])
def test_every_column_is_what_duckdb_gives_and_two_runs_leave_the_same_bytes(source, project_folder, exact_money):
    small = source == "four decimals"
    settings = ["data=canonical", f"data.path={exact_money}"] if small else ["data=completejourney"]
    run = (stages.ingest, stages.profile, stages.trials)
    spark = LOCAL if small else LARGE
    expected, found, again = (run_on(engine, project_folder, settings, *run) for engine in (ENGINE, spark, spark))
    tables = [name for name in expected if name.endswith(".parquet")]
    assert {"data/profile/features.parquet", "data/trials/panel.parquet", "data/score/candidates.parquet"} < set(tables)
    assert set(found) == set(expected)
    for name in tables:
        assert_same(found[name], expected[name])
    for name in set(found) - set(tables) - {"params.yaml"}:
        assert found[name].read_bytes() == expected[name].read_bytes(), name
    assert {name: path.read_bytes() for name, path in again.items()} == {name: path.read_bytes() for name, path in found.items()}


@needs_pyspark
@needs_java
@pytest.mark.long
@pytest.mark.parametrize("form", ["gzip", "utf-16"])
def test_a_csv_file_is_read_as_duckdb_reads_it(form, project_folder, folder, tmp_path):
    files = Path(shutil.copytree(folder, tmp_path / "files"))
    lines = files / "transaction_data.csv"
    frame = pd.read_csv(lines, dtype=str)
    if form == "gzip":
        frame.to_csv(lines, index=False, compression="gzip")
    else:
        frame.to_csv(lines, index=False, sep=";", lineterminator="\r\n", encoding="utf-16")
    settings = ["data=dunnhumby", f"data.path={files}"]
    expected, found = (run_on(engine, project_folder, settings, stages.ingest) for engine in (ENGINE, LOCAL))
    for name in expected:
        if name.startswith("data/tables/"):
            assert_same(found[name], expected[name])


@needs_pyspark
@needs_java
@pytest.mark.long
def test_a_session_that_was_there_before_goes_on_as_it_was(project_folder):
    from pyspark.sql import SparkSession

    own = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    own.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    try:
        with connect(LOCAL) as backend:
            assert backend.raw_sql("SELECT 1").collect()[0][0] == 1
        assert own.conf.get("spark.sql.session.timeZone") == "Asia/Tokyo"
        assert own.sql("SELECT 2").collect()[0][0] == 2
    finally:
        own.stop()


@needs_pyspark
@needs_java
@pytest.mark.long
def test_a_process_of_spark_that_dies_is_told_with_its_remedy(project_folder):
    from py4j.protocol import Py4JError

    with pytest.raises(DataError, match=r"engine\.config .*start again"), connect(LOCAL):
        raise Py4JError("ExecutorLostFailure (executor 1 exited caused by one of the running tasks)")
    assert not list(project_folder.glob(".spill*"))


def refused(engine: dict[str, object]) -> str:
    with pytest.raises(DataError) as refusal, connect(engine):
        pass
    return str(refusal.value)


def test_without_pyspark_the_remedy_is_named(project_folder, monkeypatch):
    for name in ["pyspark", *(name for name in sys.modules if name.startswith("pyspark."))]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "targeting.tables.spark", raising=False)
    assert "make spark" in refused(LOCAL)


@needs_pyspark
def test_without_java_the_remedy_is_named(project_folder, monkeypatch):
    monkeypatch.setenv("PATH", str(project_folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert "openjdk-17-jre-headless" in refused(LOCAL)


@needs_pyspark
@needs_java
def test_a_master_that_does_not_answer_is_named(project_folder):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        master = f"spark://127.0.0.1:{closed.getsockname()[1]}"  # nobody listens
        assert master in refused(LOCAL | {"master": master})


@needs_pyspark
@needs_java
@pytest.mark.long
def test_a_spark_that_does_not_start_names_what_to_mend(project_folder):
    assert "engine.master nonsense" in refused(LOCAL | {"master": "nonsense"})


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ([("engine", {"name": "spark", "master": "local[2]"})], "config"),
        ([("engine", {**ENGINE, "master": "local[2]"})], "master"),
        ([("engine", {**LOCAL, "config": {"driver.memory": "2g"}})], "driver.memory"),
    ],
)
def test_settings_of_the_other_engine_or_of_none_are_refused(settings, place, project_folder):
    change(project_folder, **dict(settings))
    with pytest.raises(DataError, match=place):
        load_params("engine")


def test_settings_of_spark_may_be_written_one_in_another(project_folder):
    change(project_folder, engine={**LOCAL, "config": {"spark": {"executor": {"memory": "4g"}}, "spark.speculation": True}})
    assert load_params("engine")["engine"]["config"] == {"spark.executor.memory": "4g", "spark.speculation": True}


def change(project: Path, **sections: object) -> None:
    path = project / "params.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | sections))
