"""What the policy stage recommends, in words."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from targeting.base.columns import CUSTOMERS
from targeting.policy.contact_price import PUBLISHED_COST, TILLS, TILLS_COST
from targeting.policy.decide import PolicyChoice
from targeting.policy.value import best_candidate, recommendable
from targeting.policy.what_if import OWN_COST
from targeting.sentences.overlap import overlap_words
from targeting.sentences.policy_names import POLICY_WORDS
from targeting.words.money import money
from targeting.words.numbers import chance, percent
from targeting.words.people import as_customers

STUDY_COST = 12.73  # USD: the published study's mean discount of a household that redeemed (docs/results.md)
AT_SET_COST, AT_TILLS_COST = "at_set_cost", "at_tills_cost"  # keys of metrics/policy.json
CENT = 0.01  # of the currency: less than half of it is called next to nothing
BY_THE_TILLS = (
    "By these tills a contact costs what printing and posting it is assumed to cost, and the retailer's part of the discounts "
    "that it causes."
)
BY_THE_STUDY = (
    "The published study charges every contact the average discount of a household that used a coupon, which is more than a "
    "mailing costs."
)
AS_SET = "As set, whatever the tills say."


def choice_words(
    chosen: PolicyChoice, scenarios: pd.DataFrame, overlap: Mapping[str, Any], costs: str, source: str
) -> dict[str, str]:
    """What to do, by keys of metrics/policy.json: recommendation, and where arms compare the decision at each cost.

    `scenarios` are those of the choice, `overlap` the metrics of the nuisances, `costs` policy.costs and `source` data.source.
    """
    tills = source != CUSTOMERS
    said = {"recommendation": f"Mail nobody. {overlap_words(overlap)}"}
    if overlap["answers"] != "nothing":
        said = {"recommendation": recommendation_words(chosen.valued, chosen.recommended)}
        said |= decisions_by_cost_words(scenarios, costs, tills)
    return said if tills else {name: as_customers(sentence, []) for name, sentence in said.items()}


def decision_words(bet: Mapping[str, Any]) -> str:
    """The decision at one cost, a row of `breakeven_scenarios`: whom to mail, what that should earn and earned, its risk."""
    at = f"At {money(bet['cost'])} per contact"
    if bet["recommended"] == "none":
        return f"{at}: mail nobody."
    return (
        f"{at}: mail {reach_words(bet)}; expected to earn "
        f"{money(bet['expected_profit'])} per household, with a chance of {chance(bet['chance_of_loss'])} that it loses, "
        f"if nothing unseen decided who was mailed. Measured off-policy, it earned {measured_words(bet)}."
    )


def reach_words(bet: Mapping[str, Any]) -> str:
    """Whom the decision of a row of `breakeven_scenarios` mails, and how many of them no data speak of."""
    outside = ""
    if bet["recommended_outside"] > 0:
        outside = f" ({percent(bet['recommended_outside'])} of them outside the overlap, on belief alone)"
    return f"{chance(bet['recommended_share'])} of households, {POLICY_WORDS[bet['recommended']]}{outside}"


def measured_words(bet: Mapping[str, Any]) -> str:
    """What the decision of a row of `breakeven_scenarios` earned off-policy, with what the interval says of its sign."""
    lower, upper = bet["measured_ci_lower"], bet["measured_ci_upper"]
    ends = f"{money(bet['measured'])} (95% interval {money(lower)} to {money(upper)})"
    if bet["recommended_outside"] > 0:
        ends += f" by its part inside the overlap, where {money(bet['expected_measured'])} was expected"
    return f"{ends}, which cannot be told from nothing" if lower <= 0 <= upper else ends


def decisions_by_cost(scenarios: pd.DataFrame, costs: str) -> dict[str, pd.Series]:
    """The rows of `breakeven_scenarios` that decide at policy.cost and at what the tills say, by AT_SET_COST and AT_TILLS_COST.

    `costs` is policy.costs, which says which of them is the run's own. One that the run could not have is left out.
    """
    rows = scenarios.set_index("scenario")
    names = {AT_SET_COST: PUBLISHED_COST, AT_TILLS_COST: TILLS_COST}
    names[AT_TILLS_COST if costs == TILLS else AT_SET_COST] = OWN_COST
    return {key: rows.loc[name] for key, name in names.items() if name in rows.index}


def decisions_by_cost_words(scenarios: pd.DataFrame, costs: str, tills: bool = True) -> dict[str, str]:
    """`decisions_by_cost` as sentences, each with where its cost is from; the run's own alone where there are no `tills`."""
    if not tills:
        own = scenarios.set_index("scenario").loc[OWN_COST]
        return {AT_SET_COST: f"As set for this run. {decision_words(own)}"}
    found = decisions_by_cost(scenarios, costs)
    return {key: f"{cost_source(key, row['cost'])} {decision_words(row)}" for key, row in found.items()}


