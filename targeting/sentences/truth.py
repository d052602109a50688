"""Where a made-up retailer's truth is known: every claim of the run in words beside it, and what the comparison comes to."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from targeting.base.columns import OUTCOMES
from targeting.sentences.report import READ_FIRST
from targeting.words.estimators import NAMES
from targeting.words.money import money
from targeting.words.numbers import number, percent

AVERAGED_OVER = {"ATE": "all household-trials", "ATT": "those mailed", "ATO": "the overlap"}
SPEND, BASKETS = OUTCOMES
EXPECTED = ("expected_profit", "expected_profit_lower", "expected_profit_upper")


def claims_in_words(truth: pd.DataFrame) -> dict[str, list[dict[str, str]]]:
    """Rows of plots/truth.csv whose truth is known as texts: claim, estimate, truth, held.

    `effects` on spend over all trials, `learners` on either outcome, `policies`, and `others`: baskets, and single campaigns.
    """
    known = truth[truth["truth"].notna()]
    pooled = (known["trial"] == "all") & (known["outcome"] != BASKETS)
    kind = known["what"].where((known["what"] != "effect") | pooled, "other")
    groups = {"effects": "effect", "learners": "learner", "policies": "policy", "others": "other"}
    return {name: [_claim(row) for _, row in known[kind == of].iterrows()] for name, of in groups.items()}


def _claim(row: pd.Series) -> dict[str, str]:
    show = number if row["outcome"] == BASKETS else money
    on = "baskets" if row["outcome"] == BASKETS else "spend"
    words = f"`{row['name']}`"
    if row["what"] == "effect":
        words = f"{NAMES[row['name']]} ({words}), average over {AVERAGED_OVER[row['estimand']]}"
    elif row["what"] == "learner":
        words += f" on {on}"
    if row["what"] == "effect" and (row["trial"] != "all" or on == "baskets"):
        words += f", on {on}, " + ("all campaigns" if row["trial"] == "all" else f"campaign {row['trial']}")
    estimate = "" if pd.isna(row["estimate"]) else show(row["estimate"])
    if pd.notna(row["ci_lower"]):
        estimate += f" ({show(row['ci_lower'])} to {show(row['ci_upper'])})"
    said = {"claim": words, "estimate": estimate, "truth": show(row["truth"])}
    if row["what"] == "learner":
        said["error"] = show(row["rmse"])
        said["ranks"] = "" if pd.isna(row["rank_correlation"]) else number(row["rank_correlation"])
        return said | {"held": "" if pd.isna(row["covered"]) else percent(row["covered"])}
    return said | {"held": "" if pd.isna(row["covered"]) else "yes" if row["covered"] else "no"}


def truth_sentences(metrics: Mapping[str, Any], truth: pd.DataFrame) -> list[str]:
    """What the truth says of the recommendation, of the effect that is read first, and of how many intervals hold it."""
    found, recommended = metrics["truth"], metrics["policy"]["recommended"]
    best = f"the best there is, contacting exactly those whose contact pays, {money(found['profit_oracle'])}"
    who, earns = "Mailing nobody, as recommended,", found["profit_recommended"]
    hoped = ""
    if recommended != "none":
        who, (expected, lower, upper) = (
            f"The recommended policy, `{recommended}`,",
            (metrics["policy"][name] for name in EXPECTED),
        )
        holds = "holds" if lower <= earns <= upper else "does not hold"
        hoped = f", where {money(expected)} was expected ({money(lower)} to {money(upper)}, which {holds} the truth)"
    sentences = [f"{who} truly earns {money(earns)} per household and campaign{hoped}; {best}."]
    known = truth[(truth["trial"] == "all") & truth["covered"].notna()]
    effects = known[(known["what"] == "effect") & (known["outcome"] == SPEND)].set_index("name")
    if READ_FIRST in effects.index:
        row = effects.loc[READ_FIRST]
        first = f"The effect on spend that is read first (`{READ_FIRST}`, {money(row['estimate'])})"
        holds = "holds" if row["covered"] else "does not hold"
        sentences.append(f"{first} truly is {money(row['truth'])}: its interval {holds} that.")
    policies = known[(known["what"] == "policy") & (known["name"] != "none")]  # of contacting nobody all is known
    counts = [
        f"{int(rows['covered'].sum())} of {len(rows)} {what}"
        for rows, what in ((effects, "estimators of it"), (policies, "policies"))
    ]
    return [*sentences, f"The truth lies inside the intervals of {' and '.join(counts)}; one made-up retailer is one draw."]
