"""The report: its script values policies as the pipeline does, its sentences follow the numbers, its page works in a browser."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.image import imread
from playwright.sync_api import Browser, Page

from benchmarks.what_if import many_households
from scripts.picture_report import PICTURE, take
from stages.policy import evidence_table
from targeting.figures.policy import roi_chart
from targeting.pages import charts
from targeting.pages.rendering import environment, render
from targeting.pages.report import flat, report_context, with_contacts
from targeting.pages.what_if import embedded, joint_reach
from targeting.policy.curve import SHARES, peaks, profit_and_spend, roi_curve
from targeting.policy.economics import Economics
from targeting.policy.policies import Budget, PolicyData, assign
from targeting.policy.value import Evidence, recommend, value_table
from targeting.policy.what_if import at_economics
from targeting.sentences import report as sentences
from tests.browser import WIDTHS, no_sideways_scroll, opened, serious_faults
from tests.test_truth_words import truth_table

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = {"outcome": "purchase_amount", "budget_usd": 700.0, "budget_contacts": 45, "caution": 0.3}
REAL = {"source": "completejourney"}
HOSTILE = "</script><b>Bold</b> \"'&<img src=x onerror='window.hurt=1'>"


class World:
    """Made-up rows, two or so a household, whose effects differ; all that the stage `policy` would hold."""

    def __init__(self, lift: float, n: int = 900, costs: bool = False, margin: float = 0.3):
        rng = np.random.default_rng(7)
        self.n, self.fold = n, rng.integers(0, 5, n)
        household = rng.integers(0, n // 2, n)
        self.panel = pd.DataFrame({"household_id": household, "campaign_id": rng.integers(1, 4, n)})
        e = rng.uniform(0.05, 0.95, n)
        treated = (rng.random(n) < e).astype(float)
        effect = rng.normal(lift, 60, n)
        score1, score0 = effect + rng.normal(100, 90, n), rng.normal(100, 90, n)
        outcome = np.where(treated == 1, score1, score0)
        overlap = (e > 0.1) & (e < 0.9)
        self.evidence = Evidence(score0, score1, outcome, treated, household, overlap, e, score0, score1)
        cate = effect + rng.normal(0, 40, n)
        self.segments = pd.DataFrame({"segment": rng.integers(1, 5, n)})
        self.economics = Economics(rng.uniform(5, 15, n) if costs else 12.73, margin)
        self.data = PolicyData(
            cate=cate,
            overlap=overlap,
            treated=treated,
            breakeven=0.0,
            household_id=household,
            lower=cate - 50,
            tree=(cate > 30).astype(float),
            fold=self.fold,
            campaign_id=self.panel["campaign_id"].to_numpy(),
            budget=Budget(SETTINGS["budget_usd"], SETTINGS["budget_contacts"]),
        )
        self.shown = cate + rng.normal(0, 10, n)

    def at(self, economics: Economics) -> PolicyData:
        return at_economics(self.data, economics, self.evidence, self.fold, self.segments["segment"].to_numpy())

    def table(self) -> pd.DataFrame:
        shown = pd.DataFrame({"cate": self.shown, "lower": self.shown - 50, "upper": self.shown + 50})
        return evidence_table(self.panel, self.segments, self.at(self.economics), shown, self.evidence, self.economics)

    def embedded(self, answers: str = "overlap", policies: list[str] | None = None, reach: float | None = None) -> dict:
        names = list(assign(self.at(self.economics))) if policies is None else policies
        return embedded(self.table(), self.economics.averages(), names, SHARES.tolist(), SETTINGS, answers, reach, 3)


def recomputed(page: Page, data: dict, cost: float, margin: float) -> dict:
    """What the page's script says at this cost and margin."""
    return page.evaluate("([data, cost, margin]) => plain(whatIf(data).at(cost, margin))", [data, cost, margin])


PLAIN = """
const plain = (result) => JSON.parse(JSON.stringify(result, (key, value) => (key === "sums" ? undefined : value)));
"""


