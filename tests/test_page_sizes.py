"""The report and the game stay small at any number of households: figures are of all rows, and rows are drawn by lot."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml

from targeting.pages.game import MOST, game_pool
from targeting.pages.rendering import render
from targeting.pages.report import report_context
from targeting.policy.economics import Economics
from targeting.policy.lookup import Lookup, slider_steps
from tests.conftest import ROOT
from tests.games import customers_of, evidence_of
from tests.games import written as written_game
from tests.reports import World, results

LARGEST = 6_000_000  # bytes


def at_their_most(lookup: Lookup) -> Lookup:
    """The lookup of so many households that each policy which turns with cost or margin decides anew at every stop it can tell.

    All but `segment` and those with budgets see cost and margin by their ratio alone.
    """
    positions, decisions = lookup.positions.copy(), []
    ratios = np.unique((positions["cost"] / positions["margin"]).round(12), return_inverse=True)[1]
    for name, own in lookup.decisions.groupby("policy", sort=False):
        by_ratio = name != "segment" and not name.startswith("budget")
        if len(own) > 1:
            positions[name] = ratios if by_ratio else np.arange(len(positions))
        many = own.iloc[np.resize(np.arange(len(own)), positions[name].max() + 1)]
        decisions.append(many.assign(decision=np.arange(len(many)), contacts=np.arange(len(many))))
    return replace(lookup, positions=positions, decisions=pd.concat(decisions, ignore_index=True))


@pytest.mark.slow
def test_the_report_is_small_where_every_stop_of_the_sliders_decides_anew():
    metrics, tables = results()
    parameters = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    world, policy = World(20.0), parameters["policy"]
    own = Economics(policy["cost"], policy["margin"])
    few = world.lookup(tuple(steps[:: len(steps) // 4] for steps in slider_steps(own, policy["outcome"])))
    turning = few.decisions.groupby("policy").size()
    assert {"breakeven", "prudent", "segment"} <= set(turning[turning > 1].index)
    costs, margins = slider_steps(own, policy["outcome"])
    positions = pd.MultiIndex.from_product([costs, margins], names=["cost", "margin"]).to_frame(index=False)
    rest = few.positions.drop(columns=["cost", "margin"]).iloc[np.resize(np.arange(len(few.positions)), len(positions))]
    many = at_their_most(replace(few, positions=positions.join(rest.reset_index(drop=True))))
    assert len(many.decisions) > 20_000
    # Where a panel has a million rows, what the report counts of its arms is as long as of few.
    arms = pd.concat([world.arms()] * 1_200, ignore_index=True)
    page = render("index.html.jinja", report_context(metrics, tables, arms, many, parameters, "abc123", {"python": "3.11"}))
    assert len(page.encode()) <= LARGEST


@pytest.mark.parametrize("n", [MOST, 1_000_000])
def test_the_game_holds_a_bounded_number_of_customers_by_lot(n):
    pool = game_pool(evidence_of(n), seed=1)
    assert pool.sum() == MOST
    # By lot: those that are kept lie as the others do.
    assert np.flatnonzero(pool).mean() == pytest.approx((n - 1) / 2, rel=0.05)


def test_the_game_is_small_with_all_the_customers_that_it_can_hold(tmp_path):
    path = written_game(tmp_path, customers_of(MOST, intervals=True, truth=True))
    assert path.stat().st_size <= LARGEST
