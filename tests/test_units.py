"""Units: whether money comes in dollars or in thousands of them decides nothing."""

import numpy as np
import pandas as pd
import pytest

from study.estimate import POLICY
from targeting.base.columns import KEYS
from targeting.learners.cross_fit import cross_fit_effects
from targeting.learners.registry import NAMES, find_learner
from targeting.nuisance.noise import outcome_variance, with_precision
from targeting.policy.decide import PolicyInputs, choose_policy
from targeting.policy.economics import Economics
from targeting.policy.tree_results import tree_results, tree_rows
from targeting.stats.units import rounded, unit_of, widest_effects
from tests.effect_worlds import World, panel_and_truth, with_nuisances
from tests.test_cate import BASE_MODELS

SMALLER = 1000.0
ONE = "purchase_amount"


@pytest.mark.parametrize(("spread", "unit"), [(427.0, 1.0), (1.0, 1.0), (0.9, 1e-3), (5e4, 1e3), (0.0, 1.0)])
def test_units_go_by_thousands(spread, unit):
    assert unit_of(np.array([-spread, spread])) == pytest.approx(unit)


def test_amounts_keep_two_decimals_of_their_unit():
    assert rounded([1.23456, -0.006], 1.0).tolist() == [1.23, -0.01]
    np.testing.assert_allclose(rounded([0.00123456], 1e-3), [0.00123], rtol=1e-12)


def test_noise_is_told_alike_in_every_unit():
    rng = np.random.default_rng(0)
    mean = rng.gamma(2, 40, 500)
    outcome = mean + mean * rng.normal(size=500)
    large, small = outcome_variance(outcome, mean, mean), outcome_variance(*(own / SMALLER for own in (outcome, mean, mean)))
    np.testing.assert_allclose(small * SMALLER**2, large, rtol=1e-6)


@pytest.fixture(scope="module")
def worlds() -> tuple[World, World]:
    """One world with its money in dollars, and in thousands of them."""
    panel, truth = panel_and_truth(seed=0, n=600)
    panel = panel.drop(columns="purchase_count")
    return with_nuisances(panel, truth), with_nuisances(panel.assign(**{ONE: panel[ONE] / SMALLER}), truth / SMALLER)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [name if name not in {"causal_forest", "nonparam_dml"} else pytest.param(name, marks=pytest.mark.slow) for name in NAMES],
)
def test_effects_are_the_same_in_every_unit(worlds, name):
    learner = find_learner(name, BASE_MODELS)
    found = []
    for world in worlds:
        data = {ONE: world.data()[ONE]}
        settings = {ONE: dict.fromkeys(data[ONE].numbers, learner.settings)}
        found.append(cross_fit_effects(world.panel, data, learner, settings, seed=1)[f"cate_{ONE}"].to_numpy())
    large, small = found
    assert np.abs(SMALLER * small - large).max() < 1e-6 * large.std()


def test_a_tree_asks_the_same_in_every_unit(worlds):
    found = [
        tree_results(tree_rows(world.panel, world.nuisance, Economics(cost, 0.3), ONE, (0.1, 0.9), seed=1), seed=1)
        for world, cost in zip(worlds, (9.0, 9.0 / SMALLER), strict=True)
    ]
    large, small = (each.leaves for each in found)
    assert large["rule"].tolist() == small["rule"].tolist()
    np.testing.assert_allclose(small["profit"] * SMALLER, large["profit"], atol=0.01)
    assert found[0].decisions["policy_tree"].equals(found[1].decisions["policy_tree"])


def test_the_choice_is_the_same_in_every_unit(worlds):
    found = []
    for world, cost in zip(worlds, (9.0, 9.0 / SMALLER), strict=True):
        nuisance = with_precision(world.panel, world.nuisance, [ONE])
        effects = world.panel[KEYS].assign(**{f"cate_{ONE}": world.nuisance[f"mu1_{ONE}"] - world.nuisance[f"mu0_{ONE}"]})
        economics = Economics(cost, 0.3)
        panel = world.panel.assign(trial=1)
        inputs = PolicyInputs(panel, nuisance, effects, effects, economics, POLICY, (0.1, 0.9), "everybody", seed=1)
        found.append(choose_policy(inputs))
    large, small = found
    assert large.recommended == small.recommended != "none"
    pd.testing.assert_frame_equal(large.decisions, small.decisions)
    for column in ("profit", "expected_profit"):
        np.testing.assert_allclose(small.valued[column] * SMALLER, large.valued[column], rtol=1e-6)
    np.testing.assert_allclose(small.valued["chance_of_loss"], large.valued["chance_of_loss"], rtol=1e-6)


def test_effects_may_vary_more_than_the_outcome_but_not_more_than_both_arms():
    # Who has much without treatment loses by it: the effects' spread is twice that of the outcome, all of which is known.
    base = np.repeat([-1.0, 1.0], 500)
    treated = np.tile([0, 1], 500)
    outcome, effect = np.where(treated == 1, -base, base), -2 * base
    assert effect.std() == pytest.approx(2 * outcome.std())
    assert widest_effects(outcome, treated) == pytest.approx(effect.std())
