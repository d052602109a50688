"""What past campaigns did, in money and in words, by hand."""

import numpy as np
import pandas as pd
import pytest

from targeting.sentences.campaigns import after_sentence, campaign_profits, campaigns_sentence, wear_out_sentence, weeks_sentence
from targeting.sentences.decision import believed_and_measured, decision_rows
from targeting.sentences.report import effect_in_margin
from targeting.words.numbers import chance, number

ENDS = ["estimate", "ci_lower", "ci_upper"]


def profits(dated: bool = True) -> pd.DataFrame:
    effects = pd.DataFrame(
        [
            ["purchase_amount", "9", "ato", 40.0, 30.0, 50.0],
            ["purchase_amount", "7", "ato", 10.0, 2.0, 18.0],
            ["purchase_amount", "8", "ato", np.nan, np.nan, np.nan],
            ["purchase_amount", "all", "ato", 20.0, 12.0, 28.0],
            ["purchase_amount", "7", "ols", 99.0, 98.0, 100.0],
            ["purchase_count", "7", "ato", 1.0, 0.0, 2.0],
        ],
        columns=["outcome", "trial", "method", *ENDS],
    )
    trials = pd.DataFrame(
        {"campaign_id": [7, 8, 9], "time_zero": ["2017-01-01", "2017-02-01", "2017-03-01"], "n_treated": [5, 6, 7]}
    )
    trials = trials if dated else trials.drop(columns="time_zero")
    return campaign_profits(effects, trials, {"margin": 0.5, "cost": 10.0}, "purchase_amount", "ato")


def test_a_campaigns_profit_is_margin_times_its_effect_less_the_cost():
    table = profits().set_index("campaign")
    assert table.index.tolist() == ["7", "9", "all"]  # in the order of time; of campaign 8 nothing is known
    assert table.loc["7", ["profit", "profit_ci_lower", "profit_ci_upper"]].tolist() == [-5.0, -9.0, -1.0]
    assert table.loc["9", ["profit", "profit_ci_lower", "profit_ci_upper"]].tolist() == [10.0, 5.0, 15.0]
    assert table["n_treated"].tolist() == [5, 7, 18]
    # A table of customers need not say when its campaigns were.
    undated = profits(dated=False).set_index("campaign")
    assert undated["began"].tolist() == ["", "", ""]
    assert undated["profit"].to_dict() == table["profit"].to_dict()


def test_campaigns_are_counted_by_what_they_are_shown_to_have_done():
    said = campaigns_sentence(profits())
    for words in ("2 campaigns", "1 earned money beyond chance", "1 lost money beyond chance", "earned $0.00", "-$4.00 to $4.00"):
        assert words in said
    open_ones = profits().assign(profit_ci_lower=-1.0, profit_ci_upper=1.0)
    assert campaigns_sentence(open_ones).startswith("2 campaigns, none of which can be told from breaking even. Together they ")
    assert "Of no campaign" in campaigns_sentence(profits().head(0))


def test_of_a_single_campaign_the_sentence_counts_nothing():
    one = profits().query("campaign != '7'")
    one.loc[one["campaign"] == "all", "n_treated"] = 7
    assert campaigns_sentence(one).startswith("1 campaign, which earned money beyond chance. It earned $0.00 per ")
    assert campaigns_sentence(one.assign(profit_ci_upper=-1.0, profit_ci_lower=-2.0)).startswith("1 campaign, which lost money")
    unclear = one.assign(profit_ci_lower=-1.0, profit_ci_upper=1.0)
    assert campaigns_sentence(unclear).startswith("1 campaign, which cannot be told from breaking even. It earned ")
    assert "Together they" in campaigns_sentence(unclear.assign(n_treated=[7, 18]))  # another one's effect is not to be had


def test_first_and_repeated_mailings_are_compared_by_their_difference():
    found = {"first": 12.0, "repeated": 5.0, "repeated_less_first": -7.0, "repeated_less_first_p": 0.01}
    said = wear_out_sentence(found, "purchase_amount")
    for words in ("$12.00", "$5.00", "-$7.00", "beyond chance", "p = 0.010"):
        assert words in said
    said = wear_out_sentence(found, "visits")
    assert said.startswith("A household's first mailing moved its visits by 12.00, a later one by 5.00: a difference of -7.00, ")
    assert "no more than chance" in wear_out_sentence(found | {"repeated_less_first_p": 0.4}, "purchase_amount")
    assert wear_out_sentence({}, "purchase_amount") == ""
    assert wear_out_sentence(found | {"repeated": np.nan}, "purchase_amount") == ""


def test_weeks_after_a_campaign_say_what_they_show_and_what_decisions_make_of_it():
    found = {"alarm": False, "bias": 4.0, "bias_lower": -6.0, "bias_upper": 14.0}
    found |= {"calibrated": 12.5, "calibrated_lower": -3.0, "calibrated_upper": 28.0}
    said = after_sentence(found)
    for words in (
        "not seen to buy more or less",
        "$4.00 (95% interval -$6.00 to $14.00)",
        "$12.50 (95% interval -$3.00 to $28.00)",
    ):
        assert words in said
    more, less = (after_sentence(found | {"alarm": True, "bias": bias}) for bias in (20.0, -20.0))
    assert "still buy more" in more
    assert "a pilot by lot settles it" in more
    assert "buy less" in less
    assert "decisions add nothing" in less
    assert after_sentence({}) == ""


