"""How the coupon game plays in a real browser."""

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.browser import WIDTHS, no_sideways_scroll, opened, serious_faults
from tests.games import HOSTILE, customers_of, drawn, give, written


def copy_a_result(page: Page) -> None:
    give(page, 40)
    page.click("#run")
    page.click("#copy")


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
        assert "of the best possible profit" in page.inner_text("#result-title")
        assert page.evaluate("document.activeElement.id") == "result-title"
        assert 0 <= page.locator("#result-title").bounding_box()["y"] < 100  # the score begins at the top of the screen
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


@pytest.mark.parametrize("width", WIDTHS)
def test_too_few_customers_make_no_game(browser: Browser, tmp_path, width):
    with opened(browser, written(tmp_path, customers_of(40)), width) as page:
        assert "There is no game on these data: 40 customers lie inside the overlap" in page.inner_text("header")
        assert page.locator("button").count() == 0
        assert serious_faults(page) == []
