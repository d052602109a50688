"""Effects and propensities of households in a campaign to come: by the models that were judged, averaged over past trials."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from targeting.cate import LearnerError, cross_fit_effects
from targeting.effects import ato, effect_data
from targeting.errors import DataError
from targeting.learners.registry import Learner, find_learner
from targeting.learners.rows import Effects
from targeting.models import propensity_model
from targeting.prediction import (
    Judged,
    average_effect,
    in_each_trial,
    outside_range,
    predict_effects,
    predict_propensity,
    recipe,
)
from tests.effect_worlds import World, world

OUTCOME = "purchase_amount"
STACK = pd.DataFrame(
    {
        "fold": np.repeat([0, 1, 2], 4),
        "learner": ["x", "dr", "t", "constant"] * 3,
        "weight": [0.5, 0.5, 0.0, 0.0, 0.2, 0.0, 0.0, 0.8, 0.0, 0.0, 0.0, 1.0],
    }
)


@pytest.fixture(scope="module")
def given() -> World:
    """Two rows a household, one trial, the effect rises with spend and share_fresh."""
    made = world(seed=0, n=900)
    return replace(made, panel=made.panel.assign(trial=1, before_purchase_amount=0.0, before_purchase_count=0.0))


def judged(given: World, used: Mapping[int, str]) -> Judged:
    """The linear learners with their own settings."""
    parts = recipe(used, STACK)
    learners = {name: find_learner(name, {"x": "linear", "dr": "linear", "t": "linear"}) for name in ("x", "dr", "t")}
    settings = {name: dict.fromkeys(parts, learner.settings) for name, learner in learners.items()}
    return Judged(given.data()[OUTCOME], parts, learners, settings, average_effect(given.panel, given.nuisance, OUTCOME))


def out_of_fold(given: World, name: str) -> np.ndarray:
    own = judged(given, {0: name, 1: name, 2: name})
    data = {OUTCOME: given.data()[OUTCOME]}
    return cross_fit_effects(given.panel, data, own.learners[name], {OUTCOME: own.settings[name]}, seed=1)[
        f"cate_{OUTCOME}"
    ].to_numpy()


def predict(given: World, used: Mapping[int, str], households: pd.DataFrame, propensity: np.ndarray) -> Effects:
    return predict_effects(given.panel, households, propensity[None, :], judged(given, used), seed=1)


def test_what_is_used_by_fold_consists_of_parts():
    assert recipe({0: "ate", 1: "x"}, STACK) == {0: {"ate": 1.0}, 1: {"x": 1.0}}
    assert recipe({0: "average"}, STACK) == {0: {"x": 1 / 3, "dr": 1 / 3, "t": 1 / 3}}
    assert recipe({0: "stack", 1: "stack"}, STACK) == {0: {"x": 0.5, "dr": 0.5}, 1: {"x": 0.2, "constant": 0.8}}


@pytest.mark.slow
def test_a_household_of_the_trials_gets_the_model_that_was_judged_on_it(given):
    """Predicting the panel's own rows must give the out-of-fold effects, each fold by its own learner."""
    propensity = given.nuisance["propensity"].to_numpy()
    x, dr, t = (out_of_fold(given, name) for name in ("x", "dr", "t"))
    found = predict(given, {0: "x", 1: "dr", 2: "average"}, given.panel, propensity).cate
    expected = np.select([given.panel["fold"] == 0, given.panel["fold"] == 1], [x, dr], (x + dr + t) / 3)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.corrcoef(found, given.truth)[0, 1] > 0.5
    stacked = predict(given, dict.fromkeys(range(3), "stack"), given.panel, propensity).cate
    first = given.panel["fold"] == 0
    np.testing.assert_allclose(stacked[first], ((x + dr) / 2)[first], atol=1e-5)


@pytest.mark.slow
def test_a_household_of_no_trial_gets_the_average_of_the_models(given):
    propensity = given.nuisance["propensity"].to_numpy()[:50]
    rows = given.panel.head(50)
    strangers = rows.assign(household_id=rows["household_id"] + 10_000)
    found = predict(given, dict.fromkeys(range(3), "x"), strangers, propensity).cate
    models = []
    for number in range(3):  # as if everybody had been in one fold
        others = given.panel.assign(fold=np.where(given.panel["household_id"].isin(rows["household_id"]), number, -1))
        own = predict_effects(others, rows, propensity[None, :], judged(given, dict.fromkeys(range(3), "x")), seed=1)
        models.append(own.cate)
    np.testing.assert_allclose(found, np.mean(models, axis=0), atol=1e-5)
    assert np.std(models, axis=0).min() > 0


