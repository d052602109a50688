"""The coupon game: what its page is made of, and how it plays in a real browser."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page

from targeting.clusters import mean_estimate
from targeting.economics import Economics
from targeting.errors import DataError
from targeting.pages.game import (
    MOST,
    Customers,
    Story,
    contact_places,
    fingerprint,
    game_metrics,
    game_page,
    pool,
    sizes,
)
from targeting.pages.game_words import behaviour, facts, findings, pipeline_words, segment_profiles, stakes
from targeting.policies import lots
from targeting.policy_value import Evidence, value_table
from tests.browser import WIDTHS, no_sideways_scroll, opened, serious_faults

HOSTILE = "</script><script>window.hurt = 1</script> \" ' & <img src=x onerror='window.hurt=1'>"
NAMES = ["VIP Heavy", HOSTILE, "Light Grocery"]
CENT = 0.005


def evidence_of(n: int, seed: int = 0, effect: float = 20.0) -> Evidence:
    """Scores about an effect for two rows a household, all inside the overlap."""
    rng = np.random.default_rng(seed)
    household = np.repeat(np.arange(n // 2) * 7 + 3, 2)
    score0, treated = rng.normal(200, 80, n), (rng.random(n) < 0.4).astype(float)
    score1 = score0 + effect + rng.normal(0, 150, n) + np.repeat(rng.normal(0, 40, n // 2), 2)
    return Evidence(
        score0=score0,
        score1=score1,
        outcome=rng.gamma(2, 100, n),
        treated=treated,
        household_id=household,
        overlap=np.ones(n, dtype=bool),
        propensity=rng.uniform(0.2, 0.8, n),
        mu0=score0,
        mu1=score1,
    )


def customers_of(n: int = 2400, *, intervals: bool = False, truth: bool = False, effect: float = 20.0) -> Customers:
    rng = np.random.default_rng(1)
    uplift = rng.normal(effect, 25, n)
    missing = np.full(n, np.nan)
    return Customers(
        evidence=evidence_of(n, effect=effect),
        economics=Economics(cost=10.0, margin=0.4),
        segment=rng.integers(0, len(NAMES), n),
        facts=pd.DataFrame({"spend": rng.gamma(2, 60, n).round(2), "visits": rng.poisson(4, n), "away": rng.poisson(6, n)}),
        place=contact_places(np.argsort(-uplift, kind="stable"), np.ones(n, dtype=bool)),
        uplift=uplift,
        lower=uplift - 30 if intervals else missing,
        upper=uplift + 30 if intervals else missing,
        true_uplift=rng.normal(effect, 30, n) if truth else None,
    )


def story_of(recommended: str = "none", *, doubts: str = "") -> Story:
    return Story(
        stakes="A coupon costs $10.00.",
        findings="Estimates.",
        pipeline=pipeline_words(recommended, "x"),
        doubts=doubts,
        window="for four weeks",
        recent_days=28,
        outcome="purchase_amount",
    )


def written(tmp_path: Path, customers: Customers, recommended: str = "none", names: list[str] = NAMES, doubts: str = "") -> Path:
    profiles = [{"name": name, "annual_spend": 1000.0, "behaviour": "Often."} for name in names]
    size = sizes(len(customers.uplift))
    path = tmp_path / "game.html"
    path.write_text(game_page(customers, size, profiles, story_of(recommended, doubts=doubts), "abc123"), encoding="utf-8")
    return path


def give(page: Page, *counts: int) -> None:
    """Types how many coupons each segment gets."""
    for box, count in zip(page.locator("[data-count]").all(), counts, strict=False):
        box.fill(str(count))
        box.press("Enter")


def copy_a_result(page: Page) -> None:
    give(page, 40)
    page.click("#run")
    page.click("#copy")


def drawn(page: Page) -> np.ndarray:
    return np.array(page.evaluate("currentGame().rows"))


def picked(page: Page) -> np.ndarray:
    """1 for picked customers of the draw, in its order, else 0."""
    return np.isin(np.arange(len(drawn(page))), page.evaluate("[...currentGame().picked]")).astype(float)


def compared(page: Page) -> pd.DataFrame:
    """The rows of the comparison as the page computed them."""
    script = """() => { const game = currentGame(); return comparison(game.weights, game.own, game.data)
        .map(({ kind, coupons, promised, profit, truth }) => ({ kind, coupons, promised, ...profit, truth })); }"""
    return pd.DataFrame(page.evaluate(script)).set_index("kind")


# What the page is made of


def test_a_draw_holds_1200_customers_and_360_coupons_or_half_of_what_there_is():
    assert dataclasses.astuple(sizes(3450)) == (3450, 1200, 360)
    assert dataclasses.astuple(sizes(1000)) == (1000, 500, 150)
    assert dataclasses.astuple(sizes(99)) == (99, 0, 0)


def test_the_pool_is_the_overlap_and_too_many_are_thinned_by_household():
    small = dataclasses.replace(evidence_of(400), overlap=np.arange(400) % 4 != 0)
    assert (pool(small, seed=1) == small.overlap).all()
    large = evidence_of(2 * MOST)
    kept = pool(large, seed=1)
    assert kept.sum() == MOST
    drawn_lots = lots(large.household_id, 1)
    assert drawn_lots[kept].max() < drawn_lots[~kept].min()
    assert (pool(large, seed=2) != kept).any()


def test_places_follow_the_order_and_are_missing_for_those_not_contacted():
    places = contact_places(np.array([2, 0, 3, 1]), np.array([True, False, True, True]))
    np.testing.assert_array_equal(places, [1, np.nan, 0, 2])


def test_the_script_sees_no_household_id_and_intervals_or_truth_only_where_there_are_any():
    bare, full = customers_of(200).columns(), customers_of(200, intervals=True, truth=True).columns()
    assert set(full) - set(bare) == {"lower", "upper", "true", "true_uplift"}
    assert bare["household"].tolist() == np.repeat(np.arange(100), 2).tolist()
    np.testing.assert_allclose(bare["promised"], 0.4 * bare["uplift"] - 10)
    np.testing.assert_allclose(full["true"], 0.4 * full["true_uplift"] - 10)


def test_metrics_are_totals_of_an_average_draw():
    customers = customers_of(2400)
    size = sizes(2400)
    metrics = game_metrics(customers, size)
    earned = 0.4 * customers.evidence.score - 10
    everyone = mean_estimate(earned, customers.evidence.household_id)
    assert metrics["profit_everyone_ci_lower"] == pytest.approx(1200 * everyone.lower)
    assert metrics["profit_lot"] == pytest.approx(360 * everyone.value)
    first = np.argsort(-customers.uplift)[:720]
    assert metrics["profit_pipeline"] == pytest.approx(earned[first].sum() / 2)
    assert game_metrics(customers_of(40), sizes(40)) == {"n_customers": 40, "n_drawn": 0, "n_coupons": 0}


def test_a_pool_is_named_by_its_rows():
    keys = pd.DataFrame({"household_id": [1, 2], "campaign_id": [8, 8]})
    assert fingerprint(keys) == fingerprint(keys.copy()) != fingerprint(keys.iloc[:1])


def panel_of() -> pd.DataFrame:
    """Two households of segment 2, who come often and buy fresh food, and two of segment 5, who don't."""
    return pd.DataFrame(
        {
            "x_monetary_per_week": [100.0, 60, 10, 10],
            "x_frequency_per_week": [2.0, 2.0, 0.1, 0.1],
            "x_recency": [1, 1, 40, 60],
            "x_monetary_avg_basket_sales": [50.0, 30, 20, 20],
            "x_share_fresh": [0.6, 0.6, 0.1, 0.1],
            "x_discount_usage_pct": [0.3, 0.3, 0.7, 0.7],
            "x_spend_28d": [400.0, 240, 0, 0],
        }
    )


