"""Choose the learner whose effects decide, by a written rule, and say whether any learner's effects mean anything.

The rule, on doubly robust scores of households that a learner did not see, compared within the folds that share a model:

1. Gates. Effects are there and finite for every row; their spread is one that effects can have; they are calibrated within
   their error: the interval of the slope of scores on effects reaches into 1/2 to 2. (Asking for 1 exactly would, the more there
   is to find, throw out the best: averages of unlike learners are a little too flat, and rank better than any of them.)
2. Criterion. Of those that pass, the largest AUTOC; but a combination of learners comes first unless one of the others beats it
   beyond noise, allowing for all of them: many learners' AUTOC is about the same, and the largest is partly luck.
3. Evidence. The chosen learner's effects are used if its AUTOC is above zero beyond noise, allowing for all learners compared;
   otherwise everybody gets the average effect.

For each fold the rule looks at the other folds only, so that no household's outcome chooses its own effects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import COMBINED, KEYS, OUTCOMES, effect_columns
from targeting.effects.estimators import ato, effect_data
from targeting.stats.estimates import SIGNIFICANCE
from targeting.stats.folds import levelled, rank_within
from targeting.stats.joint import adjusted_p_values, joint_covariance
from targeting.validation.calibration import best_linear_predictor
from targeting.validation.ranking import CROSS_FITTED, autoc_weights, rank_weighted_influence
from targeting.words.numbers import LEARNER_WORDS

FACTOR = 2.0  # by which effects may be off in size before a learner is out of the question
AVERAGE_EFFECT = "ate"  # in place of a learner's name: the same effect for everybody
# What the rule gives for each fold, before and after asking for evidence.
NESTED, USED = "nested", "selected"
WORDS = {
    NESTED: "for each fold the learner that the scores of the others choose",
    USED: "for each fold that learner where the scores of the others show heterogeneity, else the average effect",
}
COLUMNS = [name for outcome in OUTCOMES for name in effect_columns(outcome)]


@dataclass(frozen=True)
class Evidence:
    """What chooses: the difference of doubly robust scores, the outcome, household and fold, each (rows,)."""

    score: NDArray[np.float64]
    outcome: NDArray[np.float64]
    household_id: NDArray[np.int64]
    fold: NDArray[np.int64]

    def subset(self, rows: NDArray[np.bool_]) -> "Evidence":
        """The same for some rows."""
        return Evidence(self.score[rows], self.outcome[rows], self.household_id[rows], self.fold[rows])


@dataclass(frozen=True)
class Judgement:
    """What some rows say of one learner: AUTOC, its p-value allowing for all learners, and the gate that it failed, in words.

    `behind` is by how much the chosen learner's AUTOC is larger, `behind_se` that difference's standard error.
    """

    autoc: float
    p: float
    failed: str
    behind: float
    behind_se: float


@dataclass(frozen=True)
class Decision:
    """The learner chosen on some rows (`ate` where none passes the gates), and whether it shows heterogeneity beyond noise."""

    learner: str
    shown: bool
    judgements: dict[str, Judgement]

    @property
    def used(self) -> str:
        """Whose effects are used: the chosen learner's, or the average effect."""
        return self.learner if self.shown else AVERAGE_EFFECT


@dataclass(frozen=True)
class Choice:
    """The decision on all rows, and for each fold the one on the other folds."""

    overall: Decision
    by_fold: dict[int, Decision]