def cost_source(key: str, cost: float) -> str:
    """Where a cost of `decisions_by_cost` is from."""
    if key == AT_TILLS_COST:
        return BY_THE_TILLS
    return BY_THE_STUDY if cost == STUDY_COST else AS_SET


def recommendation_words(table: pd.DataFrame, recommended: str) -> str:
    """The recommendation: the best bet, what it is expected to earn, how likely it loses, what being wrong costs, what is shown.

    `table` is that of plots/policies.csv, `inside` among its rows.
    """
    rows = table.set_index("policy")
    compared = int(recommendable(table).sum())
    if recommended == "none":
        return f"Mail nobody: no policy is expected to earn more.{_forgone(rows.loc['inside'])} {_best_of(table, compared)}"
    row = rows.loc[recommended]
    reach = f"{row['n']:,.0f} of {row['n'] / row['share']:,.0f} households and campaigns ({percent(row['share'])})"
    if row["share_outside"] > 0:
        reach += f", {percent(row['share_outside'])} of them outside the overlap, on what is believed of others"
    total = row["expected_profit"] * row["n"] / row["share"]
    ends = f"{money(row['expected_profit_lower'])} to {money(row['expected_profit_upper'])}"
    return (
        f"Mail {POLICY_WORDS[recommended]}, the best bet: {reach}. It is expected to earn "
        f"{money(row['expected_profit'])} per household ({ends} with a probability of 95%), "
        f"and {money(total)} in all, against mailing nobody. It loses with a chance of "
        f"{chance(row['chance_of_loss'])}; being wrong about it costs {money(row['expected_loss'])} per household on average. "
        f"{_shown(row, compared)} {_over_current(row, rows.loc['current'])}"
    )


def _shown(row: pd.Series, compared: int) -> str:
    where = " inside the overlap" if row["share_outside"] > 0 else ""
    earned = f"such choices earned {_dollars_with_interval(row)} per household{where}{_together(row, compared)}"
    return f"{'It is shown to pay' if row['shown'] else 'That it pays is not shown'}: measured off-policy, {earned}."


def _over_current(row: pd.Series, current: pd.Series) -> str:
    ends = f"{money(row['over_current_ci_lower'])} to {money(row['over_current_ci_upper'])}"
    if current["share_outside"] > 0:
        ends += (
            f", which does not count what is unknown of its {percent(current['share_outside'])} of contacts outside the overlap"
        )
    return f"Against current practice that is {money(row['over_current'])} per household ({ends})."


def _forgone(inside: pd.Series) -> str:
    """What mailing nobody may forgo; nothing where nothing is believed of everybody inside the overlap."""
    if pd.isna(inside["expected_profit"]):
        return ""
    pays, forgone = 1 - inside["chance_of_loss"], inside["expected_profit"] + inside["expected_loss"]
    missed = money(forgone) if forgone >= CENT / 2 else "next to nothing"
    return (
        f" Mailing everybody inside the overlap is expected to earn {money(inside['expected_profit'])} per household and pays "
        f"with a chance of {chance(pays)}; not mailing them forgoes {missed} per household on average, for when that is wrong."
    )


def _best_of(table: pd.DataFrame, compared: int) -> str:
    """What the best of the policies that can be judged earned, off-policy."""
    name = best_candidate(table)
    if name == "none":
        return "No policy has enough contacts inside the overlap to be judged off-policy."
    row = table.set_index("policy").loc[name]
    earned = f"mailing {POLICY_WORDS[name]}, earned {_dollars_with_interval(row)} per household{_together(row, compared)}"
    which = "The only policy that can be judged" if compared == 1 else f"Measured off-policy, the best of {compared}"
    return f"{which}, {earned}."


def _together(row: pd.Series, n: int) -> str:
    """How low its profit may be when intervals are to hold for all `n` policies compared; nothing to add for a single one."""
    if n == 1:
        return ""
    return f"; with {'both' if n == 2 else f'all {n}'} compared at once it may be as low as {money(row['simultaneous_lower'])}"


def _dollars_with_interval(row: pd.Series) -> str:
    ends = f"{money(row['profit_ci_lower'])} to {money(row['profit_ci_upper'])}"
    return f"{money(row['profit'])} (95% interval {ends})"
