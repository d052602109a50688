"""The designed experiment in words."""

from collections.abc import Mapping

from targeting.words.numbers import amount, number, percent, usd


def experiment_words(metrics: Mapping[str, float], power: float, outcome: str) -> str:
    """What to do: whether the households that can take part next are enough, what else it takes, and its cost.

    `metrics` are those of `experiment_metrics`, `power` the chance to aim at, `outcome` the one that the effect is of.
    """
    taking_part, needed = int(metrics["n_assigned"]), int(metrics["n_total_adjusted"])
    found = (
        f"the {number(taking_part, 0)} households that can take part find one of "
        f"{amount(metrics['detectable_adjusted'], outcome)} as surely"
    )
    advice = f"One campaign is enough: {found}"
    if needed > taking_part:
        campaigns = -(-needed // taking_part)
        advice = f"One campaign is not enough: {found}; draw lots over {campaigns} campaigns as large"
    return (
        f"An average effect of {amount(metrics['effect'], outcome)} is told from none with a chance of {percent(power)} by "
        f"{number(needed, 0)} households, half of them mailed, if outcomes are adjusted for what was predicted "
        f"({number(metrics['n_total'], 0)} if not). {advice}, and mailing half of them costs {usd(metrics['cost_usd'])}."
    )
