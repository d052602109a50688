"""Policies: decisions by hand, ties, budgets, and costs that differ by campaign or household."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targeting.base.errors import DataError
from targeting.policy.economics import Economics, amounts, load_economics, next_economics
from targeting.policy.policies import (
    POLICIES,
    Budget,
    PolicyData,
    assign,
    contact_order,
    held_out_means,
    is_lottery,
    lots,
    prudent,
    unavailable,
    within_budget,
)

CATE = np.array([10.0, -1.0, 6.0, 3.0, 4.5])
EVERYBODY = np.ones(5, dtype=bool)
HOUSEHOLDS = np.arange(1, 6)
TREATED = np.array([1.0, 0.0, 0.0, 1.0, 0.0])


def data(cate: np.ndarray = CATE, overlap: np.ndarray = EVERYBODY, **fields: object) -> PolicyData:
    """Five households at a breakeven of 4, whose effects are as expected; what a test does not name is absent."""
    known = {"treated": TREATED, "breakeven": 4.0, "household_id": HOUSEHOLDS[: len(cate)]}
    given = {**known, "expected": cate, "uncertainty": np.zeros(len(cate)), **fields}
    return PolicyData(cate=cate, overlap=overlap, **given)


WHOLE = data(
    lower=np.array([5.0, -9.0, 4.0, 1.0, 4.2]),
    segment_profit=np.array([1.0, 1.0, -1.0, 0.0, 2.0]),
    tree=np.array([0.0, 1.0, 1.0, 0.0, 0.0]),
    expected=np.array([8.0, 9.0, 5.0, 3.0, 4.2]),
    uncertainty=np.array([2.0, 20.0, 1.0, 0.0, 1.0]),
    prudence=0.5,
    cost=2.0,
    budget=Budget(usd=3.0),
)


def decided(table: pd.DataFrame) -> dict[str, list[int]]:
    return {name: table[name].astype(int).tolist() for name in table}


def test_decisions_by_hand():
    # Risk-adjusted: 7, -0.7, 4.2, 2.1, 3.15 against 4. Prudent: 7, -1, 4.5, 3, 3.7; the budget holds one of the two.
    assert decided(assign(WHOLE)) == {
        "none": [0, 0, 0, 0, 0],
        "all": [1, 1, 1, 1, 1],
        "inside": [1, 1, 1, 1, 1],
        "prudent": [1, 0, 1, 0, 0],
        "current": [1, 0, 0, 1, 0],
        "breakeven": [1, 0, 1, 0, 1],
        "positive": [1, 0, 1, 1, 1],
        "top_20": [1, 0, 0, 0, 0],
        "top_30": [1, 0, 1, 0, 0],
        "conservative": [1, 0, 0, 0, 1],
        "risk_adjusted": [1, 0, 1, 0, 0],
        "segment": [1, 1, 0, 0, 1],
        "policy_tree": [0, 1, 1, 0, 0],
        "budget": [1, 0, 0, 0, 0],
    }


def test_learned_policies_stay_inside_the_overlap():
    inside = np.array([False, True, True, True, True])
    table = assign(replace(WHOLE, overlap=inside))
    assert not table.loc[0, [name for name in table if name not in ("all", "current")]].any()
    assert decided(table)["top_30"] == [0, 0, 1, 0, 1]
    # With fewer inside than the share asks for, the share is not filled from outside.
    assert decided(assign(data(overlap=np.arange(5) == 3)))["top_30"] == [0, 0, 0, 1, 0]


def test_what_is_absent_is_missing_with_its_reason():
    assert unavailable(WHOLE) == {}
    absent = unavailable(data(lower=np.array([5.0, np.nan, 4.0, np.nan, 4.2])))
    assert absent["conservative"] == "2 of 5 effects inside the overlap have no interval"
    assert set(absent) == {"conservative", "segment", "policy_tree", "budget"}
    assert set(assign(data())) == set(POLICIES) - set(absent)
    # Where nothing is believed there is no best bet, whatever the budget.
    nothing = unavailable(data(expected=None, uncertainty=None, budget=Budget(usd=3.0)))
    assert "nothing is believed" in nothing["prudent"]
    assert nothing["budget"] == nothing["prudent"]
    # An interval is needed only where the policy could contact.
    outside = np.array([True, False, True, False, True])
    assert "conservative" not in unavailable(data(lower=np.array([5.0, np.nan, 4.0, np.nan, 4.2]), overlap=outside))


def test_order_of_contact_by_hand():
    lot = np.array([5, 4, 3, 2, 1], dtype=np.uint64)
    inside = np.array([False, True, True, True, False])
    assert contact_order(CATE, inside, lot).tolist() == [2, 3, 1, 0, 4]
    assert contact_order(np.array([1.0, 2.0, 1.0, 1.0, 2.0]), EVERYBODY, lot).tolist() == [4, 1, 3, 2, 0]


def test_ranks_are_those_within_a_fold_inside_and_outside_the_overlap():
    fold, inside = np.array([0, 0, 0, 1, 1, 1]), np.array([True, True, False, True, True, True])
    given = {"overlap": inside, "fold": fold, "household_id": np.arange(6), "treated": np.zeros(6)}
    # Fold 1's effects are all larger than fold 0's, and are ranked among themselves: of two 1/4 and 3/4, of three 1/6, 1/2, 5/6.
    assert data(np.array([1.0, 2.0, 9.0, 103.0, 101.0, 102.0]), **given).order.tolist() == [3, 1, 5, 0, 4, 2]


def test_where_effects_are_alike_in_every_fold_no_fold_comes_first():
    fold = np.repeat([0, 1, 2], [400, 500, 700])  # a constant a fold, and folds of unlike sizes: nobody is told apart
    households = np.arange(1600)
    inside = np.ones(1600, dtype=bool)
    alike = data(np.array([5.0, 6.0, 7.0])[fold], inside, fold=fold, household_id=households, treated=np.zeros(1600))
    assert alike.order.tolist() == contact_order(np.zeros(1600), inside, lots(households, alike.seed)).tolist()


def test_where_breakeven_differs_the_gain_per_dollar_ranks():
    # 10 on 20, -1 on 1, 6 on 4, 3 on 1, 4.5 on 9: 0.5, -1, 1.5, 3, 0.5.
    varied = data(breakeven=np.array([20.0, 1.0, 4.0, 1.0, 9.0]))
    assert set(varied.order[:2]) == {3, 2}
    assert varied.order[0] == 3
    assert decided(assign(varied))["breakeven"] == [0, 0, 1, 1, 0]


def test_where_some_contact_costs_nothing_the_effect_ranks():
    # Gain per dollar is no number there, and a limited number of contacts goes to those who gain most.
    free = data(breakeven=np.zeros(5), expected=CATE, budget=Budget(contacts=2))
    assert free.order.tolist() == [0, 2, 4, 3, 1]
    assert decided(assign(free))["budget"] == [1, 0, 1, 0, 0]


def test_ties_are_broken_by_lot_and_favour_no_trial():
    # A constant effect: 4 trials of 1,000 households, half of whom are in all of them.
    households = np.concatenate([np.arange(1000) + 500 * (trial % 2) for trial in range(4)])
    trial = np.repeat(np.arange(4), 1000)
    same = np.full(4000, 7.0)
    inside = np.ones(4000, dtype=bool)
    chosen = assign(PolicyData(same, inside, np.zeros(4000), 4.0, households, seed=3))["top_20"].to_numpy()
    shares = [chosen[trial == number].mean() for number in range(4)]
    assert max(shares) - min(shares) < 0.05
    # Who is chosen depends on the household alone, not on where its rows stand.
    shuffled = np.random.default_rng(0).permutation(4000)
    again = assign(PolicyData(same, inside, np.zeros(4000), 4.0, households[shuffled], seed=3))["top_20"].to_numpy()
    first, second = (
        pd.Series(values).groupby(ids).mean() for values, ids in ((chosen, households), (again, households[shuffled]))
    )
    assert (first != second).sum() <= 1  # the last household may be reached in part
    assert ((first == 0) | (first == 1)).sum() >= len(first) - 1


def test_lots_are_drawn_once_a_household_and_anew_with_another_seed():
    ids = np.array([7, 3, 7, 11, 2**40])
    drawn = lots(ids, 1)
    assert drawn[0] == drawn[2]
    assert len(set(drawn)) == 4
    assert (lots(ids, 2) != drawn).all()
    many = lots(np.arange(10_000), 20170101)
    assert len(np.unique(many)) == 10_000
    # Uniform, and in no relation to the number: the mean rank of the lower half is that of all, to 3 standard errors.
    ranks = many.argsort().argsort()
    assert abs(ranks[:5000].mean() - 4999.5) < 3 * 10_000 / np.sqrt(12 * 5000)
    assert lots(np.array([1]), 0).dtype == np.uint64


@pytest.mark.parametrize(
    ("budget", "chosen"),
    [
        (Budget(usd=6.0), [1, 0, 1, 0, 0]),  # 3 and 3 fill it exactly
        (Budget(usd=5.9), [1, 0, 0, 0, 0]),  # the second no longer fits, and the cheap third does not jump the queue
        (Budget(usd=100.0), [1, 0, 1, 0, 1]),  # only those that pay
        (Budget(contacts=1), [1, 0, 0, 0, 0]),
        (Budget(usd=6.0, contacts=1), [1, 0, 0, 0, 0]),
        (Budget(usd=2.0, contacts=3), [0, 0, 0, 0, 0]),
    ],
)
def test_budgets_by_hand(budget, chosen):
    costs = np.array([3.0, 1.0, 3.0, 1.0, 1.0])
    assert within_budget(data(cost=costs, budget=budget)).tolist() == chosen


def test_a_budget_is_filled_exactly_where_floats_would_miss_it():
    assert within_budget(data(np.full(3, 9.0), np.ones(3, dtype=bool), cost=0.1, budget=Budget(usd=0.3))).sum() == 3


def test_every_campaign_has_the_budget_to_itself():
    campaigns = np.array([27, 27, 27, 8, 8])
    chosen = within_budget(data(cost=2.0, campaign_id=campaigns, budget=Budget(usd=2.0)))
    assert chosen.tolist() == [1, 0, 0, 0, 1]


@given(st.integers(0, 10_000), st.floats(1, 60), st.integers(1, 30))
def test_a_budget_is_kept_and_used(seed, usd, contacts):
    rng = np.random.default_rng(seed)
    n = 40
    known = PolicyData(
        cate=rng.integers(0, 9, n).astype(float),  # many ties
        overlap=rng.random(n) < 0.7,
        treated=np.zeros(n),
        breakeven=4.0,
        household_id=np.arange(n),
        expected=rng.integers(0, 9, n).astype(float),
        uncertainty=rng.integers(0, 3, n).astype(float),
        cost=rng.integers(1, 5, n).astype(float),
        budget=Budget(usd, contacts),
    )
    chosen = within_budget(known) == 1
    paying = prudent(known) == 1
    assert known.cost[chosen].sum() <= usd
    assert chosen.sum() <= contacts
    assert not (chosen & ~paying).any()
    left = [row for row in known.queue.order if paying[row] and not chosen[row]]
    if left:  # the next in the queue fits no longer
        assert chosen.sum() == contacts or known.cost[chosen].sum() + known.cost[left[0]] > usd


def test_means_of_other_folds_are_those_of_a_loop():
    rng = np.random.default_rng(2)
    values, groups, fold, counted = rng.normal(size=60), rng.integers(0, 4, 60), rng.integers(0, 3, 60), rng.random(60) < 0.6
    groups[0], counted[groups == 9] = 9, False  # a group of one row
    found = held_out_means(values, groups, fold, counted)
    for row in range(60):
        rest = (groups == groups[row]) & (fold != fold[row]) & counted
        assert found[row] == pytest.approx(values[rest].mean() if rest.any() else np.nan, nan_ok=True)
    moved = np.where(fold == 1, values + 100, values)
    assert held_out_means(moved, groups, fold, counted)[fold == 1] == pytest.approx(found[fold == 1], nan_ok=True)


def test_a_policy_by_effects_that_are_alike_is_a_lottery():
    fold = np.array([0, 0, 0, 1, 1])
    by_fold = data(np.array([5.0, 5.0, 5.0, 3.0, 3.0]), fold=fold)
    assert by_fold.alike
    decisions = assign(by_fold)
    lotteries = {name for name in decisions if is_lottery(name, decisions[name].to_numpy(), EVERYBODY, by_fold.alike)}
    # breakeven contacts the folds whose average exceeds 4, and risk_adjusted nobody; all, inside and prudent go by no effect.
    assert lotteries == {"breakeven", "top_20", "top_30"}
    assert not data(np.array([5.0, 5.0, 6.0, 3.0, 3.0]), fold=fold).alike
    # Whoever is outside the overlap is told apart by that, not by a lot.
    inside = np.array([True, False, True, False, True])
    assert not is_lottery("breakeven", np.array([1.0, 0.0, 1.0, 0.0, 1.0]), inside, True)
    assert data(np.array([5.0, 7.0, 5.0, 8.0, 5.0]), inside).alike


def test_prudence_says_how_much_doubt_counts():
    doubted = data(np.full(3, 5.0), np.ones(3, dtype=bool), uncertainty=np.array([0.5, 1.5, 4.0]))
    assert prudent(replace(doubted, prudence=0.0)).tolist() == [1, 1, 1]
    assert prudent(replace(doubted, prudence=1.0)).tolist() == [1, 0, 0]
    assert prudent(replace(doubted, prudence=3.0)).tolist() == [0, 0, 0]


NUMBERS = pd.DataFrame({"kind": [], "number": [], "text": []})  # the key where all identifiers were numbers
KEYS = pd.DataFrame({"household_id": [1, 2, 1], "campaign_id": [27, 27, 8]})


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        (12.73, 12.73),
        ({"A": 3.0, "B": 5.0}, 3.0),
        ({27: 10.0, 8: 12.0}, [10.0, 10.0, 12.0]),
        ({"27": 10.0, "8": 12.0, "99": 1.0}, [10.0, 10.0, 12.0]),
        ({"column": "cost"}, [2.0, 4.0, 2.0]),
    ],
)
def test_amounts_by_number_type_campaign_and_column(setting, values):
    table = pd.DataFrame({"household_id": [2, 1, 3], "cost": [4.0, 2.0, 9.0]})
    assert np.asarray(amounts(setting, "policy.cost", KEYS, "A", table)).tolist() == values


def test_a_column_may_differ_by_campaign_too():
    table = KEYS.assign(margin=[0.1, 0.2, 0.3]).iloc[::-1]
    assert amounts({"column": "margin"}, "policy.margin", KEYS, "A", table).tolist() == [0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("setting", "table", "message"),
    [
        ({27: 10.0}, None, r"policy.cost has no value for campaign 8 \(type A\); it has 27"),
        ({"B": 10.0}, None, r"policy.cost has no value for campaign 8, 27 \(type A\); it has B"),
        (
            {"column": "cost"},
            pd.DataFrame({"household_id": [1]}),
            r"has the columns household_id; policy.cost needs household_id and cost",
        ),
        ({"column": "cost"}, pd.DataFrame({"cost": [1]}), r"needs household_id and cost"),
        ({"column": "cost"}, pd.DataFrame({"household_id": [1, 1], "cost": 2.0}), r"1 rows whose household_id came before"),
        (
            {"column": "cost"},
            pd.DataFrame({"household_id": [1], "cost": 2.0}),
            r"missing or not above 0 for 1 of 3 rows, for example",
        ),
        (
            {"column": "cost"},
            pd.DataFrame({"household_id": [1, 2], "cost": [0.0, 1.0]}),
            r"for 2 of 3 rows, for example household 1",
        ),
    ],
)
def test_amounts_that_cannot_be_used_are_named(setting, table, message):
    with pytest.raises(DataError, match=message):
        amounts(setting, "policy.cost", KEYS, "A", table)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_table_is_read_only_where_a_column_is_asked_for(tmp_path, ending):
    path = tmp_path / f"costs{ending}"
    settings = {"cost": {"column": "usd"}, "margin": 0.5, "table": str(path), "outcome": "purchase_amount"}
    table = pd.DataFrame({"household_id": [1, 2], "usd": [3.0, 4.0]})
    _ = table.to_csv(path, index=False) if ending == ".csv" else table.to_parquet(path)
    economics = load_economics(settings, KEYS, "A", NUMBERS)
    assert economics.cost.tolist() == [3.0, 4.0, 3.0]
    assert economics.breakeven.tolist() == [6.0, 8.0, 6.0]
    assert economics.averages() == pytest.approx({"cost": 10 / 3, "margin": 0.5, "breakeven": 20 / 3})
    assert load_economics({"cost": 2, "margin": 0.5, "table": "nowhere.csv"}, KEYS, "A", NUMBERS) == Economics(2.0, 0.5)
    with pytest.raises(DataError, match=r"policy.table is costs.xlsx: give a .csv or .parquet file"):
        load_economics({**settings, "table": "costs.xlsx"}, KEYS, "A", NUMBERS)


NEXT, PAST = pd.Series([5, 2, 1]), Economics(cost=11.0, margin=0.4)


def test_the_next_campaign_costs_what_each_household_costs(tmp_path):
    path = tmp_path / "costs.csv"
    pd.DataFrame({"household_id": [1, 2, 3, 5], "usd": [3.0, 4.0, 9.0, 7.0]}).to_csv(path, index=False)
    settings = {"cost": {"column": "usd"}, "margin": 0.5, "table": str(path), "outcome": "purchase_amount"}
    economics = next_economics(settings, NEXT, "A", PAST, NUMBERS)
    assert economics.cost.tolist() == [7.0, 4.0, 3.0]  # in the households' order
    assert economics.breakeven.tolist() == [14.0, 8.0, 6.0]
    with pytest.raises(
        DataError, match=r"costs.csv has no row for 2 of 4 households .* for example 8, 6: policy.cost is its col"
    ):
        next_economics(settings, pd.Series([8, 1, 6, 2]), "A", PAST, NUMBERS)


def test_a_table_by_campaign_gives_the_next_one_the_household_mean(tmp_path):
    path = tmp_path / "margins.parquet"
    table = pd.DataFrame({"household_id": [1, 1, 2, 5, 5, 5], "campaign_id": [8, 27, 8, 8, 13, 27]})
    table.assign(share=[0.1, 0.4, 0.2, 0.1, 0.2, 0.6]).to_parquet(path)
    settings = {"cost": 2, "margin": {"column": "share"}, "table": str(path), "outcome": "purchase_amount"}
    economics = next_economics(settings, NEXT, "A", PAST, NUMBERS)
    assert economics.margin == pytest.approx([0.3, 0.2, 0.25])
    assert economics.cost == 2.0
    table.assign(share=[0.1, np.nan, 0.2, 0.1, 0.2, 0.6]).to_parquet(path)
    with pytest.raises(DataError, match=r"policy.margin .* not above 0 for 1 of 6 rows, for example household 1"):
        next_economics(settings, NEXT, "A", PAST, NUMBERS)


def test_costs_by_campaign_say_of_the_next_one_their_mean_or_their_type():
    settings = {"cost": {27: 10.0, 8: 12.0}, "margin": {"A": 0.3, "B": 0.2}, "table": "nowhere.csv"}
    assert next_economics(settings, NEXT, "A", PAST, NUMBERS) == Economics(PAST.cost, 0.3)


def test_economics_scale_and_keep_their_rows():
    varied = Economics(np.array([2.0, 4.0]), 0.5).scaled(2.0, 0.5)
    assert varied.cost.tolist() == [4.0, 8.0]
    assert varied.margin == 0.25
    assert varied.rows(np.array([False, True])).cost.tolist() == [8.0]
    assert varied.rows(np.array([False, True])).margin == 0.25
