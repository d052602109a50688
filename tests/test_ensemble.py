"""Ensembles: weights that a plain optimiser finds too, chosen by other folds, and as good as the best learner on average."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import spearmanr

from targeting.base.columns import KEYS, OUTCOMES, effect_columns
from targeting.base.errors import DataError
from targeting.learners.cross_fit import fit_fold, no_effects
from targeting.learners.ensemble import CONSTANT, constant_effect, distributions, ensembles, members, r_weights, usable
from targeting.learners.registry import INDIRECT, find_learner
from targeting.learners.tuning import Tuned, fold_loss
from targeting.nuisance.overlap import in_overlap
from targeting.nuisance.scores import effect_scores
from targeting.validation.measures import order_and_size
from tests.effect_worlds import World, world
from tests.stored import require_stored

AMOUNT = "purchase_amount"


@pytest.fixture(scope="module")
def given() -> World:
    return world(seed=2)


def effects(given: World, cate: np.ndarray) -> pd.DataFrame:
    return given.panel[KEYS].assign(**{f"cate_{outcome}": cate for outcome in OUTCOMES})


def candidates(given: World, seed: int = 0) -> dict[str, pd.DataFrame]:
    """The truth with noise, twice, and noise alone."""
    rng = np.random.default_rng(seed)
    n, noise = len(given.truth), 15.0
    tables = {name: effects(given, given.truth + rng.normal(0, noise, n)) for name in ("first", "second")}
    return tables | {"noise": effects(given, rng.normal(30, 20, n))}


def test_the_average_is_the_mean_of_those_that_are_joined(given):
    tables = candidates(given)
    found = ensembles(given.panel, tables, given.data())
    mean, own = found.average, found.weights[found.weights["outcome"] == AMOUNT]
    shares = own.pivot_table(index="fold", columns="learner", values="average").loc[given.panel["fold"]].reset_index(drop=True)
    expected = sum(shares[name] * table["cate_purchase_amount"] for name, table in tables.items())
    np.testing.assert_allclose(mean["cate_purchase_amount"], expected)
    assert (own.loc[own["learner"] == "noise", "average"] == 0).all()
    assert list(mean.columns) == [*KEYS, *effect_columns("purchase_amount"), *effect_columns("purchase_count")]
    assert mean["lower_purchase_amount"].isna().all()


@pytest.mark.parametrize("noise", [1.0, 15.0, 60.0])
def test_weights_are_those_of_a_general_optimiser(given, noise):
    data = given.data()[AMOUNT]
    rows = data.fold != 0
    rng = np.random.default_rng(3)
    n = int(rows.sum())
    truth = given.truth[rows]
    offered = np.column_stack([truth + rng.normal(0, noise, n) for _ in range(4)] + [truth * 0.5, np.full(n, 30.0), -truth])
    m = offered.shape[1]
    residual, target = (data.treated - data.propensity)[rows], (data.outcome - data.mean)[rows]
    draw = np.square(residual[:, None] * offered).sum() / m

    def loss(weights):
        return (np.square(target - residual * (offered @ weights)).sum() + draw * np.square(weights - 1 / m).sum()) / 1e5

    sums_to_one = {"type": "eq", "fun": lambda weights: weights.sum() - 1}
    slow = minimize(
        loss,
        np.full(m, 1 / m),
        method="SLSQP",
        bounds=[(0, 1)] * m,
        constraints=sums_to_one,
        options={"ftol": 1e-15, "maxiter": 500},
    )
    weights = r_weights(data, rows, offered)
    assert weights.sum() == pytest.approx(1)
    assert loss(weights) <= slow.fun * (1 + 1e-9)
    np.testing.assert_allclose(weights, slow.x, atol=5e-3)


def test_the_constant_effect_is_the_slope_of_residuals_through_the_origin(given):
    data = given.data()[AMOUNT]
    rows = np.ones(len(data.fold), dtype=bool)
    slope = np.linalg.lstsq((data.treated - data.propensity)[:, None], data.outcome - data.mean, rcond=None)[0][0]
    assert constant_effect(data, rows) == pytest.approx(slope)


def test_the_stack_prefers_what_is_right_and_weighs_each_fold_by_the_others(given):
    tables = candidates(given)
    found = ensembles(given.panel, tables, given.data())
    table, weights = found.stack, found.weights
    own = weights[weights["outcome"] == AMOUNT].pivot_table(index="fold", columns="learner", values="weight")
    np.testing.assert_allclose(own.sum(axis=1), 1)
    assert (own >= 0).all(axis=None)
    assert (own["noise"] < 0.2).all()
    fold = given.panel["fold"].to_numpy()
    for number in (0, 1, 2):
        rows = fold == number
        constant = constant_effect(given.data()[AMOUNT], ~rows)
        expected = own.loc[number, "constant"] * constant
        expected = expected + sum(own.loc[number, name] * tables[name].loc[rows, f"cate_{AMOUNT}"] for name in tables)
        np.testing.assert_allclose(table.loc[rows, f"cate_{AMOUNT}"], expected)


def test_a_folds_own_outcomes_and_effects_do_not_move_its_weights(given):
    tables = candidates(given)
    before = ensembles(given.panel, tables, given.data()).weights
    rng = np.random.default_rng(1)
    own = (given.panel["fold"] == 1).to_numpy()
    panel = given.panel.copy()
    panel.loc[own, AMOUNT] = rng.normal(0, 9999, own.sum())
    changed = {
        name: table.assign(**{f"cate_{AMOUNT}": table[f"cate_{AMOUNT}"].where(~own, 1e5)}) for name, table in tables.items()
    }
    data = World(panel, given.nuisance, given.inner, given.truth).data()
    after = ensembles(panel, changed, data).weights
    for fold, same in ((1, True), (0, False)):
        rows = (before["fold"] == fold) & (before["outcome"] == AMOUNT)
        assert np.allclose(before.loc[rows, "weight"], after.loc[rows, "weight"]) == same


def test_candidates_that_are_the_same_weigh_alike(given):
    data = given.data()[AMOUNT]
    rows = np.ones(len(data.fold), dtype=bool)
    same = np.repeat(given.truth[:, None], 4, axis=1)
    np.testing.assert_allclose(r_weights(data, rows, same), np.full(4, 0.25))


def test_failed_learners_are_left_out_and_nothing_left_is_an_error(given):
    tables = {**candidates(given), "broken": no_effects(OUTCOMES)}
    assert list(usable(given.panel, tables)) == ["first", "second", "noise"]
    with pytest.raises(DataError, match="Every learner failed"):
        usable(given.panel, {"broken": no_effects(OUTCOMES)})
    with pytest.raises(DataError, match="the table of first does not hold the panel's rows"):
        usable(given.panel, {"first": tables["first"].iloc[1:]})


def test_members_are_the_orthogonal_learners_that_are_as_good_as_the_best_and_others_that_beat_them():
    """Losses a row whose differences are noise, or noise around 1: the latter is beyond any doubt."""
    rng = np.random.default_rng(0)
    households = np.arange(400)

    def around(mean: float) -> np.ndarray:
        return mean + rng.normal(0, 0.5, 400)

    close = {"s": around(3.0), "t": around(2.0), "linear_dml": around(2.0), "r_smooth": around(2.0), CONSTANT: around(3.0)}
    assert members(close, households) == ("linear_dml", "r_smooth")  # t is as good, but not orthogonal
    assert members(close | {"t": around(1.0)}, households) == ("t",)
    assert members({name: close[name] for name in ("s", "t")}, households) == ("t",)
    assert members(close | {CONSTANT: around(1.0)}, households) == (CONSTANT,)


def test_distributions_say_how_effects_are_spread(given):
    values = np.arange(len(given.truth), dtype=float) - 100
    row = distributions({"a": effects(given, values)}, (AMOUNT,)).iloc[0]
    assert row["p50"] == pytest.approx(np.median(values))
    assert row["share_positive"] == pytest.approx((values > 0).mean())


UNLIKE = ("t", "x", "nonparam_dml", "linear_dml", "r_smooth", "dr_smooth")


def with_ensembles(given: World, cates: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Learners' effects on spend, and those of their average and stack."""
    tables = {name: given.panel[KEYS].assign(**{f"cate_{AMOUNT}": cate}) for name, cate in cates.items()}
    found = ensembles(given.panel, tables, {AMOUNT: given.data()[AMOUNT]})
    joint = {"average": found.average, "stack": found.stack}
    return cates | {name: table[f"cate_{AMOUNT}"].to_numpy() for name, table in joint.items()}


