"""The mailing list: every household once, decided by the recommended policy, with its reason, in a file that runs nothing."""

import csv
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from targeting.base.errors import DataError
from targeting.base.outputs import spreadsheet_safe, write_csv
from targeting.campaign.exploration import Exploration
from targeting.campaign.mailing import COLUMNS, NextCampaign, list_metrics, mailing_list
from targeting.policy.economics import Economics
from targeting.policy.policies import Budget

ECONOMICS = Economics(cost=2.0, margin=0.5)
NO_LOT = Exploration("epsilon_greedy", 0.0, 1.0)
NEVER, TARGETED = "Not eligible: no purchase yet", "Not eligible: a campaign of type A mailed it before"

CANDIDATES = pd.DataFrame(
    {
        "household_id": [1, 2, 3, 4, 5, 6],
        "segment": ["VIP Heavy", None, "Light Grocery", "Light Grocery", "VIP Heavy", "VIP Heavy"],
        "has_history": [True, False, True, True, True, True],
        "targeted_before": [False, False, True, False, False, False],
    }
)
PREDICTIONS = pd.DataFrame(
    {
        "household_id": [1, 4, 5, 6],
        "cate": [10.126, 3.0, 50.0, 60.0],
        "lower": [1.0, np.nan, np.nan, np.nan],
        "upper": [19.0, np.nan, np.nan, np.nan],
        "propensity": [0.5, 0.4, 0.02, 0.3],
        "outside_range": ["", "", "", "recency, spend_28d"],
        "segment_profit": [-1.5, 0.75, -1.5, -1.5],
        "leaf_profit": [-2.0, -2.0, 3.25, 3.25],
        "leaf_rule": ["spend <= 9", "spend <= 9", "spend > 9", "spend > 9"],
    }
)


def campaign(policy: str) -> NextCampaign:
    return NextCampaign("A", policy, ECONOMICS, "purchase_amount", (0.1, 0.9))


def make(policy: str = "breakeven", exploration: Exploration = NO_LOT, seed: int = 1) -> pd.DataFrame:
    return mailing_list(CANDIDATES, PREDICTIONS, campaign(policy), exploration, seed)


def test_every_household_once_with_decision_and_reason():
    table = make()
    assert list(table) == COLUMNS
    assert table["household_id"].tolist() == [1, 2, 3, 4, 5, 6]
    assert table["mail"].tolist() == [1, 0, 0, 0, 0, 0]
    assert table["propensity"].tolist() == [1, 0, 0, 0, 0, 0]
    assert table["in_overlap"].astype(object).where(table["in_overlap"].notna(), None).tolist() == [1, None, None, 1, 0, 1]
    assert table["reason"].notna().all()
    reasons = table["reason"].tolist()
    assert reasons[0] == "Mailed by policy breakeven: its predicted effect is 10.13 USD, breakeven 4.00."
    assert reasons[1].startswith(NEVER)
    assert reasons[2].startswith(TARGETED)
    assert reasons[3] == "Not mailed by policy breakeven: its predicted effect is 3.00 USD, breakeven 4.00."
    assert reasons[4].endswith("Outside the overlap: past campaigns mailed hardly any households like it (propensity 0.02).")
    assert reasons[5].endswith("Unlike any household that the effect was learned from: recency, spend_28d.")


def test_who_is_not_eligible_has_no_effect():
    table = make()
    assert table.loc[[1, 2], ["cate", "lower", "upper"]].isna().all(axis=None)
    assert table.loc[1, "segment"] == ""
    assert table.loc[2, "segment"] == "Light Grocery"  # a segment it has: what it bought is known
    assert table.loc[0, ["cate", "lower", "upper"]].tolist() == [10.13, 1.0, 19.0]


def test_nobody_is_mailed_where_no_policy_is_recommended():
    table = make("none")
    assert table["mail"].sum() == 0
    eligible = table.loc[[0, 3, 4, 5], "reason"]
    assert eligible.str.startswith("Not mailed: no policy is shown to earn more than mailing nobody").all()


def test_everybody_eligible_is_mailed_by_the_policy_all():
    assert make("all")["mail"].tolist() == [1, 0, 0, 1, 1, 1]


def test_what_the_retailer_did_is_no_rule_for_new_households():
    table = make("current")
    assert table["mail"].sum() == 0
    assert table["reason"].str.startswith("Not mailed: policy current has no rule").sum() == 4


