"""The rule that chooses a learner: gates, criterion, evidence; no household's outcome chooses its own effects."""

import numpy as np
import pandas as pd
import pytest

from targeting.base.columns import KEYS, OUTCOMES, all_effect_columns
from targeting.effects.estimators import ato, effect_data
from targeting.learners.tables import unusable
from targeting.stats.folds import rank_within
from targeting.validation.ranking import autoc
from targeting.validation.selection import (
    AVERAGE_EFFECT,
    Choice,
    Implausible,
    LearnerStanding,
    OffInSize,
    ScoredRows,
    average_effects,
    choose,
    choose_learner,
    effects_by_fold,
    heterogeneity_verdict,
    standing,
    with_choice,
)
from tests.stored import require_stored

COLUMNS = all_effect_columns(OUTCOMES)
SEED = 1
FOLDS = range(5)


def evidence(n: int = 2000, seed: int = 0, spread: float = 1.0) -> tuple[np.ndarray, ScoredRows]:
    """True effects, and scores with noise of twice their spread; two rows per household, in the same fold."""
    rng = np.random.default_rng(seed)
    effect = spread * rng.normal(size=n)
    household = np.repeat(np.arange(n // 2), 2)
    score = effect + np.repeat(rng.normal(0, 1, n // 2), 2) + rng.normal(0, 1.7, n)
    return effect, ScoredRows(score, rng.gamma(2, 4, n), rng.integers(0, 2, n), household, household % len(FOLDS))


def learners(effect: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """Calibrated effects of several qualities: the true effect and noise, shrunk as much as the noise asks for."""
    rng = np.random.default_rng(seed + 1000)
    return {
        name: share * (effect + np.sqrt(1 / share - 1) * rng.normal(size=len(effect)))
        for name, share in (("poor", 0.05), ("good", 0.6), ("fair", 0.3))
    }


def test_the_best_is_chosen_and_the_others_are_behind():
    effect, seen = evidence()
    choice = choose(learners(effect), seen, FOLDS, SEED)
    assert choice.overall.used == "good"
    assert {decision.used for decision in choice.by_fold.values()} == {"good"}
    assert choice.overall.has_largest
    places = {name: standing(name, choice.overall) for name in choice.overall.judgements}
    assert places == {"good": LearnerStanding.CHOSEN, "fair": LearnerStanding.BEHIND, "poor": LearnerStanding.BEHIND}
    best = choice.overall.judgements["good"]
    assert heterogeneity_verdict(choice) == {
        "selected": "good",
        "best": "good",
        "heterogeneity": True,
        "heterogeneity_p": best.p,
        "best_autoc": best.autoc,
        "surest": "good",
        "surest_p": min(own.p for own in choice.overall.judgements.values()),
    }
    # The same numbers judge alone, and by the table's estimator.
    for name, cate in learners(effect).items():
        own = autoc(rank_within(cate, seen.fold), seen.score, seen.household_id)
        assert choice.overall.judgements[name].autoc == own.estimate.value


def test_a_folds_level_neither_helps_nor_hurts():
    effect, seen = evidence()
    shift = 10.0 * np.random.default_rng(3).permutation(len(FOLDS))[seen.fold]
    moved = {name: cate + shift for name, cate in learners(effect).items()}
    one, other = (choose_learner(tables, seen, SEED) for tables in (learners(effect), moved))
    assert [own.autoc for own in one.judgements.values()] == [own.autoc for own in other.judgements.values()]
    assert one.used == other.used == "good"


def test_gates_say_what_is_wrong():
    effect, seen = evidence()
    tables = {
        "wild": 1e6 * effect,
        "loud": effect + 1.5 * np.random.default_rng(8).normal(size=len(effect)),
        "shy": effect / 3,
        "reversed": -effect,
        "flat": np.zeros(len(effect)),
        "fair": learners(effect)["fair"],
    }
    decision = choose_learner(tables, seen, SEED)
    failed = {name: own.failed for name, own in decision.judgements.items()}
    assert isinstance(failed["wild"], Implausible)
    assert failed["wild"].spread == pytest.approx(np.std(tables["wild"]), rel=0.01)
    assert failed["wild"].spread > failed["wild"].most
    slopes = {name: failed[name].slope.value for name in ("loud", "shy", "reversed") if isinstance(failed[name], OffInSize)}
    assert slopes["reversed"] < 0 < slopes["loud"] < 1 / 2
    assert slopes["shy"] == pytest.approx(3, abs=0.5)
    assert failed["fair"] is failed["flat"] is None
    assert standing("wild", decision) == LearnerStanding.FAILED
    assert decision.used == "fair"  # though the others that failed rank better
    without = choose_learner({name: cate for name, cate in tables.items() if failed[name]}, seen, SEED)
    assert (without.learner, without.used) == (AVERAGE_EFFECT, AVERAGE_EFFECT)
    found = heterogeneity_verdict(Choice(without, {}))
    assert (found["selected"], found["heterogeneity_p"], "best_autoc" in found) == (AVERAGE_EFFECT, 1.0, False)


def test_without_any_learner_everybody_gets_the_average():
    _, seen = evidence()
    choice = choose({}, seen, FOLDS, SEED)
    assert {choice.overall.used, *(decision.used for decision in choice.by_fold.values())} == {AVERAGE_EFFECT}
    assert heterogeneity_verdict(choice)["heterogeneity"] is False


def test_what_cannot_be_judged_is_left_out():
    table = pd.DataFrame({"cate_purchase_amount": [1.0, np.nan, np.inf], "cate_purchase_count": 1.0})
    assert unusable(table) == "2 of 3 effects on purchase_amount are not finite"
    assert unusable(table.iloc[:0]) == "it gave no effects"
    assert unusable(table.iloc[:1]) == ""
    effect, seen = evidence()
    choice = choose(learners(effect), seen, FOLDS, SEED)
    judged = pd.DataFrame({"outcome": OUTCOMES, "learner": "good"})
    rows = with_choice(judged, choice, "purchase_amount", {"t": "no"})
    assert rows["learner"].tolist() == ["good", "good", "t", "t"]
    assert rows.loc[rows["learner"] == "t", "autoc_p_adjusted"].isna().all()
    assert rows.loc[0, "autoc_p_adjusted"] == choice.overall.judgements["good"].p


def test_a_combination_is_preferred_unless_another_beats_it_beyond_noise():
    effect, seen = evidence()
    tables = learners(effect)
    near = tables | {"average": tables["good"] + np.random.default_rng(5).normal(0, 0.05, len(effect))}
    decision = choose_learner(near, seen, SEED)
    assert decision.learner == "average"
    far = choose_learner(tables | {"average": tables["poor"]}, seen, SEED)
    assert far.learner == "good"
    assert standing("average", far) == LearnerStanding.BEATEN
    # The stack steps in for a beaten average, which stays beaten.
    second = choose_learner(tables | {"average": tables["poor"], "stack": tables["good"]}, seen, SEED)
    assert second.learner == "stack"
    assert standing("average", second) == LearnerStanding.BEATEN
    larger = decision.judgements["good"].behind < 0
    assert standing("good", decision) == (LearnerStanding.NOT_PREFERRED if larger else LearnerStanding.BEHIND)
    assert decision.has_largest != larger


@pytest.mark.slow
def test_a_combination_as_good_as_the_others_is_hardly_ever_beaten_by_luck():
    """Nine learners and the combination have the same quality, with errors of their own: the largest AUTOC is luck."""
    beaten, largest, worlds = 0, 0, 100
    for world in range(worlds):
        effect, seen = evidence(n=400, seed=world)
        rng = np.random.default_rng(world + 500)
        tables = {name: 0.5 * (effect + rng.normal(size=len(effect))) for name in [*"abcdefghi", "average"]}
        decision = choose_learner(tables, seen, SEED)
        beaten += decision.learner != "average"
        largest += decision.judgements["average"].autoc == max(own.autoc for own in decision.judgements.values())
    assert largest < 30  # by AUTOC alone it would be passed over in most worlds
    assert beaten <= 5  # these effects are given, and the rule allows for such as were learned from the scores


@pytest.mark.slow
def test_another_seed_chooses_the_same():
    for world in range(5):
        effect, seen = evidence(seed=world)
        tables = learners(effect, world)
        choices = [choose(tables, seen, FOLDS, seed) for seed in range(4)]
        assert len({(c.overall.used, *(d.used for d in c.by_fold.values())) for c in choices}) == 1


def as_tables(cates: dict[str, np.ndarray], panel: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {name: panel[KEYS].assign(**dict.fromkeys(COLUMNS, cate)) for name, cate in cates.items()}


def panel_and_nuisance(seen: ScoredRows, effect: np.ndarray, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A panel with covariates enough for the average effect, and nuisances that are right."""
    rng = np.random.default_rng(seed)
    n = len(effect)
    treated, spend = rng.integers(0, 2, n), rng.gamma(2, 4, n)
    panel = pd.DataFrame({"household_id": seen.household_id, "campaign_id": np.arange(n) % 2, "trial": np.arange(n) % 2 + 1})
    panel = panel.assign(treated=treated, fold=seen.fold, x_spend=spend)
    nuisance = panel[KEYS].assign(propensity=0.5)
    for outcome in ("purchase_amount", "purchase_count"):
        panel[outcome], panel[f"before_{outcome}"] = spend + effect * treated + rng.normal(size=n), spend
        nuisance[f"mean_{outcome}"] = nuisance[f"mu0_{outcome}"] = nuisance[f"mu1_{outcome}"] = spend
        residual = panel[outcome] - spend
        nuisance[f"score0_{outcome}"] = spend + 2 * (1 - treated) * residual
        nuisance[f"score1_{outcome}"] = spend + 2 * treated * residual
    return panel, nuisance


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 0.25, 1.0], ids=["nothing to find", "hardly anything", "much"])
def test_no_households_outcome_reaches_its_own_selected_effect(spread):
    effect, seen = evidence(600, spread=spread)
    panel, nuisance = panel_and_nuisance(seen, effect)
    cates = learners(effect if spread else np.random.default_rng(4).normal(size=len(effect)))

    def selected(outcome: np.ndarray, score: np.ndarray) -> pd.DataFrame:
        own = panel.assign(purchase_amount=outcome)
        scored = nuisance.assign(score1_purchase_amount=score, score0_purchase_amount=0.0)
        choice = choose(cates, ScoredRows(score, outcome, seen.treated, seen.household_id, seen.fold), FOLDS, SEED)
        tables = as_tables(cates, panel) | {AVERAGE_EFFECT: average_effects(own, scored)}
        return effects_by_fold(tables, {fold: decision.used for fold, decision in choice.by_fold.items()}, panel)

    outcome = panel["purchase_amount"].to_numpy()
    before = selected(outcome, seen.score)
    rng = np.random.default_rng(7)
    for household in rng.choice(seen.household_id, 5):
        own = seen.household_id == household
        changed = selected(np.where(own, outcome + 1e4, outcome), np.where(own, rng.normal(0, 1e3), seen.score))
        pd.testing.assert_frame_equal(changed[own], before[own])


def test_the_average_effect_comes_from_the_other_folds():
    effect, seen = evidence(400)
    panel, nuisance = panel_and_nuisance(seen, effect)
    table = average_effects(panel, nuisance)
    data = effect_data(panel, nuisance, "purchase_amount")
    for fold in FOLDS:
        expected = ato(data.subset(seen.fold != fold))
        own = table.loc[seen.fold == fold, ["cate_purchase_amount", "lower_purchase_amount", "upper_purchase_amount"]]
        assert own.drop_duplicates().to_numpy().tolist() == [[expected.value, expected.lower, expected.upper]]


def test_each_fold_keeps_its_own_learner_and_averages_rank_nobody():
    effect, seen = evidence(400)
    panel, nuisance = panel_and_nuisance(seen, effect)
    tables = as_tables(learners(effect), panel) | {AVERAGE_EFFECT: average_effects(panel, nuisance)}
    by_fold = {0: "good", 1: AVERAGE_EFFECT, 2: "fair", 3: AVERAGE_EFFECT, 4: "good"}
    table = effects_by_fold(tables, by_fold, panel)
    for fold, name in by_fold.items():
        rows = panel["fold"] == fold
        pd.testing.assert_frame_equal(table.loc[rows, COLUMNS], tables[name].loc[rows, COLUMNS])
        assert (table.loc[rows, "learner"] == name).all()
    ranks = rank_within(table["cate_purchase_amount"], panel["fold"])
    assert (ranks[table["learner"] == AVERAGE_EFFECT] == 0.5).all()


def fitted_in_folds(x: np.ndarray, score: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Effects by least squares of scores on covariates, out of fold: an honest learner, which finds what there is."""
    cate = np.empty(len(score))
    for number in np.unique(fold):
        out = fold == number
        cate[out] = x[out] @ np.linalg.lstsq(x[~out], score[~out], rcond=None)[0]
    return cate


def nothing_to_find(seed: int) -> tuple[bool, float, float]:
    """Whether heterogeneity is claimed, the largest AUTOC of the learners, and that of what the other folds choose.

    Learners fit the very scores that judge them, out of fold, as in the pipeline. Nothing is there to find.
    """
    rng = np.random.default_rng(seed)
    _, seen = evidence(800, seed, spread=0.0)
    x = np.column_stack([np.ones(800), rng.normal(size=(800, 6))])
    cates = {f"learner_{k}": fitted_in_folds(x[:, : k + 1], seen.score, seen.fold) for k in range(1, 7)}
    cates["average"] = np.mean(list(cates.values()), axis=0)
    choice = choose(cates, seen, FOLDS, SEED)
    chosen = {fold: decision.learner for fold, decision in choice.by_fold.items()}
    cate = sum(np.where(seen.fold == fold, cates.get(name, 0.0), 0.0) for fold, name in chosen.items())
    nested = autoc(rank_within(cate, seen.fold), seen.score, seen.household_id).estimate.value
    return choice.overall.shown, max(own.autoc for own in choice.overall.judgements.values()), nested


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_a_world_with_nothing_to_find_is_as_it_was_when_all_were_judged(seed):
    claimed, largest, nested = nothing_to_find(seed)
    require_stored(
        f"selection, nothing to find, {seed}", {"claimed": claimed, "largest": float(largest), "nested": float(nested)}
    )


@pytest.mark.long
def test_heterogeneity_is_claimed_in_few_worlds_without_any_and_the_nested_choice_is_honest():
    claimed, largest, nested = zip(*(nothing_to_find(seed) for seed in range(150)), strict=True)
    assert np.mean(claimed) <= 0.07
    # The largest of several is better than nothing by luck, the one that the other folds choose is not.
    error = np.std(nested) / np.sqrt(len(nested))
    assert np.mean(nested) < 2 * error
    assert np.mean(largest) > np.mean(nested) + 3 * error


@pytest.mark.slow
def test_what_is_chosen_ranks_as_well_as_the_best_single_learner():
    # Worlds with something to find: rank correlation with the truth and root mean squared error, against the best single
    # learner of each world, known only to who knows the truth. The average of unlike learners is better than any of them.
    gains, misses = [], []
    for seed in range(24):
        effect, seen = evidence(3000, seed, spread=0.6)
        rng = np.random.default_rng(seed + 500)
        cates = {
            f"learner_{k}": share * (effect + 0.6 * np.sqrt(1 / share - 1) * rng.normal(size=len(effect)))
            for k, share in enumerate((0.2, 0.4, 0.45, 0.5))
        }
        single = list(cates.values())
        cates["average"] = np.mean(single, axis=0)
        chosen = cates[choose_learner(cates, seen, SEED).learner]
        ranks = [pd.Series(cate).corr(pd.Series(effect), method="spearman") for cate in (chosen, *single)]
        errors = [np.sqrt(np.mean((cate - effect) ** 2)) for cate in (chosen, *single)]
        gains.append(ranks[0] - max(ranks[1:]))
        misses.append(errors[0] - min(errors[1:]))
    assert np.mean(gains) > 0
    assert np.mean(misses) < 0.02
