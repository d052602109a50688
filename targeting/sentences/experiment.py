"""The designed experiment in words."""

from collections.abc import Mapping

from targeting.policy.posterior import Belief
from targeting.words.money import amount, one, total
from targeting.words.numbers import number, percent

NOBODY_LEFT = "Fewer than two households can take part now: all others that bought were mailed a campaign of this type before."


def pilot_words(metrics: Mapping[str, float], outcome: str, prior: Belief | None) -> str:
    """Whether a pilot pays, how large it is and what it brings; `metrics` are those of `pilot_metrics`; nothing without any.

    `prior` is what is believed of the effect on `outcome` before any is seen, where the data said nothing of it; else None.
    """
    if not metrics:
        return ""
    campaigns = number(metrics["pilot_campaigns"], 0)
    value = metrics["value_of_perfect_information"]
    known = total(value) if value >= 1 else f"less than one {one()} in all"
    before = ""
    if prior is not None:
        most = amount(prior.interval[1], outcome)
        before = f"Of the effect nothing is known but that one beyond {most} either way would be rare. "
    worth = f"{before}Over {campaigns} campaigns and all households, knowing each effect would be worth {known}"
    now = f"deciding now, household by household, is expected to earn {total(metrics['value_of_deciding_now'])}"
    if not metrics["pilot_n"]:
        advice = "at this cost, and if what is believed is right, do not experiment for the money"
        return f"{worth}; {now}, and no pilot is expected to earn more: {advice}."
    return (
        f"{worth}; {now}, a pilot of {number(metrics['pilot_n'], 0)} households in the first campaign, half of them mailed, is "
        f"expected to bring {total(metrics['pilot_gain'])} more. It asks those of whom it is least sure whether a mailing pays; "
        "assignment.csv draws it where experiment.households is null."
    )


def experiment_words(metrics: Mapping[str, float], power: float, outcome: str) -> str:
    """What to do: whether the households that can take part next are enough, what else it takes, and its cost.

    `metrics` are those of `experiment_metrics`, `power` the chance to aim at, `outcome` the one that the effect is of.
    """
    taking_part, needed = int(metrics["n_assigned"]), int(metrics["n_total_adjusted"])
    size = (
        f"To find an average effect of {amount(metrics['effect'], outcome)} with {percent(power)} power takes "
        f"{number(needed, 0)} households, half of them mailed, if outcomes are adjusted for what was predicted "
        f"({number(metrics['n_total'], 0)} if not)."
    )
    if not taking_part:
        return f"{size} {NOBODY_LEFT}"
    found = (
        f"the {number(taking_part, 0)} households that can take part find one of "
        f"{amount(metrics['detectable_adjusted'], outcome)} as surely"
    )
    advice = f"One campaign is enough: {found}"
    if needed > taking_part:
        campaigns = -(-needed // taking_part)
        advice = f"One campaign is not enough: {found}; draw lots over {campaigns} campaigns as large"
    return f"{size} {advice}, and mailing half of them costs {total(metrics['cost_usd'])}."
