"""The mailing list: every household once, decided by the recommended policy, in a file that runs nothing."""

import csv
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from targeting.base.errors import DataError
from targeting.base.outputs import spreadsheet_safe, write_csv
from targeting.campaign.exploration import Exploration
from targeting.campaign.mailing import DECISION, FACTS, Ground, NextCampaign, known_by, list_metrics, mailing_list
from targeting.policy.beliefs import Forecast
from targeting.policy.economics import Economics
from targeting.policy.policies import Budget
from targeting.sentences.mailing import list_with_reasons
from tests.stored import require_stored

ECONOMICS = Economics(cost=2.0, margin=0.5)
NO_LOT = Exploration("epsilon_greedy", 0.0, 1.0)

CANDIDATES = pd.DataFrame(
    {
        "household_id": [1, 2, 3, 4, 5, 6],
        "segment": ["VIP Heavy", None, "Light Grocery", "Light Grocery", "VIP Heavy", "VIP Heavy"],
        "has_history": [True, False, True, True, True, True],
        "running": False,
        "eligible": [True, False, False, True, True, True],
    }
)
FORECAST = Forecast.of(level=20.0, level_sd=3.0, slope=1.0, slope_sd=0.5, centre=10.0)
PREDICTIONS = pd.DataFrame(
    {
        "household_id": [1, 4, 5, 6],
        "propensity": [0.5, 0.4, 0.02, 0.3],
        "outside_range": ["", "frequency", "", "recency, spend_28d"],
        "unlike": ["", "", "", "recency, spend_28d"],
        "ranking": [0.126, -7.0, 40.0, 50.0],
    }
)
BOUNDS = (0.1, 0.9)
KNOWN = known_by(PREDICTIONS, FORECAST, BOUNDS)  # expected effects of 10.126, 3, 50 and 60


def campaign(policy: str) -> NextCampaign:
    return NextCampaign("A", policy, ECONOMICS, "purchase_amount", BOUNDS)


def make(policy: str = "prudent", exploration: Exploration = NO_LOT, seed: int = 1) -> pd.DataFrame:
    return mailing_list(CANDIDATES, KNOWN, campaign(policy), exploration, seed)


def test_every_household_once_with_its_decision_and_what_decided():
    table = make()
    assert list(table) == [*DECISION, "ground", *FACTS]
    assert table["household_id"].tolist() == [1, 2, 3, 4, 5, 6]
    assert table["mail"].tolist() == [1, 0, 0, 0, 0, 0]
    assert table["propensity"].tolist() == [1, 0, 0, 0, 0, 0]
    assert table["in_overlap"].astype(object).where(table["in_overlap"].notna(), None).tolist() == [1, None, None, 1, 0, 1]
    policy = Ground.POLICY
    assert table["ground"].tolist() == [policy, Ground.NO_HISTORY, Ground.TARGETED_BEFORE, policy, policy, policy]
    eligible = table.loc[[0, 3, 4, 5]]
    assert eligible["past_propensity"].tolist() == PREDICTIONS["propensity"].tolist()
    assert (
        eligible[["outside_range", "unlike"]].to_numpy().tolist() == PREDICTIONS[["outside_range", "unlike"]].to_numpy().tolist()
    )
    assert eligible["breakeven"].tolist() == [4.0] * 4
    np.testing.assert_allclose(eligible["uncertainty"].astype(float), np.hypot(3.0, 0.5 * np.array([9.874, 17, 30, 40])))


def test_the_rank_says_whom_first_if_some_must_be_mailed():
    # Of households 1, 4, 5 and 6 only 1 and 4 are known of: 5 lies outside the overlap, 6 far outside the range of covariates.
    table = make("none")
    assert table["rank"].astype(object).where(table["rank"].notna(), None).tolist() == [1, None, None, 2, 4, 3]
    # So many of them a budget would reach.
    inside = known_by(PREDICTIONS.assign(propensity=0.5, unlike=""), FORECAST, BOUNDS).assign(uncertainty=0.0)
    for contacts in (1, 2, 3):
        some = replace(campaign("budget"), budget=Budget(contacts=contacts))
        mailed = mailing_list(CANDIDATES, inside, some, NO_LOT, 1)
        assert mailed.loc[mailed["mail"] == 1, "rank"].sort_values().tolist() == list(range(1, contacts + 1))
    unknown = known_by(PREDICTIONS, None, BOUNDS)
    assert mailing_list(CANDIDATES, unknown, campaign("none"), NO_LOT, 1)["rank"].isna().all()


def test_who_is_not_eligible_has_no_effect():
    table = make()
    assert table.loc[[1, 2], ["cate", "lower", "upper"]].isna().all(axis=None)
    assert table.loc[1, "segment"] == ""
    assert table.loc[2, "segment"] == "Light Grocery"  # a segment it has: what it bought is known
    reach = 1.959964 * np.hypot(3.0, 0.5 * 9.874)
    expected = [10.126, 10.126 - reach, 10.126 + reach]
    np.testing.assert_allclose(table.loc[0, ["cate", "lower", "upper"]].astype(float), expected, atol=0.005)


