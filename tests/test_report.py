"""The report: its script values policies as the pipeline does, its sentences follow the numbers, its page works in a browser."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.image import imread
from playwright.sync_api import Browser, Page
from scipy.stats import norm

from scripts.picture_report import PICTURE, take
from targeting.figures.nuisance import propensity_table
from targeting.figures.policy import roi_words
from targeting.pages.rendering import environment, render
from targeting.pages.report import flat, report_context, with_worth
from targeting.pages.what_if import embedded
from targeting.policy.beliefs import believed_profits, learn_beliefs
from targeting.policy.curve import SHARES, peaks, profit_and_spend, roi_curve
from targeting.policy.economics import Economics
from targeting.policy.lookup import Lookup, look_up, slider_steps, steps, unit
from targeting.policy.policies import Budget, PolicyData, assign
from targeting.policy.value import Evidence, recommend, value_table
from targeting.policy.what_if import at_economics
from targeting.sentences import report as sentences
from targeting.words.money import money
from targeting.words.numbers import chance
from tests.browser import WIDTHS, cut_tables, no_sideways_scroll, opened, serious_faults
from tests.test_truth_words import truth_table

SEED = 3
ROOT = Path(__file__).resolve().parent.parent
BUDGET, NO_BUDGET = Budget(usd=700.0, contacts=45), Budget()
# Times the run's own: where the sliders of a made-up world can stand.
COSTS, MARGINS = (0.0, 0.3, 1.0, 1.5, 2.5), (0.8, 1.0, 1.2, 2.0)
REAL = {"source": "completejourney"}
HOSTILE = "</script><b>Bold</b> \"'&<img src=x onerror='window.hurt=1'>"


class World:
    """Made-up rows, two or so a household, whose effects differ; all that the stage `policy` would hold."""

    def __init__(self, lift: float, n: int = 900, costs: bool = False, margin: float = 0.3, budget: Budget = NO_BUDGET):
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
        beliefs = learn_beliefs(cate, np.ones(n), self.fold, self.evidence, spread=0.1)
        assert beliefs is not None
        self.beliefs = beliefs
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
            expected=beliefs.expected,
            uncertainty=beliefs.uncertainty,
            fold=self.fold,
            campaign_id=self.panel["campaign_id"].to_numpy(),
            budget=budget,
        )
        self.shown = cate + rng.normal(0, 10, n)

    def at(self, economics: Economics) -> PolicyData:
        return at_economics(self.data, economics, self.evidence, self.fold, self.segments["segment"].to_numpy())

    def lookup(self, stops: tuple[np.ndarray, np.ndarray] | None = None, comparable: bool = True) -> Lookup:
        own = self.economics.averages()
        if stops is None:
            stops = np.array(COSTS) * own["cost"], np.array(MARGINS) * own["margin"]
        data, segment = self.at(self.economics), self.segments["segment"].to_numpy()
        return look_up(
            data, self.shown, self.evidence, self.economics, segment, stops, SEED, self.beliefs if comparable else None
        )

    def arms(self) -> pd.DataFrame:
        return pd.DataFrame({"treated": self.evidence.treated, "propensity": self.evidence.propensity})


def shown_at(page: Page, data: dict, i: int, j: int) -> dict:
    """What the page's script says at the i-th cost and the j-th margin."""
    return page.evaluate("([data, i, j]) => whatIf(data).at(i, j)", [data, i, j])


@pytest.fixture
def scripts(browser: Browser, tmp_path: Path):
    """A page with the scripts of the what-if alone."""
    parts = "".join("{{ asset('" + name + ".js') }}" for name in ("unpack", "interval", "what_if"))
    path = tmp_path / "scripts.html"
    source = '{% extends "base.html.jinja" %}{% block title %}x{% endblock %}{% block main %}<script>' + parts
    path.write_text(environment().from_string(source + "</script>{% endblock %}").render(), encoding="utf-8")
    with opened(browser, path) as page:
        yield page


