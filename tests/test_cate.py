"""Learners: out of fold, sensible on worlds whose effects are known, and loud when they fail."""

from collections.abc import Mapping
from itertools import starmap

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.pipeline import make_pipeline

from targeting.base.columns import KEYS, OUTCOMES
from targeting.base.errors import DataError
from targeting.learners import cross_fit as cate
from targeting.learners.base_models import COMPONENTS, component_steps, components_by_loss, regressor
from targeting.learners.cross_fit import LearnerError, cross_fit_effects, fit_fold, no_effects
from targeting.learners.data import outcome_data
from targeting.learners.orthogonal import dr_learner, linear_dml, nonparam_dml
from targeting.learners.registry import NAMES, Learner, find_learner
from targeting.learners.rows import HeldOut
from targeting.learners.smooth import r_smooth
from targeting.nuisance.models import outcome_model
from targeting.nuisance.nested import inner_nuisances
from targeting.stats.folds import household_folds
from targeting.trials.panel import covariate_matrix
from tests.effect_worlds import CLIP, Always, World, panel_and_truth, with_nuisances, world

BASE_MODELS = {"s": "boosting", "t": "linear", "x": "linear", "dr": "components", "nonparam_dml": "forest"}


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


@pytest.fixture(scope="module")
def smooth() -> World:
    return world(seed=0)


@pytest.fixture(scope="module")
def constant() -> World:
    return world(seed=0, effect="constant")