@pytest.fixture
def scripts(browser: Browser, tmp_path: Path):
    """A page with the scripts of the what-if alone."""
    parts = "".join("{{ asset('" + name + ".js') }}" for name in ("unpack", "random", "value", "policies", "what_if"))
    path = tmp_path / "scripts.html"
    source = '{% extends "base.html.jinja" %}{% block title %}x{% endblock %}{% block main %}<script>' + parts + PLAIN
    path.write_text(environment().from_string(source + "</script>{% endblock %}").render(), encoding="utf-8")
    with opened(browser, path) as page:
        yield page


@pytest.mark.parametrize(("lift", "costs"), [(20.0, False), (90.0, False), (50.0, True)])
@pytest.mark.parametrize(("cost_factor", "margin_factor"), [(1.0, 1.0), (0.3, 1.2), (2.5, 0.8)])
def test_the_script_values_policies_as_the_pipeline_does(scripts, lift, costs, cost_factor, margin_factor):
    world = World(lift, costs=costs)
    economics = world.economics.scaled(cost_factor, margin_factor)
    data = world.at(economics)
    table = value_table(assign(data), data.cate, world.evidence, economics, seed=3)
    averages = economics.averages()
    found = recomputed(scripts, world.embedded(), averages["cost"], averages["margin"])
    assert [row["policy"] for row in found["table"]] == table["policy"].tolist()
    for row, expected in zip(found["table"], table.itertuples(), strict=True):
        assert row["contacts"] == expected.n, expected.policy
        values = [row["profit"][key] for key in ("value", "se", "lower", "upper")]
        wanted = [expected.profit, expected.profit_se, expected.profit_ci_lower, expected.profit_ci_upper]
        assert values == pytest.approx(wanted, abs=1e-9), expected.policy
        if expected.n > 0:
            roi = [row["roi"][key] for key in ("value", "lower", "upper")]
            assert roi == pytest.approx([expected.roi, expected.roi_ci_lower, expected.roi_ci_upper], abs=1e-9)
        else:
            assert row["roi"] is None
    assert found["recommended"] == recommend(table)


@pytest.mark.parametrize("costs", [False, True])
def test_the_script_draws_the_pipelines_curve(scripts, costs):
    world = World(45.0, costs=costs)
    economics = world.economics.scaled(0.8, 1.1)
    # Where costs differ the order is by gain per dollar, which a common factor leaves as it is.
    order = replace(world.at(economics), cate=world.shown).order
    curve = roi_curve(order, world.shown, world.evidence, economics)
    averages = economics.averages()
    found = recomputed(scripts, world.embedded(), averages["cost"], averages["margin"])
    points = pd.DataFrame(found["points"])
    for name, column in (("profit", "profit"), ("lower", "profit_ci_lower"), ("upper", "profit_ci_upper")):
        assert points[name].to_numpy() == pytest.approx(curve[column].to_numpy(), abs=1e-9)
    assert points["promised"].to_numpy() == pytest.approx(curve["profit_plugin"].to_numpy(), abs=1e-9)
    peak = peaks(profit_and_spend(order, world.evidence, economics), seed=1)
    assert found["peak"]["share"] == pytest.approx(peak["profit_peak_share"])
    # Both intervals are simulated, with different draws.
    assert found["peak"]["lower"] == pytest.approx(peak["profit_peak_share_lower"], abs=0.08)
    assert found["peak"]["upper"] == pytest.approx(peak["profit_peak_share_upper"], abs=0.08)


def test_the_benchmarks_page_has_that_many_households_in_their_own_order():
    table = World(20.0).table()
    rows = many_households(table, 3 * table["household_id"].nunique())
    assert rows["household_id"].nunique() == 3 * table["household_id"].nunique()
    for name in ("contact_rank", "shown_rank"):
        assert sorted(rows[name]) == list(range(len(rows)))
    # Who is drawn brings all of one household's rows, in their order.
    drawn = rows.sort_values("contact_rank").groupby("household_id")["score"].apply(tuple)
    assert set(drawn) <= set(table.sort_values("contact_rank").groupby("household_id")["score"].apply(tuple))


