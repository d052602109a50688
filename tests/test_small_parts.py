"""Parameters, outputs, the engine, the stage's exit and the summary."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.figure import Figure

from targeting.base import params as params_module
from targeting.base.errors import DataError
from targeting.base.identifiers import next_campaign
from targeting.base.left_out import sentence
from targeting.base.outputs import (
    metrics_first,
    read_metrics,
    replace,
    write_csv,
    write_figure,
    write_metrics,
    write_outputs,
    write_parquet,
    write_parts,
)
from targeting.base.params import load_params
from targeting.base.progress import track
from targeting.base.stage import run
from targeting.pages.summary import HEADLINES, summary_numbers
from targeting.policy.learner_curves import order_shown
from targeting.tables.engine import connect
from targeting.words.money import amount, margin_words

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def params_file(tmp_path, monkeypatch):
    """A copy of the project's parameters that a test may change, by dotted name."""
    path = tmp_path / "params.yaml"
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    monkeypatch.setattr(params_module, "PARAMS", path)

    def change(name: str | None = None, value: object = None) -> None:
        *sections, key = name.split(".") if name else ["seed"]
        place = params
        for section in sections:
            place = place[section]
        place[key] = value if name else params["seed"]
        path.write_text(yaml.safe_dump(params))

    return change


def test_only_the_named_sections_are_read(params_file):
    params_file("policy.cost", 2)
    loaded = load_params("seed", "policy")
    assert set(loaded) == {"seed", "policy"}
    assert loaded["policy"]["cost"] == 2


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("policy.margin", "30%", r"policy.margin is .*; it should be a valid number"),
        ("policy.margin", 30, r"policy.margin is 30, more than all sales; it is a share, and 0.3 means 30%"),
        ("policy.margin", 0, r"policy.margin is 0; it should be greater than 0"),
        ("policy.margin", {"A": 0.3, "B": 30}, r"policy.margin is 30, more than all sales"),
        ("policy.cost", -1, r"policy.cost is .*; it should be greater than or equal to 0"),
        ("policy.cost", {27: 0}, r"policy.cost.27 is .*; it should be greater than 0"),
        ("policy.cost", {}, r"policy.cost: Dictionary should have at least 1 item"),
        ("policy.cost", {"column": "cost", "file": "a.csv"}, r"policy.cost.file is no parameter"),
        ("policy.caution", 1, r"policy.caution is .*; it should be less than 1"),
        ("policy.budget_usd", 0, r"policy.budget_usd is .*; it should be greater than 0"),
        ("policy.budget_contacts", 2.5, r"policy.budget_contacts is .*; it should be a valid integer"),
        ("policy.outcome", "visits", r"policy.outcome is 'visits'; it can be purchase_amount or purchase_count"),
        ("policy.learner", "oracle", r"policy.learner is 'oracle'; it can be selected, s, t, x, dr"),
        ("policy.costing", 3, r"policy.costing is no parameter"),
        ("segmentation.k", 1, r"segmentation.k is .*; it should be greater than or equal to 2"),
        ("segmentation.smallest_segment", 0, r"segmentation.smallest_segment is .*; it should be greater than 0"),
        ("segmentation.factor_starts", -1, r"segmentation.factor_starts is .*; it should be greater than or equal to 0"),
        ("segmentation.factors", 25, r"segmentation.factors and the end of selection can be at most 19"),
        ("segmentation.selection", [5, 3], r"selection runs from 5 down to 3"),
        ("design.campaign_type", "D", r"design.campaign_type: 'D' is unknown; it can be A, B, C"),
        ("nuisance.overlap", [0, 1], r"nuisance.overlap, entry 1 is .*; it should be greater than 0"),
        ("refute.subset_share", 1, r"refute.subset_share is .*; it should be less than 1"),
        ("refute.placebo_repeats", 1, r"refute.placebo_repeats is .*; it should be greater than or equal to 2"),
        ("learners.names", [], r"learners.names: List should have at least 1 item"),
        ("data.households", 500, r"data.households is for the simulated source, and source is 'completejourney': leave it out"),
        ("data.weeks", 20, r"data.weeks is .*; it should be greater than or equal to 24"),
        ("data.overlap", "perfect", r"data.overlap: 'perfect' is unknown; it can be randomised, good, poor"),
        ("data.first_day", "Monday", r"data.first_day: it is 'Monday'; write a date such as '2016-01-04'"),
        (
            "data.source",
            "simulated",
            r"data: the simulated source also needs first_day, households, weeks, overlap, effect, seed",
        ),
        ("learners.trials", -1, r"learners.trials is .*; it should be greater than or equal to 0"),
        (
            "learners.models.x",
            "tarot",
            r"learners.models.x: 'tarot' is unknown; it can be linear, components, smooth, boosting",
        ),
        ("nuisance.folds", 2, r"nuisance.folds is .*; it should be greater than or equal to 3"),
        ("seed", -1, r"seed is .*; it should be greater than or equal to 0"),
        ("seed", 2**32, r"seed is .*; it should be less than 2147483648"),
        ("nuisance.overlap", [0.9, 0.1], r"nuisance.overlap: it runs from 0.9 to 0.1: give two numbers, the smaller one first"),
        ("nuisance.overlap", [0.5, 0.5], r"nuisance.overlap: it runs from 0.5 to 0.5"),
        ("policy.cost", np.inf, r"policy.cost is .*; it should be a finite number"),
        ("policy.cost", {27: np.inf}, r"policy.cost.27 is .*; it should be a finite number"),
        ("policy.margin", np.nan, r"policy.margin is .*; it should be a finite number"),
        ("policy.budget_usd", np.inf, r"policy.budget_usd is .*; it should be a finite number"),
        ("segmentation.skewness", np.nan, r"segmentation.skewness is .*; it should be a finite number"),
        ("experiment.temperature", np.inf, r"experiment.temperature is .*; it should be a finite number"),
        ("learners.names", ["x", "t", "x"], r"learners.names: x is there more than once: keep one"),
        ("learners.forward", ["x", "x"], r"learners.forward: x is there more than once"),
        ("nuisance.models", ["linear", "linear"], r"nuisance.models: linear is there more than once"),
        ("design.recent_days", [28, 56, 28, 56], r"design.recent_days: 28, 56 is there more than once"),
        ("segmentation.features", ["recency", "recency", "frequency"], r"segmentation.features: recency is there more than once"),
    ],
)
def test_parameters_out_of_range_are_named(params_file, name, value, message):
    params_file(name, value)
    with pytest.raises(DataError, match=message):
        load_params("seed")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("cost", [12.73, {27: 10.0, 8: 12.0}, {"A": 5.0}, {"column": "postage"}])