def test_profiles_say_how_a_segment_shops():
    first, second = segment_profiles(panel_of(), np.array([2, 2, 5, 5]), {2: "Regulars", 5: "Guests"})
    assert (first["number"], first["name"], first["annual_spend"]) == (2, "Regulars", 80 * 52)
    assert first["behaviour"] == (
        "About twice a week, $40 a visit, more than most. Last visit 1 day before. Buys more fresh food than most."
    )
    assert second["behaviour"] == (
        "Less than once a month, $20 a visit, less than most. Last visit 50 days before. Often on discount."
    )


def test_a_segment_like_all_others_has_nothing_special():
    means = pd.Series({"frequency_per_week": 1.0, "monetary_avg_basket_sales": 30.0, "share_fresh": 0.2})
    assert behaviour(means, means, 3) == "About once a week, $30 a visit, as most do. Last visit 3 days before."


def test_facts_are_what_the_panel_has():
    assert list(facts(panel_of(), 28)) == ["spend", "away"]


def test_profiles_need_what_tells_segments_apart():
    with pytest.raises(DataError, match="recency"):
        segment_profiles(panel_of().drop(columns="x_recency"), np.array([2, 2, 5, 5]), {2: "a", 5: "b"})


def test_stakes_follow_outcome_and_economics():
    amount = stakes(Economics(12.73, 0.3), "purchase_amount")
    assert amount == (
        "A coupon costs $12.73, and every extra dollar of sales leaves $0.30: it pays only where it brings more than "
        "$42.43 of extra sales."
    )
    varied = stakes(Economics(np.array([1.0, 3.0]), 4.0), "purchase_count")
    assert varied == (
        "A coupon costs $2.00 on average, and every extra visit leaves $4.00: it pays only where it brings more than "
        "0.50 extra visits."
    )


