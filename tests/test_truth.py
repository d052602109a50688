"""Claims against the truth, on cases worked by hand."""

import numpy as np
import pandas as pd
import pytest

from targeting.base.errors import DataError
from targeting.policy.economics import Economics
from targeting.validation.truth import (
    COLUMNS,
    estimand_weights,
    headline_truth,
    judge_effects,
    judge_learners,
    judge_policies,
    judge_propensities,
    judge_segments,
    truth_of_rows,
)

PANEL = pd.DataFrame({"household_id": [1, 2, 3, 1], "campaign_id": [3, 3, 3, 7], "trial": [1, 1, 1, 2], "treated": [1, 0, 0, 1]})
EFFECT = [10.0, 20.0, 30.0, 60.0]
TRUTH = pd.DataFrame(
    {
        "household_id": [3, 2, 1, 1, 2],
        "campaign_id": [3, 3, 3, 7, 7],
        "propensity": [0.2, 0.5, 0.5, 0.8, 0.1],
        "effect_purchase_amount": [30.0, 20.0, 10.0, 60.0, 99.0],
        "effect_purchase_count": [3.0, 2.0, 1.0, 6.0, 9.9],
        "archetype": ["Bulk buyer", "Regular", "Regular", "Regular", "Regular"],
    }
)


@pytest.fixture
def rows():
    return truth_of_rows(PANEL, TRUTH)


def test_each_row_finds_its_truth(rows):
    assert rows["effect_purchase_amount"].tolist() == EFFECT
    assert rows[["household_id", "campaign_id"]].equals(PANEL[["household_id", "campaign_id"]])


def test_nothing_is_known_of_a_real_retailer_or_of_other_campaigns():
    assert truth_of_rows(PANEL, TRUTH.iloc[:0]) is None
    assert truth_of_rows(PANEL.assign(campaign_id=1), TRUTH) is None


def test_a_truth_for_some_rows_only_stops():
    with pytest.raises(DataError, match="The truth of 1 of 4 rows of the panel is missing"):
        truth_of_rows(PANEL, TRUTH.iloc[1:])


def test_effects_are_judged_by_their_own_estimand_and_trial(rows):
    claims = pd.DataFrame(
        [
            ("purchase_amount", "all", "aipw", 25.0, 20.0, 29.0),
            ("purchase_amount", "all", "ato", 25.0, 20.0, 29.0),
            ("purchase_amount", "all", "did", 25.0, 20.0, 29.0),
            ("purchase_count", "3", "tmle", 2.5, 1.0, 4.0),
            ("purchase_amount", "3", "ols", np.nan, np.nan, np.nan),
            ("purchase_amount", "all", "crystal_ball", 1.0, 0.0, 2.0),
        ],
        columns=["outcome", "trial", "method", "estimate", "ci_lower", "ci_upper"],
    )
    judged = judge_effects(claims, rows, estimand_weights(rows, by_design=True))
    assert list(judged.columns) == COLUMNS
    # ATO: weights 0.25, 0.25, 0.16, 0.16, so 2.5 + 5 + 4.8 + 9.6 over 0.82. ATT: rows 1 and 4.
    overlap = 21.9 / 0.82
    np.testing.assert_allclose(judged["truth"], [30, overlap, 35, 2, (2.5 + 5 + 4.8) / 0.66, np.nan])
    np.testing.assert_allclose(judged["error"], [-5, 25 - overlap, -10, 0.5, np.nan, np.nan])
    np.testing.assert_equal(judged["covered"].tolist(), [0, 1, 0, 1, np.nan, np.nan])
    assert judged["estimand"].tolist() == ["ATE", "ATO", "ATT", "ATE", "ATO", ""]
    elsewhere = judge_effects(claims, rows, estimand_weights(rows, by_design=False))
    assert elsewhere["truth"].isna().tolist() == [False, True, False, False, True, True]