def choose_learner(effects: Mapping[str, NDArray[np.float64]], evidence: Evidence, seed: int) -> Decision:
    """The rule on some rows. `effects` has a learner's effects (rows,) on the outcome that is decided by, all finite.

    Learners are judged in the order in which their effects would have households contacted: within folds.
    """
    if not effects:
        return Decision(AVERAGE_EFFECT, False, {})
    weights = autoc_weights(len(evidence.score))
    ranks = [rank_within(cate, evidence.fold) for cate in effects.values()]
    areas, influences = zip(*(rank_weighted_influence(rank, evidence.score, weights) for rank in ranks), strict=True)
    values, influence = dict(zip(effects, areas, strict=True)), dict(zip(effects, influences, strict=True))
    p = adjusted_p_values(areas, _covariance(influences, evidence.household_id), seed)
    failed = {name: _failed_gate(levelled(cate, evidence.fold), evidence) for name, cate in effects.items()}

    def behind(name: str, other: str) -> tuple[float, float]:
        covariance = _covariance([influence[other] - influence[name]], evidence.household_id)
        return values[other] - values[name], float(np.sqrt(covariance[0, 0]))

    passing = [name for name in effects if not failed[name]]
    chosen = AVERAGE_EFFECT
    if passing:
        best = max(passing, key=lambda name: values[name])
        own = {name: (values[name], influence[name]) for name in passing}
        unbeaten = [name for name in COMBINED if name in passing and not _beaten(name, own, evidence.household_id, seed)]
        chosen = unbeaten[0] if unbeaten else best
    judgements = {
        name: Judgement(values[name], float(own), failed[name], *(behind(name, chosen) if passing else (np.nan, np.nan)))
        for name, own in zip(effects, p, strict=True)
    }
    return Decision(chosen, bool(passing) and judgements[chosen].p < SIGNIFICANCE, judgements)


def choose(effects: Mapping[str, NDArray[np.float64]], evidence: Evidence, folds: Sequence[int], seed: int) -> Choice:
    """The rule on all rows, and for each of `folds` on the rows of the others."""

    def on(rows: NDArray[np.bool_]) -> Decision:
        return choose_learner({name: cate[rows] for name, cate in effects.items()}, evidence.subset(rows), seed)

    return Choice(on(np.ones(len(evidence.fold), dtype=bool)), {int(number): on(evidence.fold != number) for number in folds})


def average_effects(panel: pd.DataFrame, nuisance: pd.DataFrame) -> pd.DataFrame:
    """The overlap-weighted effect as everybody's effect, from the rows of the other folds: keys, cate_*, lower_*, upper_*."""
    fold = panel["fold"].to_numpy()
    table = panel[KEYS].copy()
    for outcome in OUTCOMES:
        data = effect_data(panel, nuisance, outcome)
        for number in np.unique(fold):
            estimate = ato(data.subset(fold != number))
            table.loc[fold == number, effect_columns(outcome)] = estimate.value, estimate.lower, estimate.upper
    return table


def effects_by_fold(effects: Mapping[str, pd.DataFrame], learners: Mapping[int, str], panel: pd.DataFrame) -> pd.DataFrame:
    """For each fold the effects of its learner: keys, cate_*, lower_*, upper_*, learner."""
    learner = panel["fold"].map(learners)
    table = panel[KEYS].assign(**dict.fromkeys(COLUMNS, np.nan))
    for name in learner.unique():
        rows = (learner == name).to_numpy()
        table.loc[rows, COLUMNS] = effects[name].loc[rows, COLUMNS]
    return table.assign(learner=learner)


def choice_reasons(choice: Choice) -> dict[str, str]:
    """Why each learner was or was not chosen, in words."""
    chosen_in = pd.Series([decision.learner for decision in choice.by_fold.values()]).value_counts()
    folds = len(choice.by_fold)
    return {
        name: f"{_why(name, choice.overall)}; first in {chosen_in.get(name, 0)} of {folds} folds by the scores of the others"
        for name in choice.overall.judgements
    }


def _why(name: str, decision: Decision) -> str:
    own, best = decision.judgements[name], decision.learner
    if own.failed:
        return f"not chosen: {own.failed}"
    if name == best:
        largest = own.autoc == max(other.autoc for other in decision.judgements.values() if not other.failed)
        rank = "the largest AUTOC" if largest else "a combination that none beats beyond noise"
        if decision.shown:
            return f"chosen: {rank} of those that pass the gates"
        noise = f"not beyond noise (p = {own.p:.2f} allowing for all learners), so the average effect is used"
        return f"not chosen: {rank} of those that pass the gates, but {noise}"
    # Combinations are asked in their order: one that the choice passed over was beaten.
    if name in COMBINED and best not in COMBINED[: COMBINED.index(name)]:
        return f"not chosen: a combination, but another's AUTOC is above its {own.autoc:.2f} beyond noise"
    if own.behind < 0:
        preferred = f"which is preferred unless beaten beyond noise (standard error {own.behind_se:.2f})"
        return f"not chosen: AUTOC {-own.behind:.2f} above {best}'s, {preferred}"
    return f"not chosen: AUTOC {own.behind:.2f} below {best}'s (standard error {own.behind_se:.2f})"


