"""Tuning: honest about whether it helps, and the same however often it is interrupted."""

import numpy as np
import pytest

from targeting.learners import tuning
from targeting.learners.registry import Learner, find_learner
from targeting.learners.tuning import Tuned, default_losses, importances, search, search_history, study_key, summary, tuned
from targeting.stats.resampling import by_lot
from tests.effect_worlds import Always, World, world


@pytest.fixture(scope="module")
def given() -> World:
    return world(seed=4, n=500)


def smooth() -> Learner:
    return find_learner("r_smooth", {})


def run(path, given, trials, learner=None):
    data, learner = given.data()["purchase_amount"], learner or smooth()
    search(data, learner, trials, 7, path)
    return tuned(learner, default_losses(data, learner, 7), path, trials)


@pytest.mark.slow
def test_a_loss_is_that_of_a_plain_loop(given):
    data, learner = given.data()["purchase_amount"], smooth()
    total = 0.0
    for fold in (0, 1, 2):
        cate = learner.fit(data.learn(fold), {}, 7).effects(data.held_out(fold)).cate
        for effect, row in zip(cate, np.flatnonzero(data.fold == fold), strict=True):
            nuisance, panel = given.nuisance.iloc[row], given.panel.iloc[row]
            residual = panel["purchase_amount"] - nuisance["mean_purchase_amount"]
            total += (residual - (panel["treated"] - nuisance["propensity"]) * effect) ** 2
    assert sum(default_losses(data, learner, 7)) == pytest.approx(total / 500)