def test_learners_and_propensities_are_judged_by_row(rows):
    exact = pd.DataFrame({f"cate_{name}": EFFECT for name in ("purchase_amount", "purchase_count")})
    interval = {f"lower_{name}": 5.0 for name in ("purchase_amount", "purchase_count")} | {
        f"upper_{name}": 25.0 for name in ("purchase_amount", "purchase_count")
    }
    reversed_order = exact.iloc[::-1].reset_index(drop=True)
    unknown = dict.fromkeys(interval, np.nan)
    judged = judge_learners({"exact": exact.assign(**interval), "reversed": reversed_order.assign(**unknown)}, rows)
    amount = judged[judged["outcome"] == "purchase_amount"].set_index("name")
    assert amount.loc["exact", ["rmse", "rank_correlation", "covered"]].tolist() == [0, pytest.approx(1), 0.5]
    # Errors 50, 10, -10, -50.
    assert amount.loc["reversed", "rmse"] == pytest.approx(np.sqrt(1300))
    assert amount.loc["reversed", "rank_correlation"] == pytest.approx(-1)
    assert np.isnan(amount.loc["reversed", "covered"])
    fit = judge_propensities([0.5, 0.5, 0.2, 0.6], rows).iloc[0]
    assert fit["rmse"] == pytest.approx(0.1)


def test_policies_earn_what_their_contacts_truly_bring(rows):
    """Margin a half, cost 12: a contact earns 5, 10, 15 and 30 less 12; the oracle contacts the last two."""
    assignments = pd.DataFrame({"none": [0, 0, 0, 0], "all": [1, 1, 1, 1], "current": [1, 0, 0, 1]})
    policies = pd.DataFrame(
        {"policy": ["none", "all", "current"], "profit": [0, 2.5, 9], "profit_ci_lower": [0, 2, 8], "profit_ci_upper": [0, 4, 10]}
    )
    judged = judge_policies(policies, assignments, rows, Economics(12, 0.5), "purchase_amount").set_index("name")
    np.testing.assert_allclose(judged["truth"], [0, 12 / 4, 11 / 4, 21 / 4])
    np.testing.assert_equal(judged["covered"].tolist(), [1, 1, 0, np.nan])


def test_of_a_best_bet_that_reaches_outside_the_overlap_the_belief_is_judged(rows):
    believed = {"expected_profit": 3.0, "expected_profit_lower": 1.0, "expected_profit_upper": 5.0, "share_outside": 0.5}
    bet = {"policy": "prudent", "profit": 9.0, "profit_ci_lower": 8.0, "profit_ci_upper": 10.0} | believed
    contacts = pd.DataFrame({"prudent": [1, 1, 1, 1]})  # which earn 12 / 4, as above
    for outside, estimate, covered in ((0.5, 3.0, 1), (0.0, 9.0, 0)):
        policies = pd.DataFrame([bet | {"share_outside": outside}])
        judged = judge_policies(policies, contacts, rows, Economics(12, 0.5), "purchase_amount").set_index("name")
        assert judged.loc["prudent", ["estimate", "truth", "covered"]].tolist() == [estimate, 3, covered]


def test_segments_that_are_the_kinds_agree_wholly():
    segments = pd.DataFrame({"household_id": [1, 2, 3, 4], "segment": [2, 2, 1, 7]})
    assert judge_segments(segments, TRUTH) == 1  # household 4 has no truth


def test_the_headline_names_the_regret_and_leaves_out_what_is_undefined(rows):
    claims = pd.DataFrame(
        [("purchase_amount", "all", "aipw", 25.0, 20.0, 29.0), ("purchase_amount", "all", "ato", 25.0, 20.0, 29.0)],
        columns=["outcome", "trial", "method", "estimate", "ci_lower", "ci_upper"],
    )
    flat = {f"{name}_{outcome}": 1.0 for name in ("cate", "lower", "upper") for outcome in ("purchase_amount", "purchase_count")}
    policies = pd.DataFrame({"policy": ["none"], "profit": [0.0], "profit_ci_lower": [0.0], "profit_ci_upper": [0.0]})
    table = pd.concat(
        [
            judge_effects(claims, rows, estimand_weights(rows, by_design=True)),
            judge_learners({"selected": pd.DataFrame(flat, index=range(4))}, rows),
            judge_propensities(rows["propensity"], rows),
            judge_policies(policies, pd.DataFrame({"none": [0] * 4}), rows, Economics(12, 0.5), "purchase_amount"),
        ]
    )
    numbers = headline_truth(table, "purchase_amount", "none", "selected")
    assert numbers["true_ate"] == 30
    assert numbers["error_aipw"] == -5
    assert numbers["covered_ato"] == 1
    assert numbers["regret"] == numbers["profit_oracle"] == 21 / 4
    assert "cate_rank_correlation" not in numbers  # the same effect predicted for everybody
    assert numbers["propensity_rmse"] == 0
    unknown = headline_truth(table[table["what"] != "propensity"], "purchase_amount", "none", "selected")
    assert set(numbers) - set(unknown) == {"propensity_rmse", "propensity_rank_correlation"}
