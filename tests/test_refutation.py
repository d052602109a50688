"""Refutations: how panels are changed, and how effects are estimated on them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from study.refutation_worlds import world
from targeting.effects.estimators import RATIOS, aipw, ato, effect_data
from targeting.figures.refutation import refutation_chart
from targeting.nuisance.cross_fit import cross_fit, nuisance_table, nuisance_tasks
from targeting.nuisance.light import LightNuisances
from targeting.robustness.refutation import (
    MIN_ARM,
    Draw,
    can_judge,
    control_splits,
    known_reasons,
    permute_within,
    placebos,
    propensity_strata,
    random_causes,
    subsets,
    trials_left_out,
    unadjusted_differences,
)
from targeting.robustness.refutation_fits import (
    ESTIMATORS,
    difference_se,
    estimate_all,
    estimate_controls,
    estimate_draw,
    estimate_known_reasons,
)

LIGHT = LightNuisances(0.1, {"mu0": 1.0, "mu1": 1.0}, 0.01, 1)


def test_strata_worked_by_hand():
    # Halves of 0.1, 0.2, 0.3, 0.4 split after the second value; equal propensities stay together, whatever their last bits.
    strata = propensity_strata([0.1, 0.2, 0.3, 0.4, 0.5, 0.5 + 1e-9, 0.5, 0.9], [1, 1, 1, 1, 2, 2, 2, 2], 2)
    assert strata.tolist() == [0, 0, 1, 1, 2, 2, 2, 3]
    assert propensity_strata([0.1, 0.9], [1, 1], 1).tolist() == [0, 0]


def test_strata_are_of_even_size():
    rng = np.random.default_rng(0)
    sizes = np.unique(propensity_strata(rng.random(1000), np.ones(1000), 10), return_counts=True)[1]
    assert len(sizes) == 10
    assert sizes.max() - sizes.min() <= 3


def test_permuting_keeps_each_stratum_and_leaves_no_trace_of_who_was_who():
    rng = np.random.default_rng(0)
    values, strata = rng.integers(0, 2, 4000), rng.integers(0, 4, 4000)
    shuffled = permute_within(values, strata, rng)
    for stratum in range(4):
        assert shuffled[strata == stratum].sum() == values[strata == stratum].sum()
        # Independent: a correlation of a thousand rows has a standard deviation of 0.03.
        assert abs(np.corrcoef(shuffled[strata == stratum], values[strata == stratum])[0, 1]) < 0.12


def test_placebos_keep_everything_but_the_treatment():
    panel = world(0)
    first, second = (draw.panel for draw in placebos(panel, panel["x_spend"], 5, 2, seed=1))
    pd.testing.assert_frame_equal(first.drop(columns="treated"), panel.drop(columns="treated"))
    assert first.groupby("trial")["treated"].sum().equals(panel.groupby("trial")["treated"].sum())
    assert not first["treated"].equals(panel["treated"])
    assert not first["treated"].equals(second["treated"])
    # Treatment still goes to those who spend.
    assert np.corrcoef(first["treated"], panel["x_spend"])[0, 1] > 0.5 * np.corrcoef(panel["treated"], panel["x_spend"])[0, 1] > 0


def test_a_random_cause_is_one_value_a_household():
    panel = world(0)
    draw = next(random_causes(panel, 1, seed=1))
    assert draw.panel.groupby("household_id")["x_random_cause"].nunique().max() == 1
    assert draw.panel["x_random_cause"].between(0, 1).all()
    assert "x_random_cause" not in panel


def test_subsets_take_whole_households():
    panel = world(0)
    draw = next(subsets(panel, 0.8, 1, seed=1))
    assert draw.panel["household_id"].nunique() == round(0.8 * panel["household_id"].nunique())
    whole = panel[panel["household_id"].isin(draw.panel["household_id"])]
    pd.testing.assert_frame_equal(draw.panel, whole.reset_index(drop=True))


def test_each_trial_is_left_out_once():
    panel = world(0)
    assert [(draw.repeat, sorted(draw.panel["campaign_id"].unique())) for draw in trials_left_out(panel)] == [
        (27, [8]),
        (8, [27]),
    ]
    assert list(trials_left_out(panel[panel["campaign_id"] == 8])) == []


def test_the_negative_control_needs_both_arms():
    panel = world(0)
    one, two = (draw.panel["fold"] for draw in control_splits(panel, 3, 2, seed=1))
    assert sorted(one.unique()) == [0, 1, 2]
    assert not one.equals(two)
    few = pd.concat([panel[panel["treated"] == 1][: MIN_ARM - 1], panel[panel["treated"] == 0]])
    assert can_judge(panel)
    assert not can_judge(few)
    assert not can_judge(panel.iloc[:0])
    assert list(control_splits(few, 3, 2, seed=1)) == []
    assert unadjusted_differences(few).empty


def test_more_repeats_of_a_check_change_none_of_its_first():
    panel = world(0)
    few, many = list(subsets(panel, 0.5, 1, seed=1)), list(subsets(panel, 0.5, 3, seed=1))
    pd.testing.assert_frame_equal(few[0].panel, many[0].panel)
    assert not next(subsets(panel, 0.5, 1, seed=2)).panel.equals(few[0].panel)


def test_a_draw_is_estimated_as_the_estimators_say():
    panel = world(0)
    table = estimate_draw(Draw("subset", 4, panel), LIGHT).set_index(["outcome", "estimator"])
    data = effect_data(panel, LIGHT.fit(panel), "purchase_count")
    for name, estimator in (("aipw", aipw), ("ato", ato)):
        row = table.loc[("purchase_count", name)]
        assert (row["check"], row["repeat"]) == ("subset", 4)
        assert (row["estimate"], row["se"]) == (estimator(data).value, estimator(data).se)


@pytest.mark.slow
def test_the_negative_control_has_the_pipelines_own_nuisances():
    panel = world(0)
    models = ["linear", "boosting"]
    splits = list(control_splits(panel, 3, 2, seed=1))
    table = pd.concat(estimate_controls(splits, models, 3, 0.01, seed=1), ignore_index=True)
    assert table["repeat"].tolist() == [0] * 4 + [1] * 4
    nuisance = nuisance_table(
        splits[1].panel, cross_fit(nuisance_tasks(splits[1].panel), splits[1].panel, models, 3, 1, seed=1)[0], 0.01
    )
    assert table["estimate"].iloc[5] == ato(effect_data(splits[1].panel, nuisance, "purchase_amount")).value
    assert list(estimate_controls([], models, 3, 0.01, seed=1)) == []


def test_redraws_follow_the_propensity_and_change_nothing_else():
    panel = world(0)
    chances = panel[["household_id", "campaign_id"]].assign(propensity=np.where(panel["trial"] == 1, 0.1, 0.3))
    # Matched by household and campaign, whatever their order.
    redrawn = list(known_reasons(panel, chances.iloc[::-1], 3, 200, seed=1))
    kept = panel.drop(columns=["treated", "fold"])
    assert all(draw.panel.drop(columns=["treated", "fold"]).equals(kept) for draw in redrawn)
    share = np.mean([draw.panel["treated"] for draw in redrawn], axis=0)
    expected = chances["propensity"].to_numpy()
    # Of 600 normal draws the furthest lies beyond 4.5 standard errors with a chance of 1 in 250.
    assert (np.abs(share - expected) / np.sqrt(expected * (1 - expected) / 200)).max() < 4.5
    few = pd.concat([panel[panel["treated"] == 1][: MIN_ARM - 1], panel[panel["treated"] == 0]])
    assert list(known_reasons(few, chances, 3, 2, seed=1)) == []


@pytest.mark.slow
def test_known_reasons_leave_nothing_where_the_days_before_decide_nothing():
    """Mailed by lot, the control finds nothing on average: its mean over the redraws is within chance of 0."""
    panel = world(0)
    chances = panel[["household_id", "campaign_id"]].assign(propensity=0.4)
    table = pd.concat(estimate_known_reasons(known_reasons(panel, chances, 3, 40, seed=1), 0.01, seed=1))
    for _, own in table.groupby(["outcome", "estimator"]):
        assert abs(own["estimate"].mean()) < 3.5 * own["estimate"].std() / np.sqrt(len(own))


@pytest.mark.parametrize("name", ["aipw", "ato"])
def test_the_error_of_a_difference_is_that_of_leaving_households_out(name):
    panel = world(0, n=600)
    data = effect_data(panel, LIGHT.fit(panel), "purchase_amount")
    rest = data.subset((panel["campaign_id"] == 8).to_numpy())
    estimator, terms = ESTIMATORS[name], RATIOS[name]
    households = np.unique(data.household_id)
    left_out = [[estimator(one.subset(one.household_id != own)).value for one in (data, rest)] for own in households]
    differences = np.subtract(*np.transpose(left_out))
    jackknife = np.sqrt((len(households) - 1) / len(households) * np.square(differences - differences.mean()).sum())
    assert difference_se(terms, data, rest) == pytest.approx(jackknife, rel=0.02)
    # Compared with nothing that varies it is the estimator's own standard error.
    still = replace(data, score=np.zeros(len(panel)))
    assert difference_se(RATIOS["aipw"], data, still) == pytest.approx(aipw(data).se)


def test_all_draws_come_back_in_order_and_the_same_twice():
    panel = world(0)

    def run() -> pd.DataFrame:
        draws = [*subsets(panel, 0.8, 2, seed=1), *trials_left_out(panel)]
        return estimate_all(panel, LIGHT, draws)

    table = run()
    assert table["check"].tolist() == ["original"] * 4 + ["subset"] * 8 + ["trial_left_out"] * 8
    assert table.loc[table["check"] == "trial_left_out", "shift_se"].gt(0).all()
    assert table.loc[table["check"] != "trial_left_out", "shift_se"].isna().all()
    pd.testing.assert_frame_equal(table, run())
    checks = ["subset_stability", "subset_spread", "placebo_position", "trial_left_out_sign"]
    verdicts = pd.DataFrame({"check": checks, "passed": [True, False, None, True]})
    figure = refutation_chart(table, verdicts.assign(outcome="purchase_amount", estimator="aipw"))
    assert figure.get_suptitle() == "1 of 3 checks of the effects failed"
    marks = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert marks == [["✗ 1 of 2\nfailed", "passed"], [], [], []]
    names = ("doubly robust, everybody", "doubly robust, overlap")
    assert [axes.get_title() for axes in figure.axes] == [
        f"{outcome}: {name}" for outcome in ("Spend", "Baskets") for name in names
    ]
    # Dots of the two checks that were drawn.
    assert [len(dots.get_offsets()) for dots in figure.axes[0].collections] == [2, 2]
