"""The generator of worlds: what it calls true is what happens, and its panels have the pipeline's form."""

import numpy as np
import pandas as pd
import pytest

from study.worlds import CONSTANT, EFFECTS, OVERLAPS, draw_world, population_effects
from targeting.base.columns import KEYS, OUTCOMES
from targeting.trials.panel import FRONT, covariate_matrix, in_both_arms, require_aligned


@pytest.fixture(scope="module")
def worlds():
    return {overlap: draw_world(overlap, "heterogeneous", 40_000, 5, seed=1) for overlap in OVERLAPS}


@pytest.mark.slow
def test_a_world_has_the_form_of_a_panel(worlds):
    panel = draw_world("good", "constant", 300, 5, seed=2).panel
    assert panel.columns[: len(FRONT)].tolist() == FRONT
    assert np.isfinite(covariate_matrix(panel)).all()
    assert (covariate_matrix(panel) >= 0).all()  # log1p of every covariate exists
    assert not panel[KEYS].duplicated().any()
    assert (panel.groupby("household_id")["fold"].nunique() == 1).all()
    assert in_both_arms(panel).all()
    for world in worlds.values():
        require_aligned(world.panel, world.truth, "truth")


def test_the_same_seed_gives_the_same_world_and_another_seed_another():
    first, again, other = (draw_world("poor", "none", 200, 5, seed=seed) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(first.panel, again.panel)
    pd.testing.assert_frame_equal(first.truth, again.truth)
    assert len(first.panel) != len(other.panel) or not first.panel.equals(other.panel)


def test_households_leave_once_treated(worlds):
    panel = worlds["good"].panel
    last = panel.groupby("household_id")["trial"].transform("max")
    assert (panel.loc[panel["treated"] == 1, "trial"] == last[panel["treated"] == 1]).all()
    assert panel.groupby("household_id").size().mean() > 1.5


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_the_propensity_is_how_often_rows_are_treated(worlds, overlap):
    world = worlds[overlap]
    e, treated = world.truth["propensity"], world.panel["treated"]
    for rows in (
        *(world.panel["trial"] == trial for trial in (1, 2, 3)),
        *(pd.qcut(e, 5, labels=False, duplicates="drop") == k for k in range(5)),
    ):
        if rows.any():
            error = np.sqrt((e[rows] * (1 - e[rows])).sum()) / rows.sum()
            assert abs(treated[rows].mean() - e[rows].mean()) < 4 * error


def test_overlap_is_as_named(worlds):
    inside = {name: world.truth["propensity"].between(0.1, 0.9).mean() for name, world in worlds.items()}
    assert inside["randomised"] == 1
    assert inside["good"] > 0.9
    assert 0.3 < inside["poor"] < 0.5
    assert worlds["poor"].truth["propensity"].min() < 0.01
    assert worlds["randomised"].truth.groupby("campaign_id")["propensity"].nunique().eq(1).all()


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("arm", [0, 1])
def test_true_means_are_the_means_of_what_happens(worlds, outcome, arm):
    # In each arm, over all rows and among those expected to do little and much: the noise has mean one whatever the covariates.
    world = worlds["good"]
    mean, rows = world.truth[f"mu{arm}_{outcome}"], world.panel["treated"] == arm
    gap = (world.panel[outcome] - mean)[rows]
    for group in (gap, *(gap[pd.qcut(mean[rows], 4, labels=False) == k] for k in range(4))):
        assert abs(group.mean()) < 4 * group.std() / np.sqrt(len(group))


def test_rows_of_a_household_share_what_covariates_do_not_show(worlds):
    world = worlds["randomised"]
    own = world.panel["treated"].to_numpy()
    expected = np.where(own == 1, world.truth["mu1_purchase_amount"], world.truth["mu0_purchase_amount"])
    surprise = (world.panel["purchase_amount"] / expected).clip(upper=5)
    by_trial = world.panel.assign(surprise=surprise).set_index(["household_id", "trial"])["surprise"]
    pairs = pd.concat([by_trial.xs(trial, level="trial") for trial in (1, 2)], axis=1).dropna()
    assert pairs.corr().iloc[0, 1] > 0.03  # five standard errors of none


def test_spend_is_skewed_with_zeros(worlds):
    spend = worlds["good"].panel["purchase_amount"]
    assert 0.02 < (spend == 0).mean() < 0.15
    assert spend.skew() > 3
    assert ((spend == 0) == (worlds["good"].panel["purchase_count"] == 0)).all()


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_no_effect_is_none_and_a_constant_one_is_the_same_for_all(overlap):
    for outcome in OUTCOMES:
        assert (draw_world(overlap, "none", 500, 5, seed=5).effect(outcome) == 0).all()
        assert draw_world(overlap, "constant", 500, 5, seed=5).effect(outcome) == pytest.approx(CONSTANT[outcome])
    assert set(population_effects(overlap, "none", 500, 1)["purchase_amount"].values()) == {0.0}
    assert draw_world(overlap, EFFECTS[2], 500, 5, seed=5).effect("purchase_amount").std() > 10


@pytest.mark.slow
def test_population_effects_are_what_a_randomised_experiment_finds():
    # Among households by lot, the difference of arms within trials estimates the effect; truth and experiment are separate draws.
    world = draw_world("randomised", "heterogeneous", 400_000, 5, seed=6)
    panel = world.panel
    share = panel.groupby("trial").size() / len(panel)
    control, treated = (panel[panel["treated"] == arm].groupby("trial")["purchase_amount"] for arm in (0, 1))
    difference = (share * (treated.mean() - control.mean())).sum()
    error = np.sqrt((share**2 * (treated.var() / treated.size() + control.var() / control.size())).sum())
    truth = population_effects("randomised", "heterogeneous", 100_000, seed=7)["purchase_amount"]["ate"]
    assert error < 2
    assert abs(difference - truth) < 4 * error


def test_populations_differ_where_effects_do(worlds):
    truth = population_effects("poor", "heterogeneous", 40_000, seed=8)["purchase_amount"]
    assert truth["att"] > truth["ato"] > truth["ate"] > 0
    # The slow way, on another draw.
    e, effect = worlds["poor"].truth["propensity"].to_numpy(), worlds["poor"].effect("purchase_amount")
    top = sum(p * (1 - p) * gain for p, gain in zip(e, effect, strict=True))
    assert top / sum(p * (1 - p) for p in e) == pytest.approx(truth["ato"], rel=0.03)
