"""Nuisances: cross-fitted by household, stacked by out-of-fold loss."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from targeting.base.columns import KEYS
from targeting.base.errors import DataError
from targeting.nuisance.cross_fit import Task, cross_fit, nuisance_table, nuisance_tasks, observed_arm, stacking_weights
from targeting.nuisance.models import outcome_model, propensity_model, rounded_outcomes, with_logs
from targeting.nuisance.nested import inner_nuisances
from targeting.stats.folds import household_folds


def small_panel(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """Two rows per household; treatment and outcomes depend on x_spend; the effect on purchase_amount is 5."""
    rng = np.random.default_rng(seed)
    household = np.repeat(np.arange(n // 2), 2)
    spend = np.repeat(rng.gamma(2, 10, n // 2), 2)
    treated = (rng.random(n) < 1 / (1 + np.exp(1 - spend / 20))).astype(int)
    amount = 3 * spend + 5 * treated + rng.normal(0, 5, n)
    panel = pd.DataFrame(
        {
            "household_id": household,
            "campaign_id": np.tile([27, 8], n // 2),
            "treated": treated,
            "purchase_amount": amount,
            "purchase_count": rng.poisson(spend / 5),
            "x_spend": spend,
            "x_noise": rng.random(n),
        }
    )
    return panel.assign(fold=household_folds(household, 4, seed=1))


@pytest.mark.slow
def test_no_household_is_predicted_by_a_model_that_saw_it():
    panel = small_panel()
    changed = panel.copy()
    own = changed["household_id"] == 17
    changed.loc[own, "purchase_amount"] += 1e4
    before, _ = cross_fit(nuisance_tasks(panel), panel, ["linear"], n_folds=4, repeats=2, seed=1)
    after, _ = cross_fit(nuisance_tasks(changed), changed, ["linear"], n_folds=4, repeats=2, seed=1)
    arm = panel.loc[own, "treated"].iloc[0]
    name = f"mu{arm}_purchase_amount"
    np.testing.assert_array_equal(before[name][own], after[name][own])
    assert not np.allclose(before[name][~own], after[name][~own])  # others do see it


def test_one_repeat_equals_a_plain_loop_over_folds():
    panel = small_panel()
    predictions, _ = cross_fit(nuisance_tasks(panel), panel, ["linear"], n_folds=4, repeats=1, seed=1)
    covariates, expected = panel[["x_spend", "x_noise"]].to_numpy(), np.empty(len(panel))
    for fold in range(4):
        learn = (panel["fold"] != fold) & (panel["treated"] == 1)
        model = outcome_model("linear", 1).fit(covariates[learn], panel.loc[learn, "purchase_amount"])
        expected[panel["fold"] == fold] = model.predict(covariates[panel["fold"] == fold])
    np.testing.assert_allclose(predictions["mu1_purchase_amount"], expected)


@pytest.mark.slow
def test_stacking_beats_or_equals_every_candidate():
    panel = small_panel()
    _, models = cross_fit(nuisance_tasks(panel), panel, ["linear", "boosting"], n_folds=4, repeats=1, seed=1)
    assert (models["stacked_loss"] <= models["loss"] * (1 + 1e-5)).all()
    assert models.groupby("nuisance")["weight"].sum().to_numpy() == pytest.approx(1)
    assert len(models) == 2 * 7


@pytest.mark.slow
@pytest.mark.parametrize("probability", [False, True])
def test_stacking_weights_agree_with_a_grid(probability):
    rng = np.random.default_rng(3)
    truth = rng.uniform(0.2, 0.8, 500)
    target = (rng.random(500) < truth).astype(float)
    candidates = np.column_stack([np.clip(truth + rng.normal(0, 0.1, 500), 0.05, 0.95), np.full(500, target.mean())])
    task = Task("propensity", target, np.ones(500, dtype=bool), propensity_model, probability)
    grid = np.linspace(0, 1, 1001)
    best = grid[np.argmin([task.loss(candidates @ [weight, 1 - weight]) for weight in grid])]
    assert stacking_weights(task, candidates) == pytest.approx([best, 1 - best], abs=0.002)


@pytest.mark.parametrize("probability", [False, True])
def test_stacking_weights_are_exact_to_far_less_than_they_are_rounded_to(probability, monkeypatch):
    """Another processor's last bits must not move a weight across the edge at which it is rounded."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=800)
    target = (rng.random(800) < expit(x)).astype(float) if probability else 50 * x + rng.normal(0, 80, 800)
    signals = [slope * x + rng.normal(0, 0.5, 800) for slope in (0.4, 0.9, 1.6)]
    candidates = np.column_stack([expit(signal) if probability else 50 * signal for signal in signals])
    task = Task("any", target, rng.random(800) < 0.9, outcome_model, probability)
    weights = np.array([0.2, 0.5, 0.3])
    for place in range(3):
        step = 1e-6 * np.eye(3)[place]
        slope = (task.loss(candidates @ (weights + step)) - task.loss(candidates @ (weights - step))) / 2e-6
        assert task.gradient(candidates, weights)[place] == pytest.approx(slope, rel=1e-5)
    monkeypatch.setattr(np, "round", lambda values, *_: values)
    moved = candidates * (1 + 1e-13 * rng.normal(size=candidates.shape))
    np.testing.assert_allclose(stacking_weights(task, moved), stacking_weights(task, candidates), atol=1e-9)


