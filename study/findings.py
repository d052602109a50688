"""What the whole retailers say, in sentences that a written rule picks: each aim met or missed, and how sure that is.

Two true profits are among them: of the rule as a next campaign follows it, learned from all rows (`applied_profit`), and of the
decisions fold by fold on the rows at hand (`true_profit`), whose profit is what is expected. Each sentence says which it means.
"""

import numpy as np
import pandas as pd

from study.retailer_summary import ALL, CHOSEN, MUCH, single
from study.summary import with_share_error
from targeting.stats.estimates import Z
from targeting.words.money import money
from targeting.words.numbers import number, percent

MOST_CLAIMED, MOST_LOSSES, MOST_LOST = 0.07, 0.05, 0.05  # of retailers where mailing changes nothing; the last in USD per row
KINDS = {
    "none": "where mailing changes nothing",
    "heterogeneous": "where effects differ",
    "constant": "where the effect is constant",
}
LEAST_EARNED = {"heterogeneous": 0.50, "constant": 0.75}  # of the oracle's profit
CAME_TRUE = (0.85, 1.15)  # expected over true profit
FALSE_ALARMS, FOUND, STRONG = 0.10, 0.80, 1.0  # of retailers without a hidden reason, and with one of this strength


def findings(choice: pd.DataFrame, learners: pd.DataFrame) -> list[str]:
    """One sentence per aim, of `choice_summary` and `learner_summary`; each kind of retailer by itself."""
    cells = choice[choice["overlap"] == ALL].set_index("effect")
    nothing = cells.loc["none"]
    own = learners[(learners["overlap"] == ALL) & (learners["effect"] == "heterogeneous")].set_index("learner")
    chosen, alone = own.loc[CHOSEN], own[single(own.index.to_series())]
    best_order, best_size = alone.loc[alone["rank_correlation"].idxmax()], alone.loc[alone["pehe"].idxmin()]
    return [
        _at_most(nothing, "shown", MOST_CLAIMED, "Heterogeneity is claimed where there is none"),
        _at_most(nothing, "loses_much", MOST_LOSSES, f"Where mailing changes nothing more than {money(MUCH)} per row is lost"),
        _lost(nothing),
        *(_earned(choice[choice["effect"] == kind].set_index("overlap"), kind) for kind in LEAST_EARNED if kind in cells.index),
        f"The learner that the rule puts first has a mean rank correlation with the true effect of "
        f"{number(chosen['rank_correlation'])}, the best single learner on average ({best_order.name}) one of "
        f"{number(best_order['rank_correlation'])}: "
        + _lead(best_order["rank_lead"], best_order["rank_lead_se"], number(abs(best_order["rank_lead"]), 3), "higher", "lower"),
        f"Its mean error (PEHE) is {money(chosen['pehe'])}, that of the best single learner on average ({best_size.name}) "
        f"{money(best_size['pehe'])}: "
        + _lead(best_size["pehe_lead"], best_size["pehe_lead_se"], money(abs(best_size["pehe_lead"])), "smaller", "larger"),
        *(_saved(cells.loc[kind], words) for kind, words in KINDS.items() if kind in cells.index),
        *(_came_true(cells.loc[kind], KINDS[kind]) for kind in LEAST_EARNED if kind in cells.index),
    ]


def control_findings(controls: pd.DataFrame) -> list[str]:
    """One sentence per aim of the control after the campaign, of `control_summary`; each kind of retailer by itself, then all."""
    ended = controls[controls["lasting"] == 0]
    without, strong = ended[ended["hidden"] == 0], ended[ended["hidden"] == STRONG]
    total = pd.DataFrame({"n": [without["n"].sum()], "alarm": [np.average(without["alarm"], weights=without["n"])]})
    return [
        *(_alarms(row, f"Without a hidden reason, {KINDS[row['effect']]},", most=FALSE_ALARMS) for _, row in without.iterrows()),
        _alarms(with_share_error(total, "alarm").iloc[0], "Of all kinds together", most=FALSE_ALARMS),
        *(_alarms(row, f"With one of strength {STRONG:g}, {KINDS[row['effect']]},", least=FOUND) for _, row in strong.iterrows()),
    ]


