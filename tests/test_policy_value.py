"""Policies and what they earn: five households by hand, and an overfitted policy on pure noise."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor

from targeting.policies import POLICIES, PolicyData, assign, contact_order, top_share
from targeting.policy_value import (
    CURVE_SHARES,
    Economics,
    Evidence,
    observed_profits,
    profits,
    recommend,
    roi_curve,
    value_table,
)
from targeting.scores import dr_scores

ECONOMICS = Economics(cost=2.0, margin=0.5)
CATE = np.array([10.0, -1.0, 6.0, 3.0, 4.5])
TREATED = np.array([1.0, 0.0, 0.0, 1.0, 0.0])
EVERYBODY = np.ones(5, dtype=bool)
# The effect scores (treated less control) are 8, 2, -2, 6, 10.
FIVE = Evidence(
    score0=np.array([10.0, 20.0, 30.0, 40.0, 50.0]),
    score1=np.array([18.0, 22.0, 28.0, 46.0, 60.0]),
    outcome=np.array([14.0, 20.0, 30.0, 46.0, 50.0]),
    treated=TREATED,
    household_id=np.arange(5),
    overlap=EVERYBODY,
)


def evidence(score: np.ndarray, household_id: np.ndarray | None = None) -> Evidence:
    """Evidence of given effect scores, all inside the overlap, nobody treated."""
    nothing = np.zeros(len(score))
    households = np.arange(len(score)) if household_id is None else household_id
    return Evidence(nothing, score, nothing, nothing, households, np.ones(len(score), dtype=bool))


def decisions(cate: np.ndarray, overlap: np.ndarray | None = None, treated: np.ndarray | None = None) -> pd.DataFrame:
    """All policies at a breakeven of 4."""
    everybody, nobody = np.ones(len(cate), dtype=bool), np.zeros(len(cate))
    return assign(PolicyData(cate, everybody if overlap is None else overlap, nobody if treated is None else treated, 4.0))


def test_breakeven_is_the_effect_that_pays_for_a_contact():
    assert ECONOMICS.breakeven == 4.0
    assert profits([1.0], [4.0], ECONOMICS).tolist() == [0.0]


def test_decisions_by_hand():
    table = decisions(CATE, treated=TREATED)
    assert {name: table[name].astype(int).tolist() for name in table} == {
        "none": [0, 0, 0, 0, 0],
        "all": [1, 1, 1, 1, 1],
        "current": [1, 0, 0, 1, 0],
        "breakeven": [1, 0, 1, 0, 1],
        "positive": [1, 0, 1, 1, 1],
        "top_20": [1, 0, 0, 0, 0],
        "top_30": [1, 0, 1, 0, 0],
    }


def test_learned_policies_stay_inside_the_overlap():
    table = decisions(CATE, overlap=np.array([False, True, True, True, True]))
    assert {name: table[name].astype(int).tolist() for name in ("breakeven", "positive", "top_20", "top_30")} == {
        "breakeven": [0, 0, 1, 0, 1],
        "positive": [0, 0, 1, 1, 1],
        "top_20": [0, 0, 1, 0, 0],
        "top_30": [0, 0, 1, 0, 1],
    }
    assert contact_order(CATE, np.array([False, True, True, True, False])).tolist() == [2, 3, 1, 0, 4]


def test_of_equal_effects_the_first_rows_are_contacted():
    assert top_share(np.array([1.0, 2.0, 1.0, 1.0]), np.ones(4, dtype=bool), 0.5).tolist() == [1, 1, 0, 0]


def test_values_by_hand():
    # Breakeven contacts rows 0, 2, 4: off-policy 0.5 * 8 - 2 = 2, 0.5 * -2 - 2 = -3, 0.5 * 10 - 2 = 3, others 0: mean 0.4.
    # Deviations 1.6, -0.4, -3.4, -0.4, 2.6: squares sum to 21.2; se = sqrt(5/4 * 21.2) / 5.
    # Plug-in: 0.5 * (10 + 6 + 4.5) - 6 = 4.25, a row 0.85. ROI: 2 earned on 6 spent.
    table = value_table(decisions(CATE, treated=TREATED), CATE, FIVE, ECONOMICS).set_index("policy")
    row = table.loc["breakeven"]
    assert (row["share"], row["n"], row["share_outside"]) == (0.6, 3, 0)
    assert row["profit"] == pytest.approx(0.4)
    assert row["profit_se"] == pytest.approx(np.sqrt(1.25 * 21.2) / 5)
    assert row["profit_plugin"] == pytest.approx(0.85)
    assert row["optimism"] == pytest.approx(0.45)
    assert row["total_profit"] == pytest.approx(2.0)
    assert row["roi"] == pytest.approx(1 / 3)
    assert row["profit_ci_upper"] - row["profit_ci_lower"] == pytest.approx(2 * 1.959964 * row["profit_se"])
    # ROI's influence: profits 2, 0, -3, 0, 3 less a third of 2, 0, 2, 0, 2 spent, over 1.2 spent a row.
    influence = (np.array([2, 0, -3, 0, 3]) - np.array([2, 0, 2, 0, 2]) / 3) / 1.2
    assert row["roi_ci_upper"] - row["roi"] == pytest.approx(1.959964 * np.sqrt(1.25 * np.square(influence).sum()) / 5)
    # Current practice earned 0.5 * (4 + 6) - 2 * 2 = 1 in all; contacting all 2, -1, -3, 1, 3.
    assert table.loc["current", "total_profit"] == pytest.approx(1.0)
    assert row["over_current"] == pytest.approx(0.4 - 0.2)
    assert row["over_all"] == pytest.approx(0.0)


def test_nobody_earns_nothing_and_has_no_roi():
    row = value_table(decisions(CATE, treated=TREATED), CATE, FIVE, ECONOMICS).set_index("policy").loc["none"]
    assert row[["profit", "profit_se", "profit_plugin", "n"]].tolist() == [0, 0, 0, 0]
    assert np.isnan(row["roi"])


def test_current_practice_is_valued_rightly_with_wrong_outcome_models():
    """Treatment follows x and the effect is 6: practice earns margin * 6 - cost per treated, whatever mu says."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=200_000)
    propensity = 1 / (1 + np.exp(-x))
    treated = (rng.random(len(x)) < propensity).astype(float)
    outcome = 20 + 5 * x + 6 * treated + rng.normal(size=len(x))
    scores = dr_scores(outcome, treated, propensity, 0 * x, 0 * x)
    known = Evidence(scores[:, 0], scores[:, 1], outcome, treated, np.arange(len(x)), np.ones(len(x), dtype=bool))
    earned = observed_profits(known, ECONOMICS)
    truth = treated.mean() * (0.5 * 6 - 2)
    assert abs(earned.mean() - truth) < 3 * earned.std() / np.sqrt(len(x))
    naive = profits(treated, scores[:, 1] - scores[:, 0], ECONOMICS)
    assert abs(naive.mean() - truth) > 20 * naive.std() / np.sqrt(len(x))  # what must not be done


