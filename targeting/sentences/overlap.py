"""Whether mailed and not mailed households compare, in words."""

from collections.abc import Mapping
from typing import Any

from targeting.nuisance.overlap import BALANCED, FEWEST, MOST, SUSPECT, WIDE, Answers, fewest_in_effect
from targeting.words.numbers import number, p_value, percent

LOTS_DO = " Those on whom lots decided do compare: -S design=by_lot leaves the other campaigns out."


def overlap_words(numbers: Mapping[str, Any]) -> str:
    """What the data can answer and why; `numbers` are metrics/nuisance.json: those of `positivity`, and `answers`."""
    if "balance_p" in numbers:
        return _lots_in_words(numbers)
    if numbers["answers"] == Answers.NOTHING:
        fewest, difference = number(fewest_in_effect(numbers), 0), number(numbers["max_smd_overlap"])
        by_lot = numbers.get("answers_by_lot", Answers.NOTHING) != Answers.NOTHING
        return (
            f"The arms do not compare: {fewest} rows in the smaller arm in effect (at least {FEWEST} needed), largest difference "
            f"{difference} after weighting (below {BALANCED} needed, or no more than the chance of who was mailed explains)."
            f"{LOTS_DO if by_lot else ''}"
        )
    inside = f"{percent(numbers['overlap_share_wide'])} of rows had a chance of being mailed between {WIDE[0]} and {WIDE[1]}"
    if numbers["answers"] == Answers.OVERLAP:
        return (
            f"{inside}, and an effect over everybody needs {percent(MOST)}: only effects in the overlap population rest on data."
        )
    return f"{inside}: both arms occur nearly everywhere."


def _lots_in_words(numbers: Mapping[str, Any]) -> str:
    """The same of an experiment, where lots with known chances decided."""
    p, fewest = p_value(numbers["balance_p"]), fewest_in_effect(numbers)
    if numbers["balance_p"] < SUSPECT:
        return (
            f"The arms do not compare: they differ by more than lots with the stated chances would have it ({p} for all "
            "covariates at once). Look whether everybody drawn is in the table, and whether the chances are right."
        )
    if fewest < FEWEST:
        return f"The arms do not compare: {number(fewest, 0)} rows in the smaller arm in effect (at least {FEWEST} needed)."
    lots = "Lots with known chances decided who was mailed, and the arms differ no more than lots may have it"
    return f"{lots} ({p}; below {SUSPECT} it would be suspect)."
