"""What past campaigns did, in words and in money: each by itself, first and repeated mailings, and week by week."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from targeting.stats.estimates import SIGNIFICANCE
from targeting.words.changes import change
from targeting.words.money import money
from targeting.words.numbers import p_value
from targeting.words.outcomes import outcome_words

EARNED = {"estimate": "profit", "ci_lower": "profit_ci_lower", "ci_upper": "profit_ci_upper"}


def campaign_profits(
    effects: pd.DataFrame, trials: pd.DataFrame, policy: Mapping[str, Any], outcome: str, method: str
) -> pd.DataFrame:
    """What each past campaign earned or lost per mailing in the overlap, in the order of time; the last row is of all.

    `effects` is plots/ate.csv, `trials` plots/trials.csv, `policy` metrics/policy.json. Columns: campaign (or `all`), began
    (YYYY-MM-DD, or empty), n_treated; by `method`, in units of `outcome`, estimate, ci_lower, ci_upper; and in USD profit,
    profit_ci_lower, profit_ci_upper: margin times the effect, less the average cost. Campaigns without an estimate are left out.
    """
    own = effects[(effects["outcome"] == outcome) & (effects["method"] == method) & effects["estimate"].notna()]
    own = own.assign(campaign=own["trial"].astype(str))[["campaign", *EARNED]]
    began = trials.assign(campaign=trials["campaign_id"].astype(str), began="")
    if "time_zero" in trials:  # a table of customers need not say when
        began["began"] = trials["time_zero"].astype(str)
    whole = pd.DataFrame({"campaign": ["all"], "began": "", "n_treated": trials["n_treated"].sum()})
    listed = pd.concat([began[["campaign", "began", "n_treated"]].sort_values("began", kind="stable"), whole])
    table = listed.merge(own, on="campaign", validate="one_to_one")
    return table.assign(**{name: policy["margin"] * table[column] - policy["cost"] for column, name in EARNED.items()})


def campaigns_sentence(profits: pd.DataFrame) -> str:
    """How many of the campaigns of `campaign_profits` are shown to have earned or lost money, and what all did together."""
    each, total = profits[profits["campaign"] != "all"], profits[profits["campaign"] == "all"]
    if each.empty:
        return "Of no campaign can the effect be told."
    lost, earned = int((each["profit_ci_upper"] < 0).sum()), int((each["profit_ci_lower"] > 0).sum())
    counts = [f"{count} {verb} beyond chance" for count, verb in ((earned, "earned money"), (lost, "lost money")) if count]
    open_ones = len(each) - lost - earned
    if open_ones and counts:
        counts.append(f"{open_ones} cannot be told from breaking even")
    if len(each) == 1:
        said = f"1 campaign, which {counts[0].removeprefix('1 ') if counts else 'cannot be told from breaking even'}."
    elif counts:
        said = f"{len(each)} campaigns: {', '.join(counts)}."
    else:
        said = f"{len(each)} campaigns, none of which can be told from breaking even."
    if total.empty:
        return said
    row = total.iloc[0]
    # Of another campaign, whose own effect cannot be told, the sum may speak all the same.
    who = "It" if len(each) == 1 and row["n_treated"] == each["n_treated"].iloc[0] else "Together they"
    verb = "earned" if row["profit"] >= 0 else "lost"
    ends = f"95% interval of the profit {money(row['profit_ci_lower'])} to {money(row['profit_ci_upper'])}"
    return f"{said} {who} {verb} {money(abs(row['profit']))} per mailing in the overlap ({ends})."


def wear_out_sentence(found: Mapping[str, Any], outcome: str) -> str:
    """What a first and a repeated mailing did; `found` are the numbers of one outcome in metrics/ate.json. Empty if not known."""
    if any(pd.isna(found.get(name)) for name in ("first", "repeated", "repeated_less_first")):
        return ""
    first, again, less = (change(found[name], outcome) for name in ("first", "repeated", "repeated_less_first"))
    p = found["repeated_less_first_p"]
    verdict = "beyond chance" if p < SIGNIFICANCE else "no more than chance gives"
    return (
        f"A household's first mailing moved its {outcome_words(outcome)} by {first}, a later one by {again}: a difference of "
        f"{less}, {verdict} ({p_value(p)})."
    )


def weeks_sentence(phases: Mapping[str, Any], weeks: pd.DataFrame) -> str:
    """When the effect on spend comes, by by_week of metrics/ate.json and plots/event_time.csv; empty if not known."""
    if "during" not in phases:
        return ""
    said = f"While a campaign runs, a mailed household spends {money(phases['during'])} more a week"
    if "after" in phases:
        said += f", afterwards {money(phases['after'])}"
    held = weeks[(weeks["week"] >= 0) & ((weeks["joint_lower"] > 0) | (weeks["joint_upper"] < 0))]
    alone = f"{len(held)} of {int((weeks['week'] >= 0).sum())} weeks" if len(held) else "No single week"
    return f"{said}. {alone} can be told from nothing when all weeks are looked at together."


def after_sentence(found: Mapping[str, Any]) -> str:
    """What weeks after the campaigns say of a bias, by after_campaign of metrics/ate.json; empty where none is known."""
    if "bias" not in found:
        return ""
    bias, effect = (_with_ends(found, name) for name in ("bias", "calibrated"))
    over = "Once its coupons have expired mailed households"
    told = f"did the arms always differ as they do then, {bias} of the effect would be none"
    if not found["alarm"]:
        return (
            f"{over} are not seen to buy more or less than alike ones: {told}. If nothing of a mailing lasts beyond its "
            f"campaign, and allowing for what this leaves open, the effect on spend is {effect}."
        )
    if found["bias"] > 0:
        return (
            f"{over} still buy more than alike ones: {told}. That is a reason to mail that no table shows, or a habit that "
            f"lasts. If nothing lasts, the effect on spend is {effect}. Decisions take most of a large bias off, and little of a "
            "small one; a pilot by lot settles it."
        )
    return (
        f"{over} buy less than alike ones: {told}. They bought earlier what they would have bought then, or were mailed for a "
        f"reason that no table shows. In that last case the effect on spend is {effect}; decisions add nothing for it."
    )


def _with_ends(found: Mapping[str, Any], name: str) -> str:
    ends = f"{money(found[f'{name}_lower'])} to {money(found[f'{name}_upper'])}"
    return f"{money(found[name])} (95% interval {ends})"
