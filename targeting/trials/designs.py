"""The eligible rows that a design compares: all, those by lot, or first campaigns against the never targeted; their panel."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from targeting.base.errors import DataError
from targeting.stats.folds import in_sample, sampled_folds
from targeting.trials.panel import assemble, in_both_arms, require_trial

SEQUENTIAL, FIRST, BY_LOT = "sequential_trials", "first_campaign", "by_lot"
DESIGNS = (SEQUENTIAL, FIRST)  # those that are compared side by side
NO_LOTS = (
    "design=by_lot compares those alone on whom lots decided, and there are none: name the files of your draws in "
    "data.assignments or, for a table of customers, its column of chances in data.table.propensity."
)
FEWEST = 30  # rows of an arm in a sample: with fewer a fold or a half of it may have none to learn from


def first_campaign_rows(rows: pd.DataFrame, ever_targeted: Collection[int], seed: int) -> pd.Series:
    """Which of the eligible `rows` the design of the published study compares: booleans.

    `rows` have household_id, trial, treated and earlier_mailings. Treated are households at the first campaign of the type that
    targets them. Controls are households that no campaign of the type ever targets; each enters one trial, drawn among those it
    is eligible for with chances in proportion to the treated of each trial, so that both arms are spread over the calendar
    alike. (The published study gave a control the first campaign during which it shopped, which looks into the follow-up.) That
    controls are never targeted later is known only afterwards: it is the design's own flaw, and the reason why the other one is
    the default.
    """
    chosen = (rows["treated"] == 1) & (rows["earlier_mailings"] == 0)
    n_treated = chosen.groupby(rows["trial"]).sum()
    never = rows[~rows["household_id"].isin(ever_targeted) & (rows["trial"].map(n_treated) > 0)]
    never = never.sort_values(["household_id", "trial"])
    # The largest log(u) / weight of each household is a draw in proportion to the weights (Efraimidis & Spirakis 2006).
    uniform = np.random.default_rng(seed).random(len(never))
    keys = np.log(uniform) / never["trial"].map(n_treated)
    drawn = keys.groupby(never["household_id"]).idxmax()
    chosen.loc[drawn] = True
    return chosen


def by_lot_alone(rows: pd.DataFrame) -> pd.DataFrame:
    """The `rows` on which lots decided. Raises DataError where there are none."""
    drawn = rows[rows["by_lot"] == 1]
    if drawn.empty:
        raise DataError(NO_LOTS)
    return drawn.reset_index(drop=True)


def folded_panel(rows: pd.DataFrame, n_folds: int, seed: int, sample: int | None = None) -> pd.DataFrame:
    """The rows of trials with both arms as `assemble` makes them a panel, with the column fold.

    `sample` is how many households, drawn by lot, are split into folds; the others' fold is OUTSIDE (see `sampled_folds`).
    Raises DataError where there are fewer households than folds, no trial has both arms, or the sample has too little of one.
    """
    require_trial(rows)
    panel = assemble(rows[in_both_arms(rows)])
    panel["fold"] = sampled_folds(panel["household_id"], n_folds, seed, sample)
    inside = in_sample(panel["fold"])
    treated = panel.loc[inside, "treated"]
    arms = [int((treated == arm).sum()) for arm in (0, 1)]
    if not inside.all() and min(arms) < FEWEST:
        raise DataError(
            f"The {sample} households of sample.households have {arms[1]} treated and {arms[0]} control rows, and models need "
            f"{FEWEST} of each: raise it, or set it to null to learn from everybody."
        )
    return panel


def design_flow(rows: pd.DataFrame, chosen: pd.Series, ever_targeted: Collection[int]) -> pd.DataFrame:
    """By trial, what a design does with the eligible rows.

    Columns: trial, n_eligible, n_targeted_later (controls set aside because a later campaign targets them), n_in_other_trial
    (controls that stand in another trial), n_treated, n_control.
    """
    later = ~chosen & rows["household_id"].isin(ever_targeted)
    parts = pd.DataFrame(
        {
            "trial": rows["trial"],
            "n_eligible": 1,
            "n_targeted_later": later.astype(int),
            "n_in_other_trial": (~chosen & ~later).astype(int),
            "n_treated": (chosen & (rows["treated"] == 1)).astype(int),
            "n_control": (chosen & (rows["treated"] == 0)).astype(int),
        }
    )
    return parts.groupby("trial", as_index=False).sum()