def same_values(found: list[dict], table: pd.DataFrame) -> None:
    """The page's rows are those of a value table, far below the cent; intervals for all candidates at once among them."""
    assert [row["policy"] for row in found] == table["policy"].tolist()
    for row, expected in zip(found, table.itertuples(), strict=True):
        assert row["contacts"] == expected.n, expected.policy
        values = [row["profit"][key] for key in ("value", "se", "lower", "upper")]
        wanted = [expected.profit, expected.profit_se, expected.profit_ci_lower, expected.profit_ci_upper]
        assert values == pytest.approx(wanted, abs=1e-7), expected.policy
        assert row["total"] == pytest.approx(expected.total_profit, abs=1e-4)
        assert row["candidate"] == (not np.isnan(expected.simultaneous_lower))
        if row["candidate"]:
            assert row["together"] == pytest.approx(expected.simultaneous_lower, abs=1e-6), expected.policy
        if np.isnan(expected.roi):
            assert row["roi"] is None
        else:
            assert row["roi"] == pytest.approx(expected.roi, abs=1e-9)


def same_beliefs(found: list[dict], believed: pd.DataFrame) -> None:
    """What the page says is expected of each policy is what the pipeline does; where that is nothing, the page has no number."""
    for row, (expected, lower) in zip(found, believed[["expected_profit", "expected_profit_lower"]].to_numpy(), strict=True):
        if np.isnan(expected):
            assert row["expected"]["value"] is None or np.isnan(row["expected"]["value"])
        else:
            assert [row["expected"]["value"], row["expected"]["lower"]] == pytest.approx([expected, lower], abs=1e-7)


@pytest.mark.parametrize(("lift", "costs", "budget"), [(20.0, False, NO_BUDGET), (90.0, False, BUDGET), (50.0, True, BUDGET)])
def test_the_page_shows_what_the_pipeline_would_say_at_each_stop(scripts, lift, costs, budget):
    world = World(lift, costs=costs, budget=budget)
    data = embedded(world.lookup(), world.n, "purchase_amount", "overlap")
    for i, cost in enumerate(COSTS):
        if costs and cost == 0:
            continue  # gain per dollar spent orders nobody where nothing is spent: see the test below
        for j, margin in enumerate(MARGINS):
            economics = world.economics.scaled(cost, margin)
            seen = world.at(economics)
            table = value_table(assign(seen), seen.cate, world.evidence, economics, seed=SEED)
            believed = believed_profits(world.beliefs, assign(seen), seen.overlap, economics)
            found = shown_at(scripts, data, i, j)
            same_values(found["table"], table)
            same_beliefs(found["table"], believed)
            assert found["recommended"] == recommend(table.merge(believed, on="policy"))


def test_where_costs_differ_and_fall_to_nothing_the_order_stays():
    world = World(50.0, costs=True)
    own = world.economics.averages()
    found = world.lookup((np.array([0.0, own["cost"]]), np.array([own["margin"]])))
    assert found.positions[["top_20", "top_30"]].eq(0).all(axis=None)
    assert found.positions["breakeven"].tolist() == [0, 1]


@pytest.mark.parametrize("costs", [False, True])
def test_the_page_draws_the_pipelines_curve(scripts, costs):
    world = World(45.0, costs=costs)
    data = embedded(world.lookup(), world.n, "purchase_amount", "overlap")
    # Where costs differ the order is by gain per dollar, which a common factor leaves as it is.
    order = replace(world.at(world.economics), cate=world.shown).order
    for i, j in ((1, 2), (2, 1), (4, 0)):
        economics = world.economics.scaled(COSTS[i], MARGINS[j])
        curve = roi_curve(order, world.shown, world.evidence, economics)
        found = shown_at(scripts, data, i, j)
        points = pd.DataFrame(found["points"])
        for name, column in (("profit", "profit"), ("lower", "profit_ci_lower"), ("upper", "profit_ci_upper")):
            assert points[name].to_numpy() == pytest.approx(curve[column].to_numpy(), abs=1e-7)
        assert points["promised"].to_numpy() == pytest.approx(curve["profit_plugin"].to_numpy(), abs=1e-9)
        peak = peaks(profit_and_spend(order, world.evidence, economics), seed=1)
        assert found["peak"]["share"] == pytest.approx(peak["profit_peak_share"])
        # Both intervals are simulated, with different draws.
        assert found["peak"]["lower"] == pytest.approx(peak["profit_peak_share_lower"], abs=0.08)
        assert found["peak"]["upper"] == pytest.approx(peak["profit_peak_share_upper"], abs=0.08)


