"""The pages of a table of customers: their words are of customers, mailings, lots and the table's own outcomes."""

import dataclasses
import html
import json
import re

import pandas as pd
import pytest
import yaml

from targeting.base.left_out import NO_TILLS
from targeting.pages.game import game_page, game_sizes
from targeting.pages.report import report_context, report_page
from targeting.words.people import page_of_customers
from tests.browser import opened
from tests.conftest import ROOT
from tests.games import NAMES, customers_of, give, story_of
from tests.reports import World, ready, results


def page_of(lots: bool = True, segments: int = 1, campaigns: int = 1, outcome: str = "purchase_amount") -> str:
    """The page of the committed numbers as if a table of customers had brought them, of conversions in the place of baskets."""
    metrics, tables = results()
    tables = {name: table.replace("purchase_count", "conversions") for name, table in tables.items()}
    for name in ("ate", "segment_effects"):
        metrics[name]["conversions"] = metrics[name].pop("purchase_count")
    metrics["segment"] = metrics["stability"] = {"left_out": NO_TILLS}
    metrics["validate"] = metrics["validate"] | {"heterogeneity": True}
    metrics["trials"] = metrics["trials"] | {"n_trials": campaigns}
    metrics["nuisance"] = metrics["nuisance"] | {"answers": "everybody"} | ({"balance_p": 0.5} if lots else {})
    tables["trials"] = tables["trials"].head(campaigns)
    kept = tables["trials"]["campaign_id"].astype(str).tolist()
    tables["ate"] = tables["ate"][tables["ate"]["trial"].isin([*kept, "all"])]
    own = tables["segment_effects"]
    tables["segment_effects"] = own[own["segment"].isin(own["segment"].unique()[:segments])]
    refuted = tables["refutation"]
    not_run = refuted["check"] == "negative_control"
    tables["refutation"] = refuted.assign(n_repeats=refuted["n_repeats"].mask(not_run, 0), passed=refuted["passed"].mask(not_run))
    world = World(20.0, margin=0.3 if outcome == "purchase_amount" else 4.0)
    parameters = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    parameters["data"] = parameters["data"] | {"source": "panel"}
    parameters["policy"] = parameters["policy"] | {"outcome": outcome}
    metrics["policy"] = metrics["policy"] | {"margin": world.economics.margin}
    arms = world.arms()
    if lots:
        arms = arms.assign(propensity=0.5)
    return report_page(report_context(metrics, tables, arms, world.lookup(), parameters, "abc123", {"python": "3.11"}))


def words(page: str) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)).split()))


@pytest.mark.slow
def test_of_an_experiment_the_plain_difference_is_not_called_confounded():
    said = words(page_of())
    assert "which estimates the same, as lots decided who was mailed." in said
    assert "confounded" not in said
    assert "difference of means (confounded)" in words(page_of(lots=False))
    assert "is who was mailed rather than what mailing did" in words(page_of(lots=False))


@pytest.mark.slow
def test_names_of_parameters_stay_and_words_are_of_customers():
    said = words(page_of())
    assert "sample.households" in said
    assert "experiment.households" in said
    assert "sample.customers" not in said
    assert "coupon game" not in said
    assert "the retailer did" not in said
    assert "as was done" in said
    assert "the table does not tell what customers did before they could be mailed" in said
    assert '"mails": "as was done"' in page_of()


@pytest.mark.slow
def test_a_single_segment_is_compared_with_nothing_and_a_single_campaign_not_summed():
    page = page_of()
    said = words(page)
    for absent in (
        "What mailing does in each segment",
        "Segments are the groups",
        "all together",
        "Too few segments",
        "1 campaigns",
    ):
        assert absent not in said
    assert "1 campaign, which " in said
    assert "of 1 campaign (" in said
    assert "A mailed campaign changed a customer's conversions by " in said
    assert not any(name.startswith("segment_effects") for name in json.loads(page.split('id="charts">')[1].split("</script>")[0]))
    several = words(page_of(segments=3, campaigns=2))
    for present in ("What mailing does in each segment", "Segments are the groups", "all together", "of 2 campaigns ("):
        assert present in several


@pytest.mark.slow
def test_effects_by_segment_have_their_unit_and_p_is_never_zero(monkeypatch):
    _, tables = results()
    strong = tables["segment_effects"].assign(p_holm=1e-9)
    monkeypatch.setattr(pd, "read_csv", lambda path, read=pd.read_csv: strong if path.stem == "segment_effects" else read(path))
    said = words(page_of(segments=3))
    assert said.count("less than 0.001") == 6
    assert re.search(r"conversions [\d,]+, [\d,]+ \d+% -?\d+\.\d\d conversions \(", said)


def test_a_margin_is_per_one_of_the_outcome_wherever_the_slider_stands(browser, tmp_path):
    path = tmp_path / "index.html"
    path.write_text(page_of(outcome="conversions"), encoding="utf-8")
    with opened(browser, path) as page:
        ready(page)
        assert page.inner_text("label[for=margin]") == "Margin (USD per conversion)"
        assert page.inner_text("#margin-shown") == "$4.00 per conversion"
        assert "a margin of $4.00 per conversion" in page.text_content("#what-if")


def test_of_a_table_of_customers_mailings_are_given_and_effects_are_of_its_outcome(browser, tmp_path):
    path = tmp_path / "table.html"
    story = dataclasses.replace(story_of(), outcome="conversions", counted="each customer's conversions")
    profiles = [{"name": name, "annual_spend": None, "behaviour": ""} for name in NAMES]
    page = game_page(customers_of(), game_sizes(2400), profiles, story, "abc123")
    path.write_text(page_of_customers(page, []), encoding="utf-8")
    with opened(browser, path) as page:
        assert page.inner_text("header").count("coupon") == 0
        give(page, 30)
        page.click("#run")
        assert page.inner_text("#result-title").startswith("Your 30 mailings: ")
        assert " conversions each on average" in page.inner_text("#uplifts")
        assert "30 mailings, estimated profit" in page.input_value("#line")
        for word in ("coupon", "retailer", "household", "annual spend"):
            assert word not in page.inner_text("body").lower()
