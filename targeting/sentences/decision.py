"""The first screen in words: the decision as a headline, its three numbers, what it is at another cost, and what it rests on."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from targeting.policy.contact_price import TILLS
from targeting.sentences.policy import (
    AT_SET_COST,
    AT_TILLS_COST,
    STUDY_COST,
    decisions_by_cost,
    measured_words,
    reach_words,
)
from targeting.sentences.policy_names import POLICY_WORDS
from targeting.sentences.report import loss_of_mailing_everybody, read_first
from targeting.words.money import amount, money
from targeting.words.numbers import chance, number, percent

Metrics = Mapping[str, Any]
EVERYBODY = {"everybody": "everybody", "overlap": "everybody in the overlap"}
# Where a cost is from in a few words, by whether it is that of the published study.
SHORT_SOURCES = {
    (AT_SET_COST, True): "as in the published study: the average discount of a household that used a coupon",
    (AT_SET_COST, False): "as set for this run",
    (AT_TILLS_COST, True): "by these tills",
    (AT_TILLS_COST, False): "by these tills",
}

# What stands under the three numbers; the page fills in the same words where its sliders move.
CAPTIONS = {
    "brings": "expected margin from a mailing in the overlap ({lower} to {upper}, with a probability of 95%)",
    "measured": "; measured: {measured} (95% interval {measured_lower} to {measured_upper})",
    "unknown": "margin that a mailing brings: those mailed and those not do not compare",
    "costs": "cost of a contact, {source}",
    "pays": "; it pays where it adds {breakeven}",
    "earns": "expected profit of the decision per household ({lower} to {upper}, with a probability of 95%); chance that it "
    "loses: {risk}",
    "belief": "; {compared} is earned in the overlap, the rest on belief alone",
    "nothing": "expected profit of the decision per household",
    "instead": "; mailing everybody in the overlap, {share} of households, would earn {expected}; chance that it pays: {pays}",
}


def caption(values: Mapping[str, str], *names: str) -> str:
    """The words of CAPTIONS one after the other, filled with values."""
    return "".join(CAPTIONS[name] for name in names).format(**values)


def decision_headline(metrics: Metrics, policies: pd.DataFrame) -> str:
    """The decision in a dozen words, by the rule: shown to pay, the best bet, shown to lose, or not known.

    `policies` is plots/policies.csv.
    """
    policy, answers = metrics["policy"], metrics["nuisance"]["answers"]
    if answers == "nothing":
        if metrics["nuisance"].get("answers_by_lot", "nothing") != "nothing":
            return "Not known by all campaigns together: take those by lot alone."
        return "Not known, test it: those mailed and those not do not compare."
    if policy["recommended"] != "none":
        kind = "shown to pay" if policy["shown"] else "the best bet, not shown to pay"
        return f"Mail {chance(policy['share'])} of households: {kind}."
    if loss_of_mailing_everybody(answers, policies):
        return f"Mail nobody: mailing {EVERYBODY[answers]} is shown to lose."
    return "Mail nobody yet: whether mailing pays is not known, test it."


def ticks(lookup_costs: Sequence[float], metrics: Metrics) -> list[dict[str, Any]]:
    """Costs worth a mark on the slider: that of the run, and by the tills; each with the nearest stop, by its number."""
    marks = {"this run": metrics["policy"]["cost"]}
    if metrics["policy"]["cost"] == STUDY_COST:
        marks = {"the study": STUDY_COST}
    tills = metrics["policy"]["tills_cost"]
    if metrics["trials"]["costs"] and tills <= max(lookup_costs):
        marks["your tills"] = tills
    near = {name: min(range(len(lookup_costs)), key=lambda i: abs(lookup_costs[i] - value)) for name, value in marks.items()}
    return [{"words": f"{name}: {money(value)}", "stop": near[name]} for name, value in marks.items()]


def key_numbers(metrics: Metrics, policies: pd.DataFrame, effects: pd.DataFrame, outcome: str) -> list[dict[str, Any]]:
    """What a mailing brings, what it costs and what the decision is expected to earn: key, value and caption each.

    The first has too, where it is known, what the sliders multiply by their margin, in units of the outcome: `expected`, `lower`
    and `upper`, and as measured `measured`, `measured_lower`, `measured_upper`. `policies` is plots/policies.csv, `effects`
    plots/ate.csv.
    """
    policy = metrics["policy"]
    own = AT_TILLS_COST if policy["costs"] == TILLS else AT_SET_COST
    source = SHORT_SOURCES[own, policy["cost"] == STUDY_COST]
    said = {"source": source, "breakeven": amount(policy["breakeven"], outcome)}
    return [
        _brings(policy, effects, outcome),
        {"key": "costs", "value": money(policy["cost"]), "caption": caption(said, "costs", "pays")},
        _earns(policy, policies.set_index("policy").loc["inside"]),
    ]


def _brings(policy: Metrics, effects: pd.DataFrame, outcome: str) -> dict[str, Any]:
    if not policy["belief"]:
        return {"key": "brings", "value": "not known", "caption": caption({}, "unknown")}
    ends, measured = ("lower", "upper"), read_first(effects, outcome)
    numbers = {"expected": policy["expected_effect"], "measured": float(measured["estimate"])}
    numbers |= {end: policy[f"expected_effect_{end}"] for end in ends}
    numbers |= {f"measured_{end}": float(measured[f"ci_{end}"]) for end in ends}
    margins = {name: money(policy["margin"] * value) for name, value in numbers.items()}
    return {"key": "brings", "value": margins["expected"], "caption": caption(margins, "brings", "measured"), **numbers}


def _earns(policy: Metrics, inside: pd.Series) -> dict[str, str]:
    """`inside` is the row of everybody in the overlap, said in the place of a decision to mail nobody."""
    if policy["recommended"] != "none":
        names, values = ["earns"], {end: money(policy[f"expected_profit_{end}"]) for end in ("lower", "upper")}
        values["risk"] = chance(policy["chance_of_loss"])
        if policy["share_outside"] > 0:
            names, values = [*names, "belief"], values | {"compared": money(policy["expected_measured"])}
    else:
        names, values = ["nothing"], {}
        if policy["belief"]:
            values = {"share": percent(inside["share"]), "expected": money(inside["expected_profit"])}
            names, values = [*names, "instead"], values | {"pays": chance(1 - inside["chance_of_loss"])}
    return {"key": "earns", "value": money(policy["expected_profit"]), "caption": caption(values, *names)}


def decision_rows(scenarios: pd.DataFrame, metrics: Metrics, contact_cost: float) -> list[dict[str, str]]:
    """The decision at the cost as set and at that by the tills, a row each.

    Keys: cost, source, decision, profit, risk, measured, mails, own.

    `scenarios` is plots/breakeven.csv, `contact_cost` policy.contact_cost. None where the arms do not compare.
    """
    policy, rows = metrics["policy"], []
    if metrics["nuisance"]["answers"] == "nothing":
        return []
    own = AT_TILLS_COST if policy["costs"] == TILLS else AT_SET_COST
    for key, row in decisions_by_cost(scenarios, policy["costs"]).items():
        mails = row["recommended"] != "none"
        source = SHORT_SOURCES[key, row["cost"] == STUDY_COST]
        if key == AT_TILLS_COST:
            source += (
                f": {money(contact_cost)} to send it, an assumption, and {money(row['cost'] - contact_cost)} of own discounts"
            )
        ends = f"{money(row['expected_profit_lower'])} to {money(row['expected_profit_upper'])}"
        rows.append(
            {
                "cost": money(row["cost"]),
                "source": source,
                "decision": f"Mail {reach_words(row)}" if mails else "Mail nobody",
                "profit": f"{money(row['expected_profit'])} ({ends})" if mails else money(0),
                "risk": chance(row["chance_of_loss"]) if mails else "none",
                "measured": measured_words(row) if mails else money(0),
                "mails": mails,
                "own": key == own,
            }
        )
    return rows


def next_reach(metrics: Metrics) -> str:
    """That shares are of past campaigns, and how many of the next one's households data speak of; empty with a list.

    A list that mails somebody says how many itself.
    """
    score = metrics["score"]
    if not score["n_eligible"] or score["n_mailed"] or metrics["nuisance"]["answers"] == "everybody":
        return ""
    inside, eligible = score["n_in_overlap"], score["n_eligible"]
    said = f"{number(inside, 0)} ({percent(inside / eligible)}) lie inside the overlap"
    if score["n_within_reach"] == inside:
        said += ", and no others would be mailed"
    return f"Shares are of past campaigns' households; of the next one's {number(eligible, 0)}, {said}."


def believed_and_measured(metrics: Metrics, policies: pd.DataFrame) -> str:
    """Why the profit that a choice is expected to earn is not the one measured, where they differ.

    `policies` is plots/policies.csv. The choice is the recommended one, or where that is nobody everybody in the overlap.
    """
    name = metrics["policy"]["recommended"]
    row = policies.set_index("policy").loc["inside" if name == "none" else name]
    expected, measured = row["expected_measured"], row["profit"]
    if metrics["nuisance"]["answers"] == "nothing" or pd.isna(expected) or money(expected) == money(measured):
        return ""
    ends = f"{money(row['profit_ci_lower'])} to {money(row['profit_ci_upper'])}"
    where = " inside the overlap" if name != "none" and row["share_outside"] > 0 else ""
    return (
        f"Two numbers for one choice: mailing {POLICY_WORDS[row.name]}{where} is expected to earn {money(expected)} per "
        f"household, and measured it earned {money(measured)} (95% interval {ends}). The first is what to expect next time: it "
        "counts most the households whose effect is told most exactly. The second is what these households did, each counted "
        "alike, with their noise. Decide by the first, check by the second."
    )
