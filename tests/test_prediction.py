"""Effects and propensities of new households: right on a known truth, averaged over past trials, marked outside the range."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import yaml

import stages.fit
import stages.predict
from targeting.base.columns import KEYS
from targeting.base.errors import DataError
from targeting.base.outputs import write_metrics, write_parquet
from targeting.campaign.models import Standing, blended, fit_learners, fit_propensity, past_of, standing_of
from targeting.campaign.monitoring import drift_table
from targeting.campaign.prediction import Models, blend_of, by_other_folds, fit_campaign, same_households
from targeting.effects.estimators import ato, effect_data
from targeting.learners.cross_fit import usual_settings
from targeting.learners.registry import Learner, find_learner
from targeting.learners.rows import Effects, HeldOut, Rows
from targeting.nuisance.models import propensity_model
from targeting.trials.panel import FIRST, RESTED, household_covariates
from tests.effect_worlds import Always


def panel(n: int = 900, seed: int = 0) -> pd.DataFrame:
    """Two trials, the second half as large; treated with chance 0.3 and 0.6; effect 40 x_keen, and 12 more in the second."""
    rng = np.random.default_rng(seed)
    trial = np.where(np.arange(n) < 2 * n // 3, 1, 2)
    keen, spend = rng.random(n), rng.gamma(2, 10, n)
    treated = (rng.random(n) < np.where(trial == 1, 0.3, 0.6)).astype(int)
    effect = 40 * keen + 12 * (trial == 2)
    frame = pd.DataFrame({"household_id": np.arange(n), "trial": trial, "treated": treated, "x_keen": keen, "x_spend": spend})
    frame["purchase_amount"] = 3 * spend + effect * treated + rng.normal(0, 4, n)
    frame["before_purchase_amount"] = 3 * spend
    return frame.assign(x_trial_2=(trial == 2).astype(float), fold=np.arange(n) % 3)


# What the second trial can compare of all: the sum of e (1 - e) over a third of the rows, beside the first's two thirds.
SECOND = 0.6 * 0.4 / (0.6 * 0.4 + 2 * 0.3 * 0.7)


class Training(NamedTuple):
    """What effects are learned from: the panel and its nuisances, row by row alike, and each learner with its settings."""

    panel: pd.DataFrame
    nuisance: pd.DataFrame
    learners: Mapping[str, Learner]


def predict_effects(
    known: Training, new: pd.DataFrame, chance: np.ndarray, blend: Mapping[str, float], outcome: str, seed: int
) -> Effects:
    past = past_of(known.panel, known.nuisance["propensity"])
    held_out = HeldOut(past.in_each_trial(new), np.tile(chance, len(past.trials)))
    fitted = fit_learners(known.panel, known.nuisance, {outcome: known.learners}, seed)[outcome]
    return blended(known.panel, known.nuisance, fitted, blend, outcome).effects(past, held_out)


def predict_propensity(
    data: pd.DataFrame, new: pd.DataFrame, models: Sequence[str], weights: Sequence[float], clip: float, seed: int
) -> np.ndarray:
    past = past_of(data, np.full(len(data), 0.5))
    return fit_propensity(data, models, weights, clip, seed).chances(past, past.in_each_trial(new))


def training(data: pd.DataFrame, learners: dict[str, Learner]) -> Training:
    """With the true nuisances of `panel`."""
    e = np.where(data["trial"] == 1, 0.3, 0.6)
    mu0 = 3 * data["x_spend"].to_numpy()
    mu1 = mu0 + 40 * data["x_keen"].to_numpy() + 12 * (data["trial"] == 2).to_numpy()
    y, t = data["purchase_amount"].to_numpy(), data["treated"].to_numpy()
    nuisance = pd.DataFrame({"propensity": e, "mean_purchase_amount": e * mu1 + (1 - e) * mu0})
    nuisance = nuisance.assign(mu0_purchase_amount=mu0, mu1_purchase_amount=mu1)
    nuisance["score0_purchase_amount"] = mu0 + (1 - t) * (y - mu0) / (1 - e)
    nuisance["score1_purchase_amount"] = mu1 + t * (y - mu1) / e
    return Training(data.reset_index(drop=True), nuisance, learners)


def learner(name: str) -> Learner:
    return find_learner(name, {"x": "linear", "dr": "linear"})


def effects_of(data: pd.DataFrame, new: pd.DataFrame, name: str) -> Effects:
    """Effects of new households by one learner, whose propensity is one half."""
    return predict_effects(training(data, {name: learner(name)}), new, np.full(len(new), 0.5), {name: 1.0}, "purchase_amount", 1)


def newcomers(n: int = 50) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    return pd.DataFrame({"x_keen": rng.random(n), "x_spend": rng.uniform(5, 40, n), "x_unused": 1.0})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["x", "dr", "r_smooth"])
def test_new_households_get_their_true_effect_averaged_over_past_trials(name):
    new = newcomers()
    effects = effects_of(panel(3000), new, name)
    truth = 40 * new["x_keen"] + 12 * SECOND
    np.testing.assert_allclose(effects.cate, truth, atol=6)
    assert effects.cate.mean() == pytest.approx(truth.mean(), abs=2)


@pytest.mark.slow
def test_predictions_are_the_loop_over_past_trials():
    data, new = panel(), newcomers(6)
    names = [*household_covariates(data), "x_trial_2"]
    known = training(data, {"x": learner("x")})
    nuisances = (known.nuisance[f"{name}_purchase_amount"].to_numpy().round(2) for name in ("mean", "mu0", "mu1"))
    rows = Rows(
        data[names].to_numpy(),
        data["treated"].to_numpy(),
        data["purchase_amount"].to_numpy().round(2),
        known.nuisance["propensity"].to_numpy().round(4),
        *nuisances,
    )
    as_in = [new.assign(x_trial_2=indicator)[names].to_numpy() for indicator in (0.0, 1.0)]
    fitted = learner("x").fit(rows, learner("x").settings, 1)
    first, second = (fitted.effects(HeldOut(covariates, np.full(6, 0.5))).cate for covariates in as_in)
    np.testing.assert_allclose(effects_of(data, new, "x").cate, first * (1 - SECOND) + second * SECOND)

    fits = {name: propensity_model(name, 1).fit(data[names].to_numpy(), data["treated"]) for name in ("linear", "boosting")}
    by_trial = [
        0.75 * fits["linear"].predict_proba(covariates)[:, 1] + 0.25 * fits["boosting"].predict_proba(covariates)[:, 1]
        for covariates in as_in
    ]
    chances = predict_propensity(data, new, ["linear", "boosting"], [0.75, 0.25], 0.01, seed=1)
    np.testing.assert_allclose(chances, by_trial[0] * 2 / 3 + by_trial[1] / 3, atol=1e-4)


def test_a_trial_that_compares_nobody_moves_no_prediction():
    data = panel()
    # The second trial mailed by a rule, all but to the letter.
    past = past_of(data, np.where(data["trial"] == 2, 0.9999, 0.3))
    assert past.weights[1] == pytest.approx(300 * 0.9999 * 0.0001 / (600 * 0.21 + 300 * 0.9999 * 0.0001))
    assert past.shares.tolist() == [2 / 3, 1 / 3]
    effects = np.concatenate([np.full(5, 7.0), np.full(5, -500.0)])
    np.testing.assert_allclose(past.over_trials(effects, past.weights), 7.0, atol=0.2)


def mailed_more(share: float, n: int = 1500) -> pd.DataFrame:
    """Two trials of like households, keen ones mailed more often in both, but the second mails `share` times as many."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"household_id": np.arange(2 * n), "trial": 1 + (np.arange(2 * n) >= n), "fold": np.arange(2 * n) % 3})
    frame = frame.assign(x_keen=rng.random(2 * n), x_trial_2=(frame["trial"] == 2).astype(float))
    chance = (0.1 + 0.3 * frame["x_keen"]) * np.where(frame["trial"] == 2, share, 1.0)
    return frame.assign(treated=(rng.random(2 * n) < chance).astype(int))


