"""Mailing lists of made-up retailers, and what is summed up of what they were expected to earn and earned."""

import pandas as pd
import pytest

from study.lists import judge_list, list_summary
from tests.test_study_retailers import PARAMS


@pytest.mark.slow
def test_a_list_is_judged_by_the_households_that_it_is_for():
    free = {**PARAMS, "policy": {**PARAMS["policy"], "cost": 0.01}}
    found = judge_list("randomised", "constant", 0, 300, 36, free)
    assert found["recommended"] != "none"
    # Some 60 USD of sales for everybody, of which 0.3 are margin, and next to no cost: the list earns what its share has.
    assert found["mailed"] > 0
    assert found["true_profit"] == pytest.approx(found["mailed"] * found["oracle_profit"], rel=0.1)
    assert found["oracle_profit"] == pytest.approx(0.3 * 60, rel=0.2)
    assert found["sd"] > 0


def test_lists_that_mail_nobody_are_counted_and_no_more():
    lists = pd.DataFrame(
        {
            "overlap": ["good", "good", "good", "poor"],
            "effect": "constant",
            "world": [0, 1, 2, 0],
            "mailed": [0.5, 0.7, 0.0, 0.0],
            "expected_profit": [3.0, 2.0, 0.0, 0.0],
            "sd": [1.0, 0.5, 0.0, 0.0],
            "true_profit": [1.5, 3.5, 0.0, 0.0],
            "oracle_profit": [4.0, 6.0, 5.0, 5.0],
        }
    )
    table = list_summary(lists).set_index("overlap")
    row = table.loc["good"]
    assert row[["n", "n_mailing", "n_within"]].tolist() == [3, 2, 1]  # 1.5 of 1.0 lies within two, -1.5 of 0.5 does not
    assert (row["expected_profit"], row["true_profit"], row["oracle_profit"], row["missed"]) == (2.5, 2.5, 5.0, 0.0)
    assert row["missed_se"] == pytest.approx(1.5)
    assert table.loc["poor", ["n", "n_mailing", "n_within"]].tolist() == [1, 0, 0]
