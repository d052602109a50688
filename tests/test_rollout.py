"""Campaigns that reach everybody in the end: those that left some out are trials, the others a part of the past."""

from datetime import timedelta

import ibis
import pandas as pd
import pytest
from ibis.backends import BaseBackend

from targeting.base.columns import OUTCOMES
from targeting.base.errors import DataError
from targeting.campaign.models import Blend, CampaignModels, Propensity, past_of
from targeting.campaign.prediction import predict_next, prediction_metrics
from targeting.robustness.design_comparison import design_rows
from targeting.sentences.report import experiment_settles, limits, nobody_left
from targeting.tables.covariates import baseline_covariates, keep_covariates
from targeting.tables.history import with_history
from targeting.trials.candidates import candidate_metrics, next_candidates, next_time_zero
from targeting.trials.designs import DESIGNS, folded_panel
from targeting.trials.lay_out import Layout, lay_out, planned_trials
from targeting.trials.panel import FIRST
from targeting.trials.trials import trial_flow
from tests.reports import REAL, results
from tests.test_prediction import newcomers
from tests.test_prediction import panel as two_trials

pytestmark = pytest.mark.slow  # each reads whole tables through the engine

DESIGN = {
    "name": "sequential_trials",
    "campaign_type": "A",
    "eligible": "rested",
    "post_days": 28,
    "min_follow_up_days": 28,
    "recent_days": [28],
}


@pytest.fixture
def rolled_out(tables):
    """The tiny retailer's first campaign of type A as it was; the second one went to everybody, and so did the third."""
    lines, targets = tables["transactions"], tables["campaign_targets"]
    everybody = lines.select("household_id").distinct()
    again = [everybody.select(campaign_id=ibis.literal(number, "int64"), household_id="household_id") for number in (4, 5)]
    return tables | {"campaign_targets": ibis.union(targets.filter(~targets.campaign_id.isin([4, 5])), *again)}


def laid_out(backend: BaseBackend, tables: dict[str, ibis.Table], design: dict[str, object]) -> Layout:
    """The trials that the tables hold."""
    known, trials = with_history(backend, tables), planned_trials(tables, design)
    covariates = keep_covariates(backend, known, [trial.time_zero for trial in trials], design["recent_days"])
    return lay_out(known, covariates, trials, design, seed=1)


def test_by_lot_alone_campaigns_without_a_draw_are_no_trials(backend, rolled_out):
    ids = rolled_out["transactions"].select("household_id").distinct().execute()["household_id"]
    draw = pd.DataFrame({"campaign_id": 4, "household_id": ids, "mailed": ids % 2, "propensity": 0.5})
    drawn = rolled_out | {"assignments": ibis.memtable(draw)}
    alone, beside = (laid_out(backend, drawn, DESIGN | {"name": name}) for name in ("by_lot", "sequential_trials"))
    assert alone.flow["campaign_id"].tolist() == [4]
    assert alone.chosen.all()
    own = beside.eligible[beside.eligible["campaign_id"] == 4].reset_index(drop=True)
    assert 0 < own["treated"].mean() < 1
    pd.testing.assert_frame_equal(alone.eligible, own[list(alone.eligible)])
    assert beside.flow["campaign_id"].tolist() == [2, 4, 5]
    with pytest.raises(DataError, match=r"there are none: .* data\.assignments"):
        planned_trials(rolled_out, DESIGN | {"name": "by_lot"})


def test_the_trial_with_controls_is_kept_and_all_count_as_mailed_before(backend, rolled_out):
    layout = laid_out(backend, rolled_out, DESIGN)
    flow = layout.flow.set_index("campaign_id")
    assert flow.index.tolist() == [2, 4, 5]
    assert flow.loc[2, "n_control"] > 0
    assert flow.loc[4, ["n_control", "n_treated"]].tolist() == [0, flow.loc[4, "n_eligible"]]
    assert flow.loc[5, ["n_control", "n_treated"]].tolist() == [0, flow.loc[5, "n_eligible"]]
    # Who first came after the second campaign's start is all that the third one reaches for the first time.
    third = planned_trials(rolled_out, DESIGN)[2]
    first = trial_flow(third, *(rolled_out[name] for name in ("transactions", "campaigns", "campaign_targets")), FIRST)
    assert first["n_targeted_before"] + first["n_no_earlier_purchase"] + flow.loc[5, "n_eligible"] > 160
    assert first["n_set_aside"] == first["n_targeted_before"]
    panel = folded_panel(layout.eligible[layout.chosen], 3, seed=1)
    assert panel["campaign_id"].unique().tolist() == [2]
    assert len(panel) == flow.loc[2, "n_eligible"]
    known = with_history(backend, rolled_out)
    covariates = baseline_covariates(known, [next_time_zero(known)], [28])
    assert candidate_metrics(next_candidates(known, covariates, DESIGN, repeated=False))["n_eligible"] == 0