def test_nobody_is_mailed_where_no_policy_is_recommended():
    table = make("none")
    assert table["mail"].sum() == 0
    assert table.loc[[0, 3, 4, 5], "ground"].eq(Ground.NOBODY).all()


def test_everybody_eligible_is_mailed_by_the_policy_all():
    assert make("all")["mail"].tolist() == [1, 0, 0, 1, 1, 1]


def test_doubt_counts_against_a_household_as_prudence_says():
    # Household 1: 10.126 with a standard deviation of 5.78, against a breakeven of 4.
    for prudence, mailed in ((0.0, 1), (1.05, 1), (1.07, 0)):
        careful = replace(campaign("prudent"), prudence=prudence)
        assert mailing_list(CANDIDATES, KNOWN, careful, NO_LOT, 1).loc[0, "mail"] == mailed


def test_beliefs_are_carried_outside_the_overlap_with_more_doubt_and_to_nobody_unlike_all_others():
    carried = known_by(PREDICTIONS, replace(FORECAST, posterior=replace(FORECAST.posterior, extrapolation=0.5)), BOUNDS)
    # Household 5, outside, is expected to buy for 50 more: half of that is added to what is not known inside.
    np.testing.assert_allclose(carried["uncertainty"], np.hypot(KNOWN["uncertainty"], [0, 0, 25, 0]))
    table = mailing_list(CANDIDATES, carried, campaign("prudent"), NO_LOT, 1)
    assert table["mail"].tolist() == [1, 0, 0, 0, 1, 0]
    prudence = (50 - 4) / np.hypot(3, np.hypot(15, 25))
    for times, mailed in ((0.99, 1), (1.01, 0)):
        careful = replace(campaign("prudent"), prudence=times * prudence)
        assert mailing_list(CANDIDATES, carried, careful, NO_LOT, 1).loc[4, "mail"] == mailed
    counts = list_metrics(table, CANDIDATES, carried, campaign("prudent"), FORECAST)
    assert [counts[name] for name in ("n_within_reach", "n_mailed", "n_mailed_outside")] == [3, 2, 1]
    # A small budget is spent where data speak, though more is expected of household 5.
    one = replace(campaign("budget"), budget=Budget(contacts=1))
    assert mailing_list(CANDIDATES, carried, one, NO_LOT, 1)["mail"].tolist() == [1, 0, 0, 0, 0, 0]
    said = list_with_reasons(table, campaign("prudent"))["reason"]
    assert "believed of others" in said[4]
    assert "believed of others" not in said[0] + said[5]


def test_a_policy_without_a_rule_for_new_households_is_named():
    for policy in ("astrology", "current", "segment"):
        with pytest.raises(DataError, match=f"No rule for new households by policy '{policy}'; there is one by none, all"):
            make(policy)


def test_where_nothing_is_believed_nobody_is_mailed():
    unknown = known_by(PREDICTIONS, None, BOUNDS)
    table = mailing_list(CANDIDATES, unknown, campaign("none"), NO_LOT, 1)
    assert table["mail"].sum() == 0
    assert "expected_profit" not in list_metrics(table, CANDIDATES, unknown, campaign("none"), None)
    # A contact that brings nothing loses its 2 USD: by softmax its chance is below one half, and known.
    drawn = mailing_list(CANDIDATES, unknown, campaign("none"), Exploration("softmax", 0.0, 2.0), 1)
    np.testing.assert_allclose(drawn.loc[[0, 3, 4, 5], "propensity"].astype(float), 1 / (1 + np.e), atol=1e-6)


def test_a_lot_by_belief_takes_whom_no_belief_reaches_as_unknown():
    # Households 5, outside the overlap with nothing carried there, and 6, unlike all others: 50 and 60 are no beliefs.
    assert KNOWN["reach"].tolist() == [True, True, False, False]
    drawn = make("prudent", Exploration("thompson", 0.0, 1.0, 0.05, 4)).set_index("household_id")["propensity"]
    assert drawn[[5, 6]].tolist() == [0.05, 0.05]
    assert drawn[1] > 0.5
    softmax = make("prudent", Exploration("softmax", 0.0, 2.0)).set_index("household_id")["propensity"]
    np.testing.assert_allclose(softmax[[5, 6]].astype(float), 1 / (1 + np.e), atol=1e-6)


def times_mailed(draws: int) -> np.ndarray:
    """How often each of six households is mailed by lots of as many seeds, each of which says what it did."""
    mailed = np.zeros(6)
    for seed in range(draws):
        table = make("prudent", Exploration("epsilon_greedy", 0.2, 1.0), seed)
        mailed += table["mail"]
        assert table["propensity"].tolist() == [0.9, 0, 0, 0.1, 0.1, 0.1]
        against = (table["propensity"] > 0) & (table["mail"] != table["propensity"].round())
        assert table["ground"].eq(Ground.LOT).tolist() == against.tolist()
    return mailed


