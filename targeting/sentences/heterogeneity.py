"""Whether effects differ between households, and by whom they are ranked, in words."""

from collections.abc import Mapping
from typing import Any

from targeting.words.learners import LEARNER_WORDS, NAMES
from targeting.words.numbers import number, p_value

RANKED_BY = {**{name: f"the {words}" for name, words in NAMES.items()}, **LEARNER_WORDS, "selected": "the selected learner"}


def ranked_by(learner: str) -> str:
    """The learner in whose order households come, as sentences call it."""
    return RANKED_BY.get(learner, f"the learner “{learner}”")


def heterogeneity_words(validation: Mapping[str, Any]) -> str:
    """Whether effects differ between households beyond noise, and what follows; `validation` is metrics/validate.json."""
    average = (
        "everybody's effect is taken to be the average effect, but for the best bet, which gives differences the weight that the "
        "data leave them."
    )
    if "best_autoc" not in validation:
        return f"No learner passes the gates: {average}"
    best, all_of_them = ranked_by(validation["best"]), f"allowing for {validation['n_learners']} learners"
    if validation["heterogeneity"]:
        evidence = f"{best}, AUTOC {number(validation['best_autoc'])}, {p_value(validation['heterogeneity_p'])} {all_of_them}"
        return f"Effects differ between households beyond noise (ranked by {evidence})."
    surest = f"the smallest p is {number(validation['surest_p'])} {all_of_them}, of {ranked_by(validation['surest'])}"
    return f"No learner shows that effects differ between households beyond noise ({surest}): {average}"