def test_the_segment_decides_by_what_its_contacts_earned():
    table = make("segment")
    assert table["mail"].tolist() == [0, 0, 0, 1, 0, 0]  # household 4, whose predicted effect does not pay
    reasons = table["reason"].tolist()
    assert reasons[3] == "Mailed by policy segment: in past campaigns a contact earned 0.75 USD in its segment."
    assert reasons[0] == "Not mailed by policy segment: in past campaigns a contact earned -1.50 USD in its segment."
    assert list_metrics(table, CANDIDATES, PREDICTIONS, campaign("segment"))["expected_profit_plugin"] == 0.75


def test_a_segment_that_no_past_campaign_reached_is_not_mailed_and_promises_nothing():
    unknown = PREDICTIONS.assign(segment_profit=[np.nan, 0.75, -1.5, -1.5])
    table = mailing_list(CANDIDATES, unknown, campaign("segment"), Exploration("epsilon_greedy", 1.0, 1.0), 1)
    assert table.loc[[0, 3, 4, 5], "propensity"].tolist() == [0.5] * 4
    assert list_metrics(table, CANDIDATES, unknown, campaign("segment"))["expected_profit_plugin"] == 0.5 * (0.75 - 1.5 - 1.5)
    table = mailing_list(CANDIDATES, unknown, campaign("segment"), NO_LOT, 1)
    assert table["mail"].tolist() == [0, 0, 0, 1, 0, 0]
    assert table.loc[0, "reason"].endswith("past campaigns do not say what a contact earns in its segment.")


def test_the_policy_tree_decides_by_its_rule_inside_the_overlap_and_the_range():
    table = make("policy_tree")
    assert table["mail"].sum() == 0  # those whom the rule wants are outside the overlap, or unlike all it was learned from
    assert (
        table.loc[0, "reason"]
        == "Not mailed by policy policy_tree: in past campaigns a contact earned -2.00 USD by the rule: spend <= 9."
    )
    inside = PREDICTIONS.assign(propensity=0.5)
    table = mailing_list(CANDIDATES, inside, campaign("policy_tree"), NO_LOT, 1)
    assert table["mail"].tolist() == [0, 0, 0, 0, 1, 0]
    assert (
        table.loc[4, "reason"]
        == "Mailed by policy policy_tree: in past campaigns a contact earned 3.25 USD by the rule: spend > 9."
    )
    assert list_metrics(table, CANDIDATES, inside, campaign("policy_tree"))["expected_profit_plugin"] == 3.25


def test_an_unknown_policy_is_named():
    with pytest.raises(DataError, match="Unknown policy 'astrology'; known: none, all"):
        make("astrology")


@pytest.mark.slow
def test_the_lot_mails_and_leaves_out_as_logged():
    mailed = np.zeros(6)
    for seed in range(600):
        table = make("breakeven", Exploration("epsilon_greedy", 0.2, 1.0), seed)
        mailed += table["mail"]
        assert table["propensity"].tolist() == [0.9, 0, 0, 0.1, 0.1, 0.1]
        drawn = table[(table["propensity"] < 0.5) & (table["mail"] == 1)]
        assert drawn["reason"].str.startswith("Mailed by lot, to learn from it (chance of being mailed 0.100)").all()
        left_out = table[(table["propensity"] > 0.5) & (table["mail"] == 0)]
        assert left_out["reason"].str.startswith("Left out by lot").all()
    np.testing.assert_allclose(mailed / 600, [0.9, 0, 0, 0.1, 0.1, 0.1], atol=0.05)