def test_a_search_that_was_interrupted_finds_what_an_uninterrupted_one_finds(given, tmp_path, monkeypatch):
    whole = run(tmp_path / "whole", given, 12)

    done = 0
    fold_loss = tuning.fold_loss

    def interrupted(*arguments):
        nonlocal done
        done += 1
        if done > 16:
            raise KeyboardInterrupt
        return fold_loss(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(tuning, "fold_loss", interrupted)
        with pytest.raises(KeyboardInterrupt):
            search(given.data()["purchase_amount"], smooth(), 12, 7, tmp_path / "parts")
    left = len(search_history(tmp_path / "parts", 12))
    assert 0 < left < 12  # it stopped in the middle of a trial, which leaves nothing
    parts = run(tmp_path / "parts", given, 12)
    assert search_history(tmp_path / "parts", 12).equals(search_history(tmp_path / "whole", 12))
    assert parts.settings == whole.settings
    np.testing.assert_array_equal(parts.losses, whole.losses)


def test_more_trials_continue_and_fewer_look_at_the_first(given, tmp_path):
    run(tmp_path / "study", given, 4)
    first = search_history(tmp_path / "study", 4)
    run(tmp_path / "study", given, 6)
    assert search_history(tmp_path / "study", 6).head(4).equals(first)
    assert search_history(tmp_path / "study", 4).equals(first)


def test_a_search_finds_a_penalty_that_the_default_lacks(given, tmp_path):
    """The default penalises nothing, on splines of five covariates: nearly any other penalty loses less."""
    unpenalised = Learner(smooth().fit, {"penalty": 1e-6, "knots": 6}, smooth().ranges)
    found = run(tmp_path / "study", given, 10, unpenalised)
    assert found.wins
    assert found.honest_loss < found.default_loss
    assert all(own["penalty"] > 1e-6 for own in found.by_fold())
    told = summary(found)
    assert told["kept"] == "tuned"
    assert told["best_loss"] <= told["tuned_loss"] < told["default_loss"]


def test_the_default_is_kept_unless_folds_that_did_not_choose_are_better_off():
    """A candidate that is best on each fold but the one that it would be used for: chosen by the others, it loses there."""
    settings = [{"penalty": 1.0}, {"penalty": 2.0}, {"penalty": 3.0}]
    losses = np.array([[10.0, 10.0], [1.0, 30.0], [30.0, 1.0]])
    result = Tuned(settings, losses)
    assert result.choices == [2, 1]  # fold 0 is chosen for by fold 1, and the other way round
    assert (result.default_loss, result.honest_loss) == (20.0, 60.0)
    assert not result.wins
    assert result.by_fold() == [{"penalty": 1.0}] * 2
    better = Tuned(settings, np.array([[10.0, 10.0], [9.0, 9.0], [12.0, 8.0]]))
    assert better.choices == [2, 1]
    assert (better.honest_loss, better.wins) == (21.0, False)
    best = Tuned(settings[:2], np.array([[10.0, 10.0], [9.0, 9.0]]))
    assert best.by_fold() == [{"penalty": 2.0}] * 2
    equal = Tuned(settings[:2], np.full((2, 2), 10.0))
    assert summary(equal)["kept"] == "default"


def test_a_folds_own_losses_do_not_choose_its_settings():
    losses = np.random.default_rng(0).uniform(size=(6, 4))
    choices = Tuned([{}] * 6, losses).choices
    losses[:, 2] = np.random.default_rng(1).uniform(0, 99, 6)
    assert Tuned([{}] * 6, losses).choices[2] == choices[2]


def test_settings_that_fail_are_never_chosen_and_a_default_that_fails_is_replaced(given, tmp_path):
    def fit(learn, settings, seed):
        if settings["penalty"] > 1e4:
            raise np.linalg.LinAlgError("SVD did not converge")
        return smooth().fit(learn, settings, seed)

    fragile = Learner(fit, {"penalty": 1e5}, smooth().ranges)
    found = run(tmp_path / "study", given, 10, fragile)
    states = search_history(tmp_path / "study", 10)["state"]
    assert {"fail", "complete"} <= set(states)
    assert found.wins
    assert all(own["penalty"] <= 1e4 for own in found.by_fold())
    assert summary(found)["default_loss"] is None


def test_a_learner_that_always_fails_keeps_its_default_and_says_no_loss(given, tmp_path):
    broken = Learner(lambda learn, settings, seed: Always(np.array([np.nan])), {"penalty": 1.0}, smooth().ranges)
    found = run(tmp_path / "study", given, 3, broken)
    assert summary(found) == {"kept": "default", "default_loss": None, "tuned_loss": None, "best_loss": None, "n_completed": 0}
    assert len(importances(tmp_path / "study", broken.ranges, 3)) == 0


def test_no_trials_keep_the_default(given, tmp_path):
    found = run(tmp_path / "study", given, 0)
    assert summary(found)["kept"] == "default"
    assert found.by_fold() == [{}] * 3
    assert list(search_history(tmp_path / "study", 0)) == ["trial", "state", "r_loss", "best"]


def test_poor_trials_are_pruned_and_importances_add_up(given, tmp_path):
    run(tmp_path / "study", given, 20)
    past = search_history(tmp_path / "study", 20)
    assert (past["state"] == "pruned").any()
    assert past.loc[past["state"] == "pruned", "r_loss"].isna().all()
    assert past["best"].is_monotonic_decreasing
    shares = importances(tmp_path / "study", smooth().ranges, 20)
    assert set(shares["setting"]) == {"penalty", "knots"}
    assert shares["importance"].sum() == pytest.approx(1)


def test_a_study_is_named_by_what_decides_it(given):
    data = given.data()
    losses = [1.0, 2.0, 3.0]
    key = study_key(data["purchase_amount"], smooth(), losses, 7)
    assert key == study_key(given.data()["purchase_amount"], smooth(), losses, 7)
    others = [
        study_key(data["purchase_count"], smooth(), losses, 7),
        study_key(data["purchase_amount"], find_learner("dr", {"dr": "linear"}), losses, 7),
        study_key(data["purchase_amount"], smooth(), [1.0, 2.0, 3.1], 7),
        study_key(data["purchase_amount"], smooth(), losses, 8),
    ]
    assert len({key, *others}) == 5


def test_a_sample_is_of_whole_households_and_of_all_where_there_are_no_more():
    households = np.repeat(np.arange(100, 400), 3)
    kept = by_lot(households, 50, seed=1)
    assert len(np.unique(households[kept])) == 50
    assert kept.sum() == 150
    shuffled = np.random.default_rng(0).permutation(len(households))
    assert (by_lot(households[shuffled], 50, seed=1) == kept[shuffled]).all()
    assert (by_lot(households, 50, seed=2) != kept).any()
    assert by_lot(households, 300, seed=1).all()
    assert by_lot(households, None, seed=1).all()
