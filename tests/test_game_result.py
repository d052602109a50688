"""What the coupon game says of a pick: profits, intervals, verdicts and the truth."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page

from targeting.pages.game import Customers, game_page, game_sizes
from targeting.policy.economics import Economics
from targeting.policy.value import value_table
from targeting.stats.estimates import mean_estimate
from tests.browser import WIDTHS, no_sideways_scroll, opened, serious_faults
from tests.games import NAMES, compared, customers_of, drawn, give, picked, story_of, written

CENT = 0.005


def test_profits_and_intervals_are_those_of_the_pipeline(browser: Browser, tmp_path):
    customers = customers_of(truth=True)
    with opened(browser, written(tmp_path, customers)) as page:
        give(page, 90, 0, 120)
        page.click("#run")
        rows, mine, shown = drawn(page), picked(page), compared(page)
        script = "() => { const g = currentGame(); const r = comparison(g.weights, g.own, g.data); "
        gains = page.evaluate(script + "return r.map(row => [row.kind, difference(r[0], row, g.own, g.data.z)]); }")
        size = page.evaluate("() => { const g = currentGame(); return support(g.weights, g.own); }")
    evidence = customers.evidence.rows(np.asarray(rows))
    place = customers.place[rows]
    policies = pd.DataFrame(
        {
            "nobody": np.zeros(len(rows)),
            "everyone": np.ones(len(rows)),
            "current": evidence.treated,
            "own": mine,
            "pipeline": (place <= np.sort(place)[359]).astype(float),
            "lot": np.full(len(rows), mine.mean()),
        }
    )
    table = value_table(policies.rename(columns={"everyone": "all"}), customers.uplift[rows], evidence, customers.economics)
    table = table.set_index("policy").rename(index={"all": "everyone"})
    assert mine.sum() == 210
    for kind in policies:
        ours, page_row = table.loc[kind], shown.loc[kind]
        for column, ends in (("value", ""), ("lower", "_ci_lower"), ("upper", "_ci_upper")):
            assert page_row[column] == pytest.approx(ours[f"total_profit{ends}"], abs=CENT), (kind, column)
        assert page_row["promised"] == pytest.approx(len(rows) * ours["profit_plugin"], abs=CENT)
        assert page_row["truth"] == pytest.approx((policies[kind] * (0.4 * customers.true_uplift[rows] - 10)).sum(), abs=CENT)
    by_kind = dict(gains)
    for kind, column in (("everyone", "over_all"), ("current", "over_current")):
        for end, suffix in (("value", ""), ("lower", "_ci_lower"), ("upper", "_ci_upper")):
            ours = len(rows) * table.loc["own", column + suffix]
            assert by_kind[kind][end] == pytest.approx(ours, abs=CENT)
    earned = 0.4 * evidence.score - 10
    lot = mean_estimate((mine - mine.mean()) * earned, evidence.household_id)
    assert by_kind["lot"]["lower"] == pytest.approx(1200 * lot.lower, abs=CENT)
    assert size == pytest.approx(table.loc["own", "ess"])
    truth = np.sort(0.4 * customers.true_uplift[rows] - 10)[::-1][:360]
    assert shown.loc["best", "truth"] == pytest.approx(truth[truth > 0].sum(), abs=CENT)


def test_the_words_shown_are_the_numbers(browser: Browser, tmp_path):
    with opened(browser, written(tmp_path, customers_of())) as page:
        give(page, 100)
        page.click("#run")
        own = compared(page).loc["own"]
        words = [f"{'-' if value < 0 else ''}${abs(value):,.0f}" for value in own[["value", "lower", "upper"]]]
        assert page.inner_text("#result-title") == f"Your 100 coupons: estimated profit {words[0]}"
        assert page.inner_text("#profits li.own p") == f"Your pick, 100 coupons: {words[0]} ({words[1]} to {words[2]})"
        assert f"({words[1]} to {words[2]})" in page.input_value("#line").replace("95% interval ", "")


@pytest.mark.parametrize(
    ("effect", "verdict", "line"),
    [
        (25.0, "it is neither a win nor a loss", "which cannot be told from $0"),
        (200.0, "more than mailing nobody would have earned, beyond what chance explains", "beyond chance"),
        (-150.0, "mailing nobody would have been better", "a loss beyond chance"),
    ],
)
def test_verdicts_follow_the_interval(browser: Browser, tmp_path, effect, verdict, line):
    with opened(browser, written(tmp_path, customers_of(effect=effect))) as page:
        give(page, 120, 120, 120)
        page.click("#run")
        said = page.inner_text("#verdict")
        assert verdict in said
        assert "chance alone gives such differences, so it shows no skill" in said  # segments know nothing here
        assert line in page.input_value("#line")
        assert "too few" not in said
        assert "best of several" not in said
        page.click("#same-draw")
        page.click("#run")
        assert "This was campaign 2 since you opened the page: the best of several looks better" in page.inner_text("#verdict")


@pytest.mark.parametrize(("truth", "place"), [(-10.1, "below"), (0.0, "inside"), (9.9, "above")])
def test_the_truth_of_a_pick_is_told_beside_its_interval(browser: Browser, tmp_path, truth, place):
    with opened(browser, written(tmp_path, customers_of())) as page:
        said = page.evaluate("(truth) => truthWords({ truth, profit: { lower: -10, upper: 9 } })", truth)
        assert len(said) == 1
        assert said[0].endswith(f", {place} its 95% interval.")
        assert page.evaluate("truthWords({ truth: null })") == []
        assert "campaigns were not randomised" in page.text_content("main")
    with opened(browser, written(tmp_path, customers_of(truth=True))) as page:
        assert "campaigns were not randomised" not in page.text_content("main")


def test_a_few_customers_are_too_few_to_judge(browser: Browser, tmp_path):
    with opened(browser, written(tmp_path, customers_of())) as page:
        give(page, 20)
        page.click("#run")
        assert "too few to take its interval at its word" in page.inner_text("#verdict")


def worth(customers: Customers, page: Page) -> np.ndarray:
    """What a coupon truly earns with each customer of the draw, in USD."""
    assert customers.true_uplift is not None
    return 0.4 * customers.true_uplift[drawn(page)] - 10


@pytest.mark.parametrize("width", WIDTHS)
def test_where_the_truth_is_known_a_pick_scores_its_share_of_the_best(browser: Browser, tmp_path, width):
    customers = customers_of(truth=True, effect=30.0)
    with opened(browser, written(tmp_path, customers, "top_20"), width) as page:
        page.locator(".card").first.get_by_role("button", name="All").click()
        page.click("#run")
        true, chosen = worth(customers, page), picked(page)
        best = np.sort(true)[::-1][:360]
        score = (true * chosen).sum() / best[best > 0].sum()
        assert f": {score:.0%} of the best possible profit" in page.inner_text("#result-title")
        board = dict(
            page.locator("#scores li").evaluate_all("(all) => all.map((one) => [one.className, one.children[1].textContent])")
        )
        assert set(board) == {"own", "pipeline", "lot", "everyone", "current", "nobody"}
        assert board["own"] == f"{score:.0%}"
        assert board["everyone"] == f"{true.sum() / best[best > 0].sum():.0%}"
        assert board["nobody"] == "0%"
        # A dot for every customer, mailed or not.
        dots = page.locator("#truths circle.dot")
        assert dots.count() == len(true)
        assert page.locator("#truths circle.mailed").count() == chosen.sum()
        assert no_sideways_scroll(page)
        assert serious_faults(page) == []


def test_where_nobody_pays_mailing_nobody_scores_all(browser: Browser, tmp_path):
    customers = dataclasses.replace(customers_of(truth=True), true_uplift=np.zeros(2400))
    with opened(browser, written(tmp_path, customers)) as page:
        page.click("#run")
        assert "scores 100%" in page.inner_text("#result-title")
        assert page.inner_text("#lesson").startswith("You were right")
        assert page.locator("#scores .own strong").text_content() == "100%"
        page.click("#same-draw")
        give(page, 40)
        page.click("#run")
        assert page.inner_text("#result-title").startswith("You lost $400")
        assert page.locator("#scores .own strong").text_content() == "0%"


@pytest.mark.parametrize(
    ("mailed", "true", "spend", "begin"),
    [
        ([0, 1], [5, 5, -5, -5], [1, 1, 1, 1], "You found customers whom a coupon moves"),
        ([0, 1], [-5, -5, 5, 5], [9, 9, 1, 1], "You mailed your best customers"),
        ([0, 1], [-5, -5, 5, 5], [1, 1, 9, 9], "Who comes or spends little"),
        ([0, 1], [5, -5, 5, -5], [1, 1, 1, 1], "Your pick did no better than a lot"),
        ([], [5, -5, 5, -5], [1, 1, 1, 1], "Whoever mails nobody"),
    ],
)
def test_one_thing_is_learned(browser: Browser, tmp_path, mailed, true, spend, begin):
    with opened(browser, written(tmp_path, customers_of(200, truth=True))) as page:
        game = {"own": {"true": true, "spend": spend}, "picked": mailed}
        said = page.evaluate("({ own, picked }) => lesson({ own, picked: new Set(picked) })", game)
        assert said.startswith(begin)


def test_mailing_nobody_is_a_choice(browser: Browser, tmp_path):
    with opened(browser, written(tmp_path, customers_of(truth=True))) as page:
        page.click("#run")
        assert page.inner_text("#result-title").startswith("You earned $0: 0% of the best possible profit")
        assert page.inner_text("#lesson").startswith("Whoever mails nobody loses nothing, and forgoes")
        assert page.inner_text("#verdict").endswith("It is also what the pipeline recommends.")
        assert page.is_hidden("#single")
        assert "I earned $0: 0% of the best possible profit" in page.input_value("#line")
        assert serious_faults(page) == []
    with opened(browser, written(tmp_path, customers_of(), recommended="top_20")) as page:
        page.click("#run")
        assert page.inner_text("#result-title") == "You mailed nobody: $0, for sure"
        assert "I mailed nobody, $0. game.html#draw=1" in page.input_value("#line")
        assert "pipeline" not in page.inner_text("#verdict")
        assert "The pipeline's policy" in page.inner_text("#profits")
    with opened(browser, written(tmp_path, customers_of(), recommended="current")) as page:
        page.click("#run")
        assert "pipeline" not in page.inner_text("#profits")


def test_a_policy_gives_no_coupon_to_those_it_leaves_out(browser: Browser, tmp_path):
    customers = customers_of()
    few = dataclasses.replace(customers, place=np.where(np.arange(2400) % 8 == 0, customers.place, np.nan))
    with opened(browser, written(tmp_path, few, recommended="top_20")) as page:
        page.click("#run")
        assert compared(page).loc["pipeline", "coupons"] == (drawn(page) % 8 == 0).sum() < 360


def test_visits_are_no_dollars_and_a_cost_that_varies_has_no_line(browser: Browser, tmp_path):
    customers = dataclasses.replace(customers_of(), economics=Economics(np.linspace(1, 20, 2400), 0.4))
    path = tmp_path / "visits.html"
    story = dataclasses.replace(story_of(), outcome="purchase_count")
    profiles = [{"name": name, "annual_spend": 1.0, "behaviour": ""} for name in NAMES]
    path.write_text(game_page(customers, game_sizes(2400), profiles, story, "abc123"), encoding="utf-8")
    with opened(browser, path) as page:
        give(page, 30)
        page.click("#run")
        assert page.locator("line.breakeven").count() == 0
        assert " visits each on average" in page.inner_text("#uplifts")


def test_where_nothing_is_evidence_the_page_says_so(browser: Browser, tmp_path):
    with opened(browser, written(tmp_path, customers_of(), doubts="The arms do not compare.")) as page:
        assert "On these data no profit is evidence. The arms do not compare." in page.inner_text("header")
        give(page, 100)
        page.click("#run")
        assert page.inner_text("#verdict") == "On these data no profit is evidence, and this one is none."
        assert ", no evidence on these data; by lot " in page.input_value("#line")
