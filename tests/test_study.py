"""The study's runner and its summaries."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scripts.render_readme import ROOT
from study import report, run
from study.estimate import NO_ESTIMAND, StudySettings, world_seed
from study.summary import ESTIMAND, answer_summary, cell_summary, estimator_summary, with_truth
from study.worlds import EFFECTS, OVERLAPS
from targeting.effects.estimators import ESTIMATORS

SETTINGS = StudySettings(n_households=200, folds=2, repeats=1, clip=0.01, overlap=(0.1, 0.9), cost=12.73, margin=0.3)
FILES = ("worlds.parquet", "estimates.parquet", "truth.parquet")


class StoppedError(Exception):
    """Someone pulled the plug."""


@pytest.mark.slow
def test_a_stopped_run_goes_on_and_ends_with_the_same_bytes(tmp_path, monkeypatch):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    run.run(whole, 1, SETTINGS, population=500)

    track = run.track

    def pull_the_plug(items, description, total=None):
        for done, item in enumerate(track(items, description, total)):
            if done == 4:
                raise StoppedError
            yield item

    with monkeypatch.context() as patch:
        patch.setattr(run, "track", pull_the_plug)
        with pytest.raises(StoppedError):
            run.run(stopped, 1, SETTINGS, population=500)
    assert not any((stopped / name).exists() for name in FILES)
    kept = {path: path.stat().st_mtime_ns for path in stopped.rglob("output.pkl")}
    assert len(kept) >= 4

    run.run(stopped, 1, SETTINGS, population=500)
    for name in FILES:
        assert (stopped / name).read_bytes() == (whole / name).read_bytes()
    # What was there has not been computed again.
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    worlds = pd.read_parquet(whole / "worlds.parquet")
    assert worlds[["overlap", "effect"]].drop_duplicates().shape[0] == len(OVERLAPS) * len(EFFECTS)


def test_kept_worlds_are_those_of_the_sources(monkeypatch, tmp_path):
    before = run.sources_fingerprint()
    assert before == run.sources_fingerprint()
    other = tmp_path / "requirements.lock"
    other.write_text("numpy==1\n")
    monkeypatch.setattr(run, "LOCK", other)
    assert run.sources_fingerprint() != before


def test_every_world_has_its_own_seed():
    seeds = [world_seed(overlap, effect, number) for overlap in OVERLAPS for effect in EFFECTS for number in range(50)]
    assert len(set(seeds)) == len(seeds)


def test_every_estimator_has_an_estimand():
    assert set(ESTIMAND) == set(ESTIMATORS) - {NO_ESTIMAND}


def estimates() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Four worlds of one cell: errors 1, -1, 3 and missing; intervals of half width 2; the overlap-weighted truth is 10."""
    key = {"overlap": "good", "effect": "constant", "outcome": "purchase_amount"}
    values = [11.0, 9.0, 13.0, np.nan]
    rows = pd.DataFrame({"world": range(4), "method": "ato", "estimate": values, "se": 1.0}).assign(**key)
    rows = rows.assign(ci_lower=rows["estimate"] - 2, ci_upper=rows["estimate"] + 2)
    return rows, pd.DataFrame([{**key, "estimand": "ato", "truth": 10.0}, {**key, "estimand": "ate", "truth": 99.0}])


def test_the_summary_of_four_worlds_by_hand():
    row = estimator_summary(with_truth(*estimates())).iloc[0]
    assert (row["n"], row["truth"], row["estimand"]) == (3, 10, "ato")
    assert row["bias"] == pytest.approx(1)  # (1 - 1 + 3) / 3
    assert row["sd"] == pytest.approx(2)  # of 11, 9, 13
    assert row["bias_se"] == pytest.approx(2 / np.sqrt(3))
    assert row["rmse"] == pytest.approx(np.sqrt(11 / 3))
    assert row["coverage"] == pytest.approx(2 / 3)  # 13 - 2 > 10
    assert row["coverage_se"] == pytest.approx(np.sqrt(2 / 27))
    assert row["coverage_lower"] < 2 / 3 < row["coverage_upper"]
    assert (row["width"], row["mean_se"]) == (4, 1)


def test_an_estimator_without_estimand_is_an_error():
    rows, truth = estimates()
    with pytest.raises(ValueError, match=r"No estimand is written down for guess: add it to ESTIMAND\."):
        with_truth(rows.assign(method="guess"), truth)


def world_facts(answers: list[str], recommended: list[str]) -> pd.DataFrame:
    facts = pd.DataFrame(
        {"overlap": "good", "effect": "constant", "world": range(4), "answers": answers, "recommended": recommended}
    )
    names = ["n", "propensity_auc", "overlap_share", "overlap_share_wide", "max_smd_overlap"]
    names += [f"ess_{arm}_{weights}" for arm in ("treated", "control") for weights in ("ipw", "overlap")]
    return facts.assign(
        **dict.fromkeys(names, 0.5), profit=[0.0, 3.0, 4.0, 5.0], true_profit=[0.0, 1.0, 2.0, 1.0], best_true_profit=2.0
    )


def test_cells_say_what_the_pipeline_answers_and_recommends():
    row = cell_summary(world_facts(["overlap", "nothing", "overlap", "overlap"], ["none", "all", "top_20", "all"])).iloc[0]
    assert (row["answers_everybody"], row["answers_overlap"], row["answers_nothing"]) == (0, 0.75, 0.25)
    assert row["recommends"] == 0.75
    assert (row["profit"], row["true_profit"], row["regret"]) == (3, 1, 1)
    assert row["n_worlds"] == 4


def test_coverage_by_answer():
    judged = with_truth(*estimates()).dropna(subset=["estimate"])
    worlds = world_facts(["overlap", "nothing", "overlap", "overlap"], ["none"] * 4)
    table = answer_summary(judged, worlds, "purchase_amount").set_index("answers")
    assert table.loc["overlap", ["n", "coverage"]].tolist() == [2, 0.5]
    assert table.loc["nothing", ["n", "coverage"]].tolist() == [1, 1.0]


def test_the_page_is_what_the_stored_tables_say():
    assert report.render() == (ROOT / report.PAGE).read_text(encoding="utf-8")
    assert (ROOT / Path("study") / "coverage.png").is_file()