def ranks_and_errors(seed: int) -> tuple[dict[str, float], dict[str, float]]:
    """Rank correlation with the true effect, and root mean squared error, of unlike learners at their defaults and ensembles."""
    given = world(seed=100 + seed, n=1000)
    data = given.data()[AMOUNT]
    cates = {}
    for name in UNLIKE:
        learner = find_learner(name, {"t": "linear", "x": "linear", "nonparam_dml": "forest"})
        cates[name] = np.empty(len(given.truth))
        for number in data.numbers:
            cates[name][data.fold == number] = fit_fold(learner, data, number, learner.settings, 1).cate
    found = with_ensembles(given, cates)
    ranks = {name: float(spearmanr(cate, given.truth).statistic) for name, cate in found.items()}
    return ranks, {name: float(np.sqrt(np.square(cate - given.truth).mean())) for name, cate in found.items()}


@pytest.mark.slow
def test_ensembles_of_one_world_are_as_they_were_when_all_were_judged():
    ranks, errors = ranks_and_errors(0)
    require_stored("ensembles, ranks", ranks)
    require_stored("ensembles, errors", errors)


@pytest.fixture(scope="module")
def over_worlds() -> tuple[dict[str, float], dict[str, float]]:
    """Mean rank correlations and errors over six worlds; the best single learner differs from world to world."""
    rank, error = (
        {name: np.mean([world[name] for world in found]) for name in found[0]}
        for found in zip(*(ranks_and_errors(seed) for seed in range(6)), strict=True)
    )
    return rank, error