def test_findings_say_when_differences_are_guesses():
    validation = {"heterogeneity": False, "finding": "No learner shows anything."}
    assert findings(validation, "x", with_intervals=False).endswith("So differences between single customers are guesses.")
    shown = findings({"heterogeneity": True, "finding": "Effects differ."}, "x", with_intervals=True)
    assert shown.endswith("with 95% intervals. Effects differ.")


@pytest.mark.parametrize(
    ("recommended", "label", "nobody"),
    [
        ("none", "The pipeline's best guess", True),
        ("top_20", "The pipeline's policy (top_20)", False),
        ("current", "", False),
    ],
)
def test_the_pipeline_speaks_by_its_recommendation(recommended, label, nobody):
    words = pipeline_words(recommended, "x")
    assert (words.label, words.nobody) == (label, nobody)


def test_pages_are_the_same_bytes_and_small_and_load_nothing(tmp_path):
    customers = customers_of(MOST, intervals=True, truth=True)
    page = written(tmp_path, customers).read_bytes()
    assert page == written(tmp_path, customers_of(MOST, intervals=True, truth=True)).read_bytes()
    assert len(page) < 1.5e6
    assert b"innerHTML" not in page


# How it plays


@pytest.mark.parametrize("width", WIDTHS)
def test_it_plays_through_by_mouse(browser: Browser, tmp_path, width):
    path = written(tmp_path, customers_of(intervals=True, truth=True))
    with opened(browser, path, width) as page:
        assert page.inner_text("#left") == "360"
        assert serious_faults(page) == []
        card = page.locator(".card").nth(0)
        card.get_by_role("button", name="+10").click()
        card.locator("summary").click()
        card.get_by_role("button", name="Show 25 more").wait_for()
        assert card.locator("[data-customer]").count() == 25
        card.locator("[data-customer]").nth(12).click()
        card.get_by_role("button", name="Show 25 more").click()
        assert card.locator("[data-customer]").count() == 50
        assert page.inner_text("#left") == "349"
        card.locator("[data-customer]").nth(0).click()
        assert (page.inner_text("#left"), card.locator("[data-count]").input_value()) == ("350", "10")
        page.locator(".card").nth(1).get_by_role("button", name="All").click()
        assert page.inner_text("#left") == "0"
        assert page.inner_text("#said") == "All coupons are handed out."
        assert serious_faults(page) == []
        assert no_sideways_scroll(page)
        page.click("#run")
        assert page.is_hidden("#picking")
        assert page.inner_text("#result-title").startswith("Your 360 coupons: estimated profit ")
        assert page.evaluate("document.activeElement.id") == "result-title"
        assert page.locator("#profits li.own").count() == 1
        assert page.locator("#uplifts .dot").count() == page.locator("#uplifts .whisker").count() == 360
        for details in page.locator("#result details summary").all():
            details.click()
        assert page.locator("#customers tbody tr").count() == 50
        page.get_by_role("button", name="Show 50 more").click()
        assert page.locator("#customers tbody tr").count() == 100
        assert serious_faults(page) == []
        assert no_sideways_scroll(page)