def test_a_trial_for_which_nobody_is_left_is_in_the_flow(backend, rolled_out):
    lines = rolled_out["transactions"]
    second = rolled_out["campaigns"].filter(rolled_out["campaigns"].campaign_id == 4).execute()["start_day"].iloc[0]
    known = lines.filter(lines.day < second - timedelta(days=1)).select("household_id").distinct()
    early = rolled_out | {"transactions": lines.semi_join(known, "household_id")}
    flow = laid_out(backend, early, DESIGN | {"eligible": FIRST}).flow.set_index("campaign_id")
    assert flow.loc[5, ["n_eligible", "n_treated", "n_control"]].tolist() == [0, 0, 0]
    assert flow.loc[5, "n_targeted_again"] == flow.loc[5, "n_targeted_before"] > 0


def test_a_design_without_controls_has_no_rows():
    # Two waves: the first mails 1 and 2, the second the rest; so nobody is never targeted.
    rows = pd.DataFrame({"household_id": [1, 2, 3, 4, 3, 4], "trial": [1, 1, 1, 1, 2, 2], "treated": [1, 1, 0, 0, 1, 1]})
    rows["first_campaign"] = rows["treated"] == 1
    kept = {design: design_rows(rows, design)["household_id"].tolist() for design in DESIGNS}
    assert kept == {"sequential_trials": [1, 2, 3, 4], "first_campaign": []}


def test_with_one_arm_everywhere_there_is_no_panel():
    with pytest.raises(DataError, match=r"1 mailed all of them, 0 none.*`make segments` says who the customers are\."):
        folded_panel(pd.DataFrame({"household_id": [1, 2], "trial": 1, "treated": 1}), 2, seed=1)


def test_nobody_left_is_predicted_without_a_model():
    past = two_trials(90)
    past = past[past["trial"] == 1].assign(campaign_id=1)
    candidates = newcomers().assign(household_id=range(50), has_history=True, eligible=False)
    blends = {outcome: Blend({"s": 1.0}, {}, (), outcome) for outcome in OUTCOMES}
    models = CampaignModels(past_of(past, past["trial"] / 2), Propensity([], [], 0.01), blends, blends["purchase_amount"], 0)
    predictions = predict_next([candidates], models)
    expected = {"household_id", "outside_range", "unlike", "propensity", "by_lot", "ranking"} | {
        f"{name}_{outcome}" for outcome in OUTCOMES for name in ("cate", "lower", "upper")
    }
    assert set(predictions) == expected
    assert prediction_metrics(predictions, "purchase_amount") == {"n": 0, "n_outside_range": 0, "n_unlike": 0}
    one = predictions.reindex([0]).assign(outside_range="", unlike="", **{f"cate_{outcome}": 2.5 for outcome in OUTCOMES})
    assert prediction_metrics(one, "purchase_amount") == {
        "n": 1,
        "n_outside_range": 0,
        "n_unlike": 0,
        "mean_cate": 2.5,
        "min_cate": 2.5,
        "max_cate": 2.5,
    }


def test_the_report_says_that_nobody_is_left():
    metrics, _ = results()
    assert nobody_left(metrics) == ""
    left = {name: value for name, value in metrics["experiment"].items() if name != "half_width_adjusted"}
    metrics["experiment"] = left | {"n_eligible": 0}
    assert "The next mailing list is empty" in nobody_left(metrics)
    assert not any("fewer than" in limit for limit in limits(metrics, REAL))
    assert "new customers" in experiment_settles(metrics, "purchase_amount")