def test_nothing_is_recommended_where_the_arms_do_not_compare():
    assert set(World(90.0).lookup().positions["recommended"]) != {"none"}
    assert set(World(90.0).lookup(comparable=False).positions["recommended"]) == {"none"}


def test_sliders_stop_at_round_numbers_and_at_the_runs_own():
    costs, margins = slider_steps(Economics(12.73, 0.3), "purchase_amount")
    assert costs[:3].tolist() == [0.0, 0.5, 1.0]
    assert costs[-1] == 38.0
    assert 12.73 in costs
    assert margins.tolist() == pytest.approx(np.arange(1, 101) / 100)
    assert steps(0.3, 1.0, 1)[29] == 0.3, "the run's own to the last bit"
    assert steps(0.004, 0.03, 1).tolist() == [0.004, 0.01, 0.02, 0.03]
    assert slider_steps(Economics(12.73, 4.0), "purchase_count")[1][-1] == 12.0
    marked = slider_steps(Economics(12.73, 0.3), "purchase_amount", [0.642666921, 12.73, 1e6])[0]
    assert marked.tolist() == sorted([*costs.tolist(), 0.642666921]), "and at costs that the page names, as far as it goes"


def test_costs_that_differ_keep_their_proportions():
    found = unit(Economics(np.array([1.0, 3.0]), 0.3))
    assert np.asarray(found.cost).tolist() == [0.5, 1.5]
    assert found.margin == 1.0
    assert unit(Economics(np.zeros(2), np.array([0.2, 0.2]))).cost == 1.0


def test_the_page_holds_no_row_of_a_household(page_file):
    text = page_file.read_text(encoding="utf-8")
    found = json.loads(text.split('id="lookup">')[1].split("</script>")[0])

    def length(text: str, size: int = 8) -> int:
        return len(base64.b64decode(text)) // size

    places = len(COSTS) * len(MARGINS)
    assert {length(text) for text in found.pop("curve").values()} == {len(SHARES)}
    for policy in found.pop("policies"):
        kept = {length(text) for text in policy["columns"].values()}
        assert len(kept) == 1
        assert kept <= set(range(1, places + 1)), "no more decisions than stops"
        assert policy["decision"] is None or length(policy["decision"], 2) == places
    assert length(found.pop("reach")) == places
    assert [length(text, 2) for text in (found.pop("recommended"), *found.pop("peak").values())] == [places] * 3
    assert len(found.pop("costs")) * len(found.pop("margins")) == places
    assert found == {"n": 900, "outcome": "purchase_amount", "answers": "overlap"}
    assert "household_id" not in text


def results() -> tuple[dict, dict]:
    """The committed run's metrics and tables."""
    metrics = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "metrics").glob("*.json")}
    return metrics, {path.stem: pd.read_csv(path) for path in (ROOT / "plots").glob("*.csv")}


def written(
    path: Path, metrics: dict, tables: dict, world: World, stops: tuple[np.ndarray, np.ndarray] | None = None, **parameters: dict
) -> Path:
    """The report of these numbers and rows, with sections of the committed parameters replaced."""
    comparable = metrics["nuisance"]["answers"] != "nothing"
    whole = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")) | parameters
    context = report_context(metrics, tables, world.arms(), world.lookup(stops, comparable), whole, "abc123", {"python": "3.11"})
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
        assert cut_tables(page) == []
        assert serious_faults(page) == []
        assert page.evaluate("window.hurt") is None
        assert HOSTILE in page.inner_text("section[aria-labelledby=segments]")


