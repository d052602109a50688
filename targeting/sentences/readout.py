"""What a campaign drawn by lot did, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from targeting.base.columns import CUSTOMERS
from targeting.campaign.readout import Readout, Unread
from targeting.stats.estimates import SIGNIFICANCE
from targeting.words.changes import change
from targeting.words.money import amount, money
from targeting.words.numbers import number, p_value, percent

NO_LOTS = "No campaign has lots that were given back, so no experiment can be read: docs/loop.md says how to give them back."
NO_CHANCES = (
    "The table does not say that a lot decided who was mailed, so no experiment can be read: where one did, "
    "data.table.propensity names its chances."
)
# By what `Unread` says, of a campaign and of the section `design` of the parameters.
NOT_READ = {
    Unread.OTHER_TYPE: "Lots of campaign {campaign} are known and not read: it is of another type than {campaign_type}, "
    "which design.campaign_type asks for.",
    Unread.TOO_SHORT: "Lots of campaign {campaign} are known and cannot be read yet: that takes tills from before it began "
    "to {min_follow_up_days} days after (design.min_follow_up_days), and somebody in the draw who had bought before. Run again "
    "with later tills.",
    Unread.ONE_ARM: "Lots of campaign {campaign} are known and cannot be read: of those who had bought before, the lot "
    "mailed all or none, so there is nothing to compare.",
}
PROFIT, EVERYBODY = "net_profit", "all"
ALL = "all campaigns by lot"


def all_words(
    found: Readout, unread: Mapping[str, Unread], together: Sequence[str], outcome: str, design: Mapping[str, Any]
) -> dict[str, list[str]]:
    """The sentences by campaign, on those `found` and then on those `unread`; campaigns as their user calls them.

    `together` are the sentences on all of them, `outcome` is the one that profits are of, `design` that section of params.yaml.
    """
    words = {str(name): readout_words(str(name), numbers, found.table, outcome) for name, numbers in found.campaigns.items()}
    words |= {ALL: list(together)} if together else {}
    return words | {name: [unread_words(name, why, design)] for name, why in unread.items()}


def no_words_reason(words: Mapping[str, Any], source: str) -> str:
    """Why nothing is said of any campaign by lot, by `data.source`; nothing where something is."""
    return "" if words else NO_CHANCES if source == CUSTOMERS else NO_LOTS


def unread_words(campaign: str, why: Unread, design: Mapping[str, Any]) -> str:
    """The sentence on a campaign whose lots are no trial, by the section `design` of the parameters."""
    return NOT_READ[why].format(campaign=campaign, **design)


def readout_words(campaign: str, numbers: Mapping[str, Any], table: pd.DataFrame, outcome: str) -> list[str]:
    """The sentences on one campaign: the draw, who was lost, what it changed, what had been said before, and what follows.

    `numbers` are the campaign's of `read_out`, `table` is its table, `outcome` the one that profits are of.
    """
    own = table[(table["campaign_id"].astype(str) == campaign)]
    everybody = own[own["segment"] == EVERYBODY]
    effects = [_effect(name, everybody[everybody["outcome"] == name]) for name in dict.fromkeys(everybody["outcome"])]
    before = _before(everybody[everybody["outcome"] == outcome], outcome)
    return [*_the_draw(campaign, numbers), *effects, *before, *_segments(own, outcome), *_what_next(numbers)]


def together_words(table: pd.DataFrame, outcome: str) -> list[str]:
    """The sentence on all campaigns by lot together, where the table of `read_out` has several; `outcome` is that of profits."""
    rows = table[table["campaign_id"].astype(str) == EVERYBODY]
    if rows.empty:
        return []
    row = next(rows[rows["outcome"] == outcome].itertuples())
    profit = rows[rows["outcome"] == PROFIT].itertuples() if outcome != PROFIT else ()
    net = "".join(f", {_interval(found, PROFIT)} of net profit" for found in profit)
    brought = (
        f"All campaigns by lot together, {number(row.n, 0)} household-trials: a household to be mailed brought "
        f"{_interval(row, outcome)} more{_what(outcome)} than one that was not{net}."
    )
    weighed = "A campaign counts the less the more uneven its chances were"
    return [f"{brought} {weighed}, so that the interval holds though they followed what earlier campaigns had shown."]


def _the_draw(campaign: str, numbers: Mapping[str, Any]) -> list[str]:
    mailed, drawn = (number(numbers[name], 0) for name in ("n_mailed", "n_drawn"))
    counts = f"{mailed} of {drawn} households were to be mailed"
    if "srm_p" not in numbers:
        doubt = "Their chance is not known and is estimated, and whether a lot decided is the retailer's word."
        said = [f"Campaign {campaign} held some households out: {counts}. {doubt}"]
    else:
        fits = f"{counts}, and the chances say {number(numbers['n_expected'], 0)} ({p_value(numbers['srm_p'])})"
        if not numbers["as_logged"]:
            said = [f"Campaign {campaign} was not drawn as logged: {fits}. Find out why before you believe what follows."]
        else:
            said = [f"Campaign {campaign} was drawn as logged: {fits}."]
    if "balance_p" in numbers:
        alike = "is as alike as lots leave it"
        apart = "is further apart than lots leave it: somebody chose, or rows are missing"
        fault = alike if numbers["balanced"] else apart
        said.append(f"What was known of households before {fault} ({p_value(numbers['balance_p'])}).")
    if numbers["n_not_reached"] or numbers["n_reached_all_the_same"]:
        said.append(
            f"{number(numbers['n_not_reached'], 0)} that were to be mailed were not, and "
            f"{number(numbers['n_reached_all_the_same'], 0)} were mailed against the lot; all count as they were drawn."
        )
    if numbers["n_lost"]:
        alike = "alike in both arms" if numbers["attrition_p"] >= SIGNIFICANCE else "not alike in both arms: take care"
        said.append(
            f"{number(numbers['n_lost'], 0)} never bought before and are left out, {alike} ({p_value(numbers['attrition_p'])})."
        )
    return said


def _interval(row: Any, outcome: str) -> str:
    counted = "purchase_amount" if outcome == PROFIT else outcome  # both are money
    ends = f"{change(row.ci_lower, counted)} to {change(row.ci_upper, counted)}"
    return f"{amount(row.estimate, counted)} (95% interval {ends})"


def _what(outcome: str) -> str:
    """What money is of; other amounts have their unit."""
    return {"purchase_amount": " of sales", PROFIT: " of net profit"}.get(outcome, "")


def _effect(outcome: str, rows: pd.DataFrame) -> str:
    lots = rows[rows["evidence"] == "lots"]
    adjusted, plain = (next(lots[lots["adjusted"] == is_adjusted].itertuples()) for is_adjusted in (True, False))
    return (
        f"By lots alone a household to be mailed brought {_interval(adjusted, outcome)} more{_what(outcome)} than one that was "
        f"not; without adjustment {_interval(plain, outcome)}."
    )


def _before(rows: pd.DataFrame, outcome: str) -> list[str]:
    lots = rows[(rows["evidence"] == "lots") & rows["adjusted"]].dropna(subset="predicted")
    if lots.empty:
        return []
    row, joined = next(lots.itertuples()), next(rows[rows["evidence"] == "both"].itertuples())
    way = "too much" if row.error > 0 else "too little"
    sure = "more than chance explains" if row.error_p < SIGNIFICANCE else "which chance explains"
    said, off = (amount(value, outcome) for value in (row.predicted, abs(row.error)))
    before = f"Observed campaigns before it had said {said} per household: {off} {way}, {sure} ({p_value(row.error_p)})."
    return [f"{before} Both kinds of evidence together say {_interval(joined, outcome)}."]


def _segments(rows: pd.DataFrame, outcome: str) -> list[str]:
    segments = rows[(rows["segment"] != EVERYBODY) & (rows["outcome"] == outcome)]
    if segments["segment"].nunique() == 1:  # all are in it: what holds for everybody has been said
        return []
    own = segments.dropna(subset="p_holm")
    found = own[own["p_holm"] < SIGNIFICANCE]
    if own.empty:
        return []
    if found.empty:
        return ["No segment by itself shows an effect, allowing for how many there are."]
    each = "; ".join(f"{row.segment} {_interval(row, outcome)}" for row in found.itertuples())
    return [f"Segments with an effect of their own, allowing for how many there are: {each}."]


def _what_next(numbers: Mapping[str, Any]) -> list[str]:
    if not numbers["as_logged"]:
        return ["What follows for the next campaign is not said: a draw that was not kept compares no better than a choice."]
    if "pays" not in numbers:
        return []
    earned = (
        f"is expected to earn {money(numbers['expected_profit'])} per household (95% interval "
        f"{money(numbers['expected_profit_lower'])} to {money(numbers['expected_profit_upper'])}; chance of a loss "
        f"{percent(numbers['chance_of_loss'])})"
    )
    advice = "By the rule it pays to do so." if numbers["pays"] else "By the rule it does not pay to mail everybody."
    return [f"Mailing all who are like these {earned}. {advice}"]