@pytest.mark.parametrize("width", WIDTHS)
def test_it_plays_through_by_keyboard(browser: Browser, tmp_path, width):
    def tab_to(page: Page, selector: str) -> None:
        for _ in range(200):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{selector} was not reached by Tab")

    with opened(browser, written(tmp_path, customers_of()), width) as page:
        tab_to(page, "#order")
        page.keyboard.press("ArrowDown")
        tab_to(page, "[data-segment='0'] [data-count]")
        page.keyboard.type("7")
        page.keyboard.press("Enter")
        tab_to(page, "[data-segment='0'] summary")
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-segment='0'] input[type=checkbox]")
        tab_to(page, "[data-segment='0'] input[type=checkbox]")
        page.keyboard.press("Space")
        tab_to(page, "[data-segment='2'] [data-step='10']")
        page.keyboard.press("Enter")
        assert page.inner_text("#left") == "344"
        tab_to(page, "#run")  # round the page
        page.keyboard.press("Enter")
        assert page.inner_text("#result-title").startswith("Your 16 coupons")
        tab_to(page, "#same-draw")
        page.keyboard.press("Enter")
        assert page.inner_text("#left") == "344"
        assert page.evaluate("document.activeElement.id") == "picking-title"


def test_segments_give_coupons_in_the_order_chosen(browser: Browser, tmp_path):
    with opened(browser, written(tmp_path, customers_of())) as page:
        give(page, 5)
        mine = page.evaluate("currentGame().members[0].slice(0, 5)")
        assert page.evaluate("[...currentGame().picked]") == mine
        give(page, 0)
        page.select_option("#order", "spend")
        give(page, 5)
        spent = np.array(page.evaluate("currentGame().own.spend"))
        members = np.array(page.evaluate("currentGame().members[0]"))
        assert set(page.evaluate("[...currentGame().picked]")) == set(members[np.argsort(-spent[members], kind="stable")[:5]])
        give(page, 3)
        assert set(page.evaluate("[...currentGame().picked]")) == set(members[np.argsort(-spent[members], kind="stable")[:3]])


@pytest.mark.parametrize("typed", ["-5", "", "1e9", "2.6"])
def test_odd_counts_become_counts_that_can_be(browser: Browser, tmp_path, typed):
    with opened(browser, written(tmp_path, customers_of())) as page:
        box = page.locator("[data-count]").nth(0)
        box.fill(typed)
        box.press("Enter")
        expected = {"-5": 0, "": 0, "1e9": 360, "2.6": 3}[typed]
        assert box.input_value() == str(expected)
        assert page.inner_text("#left") == str(360 - expected)


def test_no_coupon_beyond_the_last(browser: Browser, tmp_path):
    with opened(browser, written(tmp_path, customers_of())) as page:
        give(page, 360)
        page.locator(".card").nth(1).locator("summary").click()
        box = page.locator(".card").nth(1).locator("[data-customer]").nth(0)
        box.click()
        assert not box.is_checked()
        assert page.inner_text("#said") == "All coupons are handed out: take one back first."


