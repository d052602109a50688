"""Parameters, outputs, the engine, the stage's exit and the summary."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from targeting import params as params_module
from targeting.engine import connect
from targeting.errors import DataError
from targeting.outputs import replace, write_csv, write_figure, write_metrics, write_parquet
from targeting.params import load_params
from targeting.progress import track
from targeting.stage import run
from targeting.summary import HEADLINES, headline


def test_only_the_named_sections_are_read(tmp_path, monkeypatch):
    path = tmp_path / "params.yaml"
    path.write_text("seed: 3\npolicy: {cost: 2}\ndata: {source: x}\n")
    monkeypatch.setattr(params_module, "PARAMS", path)
    assert load_params("seed", "policy") == {"seed": 3, "policy": {"cost": 2}}
    with pytest.raises(DataError, match="has no section design: run `make params`"):
        load_params("design")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def fail(part):
        part.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        replace(path, fail)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("table.csv", "old")]


def test_tables_come_back(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "b": [0.1 + 0.2, np.nan]})
    write_parquet(frame, tmp_path / "deep" / "frame.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "deep" / "frame.parquet"), frame)
    write_csv(frame, tmp_path / "frame.csv")
    assert (tmp_path / "frame.csv").read_text() == "a,b\n1,0.3\n2,\n"


def test_metrics_are_plain_numbers(tmp_path):
    path = tmp_path / "metrics.json"
    write_metrics({"n": np.int64(3), "share": np.float64(1 / 3), "yes": np.bool_(True), "deep": {"name": "x"}}, path)
    assert json.loads(path.read_text()) == {"n": 3, "share": 0.333333333333, "yes": True, "deep": {"name": "x"}}


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_undefined_metric_stops(tmp_path, value):
    with pytest.raises(DataError, match=r"metrics.json would hold (nan|inf)"):
        write_metrics({"share": value}, tmp_path / "metrics.json")
    assert not list(tmp_path.iterdir())


def test_the_same_picture_has_the_same_bytes(tmp_path):
    for name in ("one.png", "two.png"):
        figure = Figure()
        figure.subplots().plot([1, 2])
        write_figure(figure, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_an_unknown_engine_is_named():
    with pytest.raises(DataError, match=r"engine.name is 'abacus'"), connect({"name": "abacus"}):
        pass


def test_a_mendable_error_is_one_last_line(capsys):
    def fail():
        raise DataError("transactions is empty: bring lines.")

    with pytest.raises(SystemExit) as stopped:
        run("ingest", fail)
    assert stopped.value.code == 1
    assert capsys.readouterr().err == "ingest: transactions is empty: bring lines.\n"


def test_other_errors_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        run("ingest", lambda: print(1 / 0))


def test_progress_is_one_quiet_line_where_nobody_watches(capsys):
    assert list(track(iter(range(3)), "Counting", 3)) == [0, 1, 2]
    assert capsys.readouterr().err == "Counting ...\n"


def test_the_summary_picks_its_numbers():
    metrics: dict = {}
    for number, (stage, *keys) in enumerate(HEADLINES.values()):
        place = metrics.setdefault(stage, {})
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = number
    assert list(headline(metrics).values()) == list(range(len(HEADLINES)))
    assert all(re.fullmatch("[a-z_]+", name) for name in HEADLINES)
