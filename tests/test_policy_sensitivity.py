"""What the recommendation depends on: the grid against the table it varies, single segments and shifts by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from targeting.policy.beliefs import believed_profits, learn_beliefs
from targeting.policy.economics import Economics
from targeting.policy.lookup import look_up, profits_at
from targeting.policy.policies import PolicyData, assign, held_out_means
from targeting.policy.value import profits, recommend, recommendable, value_table
from targeting.policy.what_if import (
    COST_FACTORS,
    MARGIN_FACTORS,
    at_economics,
    breakeven_scenarios,
    confounding_table,
    cost_margin_grid,
    segment_what_if,
    turning_shifts,
)
from targeting.stats.estimates import mean_estimate
from tests.test_policy_value import CATE, ECONOMICS, EVERYBODY, FIVE, TREATED, Z, evidence, judged

N = 400
RNG = np.random.default_rng(0)
EFFECTS = RNG.normal(4, 6, N)
KNOWN = evidence(EFFECTS + RNG.normal(0, 8, N))
FOLD, SEGMENT = RNG.integers(0, 4, N), RNG.integers(1, 4, N)
BELIEFS = learn_beliefs(EFFECTS, np.ones(N), FOLD, np.ones(N, dtype=int), KNOWN, spread=0.1)
DATA = PolicyData(
    EFFECTS,
    KNOWN.overlap,
    KNOWN.treated,
    4.0,
    KNOWN.household_id,
    tree=np.ones(N),
    expected=BELIEFS.expected,
    uncertainty=BELIEFS.uncertainty,
    fold=FOLD,
)


def test_what_follows_from_cost_and_margin():
    found = at_economics(DATA, ECONOMICS, KNOWN, FOLD, SEGMENT)
    assert found.breakeven == 4.0
    expected = held_out_means(0.5 * KNOWN.score - 2.0, SEGMENT, FOLD, KNOWN.overlap)
    assert np.asarray(found.segment_profit) == pytest.approx(expected)
    assert found.tree is DATA.tree
    # A segment of one fold alone says nothing of itself, and is not contacted.
    alone = at_economics(DATA, ECONOMICS, KNOWN, np.zeros(N, dtype=int), SEGMENT)
    assert not assign(alone)["segment"].any()


@pytest.mark.slow
def test_the_grid_is_the_table_at_each_cost_and_margin():
    grid = cost_margin_grid(DATA, KNOWN, ECONOMICS, FOLD, SEGMENT, 1, BELIEFS)
    assert len(grid) == len(COST_FACTORS) * len(MARGIN_FACTORS)
    dear = Economics(4.0, 0.25)
    row = grid[np.isclose(grid["cost"], 4.0) & np.isclose(grid["margin"], 0.25)].iloc[0]
    decisions = assign(at_economics(replace(DATA, tree=None), dear, KNOWN, FOLD, SEGMENT))
    table = value_table(decisions, DATA.cate, KNOWN, dear, seed=1)
    able = table[recommendable(table)]
    best = able.loc[able["profit"].idxmax()]
    assert row["policy"] == (best["policy"] if best["profit"] > 0 else "none")
    believed = believed_profits(BELIEFS, decisions, DATA.overlap, dear).set_index("policy")
    assert row["recommended"] == recommend(table.merge(believed.reset_index(), on="policy"))
    assert row["expected_profit"] == believed.loc[row["recommended"], "expected_profit"]
    assert row["breakeven"] == 16.0
    # Cheaper or more profitable contacts never earn less.
    wide = grid.pivot_table(index="cost", columns="margin", values="profit")
    assert (wide.diff().dropna() <= 1e-9).all(axis=None)
    assert (wide.T.diff().dropna() >= -1e-9).all(axis=None)
    assert "policy_tree" not in set(grid["policy"])


@pytest.mark.slow
def test_where_the_arms_do_not_compare_the_grid_recommends_nobody():
    compared = cost_margin_grid(DATA, KNOWN, ECONOMICS, FOLD, SEGMENT, 1, BELIEFS)
    assert (compared["recommended"] != "none").any()
    apart = cost_margin_grid(DATA, KNOWN, ECONOMICS, FOLD, SEGMENT, 1, None)
    assert (apart["recommended"] == "none").all()
    decided = ["recommended", "expected_profit", "chance_of_loss"]
    pd.testing.assert_frame_equal(apart.drop(columns=decided), compared.drop(columns=decided))


def test_a_scenario_has_the_decision_of_a_run_at_its_cost():
    table = breakeven_scenarios(DATA, KNOWN, ECONOMICS, {"cost by the tills": 0.5}, BELIEFS).set_index("scenario")
    cheap = Economics(0.5, ECONOMICS.margin)
    decisions = assign(at_economics(DATA, cheap, KNOWN, FOLD, SEGMENT))
    believed = believed_profits(BELIEFS, decisions, DATA.overlap, cheap).set_index("policy")
    row = table.loc["cost by the tills"]
    assert row["recommended"] == "prudent"
    assert row["recommended_share"] == decisions["prudent"].mean()
    assert row["expected_profit"] == pytest.approx(believed.loc["prudent", "expected_profit"])
    earned = np.where(decisions["prudent"], ECONOMICS.margin * KNOWN.score - 0.5, 0.0)
    assert row["measured"] == pytest.approx(earned.mean())
    assert row["measured_ci_upper"] - row["measured"] == pytest.approx(Z * mean_estimate(earned, KNOWN.household_id).se)
    assert breakeven_scenarios(DATA, KNOWN, ECONOMICS, {}, None)["recommended"].eq("none").all()


def test_what_learning_leaves_uncertain_is_in_every_interval_of_a_decision():
    """The table of policies, the decision at the run's own cost, and what the sliders look up there are of one width."""
    rng = np.random.default_rng(5)
    shifts = {f"shift{arm}": rng.normal(0, 3, (N, 5)) + rng.normal(0, 2, 5) for arm in (0, 1)}
    learned = replace(KNOWN, **shifts)
    at = at_economics(replace(DATA, cost=ECONOMICS.cost), ECONOMICS, learned, FOLD, SEGMENT)
    table = value_table(assign(at), DATA.cate, learned, ECONOMICS, seed=1).set_index("policy")
    assert table.loc["prudent", "profit_se"] > 1.2 * value_table(assign(at), DATA.cate, KNOWN, ECONOMICS)["profit_se"].iloc[4]
    own = breakeven_scenarios(at, learned, ECONOMICS, {}, BELIEFS).set_index("scenario").loc["as set"]
    np.testing.assert_allclose(
        own[["measured_ci_lower", "measured_ci_upper"]].astype(float),
        table.loc["prudent", ["profit_ci_lower", "profit_ci_upper"]].astype(float),
    )
    np.testing.assert_allclose(own["profit_ci_upper"], table.loc["breakeven", "profit_ci_upper"])
    stops = (np.array([1.0, ECONOMICS.cost]), np.array([ECONOMICS.margin]))
    found = look_up(at, EFFECTS, learned, ECONOMICS, SEGMENT, stops, 1, BELIEFS)
    for policy in ("prudent", "current", "all"):
        looked_up = profits_at(found.positions, found.decisions, policy).iloc[1]
        assert looked_up["se"] == pytest.approx(table.loc[policy, "profit_se"])