def test_weeks_count_only_once_the_campaign_has_begun():
    weeks = pd.DataFrame({"week": [-1, 0, 1], "joint_lower": [1.0, 0.5, -1.0], "joint_upper": [2.0, 2.0, 1.0]})
    said = weeks_sentence({"during": 1.5, "after": 0.25}, weeks)
    for words in ("$1.50 more a week", "$0.25", "1 of 2 weeks"):
        assert words in said
    assert "No single week" in weeks_sentence({"during": 1.5}, weeks.assign(joint_lower=-1.0, joint_upper=1.0))
    assert weeks_sentence({}, weeks) == ""


SCENARIOS = pd.DataFrame(
    [
        ["as set", 12.73, "none", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        ["cost by the tills", 0.64, "prudent", 0.53, 0.0, 1.95, -0.02, 3.92, 0.004, 1.95, 1.62, -1.22, 4.46],
    ],
    columns=[
        "scenario",
        "cost",
        "recommended",
        "recommended_share",
        "recommended_outside",
        "expected_profit",
        "expected_profit_lower",
        "expected_profit_upper",
        "chance_of_loss",
        "expected_measured",
        "measured",
        "measured_ci_lower",
        "measured_ci_upper",
    ],
)
METRICS = {"policy": {"costs": "published", "recommended": "none"}, "nuisance": {"answers": "overlap"}}


def test_the_decision_stands_beside_each_cost_and_where_that_is_from():
    own, tills = decision_rows(SCENARIOS, METRICS, 0.6)
    assert (own["cost"], own["decision"], own["risk"], own["own"]) == ("$12.73", "Mail nobody", "none", True)
    assert "published study" in own["source"]
    assert tills["own"] is False
    assert "$0.60 to send it" in tills["source"]
    assert "$0.040 of own discounts" in tills["source"]
    assert tills["decision"].startswith("Mail 53% of households, those ")
    assert (tills["profit"], tills["risk"]) == ("$1.95 (-$0.020 to $3.92)", "less than 1%")
    assert tills["measured"] == "$1.62 (95% interval -$1.22 to $4.46), which cannot be told from nothing"
    clear = decision_rows(SCENARIOS.assign(measured_ci_lower=0.4), METRICS, 0.6)[1]["measured"]
    assert clear == "$1.62 (95% interval $0.40 to $4.46)"
    beyond = decision_rows(SCENARIOS.assign(recommended_outside=0.25, expected_measured=1.5), METRICS, 0.6)[1]
    assert beyond["decision"].endswith("(25% of them outside the overlap, on belief alone)")
    assert (
        "$4.46) by its part inside the overlap, where $1.50 was expected, which cannot be told from nothing" in beyond["measured"]
    )
    assert decision_rows(SCENARIOS, METRICS | {"nuisance": {"answers": "nothing"}}, 0.6) == []


def test_two_numbers_for_one_choice_are_tied_together():
    inside = {"policy": "inside", "expected_measured": -4.85, "profit": -5.22, "profit_ci_lower": -8.0, "profit_ci_upper": -2.0}
    said = believed_and_measured(METRICS, pd.DataFrame([inside]))
    for words in ("mailing everybody in the overlap", "-$4.85", "-$5.22", "-$8.00 to -$2.00"):
        assert words in said
    assert believed_and_measured(METRICS, pd.DataFrame([inside | {"profit": -4.85}])) == ""
    assert believed_and_measured(METRICS, pd.DataFrame([inside | {"expected_measured": np.nan}])) == ""


def test_the_effect_in_margin_is_told_beside_what_a_mailing_is_expected_to_bring():
    effects = pd.DataFrame([["purchase_amount", "all", "ato", 13.0, 1.0, 2.0]], columns=["outcome", "trial", "method", *ENDS])
    metrics = METRICS | {"policy": {"margin": 0.5, "belief": {"level": 9.0}, "expected_effect": 14.0}}
    said = effect_in_margin(metrics, effects, "purchase_amount")
    assert "$6.50" in said
    assert "$7.00" in said
    alike = METRICS | {"policy": metrics["policy"] | {"expected_effect": 13.0}}
    assert effect_in_margin(alike, effects, "purchase_amount") == ""


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.004, "less than 1%"), (0.999, "more than 99%"), (0.01, "1%"), (0.54, "54%"), (0.0, "0%"), (1.0, "100%")],
)
def test_no_chance_is_rounded_to_certainty(value, words):
    assert chance(value) == words


def test_what_rounds_to_nothing_has_no_minus():
    assert number(-0.04, 1) == "0.0"
    assert number(-1234.5, 1) == "-1,234.5"
