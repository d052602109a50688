"""Forward validation: the last trial is predicted by what came before it, from other households."""

import numpy as np
import pandas as pd
import pytest

from targeting.base.columns import KEYS, OUTCOMES
from targeting.base.errors import DataError
from targeting.learners.registry import find_learner
from targeting.stats.folds import CROSS_FITTED, household_folds, levelled, rank_within
from targeting.validation.calibration import best_linear_predictor
from targeting.validation.forward import Obstacle, forward_effects, forward_table, judge_forward
from targeting.validation.ranking import autoc

SEED = 1


LEARNERS = {"x": find_learner("x", {"x": "linear"})}


def effects(data: pd.DataFrame) -> pd.DataFrame:
    """Forward effects of the X-learner; the last trial's propensities are known, as treatment is randomised."""
    names = [f"{name}_{outcome}" for outcome in OUTCOMES for name in ("mean", "mu0", "mu1")]
    nuisance = data[KEYS].assign(propensity=0.5, **dict.fromkeys(names, 0.0))
    return forward_effects(data.drop(columns="effect"), nuisance, LEARNERS, ["linear"], 0.01, SEED)


def panel(changes: bool = False, n: int = 400, seed: int = 0) -> pd.DataFrame:
    """Randomised, three trials of the same households; the effect is 30 for keen ones and 0 for others, or turns in the last."""
    rng = np.random.default_rng(seed)
    household, trial = np.tile(np.arange(n), 3), np.repeat([1, 2, 3], n)
    keen, treated = np.tile(rng.random(n) > 0.5, 3), rng.integers(0, 2, 3 * n)
    effect = np.where(changes & (trial == 3), 30.0 * ~keen, 30.0 * keen)
    amount = 50 + effect * treated + rng.normal(0, 5, 3 * n) + np.tile(rng.normal(0, 5, n), 3)
    frame = pd.DataFrame({"household_id": household, "campaign_id": trial, "trial": trial, "treated": treated})
    return frame.assign(
        purchase_amount=amount,
        purchase_count=rng.poisson(3, 3 * n),
        fold=household_folds(household, 3, seed=1),
        x_keen=keen.astype(float),
        x_other=rng.random(3 * n),
        x_trial_2=1.0 * (trial == 2),
        x_trial_3=1.0 * (trial == 3),
        effect=effect,
    )


@pytest.mark.slow
def test_what_lasts_is_found_in_the_next_trial_and_what_turned_is_not():
    for changes in (False, True):
        data = panel(changes)
        forward = effects(data)
        last = data[data["trial"] == 3].reset_index(drop=True)
        pd.testing.assert_frame_equal(forward[["household_id", "campaign_id"]], last[["household_id", "campaign_id"]])
        scores = {
            name: last["effect"].to_numpy() + np.random.default_rng(2).normal(0, 20, len(last)) for name in ("purchase_amount",)
        }
        scores["purchase_count"] = np.zeros(len(last)) + np.random.default_rng(3).normal(size=len(last))
        known = {"x": last.assign(cate_purchase_amount=last["effect"], cate_purchase_count=forward["cate_purchase_count_x"])}
        table = forward_table(forward, last["fold"].to_numpy(), scores, known, ["x"]).set_index("outcome")
        spend = table.loc["purchase_amount"]
        assert spend["autoc_p"] > 0.99 if changes else spend["autoc_p"] < 0.001
        assert (spend["agreement"] < 0) == changes
        assert table.loc["purchase_count", "agreement"] == pytest.approx(1)
        cate, own = forward["cate_purchase_amount_x"], (scores["purchase_amount"], last["household_id"])
        assert spend["autoc"] == autoc(rank_within(cate, last["fold"]), *own).estimate.value
        assert spend["blp_se"] == best_linear_predictor(levelled(cate, last["fold"]), *own, CROSS_FITTED).estimate.se


@pytest.mark.slow
def test_nothing_of_the_last_trial_or_of_its_own_past_reaches_a_households_effect():
    data = panel()
    before = effects(data)
    last = (data["trial"] == 3).to_numpy()
    later = data.assign(purchase_amount=data["purchase_amount"].mask(last, 1e5))
    pd.testing.assert_frame_equal(effects(later), before)
    own = (data["household_id"] == 7).to_numpy()
    past = data.assign(purchase_amount=data["purchase_amount"].mask(own & ~last, 1e5))
    after = effects(past)
    seven = before["household_id"] == 7
    pd.testing.assert_frame_equal(after[seven], before[seven])
    assert not after[~seven].equals(before[~seven])


def test_what_stands_in_the_way_is_named():
    data = panel().drop(columns="effect")
    nuisance = data[KEYS].assign(propensity=0.5)
    settings = {"nuisance": {"overlap": [0.1, 0.9]}, "learners": {"models": {}}, "seed": SEED}
    out_of_fold = {"x": data[KEYS].assign(cate_purchase_amount=1.0, cate_purchase_count=0.1)}
    first = data["trial"] == 1
    for obstacle, rows, chance, given in (
        (Obstacle.ONE_TRIAL, first, 0.5, out_of_fold),
        (Obstacle.NO_LEARNER, first | True, 0.5, {}),
        (Obstacle.NO_OVERLAP, first | True, 0.95, out_of_fold),
    ):
        own, *known = (table[rows].reset_index(drop=True) for table in (data, nuisance, *given.values()))
        effects = dict(zip(given, known[1:], strict=True))
        found = judge_forward(own, known[0].assign(propensity=chance), effects, settings)
        assert (found.obstacle, found.n_judged, len(found.table)) == (obstacle, 0, 0)


def test_a_single_trial_is_named():
    with pytest.raises(DataError, match=r"needs two trials or more: this panel has one"):
        effects(panel().query("trial == 1").reset_index(drop=True))