def test_at_the_runs_own_cost_and_margin_joint_intervals_are_the_runs(scripts):
    world = World(50.0)
    table = value_table(assign(world.at(world.economics)), world.data.cate, world.evidence, world.economics, seed=3)
    reach, averages = joint_reach(table), world.economics.averages()
    expected = table.set_index("policy")["simultaneous_lower"].dropna()
    assert len(expected) > 1
    own = recomputed(scripts, world.embedded(reach=reach), averages["cost"], averages["margin"])
    found = {row["policy"]: row["together"] for row in own["table"] if row["candidate"]}
    assert found == pytest.approx(expected.to_dict(), abs=1e-9)
    # Elsewhere they come from the page's draws, near what the pipeline's would be.
    moved = world.economics.scaled(1.5, 1.0)
    table = value_table(assign(world.at(moved)), world.data.cate, world.evidence, moved, seed=3).set_index("policy")
    other = recomputed(scripts, world.embedded(reach=reach), moved.averages()["cost"], moved.averages()["margin"])
    assert other["table"][0]["policy"] == "none"
    for row in other["table"]:
        if row["candidate"]:
            assert row["together"] == pytest.approx(
                table.loc[row["policy"], "simultaneous_lower"], abs=0.05 * row["profit"]["se"]
            )


def test_without_anything_to_compare_no_interval_reaches_anywhere():
    table = pd.DataFrame({"simultaneous_lower": [np.nan, 0.0], "profit_se": [1.0, 0.0], "profit": [1.0, 0.0]})
    assert joint_reach(table) is None


def test_nothing_is_recommended_where_the_arms_do_not_compare(scripts):
    world = World(90.0)
    assert recomputed(scripts, world.embedded(), 1.0, 0.5)["recommended"] != "none"
    assert recomputed(scripts, world.embedded("nothing"), 1.0, 0.5)["recommended"] == "none"


def test_the_page_holds_no_identifier():
    world = World(20.0)
    world.panel["household_id"] += 777_000
    other = World(20.0)
    assert world.embedded()["columns"]["household"] == other.embedded()["columns"]["household"]


def results() -> tuple[dict, dict]:
    """The committed run's metrics and tables."""
    metrics = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "metrics").glob("*.json")}
    return metrics, {path.stem: pd.read_csv(path) for path in (ROOT / "plots").glob("*.csv")}