def fit(name: str, given: World, own: Mapping[str, object] | None = None, seed: int = 1) -> pd.DataFrame:
    """A learner's effects with its default settings, changed by `own`."""
    learner = find_learner(name, BASE_MODELS)
    data = given.data()
    settings = {outcome: {fold: {**learner.settings, **(own or {})} for fold in rows.numbers} for outcome, rows in data.items()}
    return cross_fit_effects(given.panel, data, learner, settings, seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_known_heterogeneous_effect_is_ranked(name, smooth):
    effects = fit(name, smooth)
    for outcome, scale in (("purchase_amount", 1), ("purchase_count", 10)):
        cate = effects[f"cate_{outcome}"]
        assert spearmanr(cate, smooth.truth).statistic > 0.3
        assert cate.mean() == pytest.approx(smooth.truth.mean() / scale, abs=8 / scale)
    has_interval = name in ("linear_dml", "causal_forest")
    assert effects["lower_purchase_amount"].notna().all() == has_interval
    if has_interval:
        assert (effects["lower_purchase_amount"] < effects["cate_purchase_amount"]).all()
        assert (effects["upper_purchase_amount"] > effects["cate_purchase_amount"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_constant_effect_shows_less_spread_than_a_heterogeneous_one(name, constant, smooth):
    spread = fit(name, constant)["cate_purchase_amount"].std()
    assert spread < 0.8 * fit(name, smooth)["cate_purchase_amount"].std()
    # Those that shrink what they cannot tell from noise are near none at all.
    if name in ("r_smooth", "dr_smooth", "dr"):
        assert spread < 6


@pytest.mark.slow
def test_no_outcome_of_a_household_reaches_its_own_effects_even_through_the_nuisances(smooth):
    changed = smooth.panel.copy()
    own = (changed["household_id"] == 5).to_numpy()
    changed.loc[own, list(OUTCOMES)] += 1e4
    # All that the pipeline would compute anew is computed anew; the settings stay, as tuning looks at all folds but the own.
    again = with_nuisances(changed, smooth.truth)
    for name in ("x", "dr", "linear_dml", "r_smooth", "dr_smooth"):
        before, after = fit(name, smooth), fit(name, again)
        pd.testing.assert_frame_equal(before[own], after[own])
        other = ~(smooth.panel["fold"] == smooth.panel.loc[own, "fold"].iloc[0])
        assert not np.allclose(before.loc[other, "cate_purchase_amount"], after.loc[other, "cate_purchase_amount"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "own"), [("causal_forest", {"n_estimators": 40}), ("nonparam_dml", {"n_estimators": 10}), ("s", {})]
)
def test_last_bits_of_outcomes_and_propensities_reach_no_tree(name, own, smooth):
    """As another processor would sum and fit them; unrounded, one forest's effects moved by half their standard deviation."""
    rng = np.random.default_rng(0)

    def shaken(values: pd.Series) -> pd.Series:
        return values * (1 + rng.uniform(-4e-16, 4e-16, len(values)))

    panel = smooth.panel.assign(**{outcome: shaken(smooth.panel[outcome]) for outcome in OUTCOMES})
    nuisance = smooth.nuisance.assign(propensity=shaken(smooth.nuisance["propensity"]))
    again = World(panel, nuisance, smooth.inner, smooth.truth)
    pd.testing.assert_frame_equal(fit(name, smooth, own), fit(name, again, own), rtol=1e-9)


def test_smooth_stages_are_those_of_econml_with_the_same_last_model(smooth):
    """An R-learner is econml's NonParamDML, to which the stored nuisances travel by another way."""
    data = smooth.data()["purchase_amount"]
    learn, held_out, settings = data.learn(0), data.held_out(0), {"model": "smooth", "penalty": 100.0}
    np.testing.assert_allclose(
        r_smooth(learn, {"penalty": 100.0}, 1).effects(held_out).cate,
        nonparam_dml(learn, settings, 1).effects(held_out).cate,
        rtol=1e-8,
    )


@pytest.mark.parametrize("settings", [{"model": "linear", "penalty": 50.0}, {"model": "components", "components": 3}])
def test_a_dr_learner_regresses_the_scores_of_the_stored_nuisances_by_their_precision(settings, smooth):
    data = smooth.data()["purchase_amount"]
    learn, held_out = data.learn(1), data.held_out(1)
    final = regressor(settings, 1).fit(learn.covariates, learn.score, sample_weight=learn.score_weight)
    np.testing.assert_allclose(
        dr_learner(learn, settings, 1).effects(held_out).cate, final.predict(held_out.covariates), rtol=1e-6, atol=1e-6
    )


def test_components_are_the_leading_directions_of_raw_and_logged_covariates(smooth):
    """By the singular vectors of the standardised columns, and weighted normal equations."""
    learn = smooth.data()["purchase_amount"].learn(0)
    columns = np.hstack([learn.covariates, np.log1p(learn.covariates)])
    spread = columns.std(axis=0)
    standard = (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1)
    design = np.column_stack([np.ones(len(standard)), standard @ np.linalg.svd(standard, full_matrices=False)[2][:4].T])
    root = np.sqrt(learn.score_weight)
    expected = design @ np.linalg.lstsq(design * root[:, None], learn.score * root, rcond=None)[0]
    model = regressor({"model": "components", "components": 4}, 1)
    found = model.fit(learn.covariates, learn.score, sample_weight=learn.score_weight).predict(learn.covariates)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * expected.std())


def test_more_components_than_usual_are_taken_where_they_predict_better_beyond_noise():
    """Twenty unlike covariates, of which the one that varies least moves the target: the eight usual components miss it."""
    rng = np.random.default_rng(0)
    covariates = rng.normal(size=(400, 20)) @ np.linalg.qr(rng.normal(size=(20, 20)))[0]
    weight = rng.uniform(0.5, 2, 400)
    components = make_pipeline(*component_steps(None, np.asarray)).fit_transform(covariates)
    found = components[:, 14] / components[:, 14].std()
    noise = rng.normal(size=400)
    assert components_by_loss(covariates, 3 * found + noise, weight, np.asarray) >= 15
    assert components_by_loss(covariates, noise, weight, np.asarray) <= COMPONENTS["components"]


def test_the_number_of_components_is_that_of_a_loop_over_left_out_rows():
    rng = np.random.default_rng(1)
    covariates, weight = rng.normal(size=(60, 12)), rng.uniform(0.5, 2, 60)
    components = make_pipeline(*component_steps(None, np.asarray)).fit_transform(covariates)
    target = 4 * components[:, 10] + rng.normal(size=60)
    losses = np.zeros((60, 12))
    for row in range(60):
        others = np.arange(60) != row
        for number in range(1, 13):
            design = np.column_stack([np.ones(60), components[:, :number]])
            root = np.sqrt(weight[others])
            coefficients = np.linalg.lstsq(design[others] * root[:, None], target[others] * root, rcond=None)[0]
            losses[row, number - 1] = weight[row] * (target[row] - design[row] @ coefficients) ** 2
    assert components_by_loss(covariates, target, weight, np.asarray) == losses.mean(axis=0).argmin() + 1 > 10


def test_linear_dml_is_least_squares_of_residuals_on_components(smooth):
    """One component: effect(x) = a + b c(x) minimises the R-loss, so the normal equations hold."""
    data = smooth.data()["purchase_amount"]
    learn = data.learn(2)
    inside = linear_dml(learn, {"components": 1}, 1).effects(HeldOut(learn.covariates, learn.propensity)).cate
    error = learn.outcome_residual - learn.treated_residual * inside
    for column in (np.ones(len(error)), inside):
        moment = learn.certainty * error * learn.treated_residual * column
        assert moment.sum() == pytest.approx(0, abs=1e-5 * np.abs(moment).sum())


@pytest.mark.parametrize("name", ["x", "r_smooth", "linear_dml"])
def test_repeated_rows_of_a_household_change_nothing_but_precision(name, smooth):
    """Every row twice, as another campaign: the same folds, the same effects in both copies."""
    twice = [table.assign(campaign_id=table["campaign_id"] + 100) for table in (smooth.panel, smooth.nuisance)]
    panel, nuisance = (pd.concat(pair, ignore_index=True) for pair in zip((smooth.panel, smooth.nuisance), twice, strict=True))
    inner = pd.concat(
        [
            part
            for _, own in smooth.inner.groupby("held_out", sort=True)
            for part in (own, own.assign(campaign_id=own["campaign_id"] + 100))
        ],
        ignore_index=True,
    )
    effects = fit(name, World(panel, nuisance, inner, np.tile(smooth.truth, 2)))["cate_purchase_amount"].to_numpy()
    half = len(effects) // 2
    np.testing.assert_allclose(effects[:half], effects[half:])
    assert np.corrcoef(effects[:half], fit(name, smooth)["cate_purchase_amount"])[0, 1] > 0.9


def test_unknown_learners_and_models_are_named():
    with pytest.raises(DataError, match=r"Unknown learner 'oracle' in learners.names; known: s, t, x, dr"):
        find_learner("oracle", BASE_MODELS)
    with pytest.raises(
        DataError, match=r"Unknown model 'tarot' in learners.models.x; known: linear, components, smooth, boosting, forest"
    ):
        find_learner("x", {"x": "tarot"})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.full(3, np.nan), r"\d+ of 1600 effects on purchase_amount are not finite"),
        (np.array([1e9, -1e9, 0.0]), r"it diverged: effects on purchase_amount have a standard deviation of .* at most"),
    ],
)
def test_effects_that_cannot_be_believed_are_an_error(values, words, smooth, monkeypatch):
    monkeypatch.setattr(cate, "in_processes", starmap)
    absurd = Learner(lambda learn, settings, seed: Always(values), {}, {})
    data = smooth.data()
    with pytest.raises(LearnerError, match=words):
        cross_fit_effects(smooth.panel, data, absurd, {outcome: {0: {}, 1: {}, 2: {}} for outcome in data}, 1)


