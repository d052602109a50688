"""The panel of a table of customers: what its user brought takes the place of target trials laid out from tills."""

import pandas as pd

from targeting.base.columns import KEYS, PREFIX
from targeting.trials.designs import folded_panel
from targeting.trials.units import covariate_units, in_units

FLOW = ["trial", "campaign_id", "n_treated", "n_control"]


def customer_trials(customers: pd.DataFrame) -> pd.DataFrame:
    """The customers' rows with what trials add: trial (campaigns in their order, from 1), earlier_mailings, mailed_after, cut.

    Covariates are in the units of targeting.trials.units.
    earlier_mailings counts the table's own earlier campaigns that treated the customer. Nothing is known of what else a customer
    was sent (mailed_after is 0), and every outcome was taken over its whole window (cut is false).
    """
    trial = customers["campaign_id"].rank(method="dense").astype("int64")
    ordered = customers.assign(trial=trial).sort_values(["household_id", "trial"])
    earlier = ordered.groupby("household_id")["treated"].cumsum() - ordered["treated"]
    rows = in_units(customers, covariate_units(customers))
    return rows.assign(trial=trial, earlier_mailings=earlier, mailed_after=0, cut=False)


def customer_panel(trials: pd.DataFrame, n_folds: int, seed: int, sample: int | None = None) -> pd.DataFrame:
    """The rows of campaigns with both arms as a panel, with folds by customer; see `folded_panel`."""
    return folded_panel(trials.drop(columns="segment"), n_folds, seed, sample)


def customer_flow(trials: pd.DataFrame) -> pd.DataFrame:
    """Who is in each campaign: FLOW."""
    counts = trials.groupby(["trial", "campaign_id"], as_index=False).agg(n_treated=("treated", "sum"), n=("treated", "size"))
    return counts.assign(n_control=counts["n"] - counts["n_treated"])[FLOW]


def customer_candidates(trials: pd.DataFrame) -> pd.DataFrame:
    """Who may be mailed next: every customer once, as in its last campaign; columns as of `next_candidates`, and segment."""
    latest = (
        trials.sort_values("trial").drop_duplicates("household_id", keep="last").sort_values("household_id", ignore_index=True)
    )
    covariates = [name for name in latest if name.startswith(PREFIX)]
    flags = latest[[KEYS[0], "time_zero"]].assign(has_history=True, targeted_before=False, running=False, eligible=True)
    return pd.concat([flags, latest[["segment", *covariates]]], axis=1)