def test_households_are_ranked_and_told_by_what_each_costs():
    # Breakevens of 4, 8, 4 and 100: what each gains for a dollar of breakeven is 2.5, 2, 3 and 0.6, whatever the effects' order.
    inside = PREDICTIONS.assign(cate=[10.0, 16.0, 12.0, 60.0], propensity=0.5, outside_range="")
    dear = NextCampaign("A", "budget", Economics(np.array([2.0, 4.0, 2.0, 50.0]), 0.5), "purchase_amount", (0.1, 0.9))
    one = mailing_list(CANDIDATES, inside, replace(dear, budget=Budget(contacts=1)), NO_LOT, 1)
    assert one["mail"].tolist() == [0, 0, 0, 0, 1, 0]
    # 2, 2 and 4 USD are spent on households 5, 1 and 4; the fourth does not pay, though its effect is the largest.
    table = mailing_list(CANDIDATES, inside, replace(dear, budget=Budget(usd=8.0)), NO_LOT, 1)
    assert table["mail"].tolist() == [1, 0, 0, 1, 1, 0]
    assert table.loc[3, "reason"] == "Mailed by policy budget: its predicted effect is 16.00 USD, breakeven 8.00."
    assert table.loc[5, "reason"] == "Not mailed by policy budget: its predicted effect is 60.00 USD, breakeven 100.00."
    # 0.5 * 10 - 2, 0.5 * 16 - 4 and 0.5 * 12 - 2.
    assert list_metrics(table, CANDIDATES, inside, dear)["expected_profit_plugin"] == pytest.approx(3 + 4 + 4)


def test_predictions_that_do_not_belong_to_the_eligible_stop():
    for wrong in (PREDICTIONS.iloc[1:], PREDICTIONS.assign(household_id=[1, 4, 5, 99]), PREDICTIONS.iloc[::-1]):
        with pytest.raises(DataError, match="dvc repro"):
            mailing_list(CANDIDATES, wrong, campaign("all"), NO_LOT, 1)


def test_counts_and_what_the_contacts_promise():
    numbers = list_metrics(make("all"), CANDIDATES, PREDICTIONS, campaign("all"))
    # 0.5 * (10.126 + 3 + 50 + 60) - 4 * 2.
    assert numbers["expected_profit_plugin"] == pytest.approx(53.563)
    counts = {"n_households": 6, "n_eligible": 4, "n_no_history": 1, "n_targeted_before": 1, "n_in_overlap": 3}
    assert {name: numbers[name] for name in counts} == counts
    assert (numbers["n_outside_range"], numbers["n_mailed"], numbers["expected_mailed"]) == (1, 4, 4.0)


HOSTILE = [
    '=HYPERLINK("http://example.org","x")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1+1",
    "\uff1d1+1",  # the full-width sign
    '=1;"quoted, with a comma"',
    "=1\n7,VIP Heavy,99,,,1,1,1,smuggled",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_starts_a_formula(text, tmp_path):
    safe = "'" + text.replace("\t", " ").replace("\r", " ").replace("\n", " ")
    assert spreadsheet_safe(text) == safe
    candidates = CANDIDATES.assign(segment=[text, None, text, text, text, text])
    table = mailing_list(candidates, PREDICTIONS, campaign("breakeven"), NO_LOT, 1)
    write_csv(table, tmp_path / "list.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "list.csv").read_bytes().decode("utf-8"), newline="")))
    assert [row["household_id"] for row in rows] == ["1", "2", "3", "4", "5", "6"]  # nothing broke into another row
    assert {row["segment"] for row in rows} == {safe, ""}
    for row in rows:
        for name in ("segment", "reason"):
            assert not row[name].startswith(tuple("=+-@\t\r\n"))


def test_a_break_inside_a_text_starts_no_row():
    assert spreadsheet_safe("VIP\r\n=1\tx") == "VIP  =1 x"


@pytest.mark.parametrize("text", ["VIP Heavy", "Regular + H&B", "3 = three", "", "'quoted", "Süßes"])
def test_harmless_text_stays(text):
    assert spreadsheet_safe(text) == text


@pytest.mark.parametrize("policy", ["none", "all", "breakeven", "top_20", "conservative", "segment", "policy_tree", "budget"])
def test_with_nobody_eligible_nobody_is_mailed_and_every_row_says_why(policy):
    everybody, nobody = CANDIDATES.assign(targeted_before=True), PREDICTIONS.head(0)
    table = mailing_list(everybody, nobody, campaign(policy), Exploration("softmax", 0.1, 5.0), 1)
    assert table["mail"].sum() == table["propensity"].sum() == 0
    assert [reason[: len(TARGETED)] == TARGETED for reason in table["reason"]] == everybody["has_history"].tolist()
    counts = list_metrics(table, everybody, nobody, campaign(policy))
    assert (counts["n_eligible"], counts["n_mailed"], counts["expected_profit_plugin"]) == (0, 0, 0)
