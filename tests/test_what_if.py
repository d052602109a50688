"""The report's script values policies as the pipeline does, at every stop of the sliders."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page

from targeting.pages.rendering import environment
from targeting.pages.what_if import embedded
from targeting.policy.beliefs import believed_profits
from targeting.policy.curve import SHARES, peaks, profit_and_spend, roi_curve
from targeting.policy.economics import Economics
from targeting.policy.lookup import slider_steps, step_unit, steps
from targeting.policy.policies import assign
from targeting.policy.value import recommend, value_table
from targeting.sentences.decision import CAPTIONS
from tests.browser import opened
from tests.reports import BUDGET, COSTS, MARGINS, NO_BUDGET, SEED, World


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
        assert row["outside"] == pytest.approx(expected.share_outside), expected.policy
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
    columns = ["expected_profit", "expected_profit_lower", "expected_measured"]
    for row, (expected, lower, measured) in zip(found, believed[columns].to_numpy(), strict=True):
        if np.isnan(expected):
            assert row["expected"]["value"] is None or np.isnan(row["expected"]["value"])
        else:
            said = [row["expected"]["value"], row["expected"]["lower"], row["compared"]]
            assert said == pytest.approx([expected, lower, measured], abs=1e-7)


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
    assert steps(0.004, 0.03, 1).tolist() == pytest.approx(np.arange(1, 61) / 2000)
    # What costs cents has a slider of cents, unless dearer costs are marked.
    assert slider_steps(Economics(0.1, 0.3), "purchase_amount")[0][-1] == pytest.approx(0.3)
    assert slider_steps(Economics(0.1, 0.3), "purchase_amount", [5.0])[0][-1] == 10.0
    assert slider_steps(Economics(0.0, 0.3), "purchase_amount")[0][-1] == 10.0
    assert slider_steps(Economics(12.73, 4.0), "purchase_count")[1][-1] == 12.0
    marked = slider_steps(Economics(12.73, 0.3), "purchase_amount", [0.642666921, 12.73, 1e6])[0]
    assert marked.tolist() == sorted([*costs.tolist(), 0.642666921]), "and at costs that the page names, as far as it goes"


def test_costs_that_differ_keep_their_proportions():
    found = step_unit(Economics(np.array([1.0, 3.0]), 0.3))
    assert np.asarray(found.cost).tolist() == [0.5, 1.5]
    assert found.margin == 1.0
    assert step_unit(Economics(np.zeros(2), np.array([0.2, 0.2]))).cost == 1.0


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
    assert found == {"n": 900, "outcome": "purchase_amount", "unit": "USD", "answers": "overlap", "captions": CAPTIONS}
    assert "household_id" not in text