def test_everybody_gets_the_average_effect_where_no_learner_is_used(given):
    effects = predict(given, dict.fromkeys(range(3), "ate"), given.panel, given.nuisance["propensity"].to_numpy())
    estimate = ato(effect_data(given.panel, given.nuisance, OUTCOME))
    assert len(set(effects.cate)) == 1
    assert (effects.cate[0], effects.lower[0], effects.upper[0]) == pytest.approx(
        (estimate.value, estimate.lower, estimate.upper), abs=1e-5
    )


def test_predictions_average_over_past_trials():
    """A learner whose effect is the trial's indicator times 12 gives 12 times the second trial's share of rows."""
    given = world(seed=1, n=300)
    trial = np.where(np.arange(300) < 200, 1, 2)
    panel = given.panel.assign(trial=trial, x_trial_2=(trial == 2).astype(float))
    place = [name for name in panel if name.startswith("x_")].index("x_trial_2")

    def by_indicator(learn, new, settings, seed):
        return Effects(12 * new.covariates[:, place] + new.propensity)

    learner = Learner(by_indicator, {}, {})
    parts, settings = recipe(dict.fromkeys(range(3), "x"), STACK), {"x": {number: {} for number in range(3)}}
    own = Judged(given.data()[OUTCOME], parts, {"x": learner}, settings, (0, 0, 0))
    households = panel.drop(columns="x_trial_2").head(5)
    propensity = np.array([[0.1] * 5, [0.4] * 5])
    found = predict_effects(panel, households, propensity, own, seed=1)
    np.testing.assert_allclose(found.cate, 12 / 3 + 0.2, atol=1e-6)
    assert np.isnan(found.lower).all()
    shares, copies = in_each_trial(panel, households)
    np.testing.assert_allclose(shares, [2 / 3, 1 / 3])
    assert copies[:, place].tolist() == [0.0] * 5 + [1.0] * 5


def test_propensities_are_those_of_the_weighted_models():
    given = world(seed=1, n=300)
    panel = given.panel.assign(trial=1)
    names = [name for name in panel if name.startswith("x_")]
    fits = {name: propensity_model(name, 1).fit(panel[names].to_numpy(), panel["treated"]) for name in ("linear", "boosting")}
    chances = {name: fit.predict_proba(panel[names].to_numpy())[:, 1] for name, fit in fits.items()}
    found = predict_propensity(panel, panel, ["linear", "boosting"], [0.75, 0.25], 0.01, seed=1)
    expected = np.clip(0.75 * chances["linear"] + 0.25 * chances["boosting"], 0.01, 0.99)
    np.testing.assert_allclose(found, expected[None, :], atol=1e-4)
    clipped = predict_propensity(panel, panel, ["linear"], [1.0], 0.4, seed=1)
    assert clipped.min() == 0.4
    assert clipped.max() == 0.6


def test_what_lies_outside_the_range_is_named():
    data = pd.DataFrame({"trial": [1, 1], "x_recency": [0.0, 9.0], "x_spend": [5.0, 50.0], "x_trial_2": [0.0, 0.0]})
    new = pd.DataFrame({"x_recency": [0.0, 9.5, 4.0, -1.0], "x_spend": [50.0, 20.0, 4.9, 51.0]})
    assert outside_range(data, new).tolist() == ["", "recency", "spend", "recency, spend"]
    with pytest.raises(DataError, match=r"lack covariates of the panel: x_spend\. Run `dvc repro`"):
        outside_range(data, new.drop(columns="x_spend"))


@pytest.mark.parametrize(("stops", "error", "message"), [(True, LearnerError, "stopped on"), (False, DataError, "not finite")])
def test_a_learner_that_fails_stops_the_stage(given, stops, error, message):
    def failing(learn, new, settings, seed):
        if stops:
            raise ValueError("no")
        return Effects(np.full(len(new.propensity), np.nan))

    own = judged(given, dict.fromkeys(range(3), "x"))
    own = replace(own, learners={"x": Learner(failing, {}, {})})
    households = given.panel.head(4)
    with pytest.raises(error, match=message):
        predict_effects(given.panel, households, np.full((1, 4), 0.5), own, seed=1)
