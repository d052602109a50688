"""What the report shows follows its sliders."""

import re

import numpy as np
import pytest
from playwright.sync_api import Page
from scipy.stats import norm

from targeting.policy.value import BEST_BETS
from targeting.words.money import money
from targeting.words.numbers import chance
from tests.browser import opened
from tests.reports import World, ready, results, written


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
    # Of a best bet only the part inside the overlap is measured.
    outside = tables["policies"].query(f"share_outside > 0 and policy not in {BEST_BETS}")["policy"].tolist()
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


# The first cost from which on nobody is mailed at the run's own margin, found the slow way.
TURNS = """
() => {
  const [last, j] = [Number(document.getElementById("cost").max), Number(document.getElementById("margin").value)];
  let first = last + 1;
  while (first > 0 && model.at(first - 1, j).recommended === "none") first -= 1;
  return first;
}
"""

# What is mailed at the stops of cost from the first number to the second, at the margin that is set.
SHARES = """
([first, last]) => {
  const j = Number(document.getElementById("margin").value);
  const shares = [];
  for (let i = first; i <= last; i += 1) {
    const { table, recommended } = model.at(i, j);
    shares.push(table.find((row) => row.policy === recommended).share);
  }
  return shares;
}
"""


def test_the_headline_turns_where_the_decision_does(browser, tmp_path):
    metrics, tables = results()
    stops = np.concatenate([np.arange(0, 13), [12.73, 40, 80, 160, 320]]), np.array([0.3])
    with opened(browser, written(tmp_path / "index.html", metrics, tables, World(30.0), stops)) as page:
        own = ready(page).inner_text("#decision")
        first = page.evaluate(TURNS)
        assert 0 < first < len(stops[0])
        said = page.inner_text("#turns")
        assert f"From ${stops[0][first]:.2f} on (dashed mark), mail nobody" in said
        # Most are mailed at every stop up to the one that is named, and not at the next.
        most = re.search(r"Most households are to be mailed up to \$([\d.]+)", said)
        assert most
        shares = page.evaluate(SHARES, [0, first])
        assert stops[0][min(np.flatnonzero(np.array(shares) < 0.5)) - 1] == pytest.approx(float(most[1]))
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
        assert numbers.all_text_contents()[0] == money(0.15 * metrics["policy"]["expected_effect"])
        page.fill("#cost", "1")
        result = page.evaluate("model.at(1, 0)")
        (chosen,) = (row for row in result["table"] if row["policy"] == result["recommended"])
        assert result["recommended"] != "none"
        assert numbers.all_text_contents()[1:] == ["$1.00", money(chosen["expected"]["value"])]
        assert page.inner_text("#number-costs dt").endswith("it pays where it adds $6.67")  # 1 / 0.15
        assert money(chosen["expected"]["lower"]) in page.inner_text("#number-earns dt")
        assert f"chance that it loses: {loses(chosen['expected'])}" in page.inner_text("#number-earns dt")
        page.fill("#cost", "14")
        assert numbers.all_text_contents()[1:] == ["$40.00", "$0.00"]
        (inside,) = (row["expected"] for row in page.evaluate("model.at(14, 0)")["table"] if row["policy"] == "inside")
        pays = loses({"value": -inside["value"], "se": inside["se"]})
        assert f"would earn {money(inside['value'])}; chance that it pays: {pays}" in page.inner_text("#number-earns dt")
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