def test_some_lots_are_as_they_were_when_many_were_drawn():
    require_stored("mailed by lot", {str(number): int(times) for number, times in enumerate(times_mailed(30))})


@pytest.mark.long
def test_the_lot_mails_and_leaves_out_as_logged():
    np.testing.assert_allclose(times_mailed(600) / 600, [0.9, 0, 0, 0.1, 0.1, 0.1], atol=0.05)


def test_households_are_ranked_by_what_each_costs():
    # Breakevens of 4, 8, 4 and 100: what each gains for a dollar of breakeven is 2.5, 2, 3 and 0.6, whatever the effects' order.
    exact = Forecast.of(level=0.0, level_sd=0.0, slope=1.0, slope_sd=0.0, centre=0.0)
    inside = known_by(PREDICTIONS.assign(ranking=[10.0, 16.0, 12.0, 60.0], propensity=0.5, unlike=""), exact, BOUNDS)
    dear = NextCampaign("A", "budget", Economics(np.array([2.0, 4.0, 2.0, 50.0]), 0.5), "purchase_amount", BOUNDS)
    one = mailing_list(CANDIDATES, inside, replace(dear, budget=Budget(contacts=1)), NO_LOT, 1)
    assert one["mail"].tolist() == [0, 0, 0, 0, 1, 0]
    # 2, 2 and 4 USD are spent on households 5, 1 and 4; the fourth does not pay, though its effect is the largest.
    table = mailing_list(CANDIDATES, inside, replace(dear, budget=Budget(usd=8.0)), NO_LOT, 1)
    assert table["mail"].tolist() == [1, 0, 0, 1, 1, 0]
    assert table.loc[[0, 3, 4, 5], "breakeven"].tolist() == [4.0, 8.0, 4.0, 100.0]
    # 0.5 * 10 - 2, 0.5 * 16 - 4 and 0.5 * 12 - 2.
    assert list_metrics(table, CANDIDATES, inside, dear, exact)["expected_profit"] == pytest.approx(3 + 4 + 4)


def test_predictions_that_do_not_belong_to_the_eligible_stop():
    for wrong in (KNOWN.iloc[1:], KNOWN.assign(household_id=[1, 4, 5, 99]), KNOWN.iloc[::-1]):
        with pytest.raises(DataError, match="dvc repro"):
            mailing_list(CANDIDATES, wrong, campaign("all"), NO_LOT, 1)


def test_counts_and_what_the_list_is_expected_to_earn():
    numbers = list_metrics(make("all"), CANDIDATES, KNOWN, campaign("all"), FORECAST)
    # 0.5 * (10.126 + 3) - 4 * 2, as nothing is believed of 50 and 60, outside and unlike all others; the level is known to 3 and
    # counts 0.5 twice, the slope to 0.5.
    assert numbers["expected_profit"] == pytest.approx(-1.437)
    sd = np.hypot(2 * 0.5 * 3.0, 0.5 * 0.5 * (-9.874 - 17))
    assert numbers["expected_profit_lower"] == pytest.approx(-1.437 - 1.959964 * sd, abs=1e-4)
    assert numbers["chance_of_loss"] == pytest.approx(norm.cdf(1.437 / sd))
    counts = {"n_households": 6, "n_eligible": 4, "n_no_history": 1, "n_set_aside": 1, "n_in_overlap": 3}
    assert {name: numbers[name] for name in counts} == counts
    assert [numbers[name] for name in ("n_outside_range", "n_unlike", "n_mailed", "expected_mailed")] == [2, 1, 4, 4.0]


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
    predictions = KNOWN.assign(unlike=["", "", "", text])
    table = mailing_list(candidates, predictions, campaign("prudent"), NO_LOT, 1)
    write_csv(list_with_reasons(table, campaign("prudent")), tmp_path / "list.csv")
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


@pytest.mark.parametrize("policy", ["none", "all", "inside", "prudent", "budget"])
def test_with_nobody_eligible_nobody_is_mailed_and_every_row_says_why(policy):
    everybody, nobody = CANDIDATES.assign(eligible=False), KNOWN.head(0)
    table = mailing_list(everybody, nobody, campaign(policy), Exploration("softmax", 0.1, 5.0), 1)
    assert table["mail"].sum() == table["propensity"].sum() == 0
    assert table["ground"].eq(Ground.TARGETED_BEFORE).tolist() == everybody["has_history"].tolist()
    assert list_with_reasons(table, campaign(policy))["reason"].str.startswith("Not eligible").all()
    counts = list_metrics(table, everybody, nobody, campaign(policy), FORECAST)
    assert (counts["n_eligible"], counts["n_mailed"]) == (0, 0)
    assert "expected_profit" not in counts