def predicted_alike(data: pd.DataFrame, learn: np.ndarray, rows: np.ndarray) -> pd.DataFrame:
    """Chances of these rows, with the folds and the trials that they were learned from."""
    chance = predict_propensity(data[learn], data[rows], ["linear"], [1.0], 0.01, seed=1)
    folds, trials = (",".join(map(str, np.unique(data.loc[learn, name]))) for name in ("fold", "trial"))
    return pd.DataFrame({"propensity": chance, "folds": folds, "trials": trials}, index=data.index[rows])


def test_a_campaign_of_another_size_is_not_one_of_other_households():
    data = mailed_more(2.0)
    earlier = (data["trial"] == 1).to_numpy()
    table = by_other_folds(data["fold"].to_numpy(), earlier, partial(predicted_alike, data))
    assert table.index.tolist() == data.index.tolist()
    assert table["folds"].tolist() == data["fold"].map({0: "1,2", 1: "0,2", 2: "0,1"}).tolist()
    assert (table["trials"] == "1").all()
    # The true chance of a mailing like the first, for both campaigns' households.
    np.testing.assert_allclose(table["propensity"], 0.1 + 0.3 * data["x_keen"], atol=0.07)
    assert not drift_table(*(table.loc[rows, ["propensity"]] for rows in (earlier, ~earlier)))["drifted"].any()
    # By one model of both campaigns, each with its indicator, the same households seem to be others.
    names = ["x_keen", "x_trial_2"]
    known = propensity_model("linear", 1).fit(data[names].to_numpy(), data["treated"]).predict_proba(data[names].to_numpy())
    told = pd.DataFrame({"propensity": known[:, 1]})
    assert drift_table(told[earlier], told[~earlier])["drifted"].all()