def test_hostile_names_stay_text(browser: Browser, tmp_path):
    with opened(browser, written(tmp_path, customers_of())) as page:
        give(page, 0, 20)
        page.locator(".card").nth(1).locator("summary").click()
        page.wait_for_selector("[data-customer]")
        assert page.locator("h3").nth(1).inner_text() == HOSTILE
        assert page.get_by_label(f"Coupons for {HOSTILE}").input_value() == "20"
        assert page.get_by_role("region", name=f"Customers of {HOSTILE}").count() == 1
        page.click("#run")
        page.locator("#customers summary").click()
        assert page.locator("#uplifts strong").inner_text() == HOSTILE
        assert page.locator("#customers td").nth(0).inner_text() == HOSTILE
        assert page.evaluate("window.hurt") is None
        assert page.locator("img").count() == 0


def test_profits_and_intervals_are_those_of_the_pipeline(browser: Browser, tmp_path):
    customers = customers_of(truth=True)
    with opened(browser, written(tmp_path, customers)) as page:
        give(page, 90, 0, 120)
        page.click("#run")
        rows, mine, shown = drawn(page), picked(page), compared(page)
        script = "() => { const g = currentGame(); const r = comparison(g.weights, g.own, g.data); "
        gains = page.evaluate(script + "return r.map(row => [row.kind, difference(r[0], row, g.own, g.data.z)]); }")
        size = page.evaluate("() => { const g = currentGame(); return support(g.weights, g.own); }")
    evidence = Evidence(**{field.name: getattr(customers.evidence, field.name)[rows] for field in dataclasses.fields(Evidence)})
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


def test_a_few_customers_are_too_few_to_judge(browser: Browser, tmp_path):
    with opened(browser, written(tmp_path, customers_of())) as page:
        give(page, 20)
        page.click("#run")
        assert "too few to take its interval at its word" in page.inner_text("#verdict")


def test_mailing_nobody_is_a_choice(browser: Browser, tmp_path):
    with opened(browser, written(tmp_path, customers_of(truth=True))) as page:
        page.click("#run")
        assert page.inner_text("#result-title") == "You mailed nobody: $0, for sure"
        assert page.inner_text("#verdict").endswith("It is also what the pipeline recommends.")
        assert page.is_hidden("#single")
        assert "I mailed nobody, $0. game.html#draw=1" in page.input_value("#line")
        assert serious_faults(page) == []
    with opened(browser, written(tmp_path, customers_of(), recommended="top_20")) as page:
        page.click("#run")
        assert "pipeline" not in page.inner_text("#verdict")
        assert "The pipeline's policy (top_20)" in page.inner_text("#profits")
    with opened(browser, written(tmp_path, customers_of(), recommended="current")) as page:
        page.click("#run")
        assert "pipeline" not in page.inner_text("#profits")


def test_a_policy_gives_no_coupon_to_those_it_leaves_out(browser: Browser, tmp_path):
    customers = customers_of()
    few = dataclasses.replace(customers, place=np.where(np.arange(2400) % 8 == 0, customers.place, np.nan))
    with opened(browser, written(tmp_path, few, recommended="top_20")) as page:
        page.click("#run")
        assert compared(page).loc["pipeline", "coupons"] == (drawn(page) % 8 == 0).sum() < 360


def test_draws_are_as_their_numbers(browser: Browser, tmp_path):
    path = written(tmp_path, customers_of())
    with opened(browser, path) as page:
        first = drawn(page)
        assert len(set(first)) == 1200
        assert page.evaluate("location.hash") == "#draw=1&pool=abc123"
        give(page, 50)
        page.click("#run")
        page.click("#new-draw")
        page.wait_for_function("currentGame().draw !== 1")
        number, second = page.evaluate("currentGame().draw"), drawn(page)
        assert (first != second).any()
        assert page.inner_text("#left") == "360"
        assert page.is_visible("#picking")
        page.evaluate("location.hash = '#draw=1'")
        page.wait_for_function("currentGame().draw === 1")
        assert (drawn(page) == first).all()
    with opened(browser, path) as page:
        page.evaluate(f"location.hash = '#draw={number}&pool=abc123'")
        page.wait_for_function(f"currentGame().draw === {number}")
        assert (drawn(page) == second).all()
        assert page.inner_text("[data-draw]") == str(number)
        assert page.is_hidden("#elsewhere")
        page.evaluate("location.hash = '#draw=5&pool=other1'")
        page.wait_for_selector("#elsewhere", state="visible")


