"""What was asked of the league's strategies, each aim met or missed, by a written rule.

Where too few retailers were played to say, or an oracle earns too little to take a share of it, a sentence says that instead.
"""

import numpy as np
import pandas as pd

from study.league_figure import CELL_NAMES, NAMES
from study.league_play import ORACLE
from study.league_strategies import BEST_BET, PLUG_IN, SHOWN, TEST_AND_ROLL, THOMPSON
from targeting.stats.estimates import Z
from targeting.words.money import money
from targeting.words.numbers import number, percent

OURS = (SHOWN, BEST_BET, THOMPSON, TEST_AND_ROLL)
LEARNERS = (THOMPSON, TEST_AND_ROLL)
LEAST_SHARE = {"constant": 0.90, "heterogeneous": 0.75, "wear_out": 0.75, "hidden": 0.75}  # of the oracle's late profit
MOST_LOST = 0.15  # USD per household and campaign
FEWEST = 5  # retailers of a kind, below which nothing is met or missed
LEAST_ORACLE = 0.50  # USD per household and campaign: of less, a share says nothing


def verdicts(table: pd.DataFrame) -> list[str]:
    """One sentence per aim, of the table of `by_strategy`."""
    rows = table.set_index(["cell", "strategy"])
    cells = [cell for cell in CELL_NAMES if cell in set(table["cell"])]
    shares = [_share(rows.loc[cell], cell, least) for cell, least in LEAST_SHARE.items() if cell in cells]
    return [*shares, *(_lost(rows.loc[cell], cell) for cell in cells), *(_beaten(rows.loc[cell], cell) for cell in cells)]


def _share(own: pd.DataFrame, cell: str, least: float) -> str:
    """The better of the two strategies that test, as a share of the oracle."""
    oracle = own.loc[ORACLE, "late"]
    if not shares_say(oracle):
        return (
            f"{_start(cell)}: late in the league the oracle itself earns only {money(oracle)} per household and campaign, too "
            f"little to take a share of: the aim, {percent(least)} of it by {NAMES[THOMPSON]} or {NAMES[TEST_AND_ROLL]}, "
            "has no verdict."
        )
    shares = own.loc[list(LEARNERS)].itertuples()
    said = " and ".join(f"{NAMES[its.Index]} earns {percent(its.share)}{_error(100 * its.share_se, 1)}" for its in shares)
    best = own.loc[list(LEARNERS)].sort_values("share").iloc[-1]
    return (
        f"{_start(cell)}: late in the league {said} of the oracle's profit, {money(oracle)} per household and "
        f"campaign: the aim, {percent(least)} by one of them, {_met(best['share'] - least, best['share_se'], best['n'])}."
    )


def _lost(own: pd.DataFrame, cell: str) -> str:
    """Whether one of ours loses against mailing nobody."""
    worst = own.loc[list(OURS)].sort_values("profit").iloc[0]
    return (
        f"{_start(cell)}: of the project's strategies *{NAMES[str(worst.name)]}* earns least over all campaigns, "
        f"{money(worst['profit'])}{_error(worst['profit_se'])} per household and campaign: the aim, a loss of "
        f"{money(MOST_LOST)} at most, {_met(worst['profit'] + MOST_LOST, worst['profit_se'], worst['n'])}."
    )


def _beaten(own: pd.DataFrame, cell: str) -> str:
    """Whether each of ours earns more than the published plug-in."""
    ours = own.loc[list(OURS)]
    worst = ours.sort_values("over_plug_in").iloc[0]
    leads = ", ".join(
        f"{NAMES[its.Index]} {'+' if its.over_plug_in >= 0 else ''}{money(its.over_plug_in)}{_error(its.over_plug_in_se)}"
        for its in ours.itertuples()
    )
    return (
        f"{_start(cell)}: more than the {NAMES[PLUG_IN]}, per household and campaign, earn {leads}: the aim, more than it by "
        f"each, {_met(worst['over_plug_in'], worst['over_plug_in_se'], worst['n'])}."
    )


def shares_say(oracle: float) -> bool:
    """Whether the oracle's late profit is enough to take shares of."""
    return oracle >= LEAST_ORACLE


def _error(se: float, digits: int = 3) -> str:
    """The Monte Carlo error in brackets, if there is one."""
    return "" if np.isnan(se) else f" ({number(se, digits)})"


def _start(cell: str) -> str:
    return CELL_NAMES[cell].capitalize()


def _met(by: float, se: float, n: float) -> str:
    """Is met or missed `by` so much by n retailers, and whether Monte Carlo error could turn that; or that they are too few."""
    if n < FEWEST:
        return "has no verdict yet (too few to say)"
    doubt = "" if abs(by) > Z * se else ", though chance alone could turn that"
    return f"is {'met' if by >= 0 else 'missed'}{doubt}"