def test_scenarios_of_the_breakeven_rule_by_hand():
    data = PolicyData(CATE, EVERYBODY, TREATED, 4.0, np.arange(5))
    table = breakeven_scenarios(data, FIVE, ECONOMICS, {"cost by the tills": 0.5}, None).set_index("scenario")
    assert table.loc["as set", ["profit", "roi", "share", "profit_plugin"]].tolist() == pytest.approx([0.4, 1 / 3, 0.6, 0.85])
    # At half the cost whoever gains more than 2 is contacted: 8, -2, 6, 10 gained at 1 USD each.
    half = table.loc["half the cost"]
    assert half[["cost", "breakeven", "share"]].tolist() == [1.0, 2.0, 0.8]
    assert half["profit"] == pytest.approx((3 - 2 + 2 + 4) / 5)
    assert table.loc["cost by the tills", "breakeven"] == 1.0
    assert table.loc["twice the cost", "share"] == 0.2
    # Everybody at half the cost: what all five gain, each at 1 USD; four of them where the last one is outside the overlap.
    assert half["overlap_profit"] == pytest.approx(np.mean(0.5 * FIVE.score - 1))
    inside = np.array([True, True, True, True, False])
    partly = (
        breakeven_scenarios(replace(data, overlap=inside), FIVE, ECONOMICS, {}, None).set_index("scenario").loc["half the cost"]
    )
    gains = np.where(inside, 0.5 * FIVE.score - 1, 0.0)
    assert partly["overlap_profit"] == pytest.approx(gains.mean())
    assert partly["overlap_profit_ci_upper"] - gains.mean() == pytest.approx(Z * mean_estimate(gains, FIVE.household_id).se)
    free = breakeven_scenarios(data, FIVE, Economics(0.0, 0.5), {"cost by the tills": 0.5}, None)
    free = free.set_index("scenario")
    assert free["roi"].drop("cost by the tills").isna().all()
    assert free.loc["cost by the tills", ["cost", "breakeven"]].tolist() == [0.5, 1.0]