def written(path: Path, metrics: dict, tables: dict, world: World, **parameters: dict) -> Path:
    """The report of these numbers and rows, with sections of the committed parameters replaced."""
    whole = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")) | parameters
    context = report_context(metrics, tables, world.table(), whole, "abc123", {"python": "3.11"})
    path.write_text(render("index.html.jinja", context), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed run's report, on made-up rows, with hostile names in the data."""
    metrics, tables = results()
    for name in ("segments", "segment_effects"):
        tables[name] = tables[name].assign(name=lambda rows: rows["name"] + HOSTILE)
    tables["segments"]["actions"] = HOSTILE
    path = tmp_path_factory.mktemp("report") / "index.html"
    return written(path, metrics, tables, World(20.0), data=REAL | {"path": HOSTILE})


def ready(page: Page) -> Page:
    page.wait_for_selector("body[data-ready]")
    return page


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
        assert serious_faults(page) == []
        assert page.evaluate("window.hurt") is None
        assert HOSTILE in page.inner_text("section[aria-labelledby=segments]")


def test_sliders_recompute_and_the_way_back_is_exact(browser, page_file):
    with opened(browser, page_file) as page:
        ready(page)
        own = page.inner_text("#policy-table")
        assert "At $12.73 a contact and a margin of 30%" in page.inner_text("#what-if")
        assert page.inner_text("#what-if-peak") == ""  # the run's own words, by more draws, are under the curve
        page.focus("#cost")
        page.keyboard.press("Home")
        assert "profit is highest when" in page.inner_text("#what-if-peak")
        assert "At $0.00 a contact" in page.inner_text("#what-if")
        assert page.inner_text("#policy-table") != own
        page.focus("#margin")
        page.keyboard.press("End")
        assert "a margin of 100%" in page.inner_text("#what-if")
        page.click("#reset")
        assert page.inner_text("#policy-table") == own
        assert page.inner_text("#what-if-peak") == ""


def curve_told(page: Page) -> tuple[str, str]:
    """What stands for the curve: its label, and its table."""
    label = page.get_attribute("#chart-roi", "aria-label")
    assert label is not None
    return label, str(page.text_content("#curve-table"))


def test_what_stands_for_the_curve_follows_the_sliders(browser, page_file):
    with opened(browser, page_file) as page:
        label, table = curve_told(ready(page))
        assert "At the run's own cost and margin, in the order of the average of learners, profit is highest" in label
        assert page.inner_text("#chart-roi + figcaption").startswith("At the run's own cost and margin, ")
        assert page.locator("#curve-table tbody tr").count() == 11
        page.fill("#cost", "3")
        moved = curve_told(page)
        assert "At $3.00 a contact and a margin of 30%. Here profit is highest when" in moved[0]
        assert moved[1].lstrip().startswith("At $3.00 a contact and a margin of 30%.")
        for k, cell in enumerate(page.locator("#curve-table td").all_text_contents()):
            point = page.evaluate("(k) => model.at(3, 0.3).points[k]", 10 * k)
            dollars = [
                f"{'-' if value < -0.005 else ''}${abs(value):,.2f}" for value in (point[n] for n in ("profit", "lower", "upper"))
            ]
            assert cell == f"{dollars[0]} ({dollars[1]} to {dollars[2]})"
        page.click("#reset")
        assert curve_told(page) == (label, table)


def test_a_margin_in_dollars_a_basket_is_no_share(browser, tmp_path):
    metrics, tables = results()
    # Of baskets a margin of 4 USD is meant, and breakeven is 3.18 baskets.
    metrics["policy"] = metrics["policy"] | {"margin": 4.0, "breakeven": 12.73 / 4}
    parameters = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    policy = parameters["policy"] | {"outcome": "purchase_count", "margin": 4.0}
    path = written(tmp_path / "index.html", metrics, tables, World(20.0, margin=4.0), policy=policy)
    with opened(browser, path) as page:
        ready(page)
        assert page.inner_text("label[for=margin]") == "Margin (USD a basket)"
        assert page.input_value("#margin") == "4"
        assert "a margin of $4.00 a basket" in page.inner_text("#what-if")
        specifications = json.loads(str(page.text_content("#charts")))
        assert "breakeven" not in json.dumps(specifications["segment_effects"])
        assert "breakeven 3.18 baskets" in json.dumps(specifications["segment_effects_count"])
        assert "breakeven (3.18 baskets)" in page.inner_text("section[aria-labelledby=experiment]")


def test_doubts_are_of_the_outcome_that_profits_are_of():
    metrics, tables = results()
    own = (tables["ate"]["outcome"] == "purchase_count") & (tables["ate"]["trial"] == "all")
    effects = tables["ate"].assign(ci_lower=tables["ate"]["ci_lower"].mask(own, 0.1))
    unclear = "The average effect cannot be told from none."
    assert unclear in sentences.doubts(metrics, effects, tables["refutation"], "purchase_amount")
    assert unclear not in sentences.doubts(metrics, effects, tables["refutation"], "purchase_count")


def test_segments_show_what_a_contact_earned_beside_their_value(browser, page_file):
    _, tables = results()
    with opened(browser, page_file) as page:
        rows = ready(page).locator("[aria-label='Table of segments'] tbody tr")
        assert "priority by value" in page.inner_text("[aria-label='Table of segments'] thead")
        for text, row in zip(rows.all_inner_texts(), tables["what_if"].itertuples(), strict=True):
            assert f"-${-row.profit:.2f}" in text if row.profit < 0 else f"${row.profit:.2f}" in text


def test_a_segment_that_nobody_was_contacted_in_has_no_profit():
    segments = pd.DataFrame({"segment": [1, 2]})
    found = with_contacts(segments, pd.DataFrame({"segment": [2], "profit": 1.0, "profit_ci_lower": 0.0, "profit_ci_upper": 2.0}))
    assert found["profit"].isna().tolist() == [True, False]
    # Where nobody at all can be contacted the table has no such column.
    assert with_contacts(segments, segments)["profit"].isna().all()


def test_no_profit_is_named_where_the_arms_do_not_compare(browser, tmp_path):
    metrics, tables = results()
    metrics["nuisance"] = metrics["nuisance"] | {"answers": "nothing"}
    with opened(browser, written(tmp_path / "index.html", metrics, tables, World(90.0))) as page:
        ready(page)
        for cost in ("12.73", "0"):
            page.fill("#cost", cost)
            said = page.inner_text("#what-if")
            assert "do not compare, so no profit is evidence." in said
            assert said.count("$") == 1  # the cost alone
            assert page.inner_text("#what-if-peak") == ""


# The cost, if there is one, at which the best policy's own interval is above nothing and the one of all at once is not.
UNDECIDED = """
() => {
  for (let cost = 0; cost < 38; cost += 0.05) {
    const { table, recommended } = model.at(cost, 0.3);
    const best = table.filter((row) => row.candidate).sort((a, b) => b.profit.value - a.profit.value)[0];
    if (recommended === "none" && best && best.profit.lower > 0.01 && best.together < -0.01)
      return { cost: cost.toFixed(2), together: best.together, compared: table.filter((row) => row.candidate).length };
  }
}
"""


def test_the_what_if_says_how_low_a_profit_may_be_with_all_compared(browser, tmp_path):
    metrics, tables = results()
    with opened(browser, written(tmp_path / "index.html", metrics, tables, World(30.0))) as page:
        ready(page)
        found = page.evaluate(UNDECIDED)
        page.fill("#cost", found["cost"])
        together = f"with all {found['compared']} compared at once it may be as low as -${-found['together']:.2f}"
        assert f"a household; {together})." in page.inner_text("#what-if")


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


def test_the_pictures_title_is_plain_and_its_band_says_what_it_is():
    _, tables = results()
    axes = roi_chart(tables["roi_curve"], "the average of learners", "30%", 12.73, 0.54).axes[0]
    assert axes.get_title() == (
        "Profit by share contacted, in the order of the average of learners\n(margin 30%, cost 12.73 USD a contact)"
    )
    assert "95% interval, share by share" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_the_committed_picture_is_one_and_is_small():
    assert imread(PICTURE).shape[1] == WIDTHS[0]
    assert PICTURE.stat().st_size < 300_000


def test_the_page_is_small_enough(page_file):
    assert page_file.stat().st_size < 6e6


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
    table = charts.propensity_table(np.array([1.0, 1, 0, 0]), np.array([0.32, 0.82, 0.32, 0.12]))
    whole = table.groupby(["weighting", "arm"])["share"].sum()
    assert whole.to_numpy() == pytest.approx(1.0)
    weighted = table[(table["weighting"] == "overlap weights") & (table["arm"] == "mailed") & (table["share"] > 0)]
    # Mailed rows weigh 1 - e: 0.68 and 0.18.
    assert weighted["share"].to_numpy() == pytest.approx([0.68 / 0.86, 0.18 / 0.86])
    assert weighted["low"].to_numpy() == pytest.approx([0.3, 0.8])


def test_parameters_are_listed_by_their_dotted_names():
    assert list(flat({"a": {"b": 1, "c": [1, 2]}, "d": (3, 4)})) == [("a.b", "1"), ("a.c", "1, 2"), ("d", "3, 4")]
