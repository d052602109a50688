"""Whether mailed and not mailed households compare, in words."""

from collections.abc import Mapping
from typing import Any

from targeting.nuisance.overlap import BALANCED, FEWEST, MOST, WIDE, Answers, fewest_in_effect
from targeting.words.numbers import number, percent


def overlap_words(numbers: Mapping[str, Any]) -> str:
    """What the data can answer and why; `numbers` are metrics/nuisance.json: those of `positivity`, and `answers`."""
    if numbers["answers"] == Answers.NOTHING:
        fewest, difference = number(fewest_in_effect(numbers), 0), number(numbers["max_smd_overlap"])
        return (
            f"The arms do not compare: {fewest} rows in the smaller arm in effect (at least {FEWEST} needed), largest difference "
            f"{difference} after weighting (below {BALANCED} needed)."
        )
    inside = f"{percent(numbers['overlap_share_wide'])} of rows have a propensity inside {WIDE[0]} to {WIDE[1]}"
    if numbers["answers"] == Answers.OVERLAP:
        return (
            f"{inside}, and an effect over everybody needs {percent(MOST)}: only effects in the overlap population rest on data."
        )
    return f"{inside}: both arms occur nearly everywhere."
