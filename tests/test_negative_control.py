"""The negative-control panel: the trials moved back before their campaigns."""

from datetime import date

import ibis
import pandas as pd
import pytest
from ibis.backends import BaseBackend

from targeting.tables.covariates import at, baseline_covariates
from targeting.tables.history import with_history
from targeting.trials.negative_control import ControlTrial, control_panel, control_trials
from targeting.trials.panel import FRONT, assemble, covariate_names
from targeting.trials.trials import Trial, in_trial, trial_rows
from tests.frames import in_pandas

TIME_ZERO, OUTCOME_FROM = date(2016, 8, 19), date(2016, 7, 22)  # campaign 4's start, and 28 days before
TRIAL = Trial(1, 4, TIME_ZERO, date(2016, 9, 20), date(2016, 10, 20), False, date(2016, 7, 1))


def trial_panel(backend: BaseBackend, tables: dict[str, ibis.Table]) -> pd.DataFrame:
    covariates = at(baseline_covariates(with_history(backend, tables), [TIME_ZERO], [28, 56]), TIME_ZERO)
    rows = trial_rows(TRIAL, tables["transactions"], tables["campaigns"], tables["campaign_targets"])
    return assemble(in_trial(rows.inner_join(covariates, "household_id").execute(), TRIAL)).assign(fold=0)


def moved(backend: BaseBackend, tables: dict[str, ibis.Table], panel: pd.DataFrame, days: int = 28) -> ControlTrial:
    (trial,) = control_trials(backend, with_history(backend, tables), panel, days, [28, 56])
    return trial


@pytest.mark.slow
@pytest.mark.parametrize("days", [28, 130])
def test_rows_equal_a_slow_computation(backend, tables, days):
    panel = trial_panel(backend, tables)
    lines = in_pandas(tables["transactions"])
    trial = moved(backend, tables, panel, days)
    first = pd.Timestamp(TIME_ZERO) - pd.Timedelta(days=days)
    assert trial.outcome_from == first.date()
    rows = trial.rows.set_index("household_id")
    kept = panel.set_index("household_id")
    campaigns, targets = tables["campaigns"].execute(), tables["campaign_targets"].execute()
    begun = campaigns[(campaigns["start_day"] >= first) & (campaigns["start_day"] < pd.Timestamp(TIME_ZERO))]
    reached = set(targets.loc[targets["campaign_id"].isin(begun["campaign_id"]), "household_id"])
    earlier, window = lines[lines["day"] < first], lines[lines["day"] < pd.Timestamp(TIME_ZERO)]
    window = window[window["day"] >= first]
    for household, row in kept.iterrows():
        if household not in earlier["household_id"].to_numpy():
            assert household in trial.without_history["household_id"].to_numpy()
            assert household not in rows.index
            continue
        if household in reached:
            assert household in trial.mailed_meanwhile["household_id"].to_numpy()
            assert household not in rows.index
            continue
        own = window[window["household_id"] == household]
        assert rows.loc[household, "treated"] == row["treated"]
        assert rows.loc[household, "purchase_amount"] == pytest.approx(own["sales"].sum())
        assert rows.loc[household, "purchase_count"] == own["basket_id"].nunique()
        if days == 28:  # what this panel's outcome is, the effects' panel has as a covariate
            assert rows.loc[household, "purchase_amount"] == pytest.approx(row["x_spend_28d"])
        assert rows.loc[household, "x_monetary_sales"] == pytest.approx(
            earlier.loc[earlier["household_id"] == household, "sales"].sum()
        )
    assert len(rows) + len(trial.without_history) + len(trial.mailed_meanwhile) == len(kept)
    assert (len(trial.mailed_meanwhile) > 0) == (days > 28)
    assert len(trial.without_history) == 0 if days == 28 else 10 < len(trial.without_history) < len(kept) / 2
    assert (rows["purchase_count"] == 0).any() or days > 28


@pytest.mark.slow
def test_nothing_from_the_outcome_on_reaches_the_covariates(backend, tables):
    panel = trial_panel(backend, tables)
    lines = tables["transactions"]
    later = lines.day >= OUTCOME_FROM
    perturbed = tables | {
        "transactions": lines.mutate(
            sales=ibis.ifelse(later, lines.sales * 3, lines.sales).cast(lines.sales.type()),
            product_id=ibis.ifelse(later, 101, lines.product_id),
            store_id=ibis.ifelse(later, 301, lines.store_id),
        ),
        "redemptions": tables["redemptions"].filter(tables["redemptions"].day < OUTCOME_FROM),
    }
    before, after = (
        moved(backend, source, panel).rows.sort_values("household_id", ignore_index=True) for source in (tables, perturbed)
    )
    names = covariate_names(before)
    assert len(names) > 40
    pd.testing.assert_frame_equal(before[["household_id", "treated", *names]], after[["household_id", "treated", *names]])
    # The perturbation is one that the outcome does see.
    assert after["purchase_amount"].sum() == pytest.approx(3 * before["purchase_amount"].sum())


@pytest.mark.slow
def test_nothing_from_time_zero_on_reaches_anything(backend, tables):
    panel = trial_panel(backend, tables)
    lines = tables["transactions"]
    perturbed = tables | {"transactions": lines.filter(lines.day < TIME_ZERO)}
    before, after = (
        moved(backend, source, panel).rows.sort_values("household_id", ignore_index=True) for source in (tables, perturbed)
    )
    pd.testing.assert_frame_equal(before, after)


@pytest.mark.slow
def test_the_flow_counts_who_is_left_out(backend, tables):
    panel = trial_panel(backend, tables)
    trial = moved(backend, tables, panel, days=110)  # to within weeks of the first day of the data
    flow = trial.flow()
    assert flow["n_eligible"] == len(panel)
    left_out = {arm: [f"n_{arm}", f"n_{arm}_without_history", f"n_{arm}_mailed_meanwhile"] for arm in ("treated", "control")}
    assert sum(flow[name] for name in left_out["treated"]) == panel["treated"].sum()
    assert sum(flow[name] for name in left_out["control"]) == (1 - panel["treated"]).sum()
    assert flow["n_control_without_history"] > 0
    assert flow["n_treated_mailed_meanwhile"] > 0
    assert flow["used"] is True


@pytest.mark.slow
def test_before_the_data_there_is_nobody_and_no_panel(backend, tables):
    trial = moved(backend, tables, trial_panel(backend, tables), days=400)
    assert len(trial.rows) == 0
    assert trial.flow()["used"] is False
    assert list(control_panel([trial]).columns) == FRONT


def test_the_panel_holds_the_trials_with_both_arms():
    def trial(number: int, treated: list[int]) -> ControlTrial:
        rows = pd.DataFrame({"household_id": [2, 1], "treated": treated, "purchase_amount": 1.0, "purchase_count": 1})
        rows = rows.assign(before_purchase_amount=1.0, before_purchase_count=1.0, earlier_mailings=0, mailed_after=0)
        rows = in_trial(
            rows.assign(x_age=[4.0, 5.0]), Trial(number, 10 * number, TIME_ZERO, TIME_ZERO, TIME_ZERO, False, OUTCOME_FROM)
        )
        return ControlTrial(10 * number, OUTCOME_FROM, rows, rows.iloc[:0], rows.iloc[:0])

    panel = control_panel([trial(1, [0, 1]), trial(2, [1, 1]), trial(3, [1, 0])])
    assert panel["trial"].tolist() == [1, 1, 3, 3]
    assert panel["household_id"].tolist() == [1, 2, 1, 2]
    assert covariate_names(panel) == ["x_age", "x_trial_3"]