def _alarms(row: pd.Series, who: str, most: float = 1.0, least: float = 0.0) -> str:
    """How often the control raises an alarm against what is aimed at; Wilson's interval says how sure the verdict is."""
    met = least <= row["alarm"] <= most
    ends = row["alarm_lower"], row["alarm_upper"]
    sure = least <= ends[0] and ends[1] <= most if met else ends[0] > most or ends[1] < least
    aim = f"{percent(most)} at most" if most < 1 else f"{percent(least)} at least"
    interval = f"{percent(ends[0])} to {percent(ends[1])}"
    return (
        f"{who} there is an alarm at {percent(row['alarm'])} of {row['n']:.0f} retailers (95% interval {interval}): "
        f"the aim, {aim}, is {'met' if met else 'missed'}{'' if sure else ', though chance alone could turn that'}."
    )


def _lost(nothing: pd.Series) -> str:
    """What the recommendation loses where there is nothing to earn."""
    lost, error = -nothing["applied_profit"], nothing["applied_profit_se"]
    met = lost <= MOST_LOST
    sure = lost + Z * error <= MOST_LOST if met else lost - Z * error > MOST_LOST
    doubt = "" if sure else ", though chance alone could turn that"
    return (
        f"There the recommendation, as a next campaign follows it, loses {money(lost)} per row on average "
        f"(Monte Carlo error {error:.3f}): the aim, "
        f"{money(MOST_LOST)} at most, is {'met' if met else 'missed'}{doubt}."
    )


def _earned(rows: pd.DataFrame, kind: str) -> str:
    """What part of the oracle's profit the recommendation earns, overlap by overlap; an oracle inside the overlap beside it."""
    shares = rows["applied_profit"] / rows["oracle_profit"]
    inside = rows["inside_oracle_profit"] / rows["oracle_profit"]
    parts = [
        f"{percent(shares[name])} under {name} overlap, where {percent(inside[name])} of the oracle's lies inside it"
        for name in rows.index.drop(ALL)
    ]
    met = shares[ALL] >= LEAST_EARNED[kind]
    return (
        f"As a next campaign follows it, the recommendation earns {percent(shares[ALL])} of the oracle's profit {KINDS[kind]} "
        f"({'; '.join(parts)}): the aim, "
        f"{percent(LEAST_EARNED[kind])} at least, is {'met' if met else 'missed'}."
    )


def _at_most(row: pd.Series, share: str, most: float, what: str) -> str:
    """A share against the largest that is aimed at; Wilson's interval says how sure the verdict is."""
    met = row[share] <= most
    sure = row[f"{share}_upper"] <= most if met else row[f"{share}_lower"] > most
    verdict = f"the aim, {percent(most)} at most, is {'met' if met else 'missed'}"
    doubt = "" if sure else ", though chance alone could turn that"
    interval = f"{percent(row[f'{share}_lower'], 1)} to {percent(row[f'{share}_upper'], 1)}"
    return f"{what} at {percent(row[share], 1)} of {row['n']:.0f} retailers (95% interval {interval}): {verdict}{doubt}."


def _lead(lead: float, error: float, size: str, better: str, worse: str) -> str:
    """A paired lead over what is aimed at, `size` in words: not below zero is asked for."""
    met = lead >= 0
    doubt = "" if abs(lead) > Z * error else ", though not beyond Monte Carlo error"
    return f"{size} {better if met else worse} (Monte Carlo error {error:.3g}), the aim is {'met' if met else 'missed'}{doubt}."


def _saved(row: pd.Series, words: str) -> str:
    """The recommendation's profit against the plug-in rule's, in one kind of retailer."""
    saved = row["saved"]
    return (
        f"As a next campaign follows it, the recommendation earns {money(row['applied_profit'])} per row {words}, "
        f"the plug-in rule {money(row['plugin_profit'])}: " + _lead(saved, row["saved_se"], money(abs(saved)), "more", "less")
    )


def _came_true(row: pd.Series, words: str) -> str:
    """What the recommendation is expected to earn over what the same decisions truly earn, in one kind of retailer."""
    true, error = row["true_profit"], Z * row["overclaimed_se"]
    if true <= 0:
        return f"Decided fold by fold, the recommendation earns nothing {words}: what is expected cannot be set against that."
    ratio, (least, most) = row["expected_profit"] / true, CAME_TRUE
    met = least <= ratio <= most
    ends = [(row["expected_profit"] + sign * error) / true for sign in (-1, 1)]
    sure = all(least <= end <= most for end in ends) if met else ends[0] > most or ends[1] < least
    return (
        f"Decided fold by fold, the recommendation is expected to earn {money(row['expected_profit'])} per row {words} "
        f"and truly earns {money(true)}: "
        f"{number(ratio)} of it, the aim, {least} to {most}, is {'met' if met else 'missed'}"
        f"{'' if sure else ', though chance alone could turn that'}."
    )
