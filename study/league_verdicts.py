"""What was asked of the league's strategies, each aim met or missed, by a written rule."""

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


def verdicts(table: pd.DataFrame) -> list[str]:
    """One sentence an aim, of the table of `by_strategy`."""
    rows = table.set_index(["cell", "strategy"])
    cells = [cell for cell in CELL_NAMES if cell in set(table["cell"])]
    shares = [_share(rows.loc[cell], cell, least) for cell, least in LEAST_SHARE.items() if cell in cells]
    return [*shares, *(_lost(rows.loc[cell], cell) for cell in cells), *(_beaten(rows.loc[cell], cell) for cell in cells)]


def _share(own: pd.DataFrame, cell: str, least: float) -> str:
    """The better of the two strategies that test, as a share of the oracle."""
    shares = own.loc[list(LEARNERS)].itertuples()
    said = " and ".join(f"{NAMES[its.Index]} earns {percent(its.share)}{_error(100 * its.share_se, 1)}" for its in shares)
    best = own.loc[list(LEARNERS)].sort_values("share").iloc[-1]
    return (
        f"{_start(cell)}: late in the league {said} of the oracle's profit, {money(own.loc[ORACLE, 'late'])} per household and "
        f"campaign: the aim, {percent(least)} by one of them, is {_met(best['share'] - least, best['share_se'])}."
    )


def _lost(own: pd.DataFrame, cell: str) -> str:
    """Whether one of ours loses against mailing nobody."""
    worst = own.loc[list(OURS)].sort_values("profit").iloc[0]
    return (
        f"{_start(cell)}: of our strategies {NAMES[str(worst.name)]} earns least over all campaigns, {money(worst['profit'])}"
        f"{_error(worst['profit_se'])} per household and campaign: the aim, a loss of {money(MOST_LOST)} at most, is "
        f"{_met(worst['profit'] + MOST_LOST, worst['profit_se'])}."
    )


def _beaten(own: pd.DataFrame, cell: str) -> str:
    """Whether each of ours earns more than the published plug-in."""
    worst = own.loc[list(OURS)].sort_values("over_plug_in").iloc[0]
    return (
        f"{_start(cell)}: of our strategies {NAMES[str(worst.name)]} leads the {NAMES[PLUG_IN]} least, by "
        f"{money(worst['over_plug_in'])}{_error(worst['over_plug_in_se'])}: the aim, more than it by each, is "
        f"{_met(worst['over_plug_in'], worst['over_plug_in_se'])}."
    )


def _error(se: float, digits: int = 3) -> str:
    """The Monte Carlo error in brackets, if there is one."""
    return "" if np.isnan(se) else f" ({number(se, digits)})"


def _start(cell: str) -> str:
    return CELL_NAMES[cell].capitalize()


def _met(by: float, se: float) -> str:
    """Met or missed `by` so much, and whether Monte Carlo error could turn that."""
    doubt = "" if abs(by) > Z * se else ", though chance alone could turn that"
    return f"{'met' if by >= 0 else 'missed'}{doubt}"