def test_sliders_recompute_and_the_way_back_is_exact(browser, page_file):
    with opened(browser, page_file) as page:
        ready(page)
        own = page.inner_text("#policy-table")
        assert "At $12.73 per contact and a margin of 30%" in page.text_content("#what-if")
        assert page.text_content("#what-if-peak") == ""  # the run's own words, by more draws, are under the curve
        page.focus("#cost")
        page.keyboard.press("Home")
        assert "profit is highest when" in page.text_content("#what-if-peak")
        assert "At $0.00 per contact" in page.text_content("#what-if")
        assert page.inner_text("#policy-table") != own
        page.focus("#margin")
        page.keyboard.press("End")
        assert page.get_attribute("#margin", "aria-valuetext") == "60%"
        assert "a margin of 60%" in page.text_content("#what-if")
        page.click("#reset")
        assert page.inner_text("#policy-table") == own
        assert page.text_content("#what-if-peak") == ""


def curve_told(page: Page) -> tuple[str, str]:
    """What stands for the curve: its label, and its table."""
    label = page.get_attribute("#chart-roi", "aria-label")
    assert label is not None
    return label, str(page.text_content("#curve-table"))


def test_what_is_extrapolated_has_no_interval_wherever_the_sliders_stand(browser, page_file):
    _, tables = results()
    outside = tables["policies"].query("share_outside > 0")["policy"].tolist()
    assert {"all", "current"} <= set(outside)
    with opened(browser, page_file) as page:
        ready(page)
        for cost in (None, "1"):
            if cost:
                page.fill("#cost", cost)
            for row in tables["policies"].dropna(subset="profit").itertuples():
                cell = page.inner_text(f"tr[data-policy={row.policy}] [data-cell=profit]")
                assert ("no interval: extrapolated" in cell) == (row.policy in outside), row.policy


def test_what_stands_for_the_curve_follows_the_sliders(browser, page_file):
    with opened(browser, page_file) as page:
        label, table = curve_told(ready(page))
        assert "At the run's own cost and margin, in the order of the average of learners, profit is highest" in label
        assert "At the run's own cost and margin, " in page.text_content(".first details:has(#curve-table)")
        assert page.locator("#curve-table tbody tr").count() == 11
        page.fill("#cost", "1")
        moved = curve_told(page)
        assert "At $3.82 per contact and a margin of 30%. Here profit is highest when" in moved[0]
        assert moved[1].lstrip().startswith("At $3.82 per contact and a margin of 30%.")
        for k, cell in enumerate(page.locator("#curve-table td").all_text_contents()):
            point = page.evaluate("(k) => model.at(1, 1).points[k]", 10 * k)
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
    unclear = "The average effect cannot be told from none."
    assert unclear in sentences.doubts(metrics, effects, tables["refutation"], "purchase_amount")
    assert unclear not in sentences.doubts(metrics, effects, tables["refutation"], "purchase_count")


def test_a_segments_profit_is_its_effect_in_the_chart_less_the_cost(browser, page_file):
    _, tables = results()
    effects = tables["segment_effects"]
    own = effects[effects["outcome"] == "purchase_amount"].set_index("segment")["ato"]

    def said(value: float) -> str:
        return f"-${-value:,.2f}" if value < -0.005 else f"${value:,.2f}"

    with opened(browser, page_file) as page:
        cards = ready(page).locator(".segments .card")
        assert cards.count() == len(own)
        for text, effect in zip(cards.all_inner_texts(), own, strict=True):
            assert f"Profit of mailing one: {said(0.3 * effect - 12.73)} (" in text
        page.focus("#cost")
        page.keyboard.press("Home")
        for text, effect in zip(cards.all_inner_texts(), own, strict=True):
            assert f"Profit of mailing one: {said(0.3 * effect)} (" in text


