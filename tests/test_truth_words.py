"""What the report says of claims whose truth is known."""

import numpy as np
import pandas as pd

from targeting.sentences.truth import claims_in_words, truth_sentences


def truth_table() -> pd.DataFrame:
    """Claims beside their truth, as the stage `truth` writes them."""
    columns = ["what", "outcome", "trial", "name", "estimand", "estimate", "ci_lower", "ci_upper", "truth", "covered"]
    rows = [
        ("effect", "purchase_amount", "all", "naive", "ATE", 200.0, 180.0, 220.0, 19.0, 0.0),
        ("effect", "purchase_amount", "all", "ato", "ATO", 30.0, 10.0, 50.0, 17.0, 1.0),
        ("effect", "purchase_amount", "3", "ato", "ATO", 40.0, 10.0, 70.0, 16.0, 1.0),
        ("effect", "purchase_count", "all", "ato", "ATO", 1.5, 1.1, 1.9, 0.9, 0.0),
        ("effect", "purchase_amount", "all", "unheard_of", "", 1.0, 0.0, 2.0, np.nan, np.nan),
        ("learner", "purchase_amount", "all", "dr", "CATE", 28.0, np.nan, np.nan, 19.0, 0.43),
        ("learner", "purchase_count", "all", "s", "CATE", 1.2, np.nan, np.nan, 0.9, np.nan),
        ("policy", "purchase_amount", "all", "none", "profit", 0.0, 0.0, 0.0, 0.0, 1.0),
        ("policy", "purchase_amount", "all", "top_20", "profit", 2.0, 0.5, 3.5, -1.0, 0.0),
        ("policy", "purchase_amount", "all", "oracle", "profit", np.nan, np.nan, np.nan, 2.5, np.nan),
        ("propensity", np.nan, "all", "nuisance", "propensity", 0.3, np.nan, np.nan, 0.3, np.nan),
    ]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(
        rmse=[np.nan] * 5 + [50.0, 1.1] + [np.nan] * 4, rank_correlation=[np.nan] * 5 + [0.4, np.nan] + [np.nan] * 4
    )


def test_claims_stand_in_words_beside_their_truth():
    claims = claims_in_words(truth_table())
    assert [row["claim"] for row in claims["effects"]] == [
        "difference of means (confounded) (`naive`), average over all household-trials",
        "doubly robust, overlap (`ato`), average over the overlap",
    ]
    assert claims["effects"][1] | {"claim": ""} == {
        "claim": "",
        "estimate": "$30.00 ($10.00 to $50.00)",
        "truth": "$17.00",
        "held": "yes",
    }
    assert [row["claim"].split("overlap, ")[-1] for row in claims["others"]] == [
        "on spend, campaign 3",
        "on baskets, all campaigns",
    ]
    assert claims["others"][1]["estimate"] == "1.50 (1.10 to 1.90)"
    # Of a learner's single households a share of the intervals holds the truth: neither all nor none of them.
    assert [row["held"] for row in claims["learners"]] == ["43%", ""]
    assert claims["learners"][0]["error"] == "$50.00"
    assert [row["claim"] for row in claims["policies"]] == ["`none`", "`top_20`", "`oracle`"]
    assert [row["held"] for row in claims["policies"]] == ["yes", "no", ""]


def test_the_truth_judges_the_recommendation_and_the_intervals():
    hoped = {"expected_profit": 4.0, "expected_profit_lower": 1.0, "expected_profit_upper": 7.0}
    found = {"truth": {"profit_oracle": 2.5, "profit_recommended": -1.0}, "policy": {"recommended": "top_20"} | hoped}
    first, second, third = truth_sentences(found, truth_table())
    assert first.startswith("The recommended policy, `top_20`, truly earns -$1.00 per household and campaign")
    assert "where $4.00 was expected ($1.00 to $7.00, which does not hold the truth)" in first
    within = found | {"truth": {"profit_oracle": 2.5, "profit_recommended": 1.5}}
    assert "$1.00 to $7.00, which holds the truth" in truth_sentences(within, truth_table())[0]
    assert second == "The effect on spend that is read first (`ato`, $30.00) truly is $17.00: its interval holds that."
    assert "1 of 2 estimators of it and 0 of 1 policies" in third
    missed = truth_table().replace({"covered": {1.0: 0.0}})
    nobody = {"truth": {"profit_oracle": 2.5, "profit_recommended": 0.0}, "policy": {"recommended": "none"}}
    said = truth_sentences(nobody, missed)
    assert said[0].startswith("Mailing nobody, as recommended, truly earns $0.00")
    assert said[1].endswith("its interval does not hold that.")