def counting(trial: int, seed: int, n: int = 1500) -> pd.DataFrame:
    """A trial of which baskets so far are a covariate: with the calendar they grow for all, and the effect is by who is keen."""
    rng = np.random.default_rng(seed)
    keen, treated = rng.random(n), rng.integers(0, 2, n)
    frame = pd.DataFrame({"household_id": np.arange(n), "trial": trial, "treated": treated, "x_baskets": 50 * trial * (1 + keen)})
    frame["purchase_amount"] = 100 * keen + 40 * keen * treated + rng.normal(0, 2, n)
    return frame.assign(x_trial_2=float(trial == 2), fold=np.arange(n) % 3, keen=keen)


def test_households_stand_in_a_past_trial_as_they_stand_among_their_own():
    past = past_of(pd.concat([counting(1, 0), counting(2, 1)], ignore_index=True), np.full(3000, 0.5))
    new = counting(3, 2)
    own = standing_of([new.head(100), new.tail(1400)], past.names)
    baskets = new["x_baskets"].to_numpy()
    assert (own.mean[0], own.spread[0]) == pytest.approx((baskets.mean(), baskets.std()))
    there = past.in_each_trial(new, own)[:, 0].reshape(2, -1)
    z = (baskets - baskets.mean()) / baskets.std()
    for trial, seed in ((1, 0), (2, 1)):
        seen = counting(trial, seed)["x_baskets"]
        placed = (seen.mean() + z * seen.std(ddof=0)).clip(past.least[0], past.most[0])
        np.testing.assert_allclose(there[trial - 1], placed)
    constant = standing_of([new.assign(x_baskets=0.1)], past.names)
    assert constant.spread.tolist() == [0.0]
    np.testing.assert_allclose(past.in_each_trial(new.assign(x_baskets=0.1), constant)[0, 0], past.trials[0].mean[0])


@pytest.mark.slow
def test_counts_that_grow_with_the_calendar_move_no_next_effect():
    data, new = pd.concat([counting(1, 0), counting(2, 1)], ignore_index=True), counting(3, 2)
    nuisance = pd.DataFrame(
        {"propensity": 0.5, "mean_purchase_amount": 120 * data["keen"], "mu0_purchase_amount": 100 * data["keen"]}
    )
    nuisance = nuisance.assign(mu1_purchase_amount=140 * data["keen"])
    fitted = fit_learners(data, nuisance, {"purchase_amount": {"dr": learner("dr")}}, 1)
    blend = blended(data, nuisance, fitted["purchase_amount"], {"dr": 1.0}, "purchase_amount")
    past, chance = past_of(data, nuisance["propensity"]), np.full(2 * len(new), 0.5)

    def error(own: Standing | None) -> float:
        found = blend.effects(past, HeldOut(past.in_each_trial(new, own), chance)).cate
        return float(np.abs(found - 40 * new["keen"]).mean())

    assert error(standing_of([new], past.names)) < 2
    assert error(None) > 8