def test_what_past_campaigns_earned_follows_the_sliders(browser, page_file):
    _, tables = results()
    effects = tables["ate"]
    own = effects[(effects["outcome"] == "purchase_amount") & (effects["method"] == "ato")].set_index("trial")["estimate"]
    with opened(browser, page_file) as page:
        rows = ready(page).locator("#campaign-table tbody tr")
        assert rows.count() == len(own)
        assert f"${0.3 * own['all'] - 12.73:,.2f} (".replace("$-", "-$") in rows.last.inner_text()
        page.focus("#cost")
        page.keyboard.press("Home")
        assert f"${0.3 * own['all']:,.2f} (" in rows.last.inner_text()
        assert f"${0.3 * own['27']:,.2f} (" in rows.first.inner_text()


def test_a_segments_profit_by_hand():
    effects = pd.DataFrame(
        {"outcome": ["a", "b"], "segment": [2, 2], "ato": [40.0, 1.0], "ato_ci_lower": [20.0, 0.0], "ato_ci_upper": [60.0, 2.0]}
    )
    found = with_worth(pd.DataFrame({"segment": [1, 2]}), effects, {"margin": 0.5, "cost": 12.0}, "a").set_index("segment")
    assert found.loc[1, ["ato", "profit"]].isna().all()  # no effect, no profit
    # Half of 40, 20 and 60, less 12.
    assert found.loc[2, ["profit", "profit_ci_lower", "profit_ci_upper"]].tolist() == [8.0, -2.0, 18.0]


# The first cost from which on nobody is mailed at the run's own margin, found the slow way.
TURNS = """
() => {
  const [last, j] = [Number(document.getElementById("cost").max), Number(document.getElementById("margin").value)];
  let first = last + 1;
  while (first > 0 && model.at(first - 1, j).recommended === "none") first -= 1;
  return first;
}
"""


def test_the_headline_turns_where_the_decision_does(browser, tmp_path):
    metrics, tables = results()
    stops = np.concatenate([np.arange(0, 13), [12.73, 40, 80, 160, 320]]), np.array([0.3])
    with opened(browser, written(tmp_path / "index.html", metrics, tables, World(30.0), stops)) as page:
        own = ready(page).inner_text("#decision")
        first = page.evaluate(TURNS)
        assert 0 < first < len(stops[0])
        assert f"from ${stops[0][first]:.2f} on it is to mail nobody" in page.inner_text("#turns")
        page.fill("#cost", str(first - 1))
        below = page.inner_text("#decision")
        for stop in range(len(stops[0])):
            page.fill("#cost", str(stop))
            said = page.inner_text("#decision")
            assert len(said.split()) <= 12
            assert " mail 0% of" not in said  # whoever is mailed is some
        page.fill("#cost", str(first))
        assert " mail nobody" in page.inner_text("#decision")
        assert " of households: " in below
        assert len(below.split()) <= 12
        # The mark on the slider lies between the last stop that mails somebody and the first that mails nobody.
        mark, track = (page.locator(name).bounding_box() for name in ("#turn-mark", "#cost"))
        at = (mark["x"] + mark["width"] / 2 - track["x"] - 8) / (track["width"] - 16)
        assert at == pytest.approx((first - 0.5) / (len(stops[0]) - 1), abs=0.01)
        page.get_by_role("button", name="your tills").click()
        assert page.inner_text("#decision").startswith("At $1.00 ")
        page.click("#reset")
        assert page.inner_text("#decision") == own


def test_the_first_screen_holds_the_answer(browser, page_file):
    with opened(browser, page_file) as page:
        ready(page)
        answer = ("#decision", ".numbers", ".decisions", "#controls", "#chart-roi svg")
        for selector in (*answer, "a[href$='mailing_list.csv']", "a[href$='assignment.csv']"):
            box = page.locator(selector).bounding_box()
            assert box["y"] + box["height"] <= 900, selector