def with_choice(learners: pd.DataFrame, choice: Choice, outcome: str, left_out: Mapping[str, str]) -> pd.DataFrame:
    """The table of learners with autoc_p_adjusted and reason, and a row for each learner that was left out.

    The choice was made on one outcome; on the other there is no reason to give.
    """
    decided = learners["outcome"] == outcome
    adjusted = {name: own.p for name, own in choice.overall.judgements.items()}
    words = choice_reasons(choice) | WORDS
    table = learners.assign(
        autoc_p_adjusted=learners["learner"].map(adjusted).where(decided),
        reason=learners["learner"].map(words).where(decided, ""),
    )
    excluded = [
        {"outcome": name, "learner": learner, "reason": f"left out: {why}"}
        for name in OUTCOMES
        for learner, why in left_out.items()
    ]
    return pd.concat([table, pd.DataFrame(excluded)], ignore_index=True)


def heterogeneity_verdict(choice: Choice) -> dict[str, str | bool | float]:
    """What the rule says of all rows: selected (or `ate`), best, heterogeneity (true or false), its p, and finding in words."""
    overall, own = choice.overall, choice.overall.judgements.get(choice.overall.learner)
    average = "everybody's effect is taken to be the average effect."
    if own is None:
        sentence = f"No learner passes the gates: {average}"
    else:
        p = f"p = {own.p:.3f}" if own.p >= 0.001 else "p < 0.001"
        name = LEARNER_WORDS.get(overall.learner, overall.learner)
        evidence = f"{name}, AUTOC {own.autoc:.2f}, {p} allowing for {len(overall.judgements)} learners"
        if overall.shown:
            sentence = f"Effects differ between households beyond noise (ranked by {evidence})."
        else:
            sentence = f"No learner shows that effects differ between households beyond noise (best: {evidence}): {average}"
    return {
        "selected": overall.used,
        "best": overall.learner,
        "heterogeneity": overall.shown,
        "heterogeneity_p": own.p if own else 1.0,
        "finding": sentence,
    }


def _failed_gate(cate: NDArray[np.float64], evidence: Evidence) -> str:
    """The first gate that finite effects, levelled over folds, fail, in words; empty if none."""
    spread, most = float(np.std(cate)), float(min(np.std(evidence.outcome), np.std(evidence.score)))
    if spread > most:
        # Var(score) = Var(effect) + noise; effects more spread out than outcomes themselves are as implausible.
        return f"implausible spread: effects have a standard deviation of {spread:.2f}, and {most:.2f} is possible"
    slope = best_linear_predictor(cate, evidence.score, evidence.household_id, CROSS_FITTED).estimate
    # A constant effect has no slope that could be wrong.
    if slope.se > 0 and (slope.upper < 1 / FACTOR or slope.lower > FACTOR):
        interval = f"{slope.value:.2f} ({slope.lower:.2f} to {slope.upper:.2f})"
        return f"off in size by more than a factor of {FACTOR:g}: the slope of scores on effects is {interval}, 1 is right"
    return ""


def _beaten(
    name: str, areas: Mapping[str, tuple[float, NDArray[np.float64]]], household_id: NDArray[np.int64], seed: int
) -> bool:
    """Whether another's AUTOC is larger beyond noise, allowing for all others; `areas` are AUTOCs and their influence (rows,)."""
    value, influence = areas[name]
    others = [(other - value, moved - influence) for key, (other, moved) in areas.items() if key != name]
    if not others:
        return False
    gains, influences = zip(*others, strict=True)
    p = adjusted_p_values(gains, _covariance(influences, household_id), seed)
    return bool(p.min() < SIGNIFICANCE)


def _covariance(influences: Sequence[NDArray[np.float64]], household_id: NDArray[np.int64]) -> NDArray[np.float64]:
    """Joint covariance of the AUTOCs, or differences of them, of cross-fitted effects with these influence values (rows,)."""
    return CROSS_FITTED * joint_covariance(np.column_stack(influences), household_id)