def test_whether_the_same_households_can_be_mailed_each_time():
    repeated = pd.DataFrame({"earlier_mailings": [0, 2]})
    assert same_households(repeated, "canonical", RESTED)
    assert not same_households(repeated, "canonical", FIRST)
    assert not same_households(repeated * 0, "canonical", RESTED)  # nobody was mailed twice: who was mailed leaves
    assert not same_households(repeated, "panel", RESTED)  # each campaign of a table may have had its own customers


@pytest.mark.slow
def test_the_stage_holds_both_campaigns_against_the_earlier_one(project_folder):
    data = panel(300).assign(fold=np.arange(300) % 5, campaign_id=lambda frame: frame["trial"], earlier_mailings=0)
    data = data.assign(purchase_count=data["purchase_amount"] / 10, before_purchase_count=data["before_purchase_amount"] / 10)
    nuisance = training(data, {}).nuisance
    counts = nuisance.filter(regex="_purchase_amount") / 10
    nuisance = nuisance.join(counts.rename(columns=lambda name: name.replace("amount", "count")))
    candidates = newcomers(20).assign(household_id=np.arange(1000, 1020), eligible=True)
    for name, table in {
        "trials/panel": data,
        "trials/nuisance": data[KEYS].join(nuisance),
        "score/candidates": candidates,
        "trials/nuisance_models": pd.DataFrame({"nuisance": ["propensity"], "model": ["linear"], "weight": [1.0]}),
        "ensemble/weights": pd.DataFrame({"outcome": [], "fold": [], "learner": [], "weight": []}),
    }.items():
        write_parquet(table, project_folder / "data" / f"{name}.parquet")
    write_metrics({"selected": "ate", "best": "ate"}, project_folder / "metrics" / "validate.json")
    stages.fit.main()
    stages.predict.main()

    backtest, comparable = (pd.read_parquet(project_folder / f"data/score/{name}.parquet") for name in ("backtest", "comparable"))
    earlier = data["trial"] == 1
    assert backtest["household_id"].tolist() == data.loc[~earlier, "household_id"].tolist()
    assert comparable[KEYS].equals(data[KEYS])
    for number in range(5):
        learn, rows = earlier & (data["fold"] != number), data["fold"] == number
        average = ato(effect_data(data[learn], nuisance[learn], "purchase_amount")).value
        np.testing.assert_allclose(comparable.loc[rows, "cate_purchase_amount"], average)
        seed = yaml.safe_load((project_folder / "params.yaml").read_text())["seed"]
        fitted = propensity_model("linear", seed).fit(data.loc[learn, ["x_keen", "x_spend"]].to_numpy(), data["treated"][learn])
        seen = data.loc[learn, ["x_keen", "x_spend"]]
        held = data.loc[rows, seen.columns].clip(seen.min(), seen.max(), axis=1)
        chance = fitted.predict_proba(held.to_numpy())[:, 1]
        np.testing.assert_allclose(comparable.loc[rows, "propensity"], chance, atol=1e-4)


def test_one_trial_needs_no_average():
    data = panel().query("trial == 1").drop(columns="x_trial_2")
    new = newcomers(4)
    chances = predict_propensity(data, new, ["linear"], [1.0], 0.01, seed=1)
    np.testing.assert_allclose(chances, 0.3, atol=0.1)
    assert len(effects_of(data, new, "x").cate) == 4


def test_propensities_are_clipped():
    data = panel()
    data["treated"] = (data["x_keen"] > 0.5).astype(int)
    chances = predict_propensity(data, pd.DataFrame({"x_keen": [0.0, 1.0], "x_spend": [20.0, 20.0]}), ["linear"], [1.0], 0.02, 1)
    assert chances.tolist() == [0.02, 0.98]


