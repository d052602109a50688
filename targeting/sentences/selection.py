"""Why learners were or were not chosen, in words."""

from collections.abc import Mapping

import pandas as pd

from targeting.validation.selection import (
    FACTOR,
    NESTED,
    USED,
    Choice,
    Decision,
    FailedGate,
    Implausible,
    LearnerStanding,
    standing,
)
from targeting.words.numbers import number

OF_EACH_FOLD = {
    NESTED: "for each fold the learner that the scores of the others choose",
    USED: "for each fold that learner where the scores of the others show heterogeneity, else the average effect",
}


def choice_reasons(choice: Choice) -> dict[str, str]:
    """Why each learner was or was not chosen."""
    chosen_in = pd.Series([decision.learner for decision in choice.by_fold.values()]).value_counts()
    folds = len(choice.by_fold)
    return {
        name: f"{_reason(name, choice.overall)}; first in {chosen_in.get(name, 0)} of {folds} folds by the scores of the others"
        for name in choice.overall.judgements
    }


def learners_with_reasons(learners: pd.DataFrame, choice: Choice, outcome: str, left_out: Mapping[str, str]) -> pd.DataFrame:
    """A table of learners (outcome, learner) with the column reason, empty on the outcome that the choice was not made on.

    `left_out` says of learners that were not judged why not, which holds on both outcomes.
    """
    chosen = learners["learner"].map(choice_reasons(choice) | OF_EACH_FOLD).where(learners["outcome"] == outcome, "")
    excluded = learners["learner"].map({name: f"left out: {why}" for name, why in left_out.items()})
    return learners.assign(reason=excluded.where(excluded.notna(), chosen))


def _reason(name: str, decision: Decision) -> str:
    own, best = decision.judgements[name], decision.learner
    rank = "the largest AUTOC" if decision.has_largest else "a combination that none beats beyond noise"
    within = f"(standard error {number(own.behind_se)})"
    match standing(name, decision):
        case LearnerStanding.FAILED if own.failed:
            return f"not chosen: {_gate(own.failed)}"
        case LearnerStanding.CHOSEN:
            return f"chosen: {rank} of those that pass the gates"
        case LearnerStanding.FIRST_BUT_NOISE:
            noise = f"not beyond noise (p = {number(own.p)} allowing for all learners), so the average effect is used"
            return f"not chosen: {rank} of those that pass the gates, but {noise}"
        case LearnerStanding.BEATEN:
            return f"not chosen: a combination, but another's AUTOC is above its {number(own.autoc)} beyond noise"
        case LearnerStanding.NOT_PREFERRED:
            preferred = f"which is preferred unless beaten beyond noise {within}"
            return f"not chosen: AUTOC {number(-own.behind)} above {best}'s, {preferred}"
    return f"not chosen: AUTOC {number(own.behind)} below {best}'s {within}"


def _gate(failed: FailedGate) -> str:
    if isinstance(failed, Implausible):
        possible = f"{number(failed.most)} is possible"
        return f"implausible spread: effects have a standard deviation of {number(failed.spread)}, and {possible}"
    slope = failed.slope
    interval = f"{number(slope.value)} ({number(slope.lower)} to {number(slope.upper)})"
    return f"off in size by more than a factor of {FACTOR:g}: the slope of scores on effects is {interval}, 1 is right"
