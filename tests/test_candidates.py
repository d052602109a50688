"""Candidates of the next campaign: the trials' own rule and covariates, at a day that may be the next."""

from datetime import date, timedelta

import ibis
import pandas as pd
import pytest

from targeting.tables.covariates import at, baseline_covariates, keep_covariates
from targeting.tables.history import with_history
from targeting.tables.schemas import first_and_last_day
from targeting.trials.candidates import candidate_rows, next_candidates, next_time_zero
from targeting.trials.panel import FIRST, RESTED
from targeting.trials.trials import plan_trials, trial_rows

RECENT = [28, 56]


def candidates(backend, tables, time_zero: date, campaign_type: str = "A", eligible: str = RESTED) -> pd.DataFrame:
    design = {"campaign_type": campaign_type, "eligible": eligible, "recent_days": RECENT}
    known = with_history(backend, tables)
    return candidate_rows(known, baseline_covariates(known, [time_zero], RECENT), design, time_zero).execute()


@pytest.mark.slow
@pytest.mark.parametrize("rule", [RESTED, FIRST])
def test_at_a_past_campaigns_start_they_are_its_trial(backend, tables, rule):
    trials = plan_trials(tables["campaigns"].execute(), "A", 28, 20, *first_and_last_day(tables["transactions"]))
    assert len(trials) == 3
    known = with_history(backend, tables)
    covariates = keep_covariates(backend, known, [trial.time_zero for trial in trials], RECENT)
    for trial in trials:
        rows = candidates(backend, tables, trial.time_zero, eligible=rule)
        arguments = tables["transactions"], tables["campaigns"], tables["campaign_targets"]
        aside = rows["targeted_before"] if rule == FIRST else rows["running"]
        in_trial = set(trial_rows(trial, *arguments, rule).execute()["household_id"])
        assert set(rows.loc[rows["has_history"] & ~aside, "household_id"]) == in_trial
        expected = at(covariates, trial.time_zero).order_by("household_id").execute()
        shopped = rows[rows["has_history"]].reset_index(drop=True)
        pd.testing.assert_frame_equal(shopped[expected.columns.tolist()], expected)


@pytest.mark.slow
def test_every_household_of_any_table_is_a_candidate_once(backend, tables):
    last = first_and_last_day(tables["transactions"])[1]
    shoppers = set(tables["transactions"].household_id.execute())
    silent = ibis.memtable({"campaign_id": [1], "household_id": [9999]})
    more = tables | {"campaign_targets": tables["campaign_targets"].union(silent)}
    rows = candidates(backend, more, last + timedelta(days=1))
    assert rows["household_id"].tolist() == sorted(shoppers | {9999})
    unknown = rows.set_index("household_id").loc[9999]
    assert not unknown["has_history"]
    assert unknown.filter(like="x_").isna().all()
    assert rows.set_index("household_id").drop(9999).notna().all(axis=None)


@pytest.mark.slow
def test_a_campaign_still_to_come_targets_nobody_before(backend, tables):
    second = pd.Timestamp(tables["campaigns"].filter(tables["campaigns"].campaign_id == 4).execute()["start_day"].iloc[0])
    at, after = (candidates(backend, tables, (second + timedelta(days=days)).date()) for days in (0, 1))
    reached = set(tables["campaign_targets"].filter(tables["campaign_targets"].campaign_id == 4).execute()["household_id"])
    assert reached - set(at.loc[at["targeted_before"], "household_id"])
    assert reached <= set(after.loc[after["targeted_before"], "household_id"])


@pytest.mark.slow
@pytest.mark.parametrize("campaign_type", ["B", "C"])
def test_only_campaigns_of_the_type_count(backend, tables, campaign_type):
    last = first_and_last_day(tables["transactions"])[1]
    rows = candidates(backend, tables, last + timedelta(days=1), campaign_type)
    of_type = tables["campaigns"].filter(tables["campaigns"].campaign_type == campaign_type)
    expected = set(tables["campaign_targets"].semi_join(of_type, "campaign_id").execute()["household_id"])
    assert set(rows.loc[rows["targeted_before"], "household_id"]) == expected


@pytest.mark.slow
def test_whoever_was_mailed_before_may_be_mailed_again_where_the_trials_hold_it(backend, tables):
    design = {"campaign_type": "A", "eligible": RESTED, "recent_days": RECENT}
    known = with_history(backend, tables)
    covariates = keep_covariates(backend, known, [next_time_zero(known)], RECENT)
    again = next_candidates(known, covariates, design, repeated=True)
    assert again["eligible"].equals(again["has_history"] & ~again["running"])
    assert (again["eligible"] & again["targeted_before"]).any()
    for only_first in (
        next_candidates(known, covariates, design, repeated=False),
        next_candidates(known, covariates, design | {"eligible": FIRST}, True),
    ):
        assert only_first["eligible"].equals(only_first["has_history"] & ~only_first["targeted_before"])
