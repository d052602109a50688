"""The report: its sentences follow the numbers, and its page works in a browser."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.image import imread

from scripts.picture_report import PICTURE, take
from targeting.figures.nuisance import propensity_table
from targeting.figures.policy import roi_words
from targeting.pages.report import flat, with_worth
from targeting.sentences import report as sentences
from targeting.sentences.campaigns import after_sentence
from tests.browser import WIDTHS, cut_tables, no_sideways_scroll, opened, serious_faults
from tests.conftest import ROOT
from tests.reports import HOSTILE, World, ready, results, written
from tests.test_truth_words import truth_table


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_draws_and_fits_and_hurts_nobody(browser, page_file, width):
    with opened(browser, page_file, width) as page:
        ready(page)
        for summary in page.query_selector_all("details > summary"):
            summary.click()
        page.wait_for_function("[...document.querySelectorAll('.chart')].every((place) => place.querySelector('svg'))")
        assert page.evaluate(
            "[...document.querySelectorAll('.chart svg')].every((one) => one.querySelectorAll('path').length > 3)"
        )
        labels = page.locator(".chart").evaluate_all("(all) => all.map((one) => [one.role, one.ariaLabel])")
        assert len({label for _, label in labels}) == len(labels), "each drawing has its own words"
        assert all(role == "img" and "Vega" not in label for role, label in labels)
        assert no_sideways_scroll(page)
        assert cut_tables(page) == []
        assert serious_faults(page) == []
        assert page.evaluate("window.hurt") is None
        assert HOSTILE in page.inner_text("section[aria-labelledby=segments]")


def test_a_margin_in_dollars_a_basket_is_no_share(browser, tmp_path):
    metrics, tables = results()
    # Of baskets a margin of 4 USD is meant, and breakeven is 3.18 baskets.
    metrics["policy"] = metrics["policy"] | {"margin": 4.0, "breakeven": 12.73 / 4}
    parameters = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    policy = parameters["policy"] | {"outcome": "purchase_count", "margin": 4.0}
    path = written(tmp_path / "index.html", metrics, tables, World(20.0, margin=4.0), policy=policy)
    with opened(browser, path) as page:
        ready(page)
        assert page.inner_text("label[for=margin]") == "Margin (USD per basket)"
        assert page.inner_text("#margin-shown") == "$4.00 per basket"
        assert "a margin of $4.00 per basket" in page.text_content("#what-if")
        specifications = json.loads(str(page.text_content("#charts")))
        assert "breakeven" not in json.dumps(specifications["segment_effects_purchase_amount"])
        assert "breakeven 3.18 baskets" in json.dumps(specifications["segment_effects_purchase_count"])
        assert "breakeven (3.18 baskets)" in page.inner_text("section[aria-labelledby=experiment]")


def test_doubts_are_of_the_outcome_that_profits_are_of():
    metrics, tables = results()
    own = (tables["ate"]["outcome"] == "purchase_count") & (tables["ate"]["trial"] == "all")
    effects = tables["ate"].assign(ci_lower=tables["ate"]["ci_lower"].mask(own, 0.1))
    unclear, rest = "The average effect cannot be told from none.", (tables["refutation"], tables["concurrent_effects"])
    assert unclear in sentences.doubts(metrics, effects, *rest, "purchase_amount")
    assert unclear not in sentences.doubts(metrics, effects, *rest, "purchase_count")


def test_an_alarm_after_the_campaigns_is_a_doubt():
    metrics, tables = results()
    rest = tables["ate"], tables["refutation"], tables["concurrent_effects"], "purchase_amount"
    for alarm in (True, False):
        found = metrics["ate"]["after_campaign"] | {"alarm": alarm, "bias": 30.0}
        doubts = sentences.doubts(metrics | {"ate": metrics["ate"] | {"after_campaign": found}}, *rest)
        assert (after_sentence(found) in doubts) == alarm


def test_a_segments_profit_by_hand():
    effects = pd.DataFrame(
        {"outcome": ["a", "b"], "segment": [2, 2], "ato": [40.0, 1.0], "ato_ci_lower": [20.0, 0.0], "ato_ci_upper": [60.0, 2.0]}
    )
    found = with_worth(pd.DataFrame({"segment": [1, 2]}), effects, {"margin": 0.5, "cost": 12.0}, "a").set_index("segment")
    assert found.loc[1, ["ato", "profit"]].isna().all()  # no effect, no profit
    # Half of 40, 20 and 60, less 12.
    assert found.loc[2, ["profit", "profit_ci_lower", "profit_ci_upper"]].tolist() == [8.0, -2.0, 18.0]


def test_the_first_screen_holds_the_answer(browser, page_file):
    with opened(browser, page_file) as page:
        ready(page)
        answer = ("#decision", ".numbers", ".decisions", "#controls", "#chart-roi svg")
        for selector in (*answer, "a[href$='mailing_list.csv']", "a[href$='assignment.csv']"):
            box = page.locator(selector).bounding_box()
            assert box["y"] + box["height"] <= 900, selector


# What is read without opening anything, drawings and the list of files apart.
UNFOLDED = """
() => {
  const copy = document.body.cloneNode(true);
  for (const place of copy.querySelectorAll("details, script, style, .chart")) place.remove();
  return copy.textContent.toLowerCase();
}
"""


def test_bounds_and_indices_are_folded_away(browser, page_file):
    with opened(browser, page_file) as page:
        ready(page)
        said = page.evaluate(UNFOLDED)
        whole = str(page.text_content("body")).lower()
        for words in ("propensity", "autoc", "rand index", "silhouette", "compared at once"):
            assert words not in said
            assert words in whole


def test_a_chart_of_effects_follows_the_sliders_or_says_that_it_does_not(browser, page_file):
    with opened(browser, page_file) as page:
        ready(page)
        captions = page.locator("section[aria-labelledby=segment-effects] figcaption").all_text_contents()
        assert len(captions) == 2
        assert "follows the sliders" in captions[0]
        assert "No cost or margin moves this chart" in captions[1]


def test_axes_of_the_segments_can_be_chosen(browser, page_file):
    with opened(browser, page_file) as page:
        ready(page)
        page.select_option("#axis-x", "basket")
        page.wait_for_function("document.querySelector('#chart-positioning').textContent.includes('basket value (USD)')")


def test_the_picture_ends_below_the_curve(browser, page_file, tmp_path):
    take(browser, page_file, tmp_path / "report.png")
    with opened(browser, page_file) as page:
        curve, after = (page.locator(name).bounding_box() for name in ("#chart-roi", "#segments"))
    height, width, _ = imread(tmp_path / "report.png").shape
    assert width == WIDTHS[0]
    assert curve["y"] + curve["height"] < height < after["y"] + after["height"]


def test_the_pictures_title_says_what_was_found():
    curve = pd.DataFrame({"share": [0.0, 0.5, 1.0], "profit": [0.0, 1.25, -3.0], "lower": [0.0, 0.5, -4.0]})
    found, how = roi_words(curve, "the average of learners", "30%", 12.73)
    assert found == "Profit is highest when 50% are contacted: $1.25 per household and campaign"
    assert "margin of 30% and $12.73 per contact, in the order of the average of learners" in how
    unsure = curve.assign(lower=-1.0)
    assert roi_words(unsure, "dr", "30%", 1)[0].startswith("No share of contacts in this order is shown to earn more")
    assert "nobody earns more" in roi_words(curve.assign(profit=[0.0, -1, -2]), "dr", "30%", 1)[0]


def test_the_committed_picture_is_one_and_is_small():
    assert imread(PICTURE).shape[1] == WIDTHS[0]
    assert PICTURE.stat().st_size < 300_000


def test_the_page_is_small_enough(page_file):
    assert page_file.stat().st_size < 2e6


@pytest.mark.parametrize("width", WIDTHS)
def test_a_made_up_retailers_page_shows_the_truth(browser, tmp_path, width):
    metrics, tables = results()
    metrics["truth"] = {"known": True, "profit_oracle": 2.5, "profit_recommended": 0.0}
    tables["truth"] = truth_table()
    path = written(tmp_path / "index.html", metrics, tables, World(20.0))
    with opened(browser, path, width) as page:
        ready(page)
        assert "This retailer is made up, so the truth is known." in page.inner_text("section[aria-labelledby=belief]")
        assert page.locator("[aria-label='Learners and truth'] td").last.text_content() == ""
        assert no_sideways_scroll(page)
        assert serious_faults(page) == []


def test_propensities_by_hand():
    table = propensity_table(np.array([1.0, 1, 0, 0]), np.array([0.32, 0.82, 0.32, 0.12]))
    whole = table.groupby(["weighting", "arm"])["share"].sum()
    assert whole.to_numpy() == pytest.approx(1.0)
    weighted = table[(table["weighting"] == "overlap weights") & (table["arm"] == "mailed") & (table["share"] > 0)]
    # Mailed rows weigh 1 - e: 0.68 and 0.18.
    assert weighted["share"].to_numpy() == pytest.approx([0.68 / 0.86, 0.18 / 0.86])
    assert weighted["low"].to_numpy() == pytest.approx([0.3, 0.8])


def test_parameters_are_listed_by_their_dotted_names():
    assert list(flat({"a": {"b": 1, "c": [1, 2]}, "d": (3, 4)})) == [("a.b", "1"), ("a.c", "1, 2"), ("d", "3, 4")]


@pytest.mark.slow
def test_an_interval_in_a_table_says_its_unit_once(tmp_path):
    metrics, tables = results()
    effects = tables["segment_effects"].reset_index(drop=True)
    first = effects.index[effects["outcome"] == "purchase_count"][0]
    effects.loc[first, ["ato", "ato_ci_lower", "ato_ci_upper"]] = [0.25, -1.0, 1.5]
    tables["segment_effects"] = effects
    page = written(tmp_path / "index.html", metrics, tables, World(20.0)).read_text(encoding="utf-8")
    assert '<td class="n">0.25 baskets (-1.00 to 1.50)</td>' in page
    assert all(row.count(" baskets") <= 1 for row in re.findall(r'<td class="n">[^<]*</td>', page))


@pytest.mark.slow
def test_an_estimator_without_a_value_gets_no_number(tmp_path):
    metrics, tables = results()
    effects = tables["ate"]
    lost = (effects["method"] == "ols") & (effects["trial"] == "all")
    effects.loc[lost, ["estimate", "se", "ci_lower", "ci_upper"]] = np.nan
    page = written(tmp_path / "index.html", metrics, tables, World(20.0)).read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if "<td><code>ols</code></td>" in line)
    assert row.endswith('<td class="n">not to be had</td></tr>')


@pytest.mark.slow
@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            {"pilot_n": 294, "pilot_gain": 1486.0},
            ": a pilot of 294 households is expected to pay for itself and $1,486 more.</p>",
        ),
        ({"pilot_n": 0, "pilot_gain": 0.0}, ": it would settle the question, but is not expected to pay for itself.</p>"),
        ({"pilot_words": ""}, "</a>.</p>"),  # nobody can be asked
    ],
)
def test_what_next_says_whether_a_pilot_pays(tmp_path, found, said):
    metrics, tables = results()
    stated = {name: value for name, value in metrics["experiment"].items() if name not in ("pilot_n", "pilot_gain")}
    metrics["experiment"] = stated | found
    page = written(tmp_path / "index.html", metrics, tables, World(20.0)).read_text(encoding="utf-8")
    (line,) = (line for line in page.splitlines() if "What next?" in line)
    assert line.endswith(said)