def test_a_useless_candidate_gets_no_weight():
    rng = np.random.default_rng(3)
    target = rng.normal(size=300)
    task = Task("mu0", target, np.ones(300, dtype=bool), outcome_model, probability=False)
    assert stacking_weights(task, np.column_stack([target, rng.normal(size=300) + 9])) == pytest.approx([1, 0], abs=1e-3)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("all_wrong", [0, 5])
def test_candidates_that_are_certain_are_stacked(all_wrong):
    """One says 0 or 1 and is wrong in a tenth of the rows; of some rows the other is as certain, and as wrong."""
    target = np.tile([0.0, 1.0], 50)
    certain = np.where(np.arange(100) % 10 == 0, 1 - target, target)
    other = np.full(100, 0.5)
    other[:all_wrong] = certain[:all_wrong] = 1 - target[:all_wrong]
    candidates = np.column_stack([certain, other])
    task = Task("treated", target, np.ones(100, dtype=bool), propensity_model, True)
    weights = stacking_weights(task, candidates)
    grid = np.linspace(0, 1, 1001)
    losses = [task.loss(candidates @ [weight, 1 - weight]) for weight in grid]
    assert weights == pytest.approx([grid[np.argmin(losses)], 1 - grid[np.argmin(losses)]], abs=0.002)


def test_the_table_clips_and_scores():
    panel = small_panel(20)
    constant = {task.name: np.full(20, 0.001 if task.probability else 2.0) for task in nuisance_tasks(panel)}
    table = nuisance_table(panel, constant, clip=0.01)
    assert (table["propensity"] == 0.01).all()
    row = int(panel["treated"].argmax())
    assert table.loc[row, "score1_purchase_amount"] == pytest.approx(2 + (panel.loc[row, "purchase_amount"] - 2) / 0.01)
    assert table.loc[row, "score0_purchase_amount"] == 2


def half_by_lot(panel: pd.DataFrame, chance: float = 0.0005) -> pd.DataFrame:
    """The panel with campaign 8 mailed by lot, by a known chance that clipping would raise."""
    lots = panel["campaign_id"] == 8
    return panel.assign(by_lot=lots.astype(int), known_propensity=np.where(lots, chance, np.nan))