def test_a_cost_comes_back_in_the_form_it_was_given(params_file, cost):
    params_file("policy.cost", cost)
    assert load_params("policy")["policy"]["cost"] == cost


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
    frame = pd.DataFrame({"a": [1, 2], "b": [0.1 + 0.2, np.nan], "c": [-0.0, 1.0]})
    write_parquet(frame, tmp_path / "deep" / "frame.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "deep" / "frame.parquet"), frame)
    write_csv(frame, tmp_path / "frame.csv")
    assert (tmp_path / "frame.csv").read_text() == "a,b,c\n1,0.3,0\n2,,1\n"


def test_metrics_are_plain_numbers(tmp_path):
    path = tmp_path / "metrics.json"
    write_metrics({"n": np.int64(3), "share": np.float64(1 / 3), "yes": np.bool_(True), "deep": {"name": "x"}}, path)
    assert json.loads(path.read_text()) == {"n": 3, "share": 0.33333333, "yes": True, "deep": {"name": "x"}}


def test_outputs_have_the_form_that_their_ending_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame, picture = pd.DataFrame({"a": [1, 2]}), sentence("Nothing to see.")
    outputs = {"a.csv": frame, "a.parquet": frame, "a.png": picture, "b.png": b"drawn", "a.html": "<p>", "a.json": {"n": 2}}
    assert metrics_first(outputs) == ["a.json", *list(outputs)[:-1]]
    write_outputs(outputs)
    assert pd.read_csv("a.csv").equals(frame)
    assert pd.read_parquet("a.parquet").equals(frame)
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")
    assert Path("b.png").read_bytes() == b"drawn"
    assert Path("a.html").read_text() == "<p>"
    assert read_metrics("a.json") == {"n": 2}
    with pytest.raises(DataError, match=r"c\.json would hold nan"):
        write_outputs({"c.csv": frame, "c.json": {"n": float("nan")}})
    assert not Path("c.csv").exists()  # metrics come first


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


def test_an_error_that_the_user_can_mend_is_one_last_line(capsys):
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
    assert list(summary_numbers(metrics).values()) == list(range(len(HEADLINES)))
    assert all(re.fullmatch("[a-z_]+", name) for name in HEADLINES)


def test_an_order_by_lot_is_not_shown():
    learners = {"x", "average", "selected"}
    nothing = {"heterogeneity": False, "best": "average"}
    assert order_shown("selected", nothing, learners) == "average"
    assert order_shown("x", nothing, learners) == "x"  # a learner that was asked for
    assert order_shown("selected", {"heterogeneity": True, "best": "x"}, learners) == "selected"
    assert order_shown("selected", {"heterogeneity": False, "best": "ate"}, learners) == "selected"  # none passed the gates


def test_amounts_are_in_the_outcomes_unit():
    assert amount(-1234.5, "purchase_amount") == "-$1,234.50"
    assert amount(-0.25, "purchase_count") == "-0.25 baskets"
    assert margin_words(0.3, "purchase_amount") == "30%"
    assert margin_words(4.0, "purchase_count") == "$4.00 per basket"


def test_parts_are_the_table_again_and_nothing_of_an_earlier_one_stays(tmp_path):
    frame = pd.DataFrame({"household_id": range(7), "reason": [f"because {number}" for number in range(7)]})
    write_parts(frame, tmp_path / "list", rows=2)
    assert sorted(path.name for path in (tmp_path / "list").iterdir()) == [f"part-0000{number}.parquet" for number in range(4)]
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "list"), frame)
    write_parts(frame.head(3), tmp_path / "list", rows=3)
    assert [path.name for path in (tmp_path / "list").iterdir()] == ["part-00000.parquet"]
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "list"), frame.head(3))
    write_parts(frame.head(0), tmp_path / "list")
    assert list(pd.read_parquet(tmp_path / "list")) == list(frame)
    assert [path.name for path in tmp_path.iterdir()] == ["list"]


def test_the_next_campaign_has_the_next_number_or_a_word_for_it():
    numbers, texts = pd.DataFrame({"kind": ["household"]}), pd.DataFrame({"kind": ["household", "campaign"]})
    assert next_campaign(pd.Series([3, 11, 7]), numbers) == 12
    assert next_campaign(pd.Series([1, 2]), texts) == "next"
    assert next_campaign(pd.Series([], dtype="int64"), numbers) == "next"  # a table of customers has no calendar
