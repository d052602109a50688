"""What a run says while it runs, by the lines that DVC prints, and at its end."""

import json

import pytest

from scripts.run_pipeline import Teller, closing, count_stages, duration, purpose, run, slip
from tests.conftest import ROOT


def test_each_stage_is_counted_with_what_it_does():
    teller = Teller(ROOT)
    total = count_stages(ROOT)
    first = teller.read("Running stage 'ingest':")
    assert f"1 of {total}" in first
    assert purpose(ROOT, "ingest") in first
    assert teller.read("> python -m stages.ingest") == ""
    second = teller.read("Stage 'profile' didn't change, skipping")
    assert f"2 of {total}" in second
    assert purpose(ROOT, "cate@x") == purpose(ROOT, "cate")


@pytest.mark.parametrize(("seconds", "words"), [(8.2, "8 s"), (125, "2 min 5 s"), (60, "1 min 0 s")])
def test_durations_as_people_say_them(seconds, words):
    assert duration(seconds) == words


def test_a_run_that_cannot_begin_says_why(tmp_path, capsys):
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(text.replace("cost: 12.73", "costt: 12.73"), encoding="utf-8")
    assert run(tmp_path) == 1
    assert "policy.costt is no parameter (did you mean cost?)" in capsys.readouterr().err
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    assert slip(tmp_path) == ""


def test_the_last_lines_are_the_decision_and_the_pages(tmp_path):
    (tmp_path / "metrics").mkdir()
    said = {"recommendation": "Mail nobody.", "at_set_cost": "At $12.73: none.", "at_tills_cost": "At $0.64: mail."}
    (tmp_path / "metrics" / "policy.json").write_text(json.dumps(said), encoding="utf-8")
    lines = list(closing(tmp_path))
    assert lines[1:4] == ["Mail nobody.", "At $12.73: none.", "At $0.64: mail."]
    assert [line.rsplit("/", 1)[-1] for line in lines[4:]] == ["index.html", "game.html"]
