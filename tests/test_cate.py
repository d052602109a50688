"""Learners: out of fold, sensible on a world with a known effect, and loud when they fail."""

import numpy as np
import pandas as pd
import pytest

from targeting import cate
from targeting.cate import LEARNERS, Effects, cross_fit_effects
from targeting.errors import DataError
from targeting.folds import household_folds


def panel(n: int = 600, seed: int = 0) -> pd.DataFrame:
    """Randomised; the effect on purchase_amount is 40 for x_keen above its middle and 0 below."""
    rng = np.random.default_rng(seed)
    keen, spend = rng.random(n), rng.gamma(2, 10, n)
    treated = rng.integers(0, 2, n)
    amount = 3 * spend + 40 * treated * (keen > 0.5) + rng.normal(0, 5, n)
    frame = pd.DataFrame(
        {
            "household_id": np.arange(n),
            "campaign_id": 8,
            "treated": treated,
            "purchase_amount": amount,
            "purchase_count": rng.poisson(3, n),
            "x_keen": keen,
            "x_spend": spend,
        }
    )
    return frame.assign(fold=household_folds(frame["household_id"], 3, seed=1))


@pytest.mark.slow
@pytest.mark.parametrize("learner", LEARNERS)
def test_known_heterogeneity_is_found_out_of_fold(learner):
    data = panel()
    effects = cross_fit_effects(data, learner, seed=1)
    high, low = data["x_keen"] > 0.6, data["x_keen"] < 0.4
    values = effects["cate_purchase_amount"]
    assert values[high].mean() - values[low].mean() > 20
    assert values.mean() == pytest.approx(20, abs=4)
    has_interval = learner == "causal_forest"
    assert effects["lower_purchase_amount"].notna().all() == has_interval
    if has_interval:
        assert (effects["lower_purchase_amount"] < values).all()
    changed = data.copy()
    changed.loc[changed["household_id"] == 5, "purchase_amount"] += 1e5
    own = data["household_id"] == 5
    again = cross_fit_effects(changed, learner, seed=1)
    pd.testing.assert_frame_equal(again[own], effects[own])  # its own outcome does not reach its own effect


def test_an_unknown_learner_is_named():
    with pytest.raises(DataError, match=r"Unknown learner 'oracle' in learners.names; known: x, dr, causal_forest"):
        cross_fit_effects(panel(30), "oracle", seed=1)


def test_a_learner_that_diverges_stops(monkeypatch):
    def diverging(learn, covariates, seed):
        effect = np.full(len(covariates), np.nan)
        return Effects(effect, effect, effect)

    monkeypatch.setattr(cate, "_fit_fold", lambda *arguments: diverging(None, np.zeros(200), 1))
    monkeypatch.setattr(cate, "Parallel", lambda **_: lambda jobs: (job[0](*job[1]) for job in jobs))
    with pytest.raises(DataError, match=r"Learner x gave 200 effects on purchase_amount that are not finite"):
        cross_fit_effects(panel(), "x", seed=1)
