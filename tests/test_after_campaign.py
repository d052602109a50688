"""Weeks after a campaign as a negative control: against slow loops, and on made-up panels with and without a hidden reason."""

import numpy as np
import pandas as pd
import pytest

from study.controls import CASE, control_summary, judge_control
from targeting.base.columns import AFTER, KEYS
from targeting.effects.after_campaign import FEWEST, after_campaign, calibrate
from targeting.effects.estimators import ato, effect_data
from targeting.nuisance.models import outcome_model
from tests.effect_worlds import panel_and_truth
from tests.test_study_retailers import PARAMS

EFFECT, RAN, COUNTED = 6.0, 2.0, 5.5  # USD in each of a campaign's two weeks; weeks of the outcome window


def world(seed: int, hidden: float = 0.0, n: int = 1200) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Weekly spend of 5 weeks, panel and nuisances; `hidden`: what a trait in no covariate adds to log odds, and 2 USD a week.

    Every week of campaign 8's last two is missing, as where the data end.
    """
    panel, _ = panel_and_truth(seed, n)
    panel = panel.drop(columns=[name for name in panel if name.startswith("before_")])
    rng = np.random.default_rng(seed)
    trait, usual = rng.normal(size=n), panel["x_spend"].to_numpy() / 8
    logit = panel["x_spend"].to_numpy() / 90 - 1.2
    treated = (rng.random(n) < 1 / (1 + np.exp(-logit - hidden * trait))).astype(int)
    panel = panel.assign(treated=treated, trial=(panel["campaign_id"] == 8) + 1)
    spent = {week: usual + 2 * trait + EFFECT * treated * (week < RAN) + rng.normal(0, 4, n) for week in range(5)}
    weekly = panel[KEYS].assign(campaign_weeks=RAN, window_weeks=COUNTED, **{str(week): spent[week] for week in spent})
    weekly.loc[panel["trial"] == 2, ["3", "4"]] = np.nan
    panel["purchase_amount"] = sum(spent.values())
    e = 1 / (1 + np.exp(-logit))
    nuisance = pd.DataFrame({"propensity": e, "mean_purchase_amount": 0.0})
    for arm in (0, 1):
        mu = 5 * usual + EFFECT * RAN * arm
        weight = np.where(treated == arm, 1 / np.where(arm, e, 1 - e), 0.0)
        nuisance[f"mu{arm}_purchase_amount"] = mu
        nuisance[f"score{arm}_purchase_amount"] = mu + weight * (panel["purchase_amount"] - mu)
    return weekly, panel, nuisance


def test_scores_are_those_of_a_slow_loop_over_folds_and_arms():
    weekly, panel, nuisance = world(1)
    found = after_campaign(weekly, panel, nuisance)
    assert found.columns.tolist() == [*KEYS, *AFTER]
    assert found["weeks"].tolist() == np.where(panel["trial"] == 1, 3, 1).tolist()
    y = weekly[["2", "3", "4"]].mean(axis=1)
    x, e = panel.filter(like="x_").to_numpy(), nuisance["propensity"]
    predicted = {arm: np.full(len(panel), np.nan) for arm in (0, 1)}
    for fold in panel["fold"].unique():
        for arm, values in predicted.items():
            learn, held = (panel["treated"] == arm) & (panel["fold"] != fold), panel["fold"] == fold
            values[held] = outcome_model("linear", 0).fit(x[learn], y[learn]).predict(x[held])
    treated = y * panel["treated"] / e - (panel["treated"] - e) / e * predicted[1]
    control = y * (1 - panel["treated"]) / (1 - e) + (panel["treated"] - e) / (1 - e) * predicted[0]
    np.testing.assert_allclose(found["bias"], COUNTED * (treated - control), rtol=1e-6)


def test_the_bias_is_the_overlap_weighted_effect_on_those_weeks():
    weekly, panel, nuisance = world(2, hidden=0.7)
    after = after_campaign(weekly, panel, nuisance)
    found = calibrate(after, panel, nuisance, "purchase_amount")
    weight = nuisance["propensity"] * (1 - nuisance["propensity"]) * after["weeks"]
    assert found.bias.value == pytest.approx(np.average(after["bias"], weights=weight))
    plain = ato(effect_data(panel, nuisance, "purchase_amount"))
    assert (found.observed.value, found.observed.se) == pytest.approx((plain.value, plain.se))
    # The jackknife by household is a slow, obvious error.
    ids, values = panel["household_id"].to_numpy(), []
    for household in np.unique(ids):
        kept = ids != household
        values.append(np.average(after["bias"][kept], weights=weight[kept]))
    assert found.bias.se == pytest.approx((len(values) - 1) / np.sqrt(len(values)) * np.std(values, ddof=1), rel=0.02)
    numbers = found.metrics()
    assert numbers["bias_lower"] < numbers["bias"] < numbers["bias_upper"]
    assert numbers["calibrated_lower"] < numbers["calibrated"] < numbers["calibrated_upper"]


@pytest.mark.slow
def test_alarms_and_intervals_with_a_hidden_reason_and_without():
    truth, alarms, held, plain = EFFECT * RAN, {}, {}, {}
    for hidden in (0.0, 1.0):
        found = []
        for seed in range(60):
            weekly, panel, nuisance = world(seed, hidden)
            found.append(calibrate(after_campaign(weekly, panel, nuisance), panel, nuisance, "purchase_amount"))
        alarms[hidden] = np.mean([one.alarm for one in found])
        held[hidden] = np.mean([one.calibrated.lower <= truth <= one.calibrated.upper for one in found])
        plain[hidden] = np.mean([one.observed.lower <= truth <= one.observed.upper for one in found])
    assert alarms[0.0] <= 0.12
    assert alarms[1.0] >= 0.9
    assert held[0.0] >= 0.88
    assert held[1.0] >= 0.85
    assert plain[1.0] < 0.2


def test_where_no_week_is_known_nothing_is_said():
    weekly, panel, nuisance = world(3, n=200)
    none = weekly.assign(campaign_weeks=5.0)
    after = after_campaign(none, panel, nuisance)
    assert after["bias"].isna().all()
    assert (after["weeks"] == 0).all()
    assert calibrate(after, panel, nuisance, "purchase_amount") is None
    # Nor of a table of customers, whose weeks nobody knows.
    bare = after_campaign(panel[KEYS].assign(campaign_weeks=np.nan, window_weeks=np.nan), panel, nuisance)
    pd.testing.assert_frame_equal(bare, after)
    # A handful of one arm has no error worth the name.
    rare = weekly.copy()
    treated = np.flatnonzero(panel["treated"] == 1)
    rare.loc[treated[FEWEST - 1 :], ["2", "3", "4"]] = np.nan
    assert calibrate(after_campaign(rare, panel, nuisance), panel, nuisance, "purchase_amount") is None


@pytest.mark.slow
def test_a_made_up_retailers_hidden_reason_is_found_and_taken_off():
    params = PARAMS | {"policy": PARAMS["policy"] | {"cost": 12.73, "budget_usd": None}}
    known, seen = (judge_control("none", hidden, 0.0, 0, 400, 36, params) for hidden in (0.0, 1.5))
    assert not known["alarm"]
    assert seen["alarm"]
    assert not seen["observed_held"]
    assert seen["calibrated_held"]
    assert (seen["truth"], seen["oracle_profit"]) == (0.0, 0.0)
    assert seen["calibrated_profit"] > seen["observed_profit"]


def test_the_studys_summary_of_four_retailers_by_hand():
    key = {"effect": "none", "hidden": 1.0, "lasting": 0.0, "bias": 2.0, "truth": 0.0, "observed": 3.0, "calibrated": 1.0}
    key |= {"oracle_profit": 0.0, "observed_held": False}
    rows = pd.DataFrame({"alarm": [True, True, True, False], "calibrated_held": [True, True, False, False]})
    rows = rows.assign(**key, observed_profit=-1.0, calibrated_profit=[0.0, 1.0, 0.0, 1.0])
    row = control_summary(rows).set_index(CASE).loc[("none", 1.0, 0.0)]
    assert row[["n", "alarm", "observed_held", "calibrated_held", "saved"]].tolist() == [4, 0.75, 0.0, 0.5, 1.5]
    # A deviation of 0.5 from the mean in each, three degrees of freedom, four retailers.
    assert row["saved_se"] == pytest.approx(np.sqrt(4 * 0.5**2 / 3) / np.sqrt(4))