def test_a_learner_that_stops_says_where_and_why(smooth):
    def stopping(learn, settings, seed):
        raise np.linalg.LinAlgError("SVD did not converge")

    with pytest.raises(LearnerError, match=r"it stopped in fold 2: SVD did not converge"):
        fit_fold(Learner(stopping, {}, {}), smooth.data()["purchase_amount"], 2, {}, 1)


def test_a_failed_learner_leaves_every_column_and_no_row(smooth):
    assert list(no_effects(OUTCOMES).columns) == list(fit("r_smooth", smooth, {"penalty": 10.0}).columns)
    assert len(no_effects(OUTCOMES)) == 0


def test_tables_of_other_rows_are_refused(smooth):
    with pytest.raises(DataError, match="the table of inner nuisances does not hold the panel's rows"):
        outcome_data(smooth.panel, smooth.nuisance, smooth.inner.iloc[1:], "purchase_amount")


def test_inner_nuisances_are_a_plain_loop_over_two_folds():
    panel, _ = panel_and_truth(seed=3, n=400, n_folds=4)
    inner = inner_nuisances(panel, ["linear"], CLIP, seed=1)
    own = panel["fold"] == 1
    learn = ~panel["fold"].isin([1, 2])
    covariates = covariate_matrix(panel)
    expected = outcome_model("linear", 1).fit(covariates[learn], panel.loc[learn, "purchase_amount"]).predict(covariates[own])
    found = inner[(inner["held_out"] == 2)].merge(panel.loc[own, KEYS], on=KEYS)
    np.testing.assert_allclose(found["mean_purchase_amount"], expected, atol=0.0051)  # whole cents
    assert not inner.merge(panel, on=KEYS).eval("held_out == fold").any()


def test_inner_nuisances_need_three_folds():
    panel, _ = panel_and_truth(seed=3, n=40, n_folds=2)
    with pytest.raises(DataError, match=r"The panel has 2 folds, and learners need three or more: raise nuisance.folds"):
        inner_nuisances(panel, ["linear"], CLIP, seed=1)
