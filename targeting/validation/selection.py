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

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum, auto

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import COMBINED, KEYS, all_effect_columns, effect_columns, outcomes_of
from targeting.effects.estimators import ato, effect_data
from targeting.stats.estimates import SIGNIFICANCE, Estimate
from targeting.stats.folds import CROSS_FITTED, levelled, rank_within
from targeting.stats.joint import adjusted_p_values, joint_covariance
from targeting.stats.units import widest_effects
from targeting.validation.calibration import best_linear_predictor
from targeting.validation.ranking import autoc_weights, rank_weighted_influence

FACTOR = 2.0  # by which effects may be off in size before a learner is out of the question
AVERAGE_EFFECT = "ate"  # in place of a learner's name: the same effect for everybody
# What the rule gives for each fold, before and after asking for evidence.
NESTED, USED = "nested", "selected"


@dataclass(frozen=True)
class ScoredRows:
    """What chooses: the difference of doubly robust scores, the outcome, treatment, household and fold, each (rows,)."""

    score: NDArray[np.float64]
    outcome: NDArray[np.float64]
    treated: NDArray[np.int64]
    household_id: NDArray[np.int64]
    fold: NDArray[np.int64]

    def subset(self, rows: NDArray[np.bool_]) -> "ScoredRows":
        """The same for some rows."""
        return ScoredRows(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True)
class Implausible:
    """A failed gate: the effects' standard deviation, and the largest that effects can have."""

    spread: float
    most: float


@dataclass(frozen=True)
class OffInSize:
    """A failed gate: the slope of scores on effects, of which 1 is right."""

    slope: Estimate


FailedGate = Implausible | OffInSize


@dataclass(frozen=True)
class Judgement:
    """What some rows say of one learner: AUTOC, its p-value allowing for all learners, and the gate that it failed, if any.

    `behind` is by how much the chosen learner's AUTOC is larger, `behind_se` that difference's standard error.
    """

    autoc: float
    p: float
    failed: FailedGate | None
    behind: float
    behind_se: float


@dataclass(frozen=True)
class Decision:
    """The learner chosen on some rows (`ate` where none passes the gates), and whether it shows heterogeneity beyond noise."""

    learner: str
    shown: bool
    judgements: dict[str, Judgement]

    @property
    def has_largest(self) -> bool:
        """Whether the chosen learner's AUTOC is the largest of those that pass the gates."""
        passing = [own.autoc for own in self.judgements.values() if not own.failed]
        return bool(passing) and self.judgements[self.learner].autoc == max(passing)

    @property
    def used(self) -> str:
        """Whose effects are used: the chosen learner's, or the average effect."""
        return self.learner if self.shown else AVERAGE_EFFECT


class LearnerStanding(StrEnum):
    """Where the rule leaves a learner."""

    CHOSEN = auto()
    FIRST_BUT_NOISE = auto()  # it comes first, and shows no heterogeneity beyond noise
    FAILED = auto()  # a gate
    BEATEN = auto()  # a combination, and another's AUTOC is larger beyond noise
    NOT_PREFERRED = auto()  # its AUTOC is larger than the chosen combination's, within noise
    BEHIND = auto()


@dataclass(frozen=True)
class Choice:
    """The decision on all rows, and for each fold the one on the other folds."""

    overall: Decision
    by_fold: dict[int, Decision]


def choose_learner(effects: Mapping[str, NDArray[np.float64]], evidence: ScoredRows, seed: int) -> Decision:
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


def choose(effects: Mapping[str, NDArray[np.float64]], evidence: ScoredRows, folds: Sequence[int], seed: int) -> Choice:
    """The rule on all rows, and for each of `folds` on the rows of the others."""

    def on(rows: NDArray[np.bool_]) -> Decision:
        return choose_learner({name: cate[rows] for name, cate in effects.items()}, evidence.subset(rows), seed)

    return Choice(on(np.ones(len(evidence.fold), dtype=bool)), {int(number): on(evidence.fold != number) for number in folds})