def test_one_segment_alone_by_hand():
    segments = pd.DataFrame({"segment": [1, 1, 2, 1, 3], "name": ["a", "a", "b", "a", "c"]})
    partly = replace(FIVE, overlap=np.array([True, True, True, True, False]))
    table = segment_what_if(segments, CATE, partly, ECONOMICS).set_index("segment")
    # Segment 1: effects 8, 2, 6 earn 2, -1, 1 at 2 USD per contact; deviations from 2/3 square to 42/9.
    row = table.loc[1]
    assert row[["n", "n_contacted"]].tolist() == [3, 3]
    expected = [16 / 3, 8 / 3, 2 / 3, 2.0, (10 - 1 + 3) / 6 - 2]
    assert row[["effect", "breakeven_cost", "profit", "total_profit", "profit_plugin"]].tolist() == pytest.approx(expected)
    assert row["profit_ci_upper"] - row["profit"] == pytest.approx(Z * np.sqrt(1.5 * 42 / 9) / 3)
    # One household gives no interval, and one outside the overlap is not contacted.
    assert table.loc[[2, 3], "profit"].isna().all()
    assert table["n_contacted"].tolist() == [3, 1, 0]


# What the policies of `judged` decide about ten rows.
TEN = pd.DataFrame({"none": [0] * 10, "all": [1] * 10, "prudent": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0]})


def test_shifts_that_turn_the_recommendation_by_hand():
    # top_20 is shown: 3 per row at a share of 0.2 and a margin of 0.5 is 30 USD of effect per contact; its lower end 1 is 10.
    assert turning_shifts(judged(), TEN, "prudent", ECONOMICS) == {
        "policy": "prudent",
        "direction": "overstated",
        "shift": 30.0,
        "shift_interval": 10.0,
    }
    # Nothing is shown: the best, all, already earns 5, and its lower end -3 is 6 USD of effect away from 0.
    unclear = judged(simultaneous_lower=[np.nan, -3.0, -1.0])
    found = turning_shifts(unclear, TEN, "none", ECONOMICS)
    assert found == {"policy": "all", "direction": "understated", "shift": 0.0, "shift_interval": 6.0}
    assert turning_shifts(judged(ess=[0, 0, 0]), TEN, "none", ECONOMICS) == {"policy": "none"}
    # The best bet itself is backed by too few for an interval: how far that may move is not known, and is not nothing.
    few = judged(ess=[0, 90, 8], simultaneous_lower=[np.nan, -3.0, np.nan])
    found = turning_shifts(few, TEN, "prudent", ECONOMICS)
    assert found["shift"] == 30.0
    assert np.isnan(found["shift_interval"])
    rows = pd.DataFrame({"outcome": ["purchase_amount"], "setting": ["as strong as kids"], "lower": [5.0], "upper": [5.0]})
    assert confounding_table(found, rows, "purchase_amount")["turns"].isna().all()
    # A best bet that mails nobody inside the overlap was measured nowhere.
    assert turning_shifts(judged(), TEN * 0, "prudent", ECONOMICS) == {"policy": "none"}


def test_a_shift_counts_each_contact_at_its_own_margin():
    # top_20 contacts the first and sixth of ten rows, at margins of 0.1 and 0.2, and 3 a row is 30 in all: 100 USD per contact.
    # The rows that it leaves out, at 0.8, have no say.
    margin = np.where(TEN["prudent"] == 1, 0.1, 0.8) + np.where(TEN.index == 5, 0.1, 0.0)
    shifts = turning_shifts(judged(), TEN, "prudent", Economics(2.0, margin))
    assert [shifts["shift"], shifts["shift_interval"]] == pytest.approx([100.0, 100 / 3])
    # Contacts that add 240 each at costs of 12 and 30 earn 12 and 18, those 30; less by the shift they earn nothing.
    economics = Economics(np.where(TEN.index == 0, 12.0, 30.0), margin)
    assert profits(TEN["prudent"], 240.0, economics).sum() == pytest.approx(30)
    assert profits(TEN["prudent"], 240.0 - shifts["shift"], economics).sum() == pytest.approx(0)


def test_confounders_are_set_against_the_shift():
    rows = pd.DataFrame(
        {
            "outcome": ["purchase_amount", "purchase_amount", "purchase_count"],
            "setting": ["as strong as spend", "as strong as kids", "as strong as spend"],
            "lower": [-8.0, 5.0, 0.0],
            "upper": [16.0, 9.0, 1.0],
        }
    )
    shifts = turning_shifts(judged(), TEN, "prudent", ECONOMICS)
    table = confounding_table(shifts, rows, "purchase_amount")
    assert table["bias"].tolist() == [12.0, 2.0]
    assert table["turns"].tolist() == [True, False]
    assert table["policy"].tolist() == ["prudent", "prudent"]
    assert "turns" not in confounding_table({"policy": "none"}, rows, "purchase_amount")