def test_what_lies_outside_the_range_is_named():
    data = pd.DataFrame({"trial": [1, 1], "x_recency": [0.0, 9.0], "x_spend": [5.0, 50.0], "x_trial_2": [0.0, 0.0]})
    new = pd.DataFrame({"x_recency": [0.0, 9.5, 4.0, -1.0], "x_spend": [50.0, 20.0, 4.9, 51.0]})
    past = past_of(data, [0.5, 0.5])
    assert past.outside_range(new).tolist() == ["", "recency", "spend", "recency, spend"]
    # Half a width beyond: recency counts above 13.5 or below -4.5, spend above 72.5 or below -17.5.
    far = pd.DataFrame({"x_recency": [13.5, 13.6, -4.5, -4.6], "x_spend": [72.5, 20.0, 72.6, 20.0]})
    assert past.outside_range(far, 0.5).tolist() == ["", "recency", "spend", "recency"]


def test_who_grew_with_all_others_is_outside_no_range():
    """Everybody has bought more often by now; who was in the middle of its own then is so now."""
    then = pd.DataFrame({"trial": np.repeat([1, 2], 50), "x_visits": np.tile(np.linspace(0, 10, 50), 2), "treated": 0})
    now = pd.DataFrame({"x_visits": np.append(np.linspace(100, 120, 50), 200.0)})
    past = past_of(then, np.full(100, 0.5))
    own = standing_of([now.head(50)], past.names)
    assert (past.outside_range(now) == "visits").all()
    # 110 stands at its own mean, and 200 fifteen standard deviations above it.
    assert past.outside_range(now, own=own).tolist() == [""] * 50 + ["visits"]


def test_a_trial_that_took_in_few_borrows_the_standing_of_the_nearest():
    spend = np.linspace(0, 100, 200)
    rows = pd.DataFrame({"trial": np.repeat([1, 2], 200), "x_spend": np.tile(spend, 2)})
    pilot = pd.DataFrame({"trial": 3, "x_spend": np.linspace(45, 55, 20)})
    past = past_of(pd.concat([rows, pilot], ignore_index=True), np.full(420, 0.5))
    placed = past.in_each_trial(pd.DataFrame({"x_spend": [10.0, 90.0]}), standing_of([rows[rows["trial"] == 2]], ["x_spend"]))
    np.testing.assert_allclose(placed[:, 0].reshape(3, 2), [[10.0, 90.0]] * 3)


def test_households_compare_by_lot_where_lots_have_decided():
    """A lot among those of whom half were mailed before says nothing of those whom nobody ever mails."""
    rng = np.random.default_rng(3)
    score = rng.uniform(-3, 3, 4000)
    data = pd.DataFrame({"household_id": np.arange(4000), "trial": 1, "x_score": score, "fold": np.arange(4000) % 3})
    data = data.assign(treated=(rng.random(4000) < 1 / (1 + np.exp(-2 * score))).astype(int), earlier_mailings=0)
    lot = data[np.abs(score) < 0.5].head(200).assign(trial=2, by_lot=1, known_propensity=0.5)
    data = pd.concat([data.assign(by_lot=0, known_propensity=np.nan), lot], ignore_index=True)
    data = data.assign(purchase_amount=1.0, before_purchase_amount=1.0, x_trial_2=(data["trial"] == 2) * 1.0)
    nuisance = pd.DataFrame({"propensity": 0.5, "mean_purchase_amount": np.ones(len(data)), "score0_purchase_amount": 1.0})
    nuisance = nuisance.assign(mu0_purchase_amount=1.0, mu1_purchase_amount=1.0, score1_purchase_amount=1.0)
    blend = {"purchase_amount": {"constant": 1.0}}
    models = Models("purchase_amount", {}, blend, {"purchase_amount": {}}, (["linear"], [1.0]), 0.01, 1)
    fitted = fit_campaign(data, nuisance, models, ())
    found = fitted.predict(pd.DataFrame({"x_score": [-2.5, 0.0, 2.5]}))
    assert found["by_lot"].tolist() == [0, 1, 0]
    # Chances are those of the observed trial, which alone they are learned from.
    np.testing.assert_allclose(found["propensity"], 1 / (1 + np.exp([5.0, 0.0, -5.0])), atol=0.05)
    assert fitted.past.shares.tolist() == [1.0, 0.0]