def average_effects(panel: pd.DataFrame, nuisance: pd.DataFrame) -> pd.DataFrame:
    """The overlap-weighted effect as everybody's effect, from the rows of the other folds: keys, cate_*, lower_*, upper_*."""
    fold = panel["fold"].to_numpy()
    table = panel[KEYS].copy()
    for outcome in outcomes_of(panel.columns):
        data = effect_data(panel, nuisance, outcome)
        for number in np.unique(fold):
            estimate = ato(data.subset(fold != number))
            table.loc[fold == number, effect_columns(outcome)] = estimate.value, estimate.lower, estimate.upper
    return table


def effects_by_fold(effects: Mapping[str, pd.DataFrame], learners: Mapping[int, str], panel: pd.DataFrame) -> pd.DataFrame:
    """For each fold the effects of its learner: keys, cate_*, lower_*, upper_*, learner."""
    learner = panel["fold"].map(learners)
    columns = all_effect_columns(outcomes_of(panel.columns))
    table = panel[KEYS].assign(**dict.fromkeys(columns, np.nan))
    for name in learner.unique():
        rows = (learner == name).to_numpy()
        table.loc[rows, columns] = effects[name].loc[rows, columns]
    return table.assign(learner=learner)


def standing(name: str, decision: Decision) -> LearnerStanding:
    """Where the rule leaves one of the learners that it judged."""
    own, best = decision.judgements[name], decision.learner
    if own.failed:
        return LearnerStanding.FAILED
    if name == best:
        return LearnerStanding.CHOSEN if decision.shown else LearnerStanding.FIRST_BUT_NOISE
    # Combinations are asked in their order: one that the choice passed over was beaten.
    if name in COMBINED and best not in COMBINED[: COMBINED.index(name)]:
        return LearnerStanding.BEATEN
    return LearnerStanding.NOT_PREFERRED if own.behind < 0 else LearnerStanding.BEHIND


def with_choice(learners: pd.DataFrame, choice: Choice, outcome: str, left_out: Iterable[str]) -> pd.DataFrame:
    """The table of learners with autoc_p_adjusted, and a row for each learner that was left out.

    The choice was made on one outcome; the other has no such p-value.
    """
    adjusted = {name: own.p for name, own in choice.overall.judgements.items()}
    decided = learners["outcome"] == outcome
    table = learners.assign(autoc_p_adjusted=learners["learner"].map(adjusted).where(decided))
    excluded = [{"outcome": name, "learner": learner} for name in learners["outcome"].unique() for learner in left_out]
    return pd.concat([table, pd.DataFrame(excluded)], ignore_index=True)


def heterogeneity_verdict(choice: Choice) -> dict[str, str | bool | float]:
    """What the rule says of all rows: selected (or `ate`), best, heterogeneity (true or false), its p, and best_autoc.

    And surest and surest_p, the learner with the least p of all that pass the gates. Where none does p is 1, and there is no
    best_autoc, surest or surest_p.
    """
    overall, own = choice.overall, choice.overall.judgements.get(choice.overall.learner)
    passing = {name: judged.p for name, judged in overall.judgements.items() if not judged.failed}
    surest = min(passing, key=lambda name: passing[name], default=None)
    return {
        "selected": overall.used,
        "best": overall.learner,
        "heterogeneity": overall.shown,
        "heterogeneity_p": own.p if own else 1.0,
        **({"best_autoc": own.autoc} if own else {}),
        **({"surest": surest, "surest_p": passing[surest]} if surest else {}),
    }


def _failed_gate(cate: NDArray[np.float64], evidence: ScoredRows) -> FailedGate | None:
    """The first gate that finite effects, levelled over folds, fail; None if none."""
    most = min(widest_effects(evidence.outcome, evidence.treated), float(np.std(evidence.score)))
    spread = float(np.std(cate))
    if spread > most:  # Var(score) = Var(effect) + noise
        return Implausible(spread, most)
    slope = best_linear_predictor(cate, evidence.score, evidence.household_id, CROSS_FITTED).estimate
    # A constant effect has no slope that could be wrong.
    wrong = slope.se > 0 and (slope.upper < 1 / FACTOR or slope.lower > FACTOR)
    return OffInSize(slope) if wrong else None


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
