"""Policies and what they earn: five households by hand, and an overfitted policy on pure noise."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor

from targeting.policies import POLICIES, PolicyData, assign, top_share
from targeting.policy_value import (
    CURVE_SHARES,
    Economics,
    policy_profit,
    profits,
    recommend,
    return_on_investment,
    roi_curve,
    value_table,
)

ECONOMICS = Economics(cost=2.0, margin=0.5)
CATE = np.array([10.0, -1.0, 6.0, 3.0, 4.5])
TREATED = np.array([1, 0, 0, 1, 0])
SCORE = np.array([8.0, 2.0, -2.0, 6.0, 10.0])
HOUSEHOLDS = np.arange(5)


def test_breakeven_is_the_effect_that_pays_for_a_contact():
    assert ECONOMICS.breakeven == 4.0
    assert profits([1.0], [4.0], ECONOMICS).tolist() == [0.0]


def test_decisions_by_hand():
    decisions = assign(PolicyData(CATE, TREATED, ECONOMICS.breakeven))
    assert {name: decisions[name].astype(int).tolist() for name in decisions} == {
        "none": [0, 0, 0, 0, 0],
        "all": [1, 1, 1, 1, 1],
        "current": [1, 0, 0, 1, 0],
        "breakeven": [1, 0, 1, 0, 1],
        "positive": [1, 0, 1, 1, 1],
        "top_20": [1, 0, 0, 0, 0],
        "top_30": [1, 0, 1, 0, 0],
    }


def test_of_equal_effects_the_first_rows_are_contacted():
    assert top_share(np.array([1.0, 2.0, 1.0, 1.0]), 0.5).tolist() == [1, 1, 0, 0]


def test_values_by_hand():
    # Breakeven contacts rows 0, 2, 4: off-policy 0.5 * 8 - 2 = 2, 0.5 * -2 - 2 = -3, 0.5 * 10 - 2 = 3, others 0: mean 0.4.
    # Deviations 1.6, -0.4, -3.4, -0.4, 2.6: squares sum to 21.2; se = sqrt(5/4 * 21.2) / 5.
    # Plug-in: 0.5 * (10 + 6 + 4.5) - 6 = 4.25, a row 0.85. ROI: 2 earned on 6 spent.
    row = (
        value_table(assign(PolicyData(CATE, TREATED, 4.0)), CATE, SCORE, HOUSEHOLDS, ECONOMICS)
        .set_index("policy")
        .loc["breakeven"]
    )
    assert (row["share"], row["n"]) == (0.6, 3)
    assert row["profit"] == pytest.approx(0.4)
    assert row["profit_se"] == pytest.approx(np.sqrt(1.25 * 21.2) / 5)
    assert row["profit_plugin"] == pytest.approx(0.85)
    assert row["optimism"] == pytest.approx(0.45)
    assert row["total_profit"] == pytest.approx(2.0)
    assert row["roi"] == pytest.approx(1 / 3)
    # Current practice contacts rows 0 and 3: 2 and 1, a row 0.6. All: 2, -1, -3, 1, 3, a row 0.4.
    assert row["over_current"] == pytest.approx(-0.2)
    assert row["over_all"] == pytest.approx(0.0)
    assert row["profit_ci_upper"] - row["profit_ci_lower"] == pytest.approx(2 * 1.959964 * row["profit_se"])


def test_roi_error_by_hand():
    # Profits 2, 0, -3, 0, 3 on 2, 0, 2, 0, 2 spent: ratio 1/3. Influence (profit - ratio * spent) / 1.2.
    estimate = return_on_investment([1, 0, 1, 0, 1], SCORE, HOUSEHOLDS, ECONOMICS)
    influence = (np.array([2, 0, -3, 0, 3]) - np.array([2, 0, 2, 0, 2]) / 3) / 1.2
    assert estimate.se == pytest.approx(np.sqrt(1.25 * np.square(influence).sum()) / 5)


def test_nobody_earns_nothing_and_has_no_roi():
    row = value_table(assign(PolicyData(CATE, TREATED, 4.0)), CATE, SCORE, HOUSEHOLDS, ECONOMICS).set_index("policy").loc["none"]
    assert row[["profit", "profit_se", "profit_plugin", "n"]].tolist() == [0, 0, 0, 0]
    assert np.isnan(row["roi"])
    assert return_on_investment(np.zeros(5), SCORE, HOUSEHOLDS, ECONOMICS) is None


def test_the_curve_meets_the_policies():
    rng = np.random.default_rng(0)
    cate, score, households = rng.normal(4, 3, 500), rng.normal(4, 9, 500), np.repeat(np.arange(250), 2)
    decisions = assign(PolicyData(cate, rng.integers(0, 2, 500), 4.0))
    table = value_table(decisions, cate, score, households, ECONOMICS).set_index("policy")
    curve = roi_curve(cate, score, households, ECONOMICS).set_index("share")
    assert curve.index.tolist() == CURVE_SHARES.tolist()
    for policy, share in (("none", 0.0), ("top_20", 0.2), ("top_30", 0.3), ("all", 1.0)):
        for column in ("profit", "profit_ci_lower", "profit_ci_upper", "profit_plugin", "roi"):
            assert curve.loc[share, column] == pytest.approx(table.loc[policy, column], nan_ok=True)


@pytest.mark.slow
def test_an_overfitted_policy_on_noise_earns_minus_its_cost_and_not_its_promise():
    """Randomised arms, no effect at all: a forest fitted and judged on the same rows promises much; off-policy it loses."""
    rng = np.random.default_rng(1)
    n = 3000
    covariates, treated = rng.normal(size=(n, 8)), rng.integers(0, 2, n)
    score = (2 * treated - 1) * 2 * rng.normal(0, 20, n)  # the doubly robust score of outcomes that are pure noise
    forest = RandomForestRegressor(60, min_samples_leaf=2, random_state=0, n_jobs=1)
    half = np.arange(n) % 2 == 0
    cate = np.empty(n)
    for learn in (half, ~half):
        cate[~learn] = forest.fit(covariates[learn], score[learn]).predict(covariates[~learn])
    policy = (cate > ECONOMICS.breakeven).astype(float)
    profit = policy_profit(policy, score, np.arange(n), ECONOMICS)
    cost = policy.mean() * ECONOMICS.cost
    assert profits(policy, cate, ECONOMICS).mean() > cost
    assert profit.lower < -cost < profit.upper
    assert profit.upper < profits(policy, cate, ECONOMICS).mean()


def test_a_policy_is_recommended_only_when_shown():
    table = pd.DataFrame({"policy": ["none", "all", "top_20"], "profit": [0.0, 5.0, 3.0], "profit_se": [0.0, 4.0, 1.0]})
    assert recommend(table) == "top_20"  # all earns more, but may as well earn nothing
    assert recommend(table.assign(profit_se=[0.0, 1.0, 1.0])) == "all"
    assert recommend(table.assign(profit_se=[0.0, 4.0, 2.0])) == "none"
    # 2.1 standard errors convince alone, and not as the best of two.
    assert recommend(table.assign(profit=[0.0, -1.0, 2.1])) == "none"
    assert recommend(table.assign(profit=[0.0, -1.0, 2.1]).drop(index=1)) == "top_20"


@pytest.mark.slow
def test_under_no_effect_a_loss_is_rarely_recommended():
    rng = np.random.default_rng(4)
    recommended = 0
    for _ in range(200):
        cate, score = rng.normal(4, 3, 400), rng.normal(0, 40, 400)
        table = value_table(assign(PolicyData(cate, rng.integers(0, 2, 400), 4.0)), cate, score, np.arange(400), ECONOMICS)
        recommended += recommend(table) != "none"
    assert recommended / 200 <= 0.05


def test_every_policy_is_a_share_of_rows():
    decisions = assign(PolicyData(CATE, TREATED, 4.0))
    assert list(decisions) == list(POLICIES)
    assert decisions.isin([0, 1]).all(axis=None)