def test_the_skip_link_ends_no_game(browser: Browser, tmp_path):
    with opened(browser, written(tmp_path, customers_of())) as page:
        give(page, 40)
        page.click("#run")
        page.evaluate("location.hash = '#main'")
        page.wait_for_function("location.hash.startsWith('#draw=1')")
        assert page.is_visible("#result")


def test_draws_are_fair(browser: Browser, tmp_path):
    with opened(browser, written(tmp_path, customers_of())) as page:
        counts = np.zeros(50)
        for seed in range(400):
            counts[page.evaluate("seed => drawnRows(seed, 50, 10)", seed)] += 1
    # Each count is binomial(400, 0.2), a little under-dispersed since each draw holds ten: chi-squared has 49 degrees of freedom.
    assert np.square(counts - 80).sum() / (80 * 0.8) * 49 / 50 < 90


def test_the_line_is_copied_or_marked(browser: Browser, tmp_path):
    path = written(tmp_path, customers_of())
    allowed = "Object.defineProperty(navigator, 'clipboard', {value: {writeText: async text => { window.clip = text; }}});"
    with opened(browser, path, script=allowed) as page:
        copy_a_result(page)
        page.wait_for_function("document.getElementById('copied').textContent === 'Copied.'")
        line = page.evaluate("window.clip")
        assert line == page.input_value("#line")
        assert line.startswith("Target the right customers, draw 1 of data abc123: 40 coupons, estimated profit ")
        assert line.endswith("game.html#draw=1&pool=abc123")
    absent = "Object.defineProperty(navigator, 'clipboard', {value: undefined});"
    with opened(browser, path, script=absent) as page:
        copy_a_result(page)
        page.wait_for_function("document.getElementById('copied').textContent.includes('Ctrl+C')")
        marked = "() => { const l = document.getElementById('line'); return l.value.slice(l.selectionStart, l.selectionEnd); }"
        assert page.evaluate(marked) == page.input_value("#line")


def test_visits_are_no_dollars_and_a_cost_that_varies_has_no_line(browser: Browser, tmp_path):
    customers = dataclasses.replace(customers_of(), economics=Economics(np.linspace(1, 20, 2400), 0.4))
    path = tmp_path / "visits.html"
    story = dataclasses.replace(story_of(), outcome="purchase_count")
    profiles = [{"name": name, "annual_spend": 1.0, "behaviour": ""} for name in NAMES]
    path.write_text(game_page(customers, sizes(2400), profiles, story, "abc123"), encoding="utf-8")
    with opened(browser, path) as page:
        give(page, 30)
        page.click("#run")
        assert page.locator("line.breakeven").count() == 0
        assert " visits each on average" in page.inner_text("#uplifts")


@pytest.mark.parametrize("width", WIDTHS)
def test_too_few_customers_make_no_game(browser: Browser, tmp_path, width):
    with opened(browser, written(tmp_path, customers_of(40)), width) as page:
        assert "There is no game on these data: 40 customers lie inside the overlap" in page.inner_text("header")
        assert page.locator("button").count() == 0
        assert serious_faults(page) == []


def test_where_nothing_is_evidence_the_page_says_so(browser: Browser, tmp_path):
    with opened(browser, written(tmp_path, customers_of(), doubts="The arms do not compare.")) as page:
        assert "On these data no profit is evidence. The arms do not compare." in page.inner_text("header")
        give(page, 100)
        page.click("#run")
        assert page.inner_text("#verdict") == "On these data no profit is evidence, and this one is none."
        assert ", no evidence on these data; by lot " in page.input_value("#line")