def test_the_curve_meets_the_policies():
    rng = np.random.default_rng(0)
    cate, score, households = rng.normal(4, 3, 500), rng.normal(4, 9, 500), np.repeat(np.arange(250), 2)
    known = evidence(score, households)
    table = value_table(decisions(cate), cate, known, ECONOMICS).set_index("policy")
    curve = roi_curve(cate, known, ECONOMICS).set_index("share")
    assert curve.index.tolist() == CURVE_SHARES.tolist()
    for policy, share in (("none", 0.0), ("top_20", 0.2), ("top_30", 0.3), ("all", 1.0)):
        for column in ("profit", "profit_ci_lower", "profit_ci_upper", "profit_plugin", "roi", "share_outside"):
            assert curve.loc[share, column] == pytest.approx(table.loc[policy, column], nan_ok=True)


@pytest.mark.slow
def test_an_overfitted_policy_on_noise_earns_minus_its_cost_and_not_its_promise():
    """Randomised arms, no effect at all: a forest that follows noise promises a profit to households it never saw."""
    rng = np.random.default_rng(1)
    n = 3000
    covariates, treated = rng.normal(size=(n, 8)), rng.integers(0, 2, n)
    score = (2 * treated - 1) * 2 * rng.normal(0, 20, n)  # the doubly robust score of outcomes that are pure noise
    forest = RandomForestRegressor(60, min_samples_leaf=2, random_state=0, n_jobs=1)
    half = np.arange(n) % 2 == 0
    cate = np.empty(n)
    for learn in (half, ~half):
        cate[~learn] = forest.fit(covariates[learn], score[learn]).predict(covariates[~learn])
    row = value_table(decisions(cate), cate, evidence(score), ECONOMICS).set_index("policy").loc["breakeven"]
    cost = row["share"] * ECONOMICS.cost
    assert row["profit_plugin"] > cost
    assert row["profit_ci_lower"] < -cost < row["profit_ci_upper"] < row["profit_plugin"]


def test_a_policy_is_recommended_only_when_shown():
    table = pd.DataFrame(
        {"policy": ["none", "all", "top_20"], "profit": [0.0, 5.0, 3.0], "profit_se": [0.0, 4.0, 1.0], "share_outside": 0.0}
    )
    assert recommend(table) == "top_20"  # all earns more, but may as well earn nothing
    assert recommend(table.assign(profit_se=[0.0, 1.0, 1.0])) == "all"
    assert recommend(table.assign(profit_se=[0.0, 4.0, 2.0])) == "none"
    # What reaches outside the overlap is extrapolated, however good it looks.
    assert recommend(table.assign(share_outside=[0.0, 0.0, 0.1])) == "none"
    # 2.1 standard errors convince alone, and not as the best of two.
    assert recommend(table.assign(profit=[0.0, -1.0, 2.1])) == "none"
    assert recommend(table.assign(profit=[0.0, -1.0, 2.1]).drop(index=1)) == "top_20"


@pytest.mark.slow
def test_under_no_effect_a_loss_is_rarely_recommended():
    rng = np.random.default_rng(4)
    recommended = 0
    for _ in range(200):
        cate, score = rng.normal(4, 3, 400), rng.normal(0, 40, 400)
        recommended += recommend(value_table(decisions(cate), cate, evidence(score), ECONOMICS)) != "none"
    assert recommended / 200 <= 0.05


def test_every_policy_is_a_share_of_rows():
    table = decisions(CATE)
    assert list(table) == list(POLICIES)
    assert table.isin([0, 1]).all(axis=None)