@pytest.mark.slow
def test_a_known_chance_is_neither_estimated_nor_clipped():
    panel = half_by_lot(small_panel())
    lots, covariates = panel["by_lot"] == 1, panel[["x_spend", "x_noise"]].to_numpy()
    predictions, _ = cross_fit(nuisance_tasks(panel), panel, ["linear"], n_folds=4, repeats=1, seed=1)
    table = nuisance_table(panel, predictions, clip=0.01)
    assert (table.loc[lots, "propensity"] == 0.0005).all()
    for fold in range(4):  # the others' is learned from them alone
        learn, rows = ~lots & (panel["fold"] != fold), ~lots & (panel["fold"] == fold)
        model = propensity_model("linear", 1).fit(covariates[learn], panel.loc[learn, "treated"])
        np.testing.assert_allclose(table.loc[rows, "propensity"], model.predict_proba(covariates[rows])[:, 1].clip(0.01, 0.99))
    inner = inner_nuisances(panel, ["linear"], 0.01, seed=1).merge(panel[[*KEYS, "by_lot"]], on=KEYS)
    assert (inner.loc[inner["by_lot"] == 1, "propensity"] == 0.0005).all()
    assert inner.loc[inner["by_lot"] == 0, "propensity"].between(0.01, 0.99).all()


def test_where_all_chances_are_known_no_propensity_is_learned():
    panel = small_panel().assign(by_lot=1, known_propensity=0.4)
    tasks = nuisance_tasks(panel)
    assert "propensity" not in {task.name for task in tasks}
    assert (nuisance_table(panel, cross_fit(tasks, panel, ["linear"], 4, 1, 1)[0], 0.01)["propensity"] == 0.4).all()
    assert (inner_nuisances(panel, ["linear"], 0.01, seed=1)["propensity"] == 0.4).all()


@pytest.mark.slow
def test_wrong_outcome_models_are_put_right_by_known_chances():
    """Lots at 5% to 60%, by strata, outcome predictions of 0: the mean score still finds the true effect of 5."""
    panel = small_panel(40_000)
    rng, chance = np.random.default_rng(4), np.where(small_panel(40_000)["x_spend"] > 20, 0.6, 0.05)
    treated = (rng.random(len(panel)) < chance).astype(int)
    amount = panel["purchase_amount"] + 5 * (treated - panel["treated"])
    panel = panel.assign(treated=treated, purchase_amount=amount, by_lot=1, known_propensity=chance)
    wrong = {task.name: np.zeros(len(panel)) for task in nuisance_tasks(panel)}
    table = nuisance_table(panel, wrong, clip=0.3)
    effect = table["score1_purchase_amount"] - table["score0_purchase_amount"]
    assert abs(effect.mean() - 5) < 3 * effect.std() / np.sqrt(len(panel) / 2)


def test_the_observed_arm_is_picked():
    assert observed_arm([1, 0], [1.0, 2.0], [3.0, 4.0]).tolist() == [3.0, 2.0]


def test_a_rounded_model_predicts_what_it_wraps_to_the_last_digit_kept():
    panel = small_panel()
    covariates, amount = panel[["x_spend", "x_noise"]].to_numpy(), panel["purchase_amount"]
    regressors = [
        model.fit(covariates, amount) for model in (outcome_model("linear", 1), rounded_outcomes(outcome_model("linear", 1)))
    ]
    np.testing.assert_allclose(regressors[1].predict(covariates), regressors[0].predict(covariates).round(2))


def test_logs_stand_beside_the_raw_covariates():
    np.testing.assert_allclose(with_logs([[0.0, np.e - 1]]), [[0.0, np.e - 1, 0.0, 1.0]])
    np.testing.assert_allclose(with_logs([[1 - np.e]]), [[1 - np.e, -1.0]])  # more came back than was bought


@pytest.mark.parametrize("build", [outcome_model, propensity_model])
def test_unknown_models_are_named(build):
    with pytest.raises(DataError, match=r"Unknown model 'oracle' in nuisance.models; known: linear, boosting"):
        build("oracle", 1)


@pytest.mark.slow
def test_a_constant_outcome_is_predicted_as_it_is():
    panel = small_panel().assign(purchase_count=3.0)
    predictions, models = cross_fit(nuisance_tasks(panel), panel, ["linear", "boosting"], n_folds=4, repeats=1, seed=1)
    np.testing.assert_allclose(predictions["mu1_purchase_count"], 3)
    assert models.groupby("nuisance")["weight"].sum().to_numpy() == pytest.approx(1)
