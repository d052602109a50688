"""Effects and propensities of new households: right on a known truth, averaged over past trials, marked outside the range."""

import numpy as np
import pandas as pd
import pytest

from targeting import prediction
from targeting.cate import LEARNERS, Effects, Rows
from targeting.errors import DataError
from targeting.models import propensity_model
from targeting.prediction import household_covariates, outside_range, predict_effects, predict_propensity


def panel(n: int = 900, seed: int = 0) -> pd.DataFrame:
    """Two trials, the second half as large; treated with chance 0.3 and 0.6; effect 40 x_keen, and 12 more in the second."""
    rng = np.random.default_rng(seed)
    trial = np.where(np.arange(n) < 2 * n // 3, 1, 2)
    keen, spend = rng.random(n), rng.gamma(2, 10, n)
    treated = (rng.random(n) < np.where(trial == 1, 0.3, 0.6)).astype(int)
    effect = 40 * keen + 12 * (trial == 2)
    frame = pd.DataFrame({"household_id": np.arange(n), "trial": trial, "treated": treated, "x_keen": keen, "x_spend": spend})
    frame["purchase_amount"] = 3 * spend + effect * treated + rng.normal(0, 4, n)
    return frame.assign(x_trial_2=(trial == 2).astype(float))


def newcomers(n: int = 50) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    return pd.DataFrame({"x_keen": rng.random(n), "x_spend": rng.uniform(5, 40, n), "x_unused": 1.0})


@pytest.mark.slow
@pytest.mark.parametrize("learner", ["x", "dr"])
def test_new_households_get_their_true_effect_averaged_over_past_trials(learner):
    new = newcomers()
    effects = predict_effects(panel(3000), new, learner, "purchase_amount", seed=1)
    truth = 40 * new["x_keen"] + 12 / 3  # a third of the rows are in the second trial
    np.testing.assert_allclose(effects.cate, truth, atol=6)
    assert effects.cate.mean() == pytest.approx(truth.mean(), abs=2)


def test_predictions_are_the_loop_over_past_trials():
    data, new = panel(), newcomers(6)
    names = [*household_covariates(data), "x_trial_2"]
    rows = Rows(
        data[names].to_numpy(), data["treated"].to_numpy(), data["purchase_amount"].to_numpy(), data["household_id"].to_numpy()
    )
    as_in = [new.assign(x_trial_2=indicator)[names].to_numpy() for indicator in (0.0, 1.0)]
    first, second = (LEARNERS["x"](rows, covariates, 1).cate for covariates in as_in)
    effects = predict_effects(data, new, "x", "purchase_amount", seed=1)
    np.testing.assert_allclose(effects.cate, first * 2 / 3 + second / 3)

    fits = {name: propensity_model(name, 1).fit(data[names].to_numpy(), data["treated"]) for name in ("linear", "boosting")}
    by_trial = [
        0.75 * fits["linear"].predict_proba(covariates)[:, 1] + 0.25 * fits["boosting"].predict_proba(covariates)[:, 1]
        for covariates in as_in
    ]
    chances = predict_propensity(data, new, ["linear", "boosting"], [0.75, 0.25], 0.01, seed=1)
    np.testing.assert_allclose(chances, by_trial[0] * 2 / 3 + by_trial[1] / 3, atol=1e-4)


def test_one_trial_needs_no_average():
    data = panel().query("trial == 1").drop(columns="x_trial_2")
    new = newcomers(4)
    chances = predict_propensity(data, new, ["linear"], [1.0], 0.01, seed=1)
    np.testing.assert_allclose(chances, 0.3, atol=0.1)
    assert len(predict_effects(data, new, "x", "purchase_amount", seed=1).cate) == 4


def test_propensities_are_clipped():
    data = panel()
    data["treated"] = (data["x_keen"] > 0.5).astype(int)
    chances = predict_propensity(data, pd.DataFrame({"x_keen": [0.0, 1.0], "x_spend": [20.0, 20.0]}), ["linear"], [1.0], 0.1, 1)
    assert chances.tolist() == [0.1, 0.9]


def test_what_lies_outside_the_range_is_named():
    data = pd.DataFrame({"trial": [1, 1], "x_recency": [0.0, 9.0], "x_spend": [5.0, 50.0], "x_trial_2": [0.0, 0.0]})
    new = pd.DataFrame({"x_recency": [0.0, 9.5, 4.0, -1.0], "x_spend": [50.0, 20.0, 4.9, 51.0]})
    assert outside_range(data, new).tolist() == ["", "recency", "spend", "recency, spend"]


def test_a_covariate_that_new_households_lack_is_named():
    with pytest.raises(DataError, match=r"lack covariates of the panel: x_spend\. Run `dvc repro`"):
        outside_range(panel(), newcomers().drop(columns="x_spend"))


def test_effects_that_are_not_finite_stop(monkeypatch):
    def diverging(learn, covariates, seed):
        return Effects(*(np.full(len(covariates), np.nan),) * 3)

    monkeypatch.setitem(prediction.LEARNERS, "x", diverging)
    with pytest.raises(DataError, match=r"choose another policy\.learner"):
        predict_effects(panel(), newcomers(), "x", "purchase_amount", seed=1)
