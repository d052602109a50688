"""What the whole retailers say, in sentences that a written rule picks: each aim met or missed, and how sure that is."""

import numpy as np
import pandas as pd

from study.retailer_summary import ALL, CHOSEN, single
from targeting.stats.estimates import Z
from targeting.words.money import money
from targeting.words.numbers import number, percent

MOST_CLAIMED, MOST_LOSSES = 0.07, 0.05  # of the retailers where mailing changes nothing


def findings(choice: pd.DataFrame, learners: pd.DataFrame) -> list[str]:
    """One sentence an aim, of the rows over all overlaps of `choice_summary` and `learner_summary`."""
    cells = choice[choice["overlap"] == ALL].set_index("effect")
    nothing, something = cells.loc["none"], cells.loc["heterogeneous"]
    own = learners[(learners["overlap"] == ALL) & (learners["effect"] == "heterogeneous")].set_index("learner")
    chosen, alone = own.loc[CHOSEN], own[single(own.index.to_series())]
    best_order, best_size = alone.loc[alone["rank_correlation"].idxmax()], alone.loc[alone["pehe"].idxmin()]
    return [
        _at_most(nothing, "shown", MOST_CLAIMED, "Heterogeneity is claimed where there is none"),
        _at_most(
            nothing,
            "answered_loses",
            MOST_LOSSES,
            "Where mailing changes nothing and the arms compare well enough to recommend anything, a policy that loses money is "
            "recommended",
            "n_answered",
        ),
        f"The learner that the rule puts first has a mean rank correlation with the true effect of "
        f"{number(chosen['rank_correlation'])}, the best single learner on average ({best_order.name}) one of "
        f"{number(best_order['rank_correlation'])}: "
        + _lead(best_order["rank_lead"], best_order["rank_lead_se"], number(abs(best_order["rank_lead"]), 3), "higher", "lower"),
        f"Its mean error (PEHE) is {money(chosen['pehe'])}, that of the best single learner on average ({best_size.name}) "
        f"{money(best_size['pehe'])}: "
        + _lead(best_size["pehe_lead"], best_size["pehe_lead_se"], money(abs(best_size["pehe_lead"])), "smaller", "larger"),
        _saved(nothing, something),
    ]


def _at_most(row: pd.Series, share: str, most: float, what: str, count: str = "n") -> str:
    """A share against the largest that is aimed at; Wilson's interval says how sure the verdict is."""
    met = row[share] <= most
    sure = row[f"{share}_upper"] <= most if met else row[f"{share}_lower"] > most
    verdict = f"the aim, {percent(most)} at most, is {'met' if met else 'missed'}"
    doubt = "" if sure else ", though chance alone could turn that"
    interval = f"{percent(row[f'{share}_lower'], 1)} to {percent(row[f'{share}_upper'], 1)}"
    return f"{what} at {percent(row[share], 1)} of {row[count]:.0f} retailers (95% interval {interval}): {verdict}{doubt}."


def _lead(lead: float, error: float, size: str, better: str, worse: str) -> str:
    """A paired lead over what is aimed at, `size` in words: not below zero is asked for."""
    met = lead >= 0
    doubt = "" if abs(lead) > Z * error else ", though not beyond Monte Carlo error"
    return f"{size} {better if met else worse} (Monte Carlo error {error:.3g}), the aim is {'met' if met else 'missed'}{doubt}."


def _saved(nothing: pd.Series, something: pd.Series) -> str:
    """The recommendation's regret against the plug-in rule's, with and without effects, and with both kinds counted alike."""
    saved = (nothing["saved"] + something["saved"]) / 2
    error = float(np.hypot(nothing["saved_se"], something["saved_se"])) / 2
    parts = [
        f"{money(row['regret'])} {where} against {money(row['plugin_regret'])} (error of the difference {row['saved_se']:.2f})"
        for row, where in ((nothing, "where mailing changes nothing"), (something, "where effects differ"))
    ]
    comparison = _lead(saved, error, money(abs(saved)), "less", "more")
    return f"The recommendation's regret, and the plug-in rule's: {'; '.join(parts)}. Both counted alike: {comparison}"
