"""Stored models: what they predict after a round trip, in blocks as at once, as the same bytes, and nothing that could run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io

from targeting.base.errors import DataError
from targeting.base.outputs import read_batches
from targeting.campaign.models import CampaignModels, blended, fit_learners, fit_propensity, past_of
from targeting.campaign.prediction import predict_next
from targeting.campaign.stored import read_models, write_models
from targeting.learners.registry import NAMES, find_learner
from tests.effect_worlds import World, panel_and_truth, with_nuisances

BASE_MODELS = {"s": "boosting", "t": "linear", "x": "linear", "dr": "components", "nonparam_dml": "forest"}
OUTCOME = "purchase_amount"
FEWER_TREES = {"causal_forest": {"n_estimators": 12}, "nonparam_dml": {"n_estimators": 5}}


@pytest.fixture(scope="module")
def given() -> World:
    panel, truth = panel_and_truth(seed=0, n=600)
    panel = panel.assign(trial=np.where(panel["campaign_id"] == 8, 1, 2))
    return with_nuisances(panel.assign(x_trial_2=(panel["trial"] == 2).astype(float)), truth)


def fitted(given: World, names: tuple[str, ...], models: dict[str, str] = BASE_MODELS) -> CampaignModels:
    """One blend of these learners and the average effect, and the first of them to rank by."""
    learners = {name: find_learner(name, models) for name in names}
    learners = {name: replace(own, settings={**own.settings, **FEWER_TREES.get(name, {})}) for name, own in learners.items()}
    nuisance = given.nuisance
    alone = fit_learners(given.panel, nuisance, {OUTCOME: learners}, 1)[OUTCOME]
    blend, ranking = (
        blended(given.panel, nuisance, alone, weights, OUTCOME)
        for weights in ({"constant": 0.5} | dict.fromkeys(names, 0.5 / len(names)), {names[0]: 1.0})
    )
    chances = fit_propensity(given.panel, ["linear", "boosting"], [0.5, 0.5], 0.01, 1)
    return CampaignModels(past_of(given.panel, nuisance["propensity"]), chances, {OUTCOME: blend}, ranking, 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_learner_predicts_the_same_from_its_file(name, given, tmp_path):
    models = fitted(given, (name,))
    write_models(models, tmp_path / "models.skops")
    stored = read_models(tmp_path / "models.skops")
    new = given.panel.head(150)
    pd.testing.assert_frame_equal(stored.predict(new), models.predict(new), check_exact=True)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["linear", "components", "smooth", "boosting", "forest"])
def test_every_base_model_predicts_the_same_from_its_file(model, given, tmp_path):
    models = fitted(given, ("s", "t", "x", "dr"), dict.fromkeys(BASE_MODELS, model))
    write_models(models, tmp_path / "models.skops")
    new = given.panel.head(150)
    pd.testing.assert_frame_equal(read_models(tmp_path / "models.skops").predict(new), models.predict(new), check_exact=True)


def test_blocks_predict_what_all_rows_at_once_do(given):
    models = fitted(given, ("linear_dml", "x"))
    whole, parts = models.predict(given.panel), models.predict(given.panel, size=100)
    pd.testing.assert_frame_equal(parts, whole, rtol=1e-9)


def test_batches_of_candidates_are_predicted_as_one_table(given, tmp_path):
    models = fitted(given, ("linear_dml", "x"))
    candidates = given.panel.assign(household_id=np.arange(len(given.panel)), eligible=np.arange(len(given.panel)) >= 150)
    candidates.to_parquet(tmp_path / "candidates.parquet", index=False)
    whole = predict_next([candidates], models)
    assert whole["household_id"].tolist() == list(range(150, len(candidates)))
    batches = list(read_batches(tmp_path / "candidates.parquet", 100))
    assert [len(batch) for batch in batches] == [100] * 6
    pd.testing.assert_frame_equal(predict_next(batches, models), whole, rtol=1e-9)
    candidates.head(0).to_parquet(tmp_path / "candidates.parquet", index=False)
    (nobody,) = read_batches(tmp_path / "candidates.parquet", 100)
    assert list(predict_next([nobody], models)) == list(whole)


@pytest.mark.slow
def test_the_same_models_are_the_same_bytes_and_hold_no_row(given, tmp_path):
    for number in (0, 1):
        write_models(fitted(given, ("x", "dr_smooth")), tmp_path / f"{number}.skops")
    first, second = ((tmp_path / f"{number}.skops").read_bytes() for number in (0, 1))
    assert first == second
    assert skops.io.loads(first, trusted=skops.io.get_untrusted_types(data=first)).past.names[0] == "x_spend"


def test_a_file_of_anything_else_is_not_opened(tmp_path):
    path = tmp_path / "models.skops"
    skops.io.dump({"run": Path}, path)
    with pytest.raises(DataError, match=r"models\.skops is not opened.*pathlib\.Path.*run `dvc repro`"):
        read_models(path)
    skops.io.dump({"a": 1}, path)
    with pytest.raises(DataError, match=r"holds a dict and not the models of a next campaign"):
        read_models(path)
    path.write_bytes(b"half a file")
    with pytest.raises(DataError, match=r"cannot be read as stored models"):
        read_models(path)