def test_households_beyond_the_range_are_predicted_as_at_its_edge():
    data = panel()
    edge = data[["x_keen", "x_spend"]].agg(["min", "max"]).reset_index(drop=True)
    beyond = edge + pd.DataFrame({"x_keen": [-5.0, 5.0], "x_spend": [-100.0, 1000.0]})
    np.testing.assert_allclose(effects_of(data, beyond, "x").cate, effects_of(data, edge, "x").cate)
    chances = [predict_propensity(data, rows, ["linear"], [1.0], 0.01, seed=1) for rows in (beyond, edge)]
    np.testing.assert_allclose(*chances)


def test_a_covariate_that_new_households_lack_is_named():
    with pytest.raises(DataError, match=r"lack covariates of the panel: x_spend\. Run `dvc repro`"):
        past_of(panel(), np.full(900, 0.5)).outside_range(newcomers().drop(columns="x_spend"))


def test_effects_that_are_not_finite_stop():
    diverging = Learner(lambda learn, settings, seed: Always(np.array([np.nan])), {}, {})
    new = newcomers()
    with pytest.raises(DataError, match=r"choose another policy\.learner"):
        predict_effects(training(panel(), {"x": diverging}), new, np.full(len(new), 0.5), {"x": 1.0}, "purchase_amount", 1)


def test_a_blend_is_the_weighted_sum_of_its_learners_and_the_average_effect():
    data, new = panel(), newcomers(5)
    known = training(data, {"x": learner("x"), "dr": learner("dr")})
    average = ato(effect_data(known.panel, known.nuisance, "purchase_amount"))

    def predicted(blend: dict[str, float]) -> Effects:
        return predict_effects(known, new, np.full(5, 0.5), blend, "purchase_amount", 1)

    constant = predicted({"constant": 1.0})
    np.testing.assert_allclose([constant.cate, constant.lower], [[average.value] * 5, [average.lower] * 5])
    blend = predicted({"x": 0.5, "dr": 0.3, "constant": 0.2})
    expected = 0.5 * predicted({"x": 1.0}).cate + 0.3 * predicted({"dr": 1.0}).cate + 0.2 * average.value
    np.testing.assert_allclose(blend.cate, expected)
    assert blend.lower is None


def test_what_validation_may_choose_is_a_blend_of_learners():
    weights = pd.DataFrame(
        {
            "outcome": "purchase_amount",
            "fold": [0, 0, 0, 1, 1, 1],
            "learner": ["x", "dr", "constant"] * 2,
            "average": [0.5, 0.5, 0.0, 1.0, 0.0, 0.0],
            "weight": [0.6, 0.0, 0.4, 0.2, 0.0, 0.8],
        }
    )
    assert blend_of("dr", weights, "purchase_amount") == {"dr": 1.0}
    assert blend_of("ate", weights, "purchase_amount") == {"constant": 1.0}
    assert blend_of("average", weights, "purchase_amount") == {"x": 0.75, "dr": 0.25}
    assert blend_of("stack", weights, "purchase_amount") == pytest.approx({"x": 0.4, "constant": 0.6})


def test_the_settings_of_most_folds_fit_all_rows():
    assert usual_settings({"0": {"penalty": 3}, "1": {"penalty": 5}, "2": {"penalty": 5}}) == {"penalty": 5}
    assert usual_settings({"0": {"penalty": 3}, "1": {"penalty": 5}}) == {"penalty": 3}


def test_where_all_chances_are_known_a_new_household_has_their_mean():
    panel = pd.DataFrame({"by_lot": 1, "known_propensity": [0.1, 0.3], "treated": [0, 1], "x_keen": [0.0, 1.0], "trial": 1})
    panel["fold"] = [0, 1]
    new = pd.DataFrame({"x_keen": [0.5, 2.0, 1.0]})
    assert predict_propensity(panel, new, [], [], 0.01, seed=1).tolist() == [0.2, 0.2, 0.2]
