"""The currency of amounts: one setting names it in every sentence, picture and page, and changes no number."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import altair as alt
import pandas as pd
import pytest
import yaml
from playwright.sync_api import Browser

from targeting.base.errors import DataError
from targeting.base.params import load_params
from targeting.figures.segments import sizes_chart
from targeting.figures.vega import png, spec
from targeting.policy.economics import Economics
from targeting.sentences.game import stakes
from targeting.sentences.report import till_limits
from targeting.words.features import WORDINGS
from targeting.words.money import amount, currency, margin_words, money, shown, speak_in, total, unit
from tests import games, test_report
from tests.browser import opened
from tests.conftest import ROOT
from tests.imports import project_modules
from tests.money import foreign_money
from tests.reports import World, results
from tests.test_architecture import STAGES


@pytest.fixture
def speak() -> Iterator[Callable[[str], None]]:
    """`speak_in`, and dollars again at the end."""
    yield speak_in
    speak_in("USD")


@pytest.mark.parametrize(
    ("code", "text"),
    [("USD", "-$1,234.50"), ("EUR", "-€1,234.50"), ("GBP", "-£1,234.50"), ("CHF", "-CHF 1,234.50"), ("AUD", "-AUD 1,234.50")],
)
def test_an_amount_has_the_sign_of_its_currency_or_its_code(code, text, speak):
    speak(code)
    assert (money(-1234.5), currency(), unit("purchase_amount"), unit("purchase_count")) == (text, code, code, "baskets")
    assert amount(-1234.5, "purchase_amount") == text
    assert margin_words(-1234.5, "purchase_count") == f"{text} per basket"
    assert shown(WORDINGS["monetary_sales"], -1234.0) == text.removesuffix("4.50") + "4"
    assert shown(WORDINGS["share_fresh"], 0.5) == "50%"


def test_nothing_below_zero_that_rounds_to_nothing():
    assert (money(-0.000001), money(-0.4, 0)) == ("$0.00", "$0")


def test_small_amounts_have_two_digits():
    amounts = {0.0171: "$0.017", -0.0042: "-$0.0042", 0.000167: "$0.00017", 9e-8: "$0.00", 0.0997: "$0.10", 12.3: "$12.30"}
    assert [money(value) for value in amounts] == list(amounts.values())
    assert (amount(0.0042, "visits"), money(0.0171, 0)) == ("0.0042 visits", "$0")


def test_many_together_are_told_in_whole_units_but_where_there_are_few():
    assert [total(value) for value in (15708.82, -12.4, 3.2, 0.0042, 0.0)] == ["$15,709", "-$12", "$3.20", "$0.0042", "$0"]


def test_words_for_one_of_the_currency(speak):
    for code, words in (("USD", "dollar of sales leaves $0.30"), ("EUR", "euro of sales leaves €0.30"), ("SEK", "SEK of sales ")):
        speak(code)
        assert f"every extra {words}" in stakes(Economics(12.0, 0.3), "purchase_amount")


@pytest.mark.parametrize("code", ["eur", "€", "EURO", ""])
def test_a_currency_is_a_code_of_three_letters(code, project_folder):
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["data"]["currency"] = code
    Path("params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(DataError, match=r"data.currency: String should match pattern"):
        load_params("data")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_can_write_amounts_depends_on_their_currency(stage):
    writes = "targeting/words/money.py" in project_modules(ROOT / "stages" / f"{stage}.py", ROOT)
    script = (ROOT / "stages" / f"{stage}.py").read_text(encoding="utf-8")
    assert writes == ("speak_in(" in script)
    assert not writes or {"data", "data.currency"} & set(STAGES[stage]["params"])


def in_euros(words: object) -> object:
    """What earlier stages of a run in euros would have written."""
    return words.replace("$", "€").replace("USD", "EUR").replace("dollar", "euro") if isinstance(words, str) else words


def report_in_euros(path: Path) -> Path:
    """The committed run's report as of a retailer in euros."""
    metrics, tables = results()
    metrics = json.loads(in_euros(json.dumps(metrics)))
    tables = {name: table.map(in_euros) for name, table in tables.items()}
    data = {"source": "canonical", "path": "/tills", "first_day": None, "currency": "EUR"}
    return test_report.written(path, metrics, tables, World(20.0), data=data)


@pytest.mark.slow
def test_pages_name_no_other_currency(tmp_path, speak):
    packed = "pPQ5USDk" * 6
    own = f'<b>$5</b><script>`${{x}}`</script><script type="application/json">["$,.2f", "5 USD", "{packed}"]</script>'
    assert len(foreign_money(own, "$", "USD")) == 2  # neither a script's nor a format's, nor what packed numbers spell
    speak("EUR")
    for path in (report_in_euros(tmp_path / "index.html"), games.written(tmp_path, games.customers_of())):
        text = path.read_text(encoding="utf-8").replace("A coupon costs $10.00.", "")  # the made-up story's own
        assert foreign_money(text, "$", "USD", "dollar") == []
        assert "€" in text


@pytest.mark.slow
def test_scripts_and_charts_follow_the_pages_currency(browser: Browser, tmp_path, speak):
    speak("EUR")
    with opened(browser, report_in_euros(tmp_path / "index.html")) as page:
        page.wait_for_selector("#chart-roi svg")
        page.wait_for_selector("#chart-forest svg", state="attached")
        told = page.inner_text("body") + "".join(page.locator("svg").all_text_contents())
        assert "$" not in told
        assert "€" in page.text_content("#what-if")
        assert "(EUR)" in told
        labels = "".join(page.locator("#chart-positioning svg text").all_text_contents())
        assert "€" in labels
    with opened(browser, games.written(tmp_path, games.customers_of(truth=True))) as page:
        assert page.evaluate("[money(-3.2, 2), headlineWords({coupons: 0})]") == ["-€3.20", "You mailed nobody: €0, for sure"]


def test_pictures_are_labelled_in_the_currency(speak):
    table = pd.DataFrame(
        {"segment": [1], "name": ["Heavy"], "n": [10], "share": [1.0], "revenue": [50.0], "share_revenue": [1.0]}
    )
    speak("GBP")
    figure = sizes_chart(table)
    words = " ".join(text.get_text() for axes in figure.axes for text in axes.findobj(lambda item: hasattr(item, "get_text")))
    assert "£50 each" in words
    assert "USD" not in words


def test_numbers_on_a_pictures_axes_have_the_currencys_sign():
    """The title is the same in both, so that only the axis can tell the pictures apart."""
    axis = alt.X("value:Q", axis=alt.Axis(format="$,.0f"))
    drawn = spec(alt.Chart(alt.Data(values=[{"value": 5}])).mark_point().encode(x=axis).properties(width="container"))
    dollars = png(drawn, "What it earns")
    assert png(drawn, "What it earns") == dollars
    assert png(drawn, "What it earns", sign="€") != dollars


def test_the_report_says_what_the_tills_lines_are_not_of(speak):
    speak("GBP")
    found = till_limits(
        {"guest_cards": {"A5": 0.02, "00017": 0.125}, "n_without_household": 1200, "sales_without_household": 3456.5}
    )
    assert [sentence.split(":")[0] for sentence in found] == [
        "Household 00017 holds 12.5% of all sales",
        "Household A5 holds 2.0% of all sales",
        "1,200 lines name no household and are left out, with £3,456.50 of sales",
    ]
    assert till_limits({"guest_cards": {}}) == []
    assert till_limits({"guest_cards": {}, "n_without_household": 0, "sales_without_household": 0.0}) == []
