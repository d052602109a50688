"""What can be opened without a run, and the demo that makes it."""

import json
import re

import pytest
import yaml
from playwright.sync_api import Browser

from scripts.demo import prepare
from scripts.run_pipeline import slip
from scripts.sample_pages import GAME, REPORT, SAMPLES, relinked
from tests.browser import WIDTHS, no_sideways_scroll, opened, serious_faults
from tests.conftest import ROOT

PAGE = ROOT / SAMPLES[GAME][0]


def test_a_demo_has_the_code_and_parameters_that_a_run_accepts(tmp_path):
    prepare(ROOT, tmp_path / "demo")
    assert slip(tmp_path / "demo") == ""
    made = yaml.safe_load((tmp_path / "demo" / "params.yaml").read_text(encoding="utf-8"))
    assert made["data"]["source"] == "simulated"
    assert (tmp_path / "demo" / "stages" / "game.py").read_bytes() == (ROOT / "stages" / "game.py").read_bytes()


def test_a_link_that_is_gone_is_no_silent_change():
    assert relinked('<a href="a">', {'"a"': '"b"'}) == '<a href="b">'
    with pytest.raises(ValueError, match="has no"):
        relinked("", {'"a"': '"b"'})


def test_the_samples_are_small_and_lead_to_what_is_there():
    for copy, _ in SAMPLES.values():
        text = (ROOT / copy).read_text(encoding="utf-8")
        assert len(text) < 6e6
        for link in re.findall(r'<a href="([^"#]+)"', text):
            # What a run makes is not in git; all else is.
            assert link.startswith(("../data/", "../plots/report/")) or (ROOT / "docs" / link).exists(), link


def test_the_sample_report_says_that_its_files_come_with_a_run():
    page = '<header><div>\n<p class="muted">tills</p><a href="../../data/score/mailing_list.csv">the list</a>'
    sample = relinked(page, SAMPLES[REPORT][1])
    assert 'href="../data/score/mailing_list.csv"' in sample
    assert "come with your own run. tills" in sample


def test_what_the_sample_report_says_of_itself_pushes_nothing_off_the_first_screen(browser: Browser, page_file, tmp_path):
    sample = tmp_path / "sample_report.html"
    sample.write_text(relinked(page_file.read_text(encoding="utf-8"), SAMPLES[REPORT][1]), encoding="utf-8")
    ends = []
    for path in (page_file, sample):
        with opened(browser, path) as page:
            page.wait_for_selector("body[data-ready]")
            curve = page.locator("#chart-roi svg").bounding_box()
            ends.append(curve["y"] + curve["height"])
    assert ends[1] == ends[0] <= 900


def test_the_sample_report_is_of_the_committed_results():
    policy = json.loads((ROOT / "metrics" / "policy.json").read_text(encoding="utf-8"))
    text = (ROOT / SAMPLES[REPORT][0]).read_text(encoding="utf-8").replace("&#39;", "'")
    assert policy["recommendation"] in text, "written by `python -m scripts.sample_pages`"


@pytest.mark.parametrize("width", WIDTHS)
def test_the_made_up_shop_plays_to_its_end_in_three_clicks(browser: Browser, width):
    with opened(browser, PAGE, width) as page:
        page.locator(".card").nth(0).get_by_role("button", name="All").click()
        page.locator(".card").nth(1).get_by_role("button", name="All").click()
        page.click("#run")
        assert "of the best possible profit" in page.inner_text("#result-title")
        assert len(page.inner_text("#lesson")) > 20
        assert page.locator("#truths circle.dot").count() == page.evaluate("currentGame().own.true.length")
        assert page.locator("#scores li").count() >= 5
        assert no_sideways_scroll(page)
        assert serious_faults(page) == []


def test_the_made_up_shop_has_something_to_find(browser: Browser):
    with opened(browser, PAGE) as page:
        pays = page.evaluate("currentGame().own.true.filter((profit) => profit > 0).length / currentGame().own.true.length")
        assert 0.05 < pays < 0.6