def loses(expected: dict[str, float]) -> str:
    """The chance, in words, that what is believed of a profit is below nothing."""
    return chance(float(norm.cdf(0, expected["value"], expected["se"])))


def test_the_three_numbers_follow_the_sliders(browser, tmp_path):
    metrics, tables = results()
    stops = np.concatenate([np.arange(0, 13), [12.73, 40]]), np.array([0.15, 0.3])
    with opened(browser, written(tmp_path / "index.html", metrics, tables, World(30.0), stops)) as page:
        numbers = ready(page).locator(".numbers dd")
        own = numbers.all_text_contents()
        page.fill("#margin", "0")
        assert numbers.all_text_contents()[0] == money(0.15 * metrics["policy"]["belief"]["level"])
        page.fill("#cost", "1")
        result = page.evaluate("model.at(1, 0)")
        (chosen,) = (row for row in result["table"] if row["policy"] == result["recommended"])
        assert result["recommended"] != "none"
        assert numbers.all_text_contents()[1:] == ["$1.00", money(chosen["expected"]["value"])]
        assert money(chosen["expected"]["lower"]) in page.inner_text("#number-earns dt")
        assert f"it loses with a chance of {loses(chosen['expected'])}" in page.inner_text("#number-earns dt")
        page.fill("#cost", "14")
        assert numbers.all_text_contents()[1:] == ["$40.00", "$0.00"]
        (inside,) = (row["expected"] for row in page.evaluate("model.at(14, 0)")["table"] if row["policy"] == "inside")
        pays = loses({"value": -inside["value"], "se": inside["se"]})
        assert f"{money(inside['value'])}, which pays with a chance of {pays}" in page.inner_text("#number-earns dt")
        page.click("#reset")
        assert numbers.all_text_contents() == own


def test_no_profit_is_named_where_the_arms_do_not_compare(browser, tmp_path):
    metrics, tables = results()
    metrics["nuisance"] = metrics["nuisance"] | {"answers": "nothing"}
    with opened(browser, written(tmp_path / "index.html", metrics, tables, World(90.0))) as page:
        ready(page)
        for cost in ("2", "0"):
            page.fill("#cost", cost)
            said = page.text_content("#what-if")
            assert "do not compare, so no profit is evidence." in said
            assert said.count("$") == 1  # the cost alone
            assert page.text_content("#what-if-peak") == ""


# The cost, if there is one, at which the recommended policy's profit may be below nothing with all compared at once.
UNDECIDED = """
() => {
  for (let i = 0; i <= document.getElementById("cost").max; i++) {
    const { table, recommended } = model.at(i, 0);
    const best = table.find((row) => row.policy === recommended);
    if (best.candidate && best.together < -0.01)
      return { i: String(i), together: best.together, compared: table.filter((row) => row.candidate).length };
  }
}
"""


def test_the_what_if_says_how_low_a_profit_may_be_with_all_compared(browser, tmp_path):
    metrics, tables = results()
    stops = np.sort(np.append(np.arange(0, 38, 0.25), 12.73)), np.array([0.3])
    with opened(browser, written(tmp_path / "index.html", metrics, tables, World(30.0), stops)) as page:
        ready(page)
        found = page.evaluate(UNDECIDED)
        page.fill("#cost", found["i"])
        together = f"with all {found['compared']} compared at once it may be as low as -${-found['together']:.2f}"
        assert f"; {together}." in page.text_content("#what-if")


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


def test_an_estimator_without_a_value_gets_no_number(tmp_path):
    metrics, tables = results()
    effects = tables["ate"]
    lost = (effects["method"] == "ols") & (effects["trial"] == "all")
    effects.loc[lost, ["estimate", "se", "ci_lower", "ci_upper"]] = np.nan
    page = written(tmp_path / "index.html", metrics, tables, World(20.0)).read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if "<td><code>ols</code></td>" in line)
    assert row.endswith('<td class="n">not to be had</td></tr>')