NOT_JOINED = pytest.mark.xfail(
    strict=True,
    reason="T- and X-learner rest on outcome models, nearly right here, and rank better: six small worlds' R-losses miss it.",
)


@pytest.mark.long
@pytest.mark.parametrize(
    "singles", [[name for name in UNLIKE if name not in INDIRECT], pytest.param(UNLIKE, marks=NOT_JOINED)], ids=["joined", "all"]
)
def test_ensembles_are_as_good_as_the_best_single_learner_on_average_over_worlds(over_worlds, singles):
    """The true effect is known."""
    rank, error = over_worlds
    for name in ("average", "stack"):
        assert rank[name] > max(rank[single] for single in singles) - 0.03
        assert error[name] < 1.1 * min(error[single] for single in singles)


def ranking_without_effect(seed: int) -> dict[str, float]:
    """AUTOC's p-values of effects learned, tuned over trials and stacked, in a world where the campaign does nothing."""
    given = world(seed=500 + seed, n=500, effect="none")
    data, score = given.data()[AMOUNT], effect_scores(given.nuisance, AMOUNT)
    inside = in_overlap(given.nuisance["propensity"], [0.1, 0.9])
    cates = {}
    for name in ("t", "x", "r_smooth", "dr_smooth"):
        learner = find_learner(name, {"t": "linear", "x": "linear"})
        # The best of several penalties by the folds that are not held out: what tuning does.
        settings = [{**learner.settings, "penalty": penalty} for penalty in (1e1, 1e2, 1e3, 1e4)]
        losses = np.array([[fold_loss(data, learner, own, number, 1) for number in data.numbers] for own in settings])
        cates[name] = np.empty(len(given.truth))
        for number, own in zip(data.numbers, Tuned(settings, losses).by_fold(), strict=True):
            cates[name][data.fold == number] = fit_fold(learner, data, number, own, 1).cate
    rows = given.panel[inside]
    return {
        name: float(order_and_size(cate[inside], score[inside], rows["household_id"], rows["fold"])["autoc_p"])
        for name, cate in with_ensembles(given, cates).items()
    }


@pytest.mark.slow
def test_no_effect_is_ranked_in_one_world_as_it_was_when_all_were_judged():
    require_stored("ensembles, no effect", ranking_without_effect(0))


@pytest.mark.long
def test_no_effect_is_not_taken_for_a_ranking():
    """The campaign does nothing: AUTOC rejects at 5% about that often.

    Leaking outcomes, through nuisances, settings or weights, would make out-of-fold effects follow the scores that judge them.
    """
    found = pd.DataFrame([ranking_without_effect(seed) for seed in range(20)])
    # Of 20 at 5%, more than 4 have a chance of 1 in 400.
    assert ((found < 0.05).sum() <= 4).all(), found
