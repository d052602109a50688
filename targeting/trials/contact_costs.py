"""What a contact costs by the tills: coupon discounts of the households that a campaign was sent to, in its outcome window."""

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir
import pandas as pd

from targeting.stats.estimates import mean_estimate
from targeting.trials.trials import Trial

# Two readings of "cost per contact"; a campaign is charged for everybody it was sent to, so the first is the cost of a contact.
BASES = {
    "per_targeted": "coupon discount in the window of a household that the campaign targeted, whether or not it redeemed",
    "per_redeemer": "coupon discount in the window of a targeted household that redeemed a coupon of the campaign",
}


def discounts(trial: Trial, transactions: ir.Table, targets: ir.Table, redemptions: ir.Table) -> ir.Table:
    """One row per household that the trial's campaign targeted: household_id, discount (USD), redeemed (0/1).

    The discount is the sum of coupon discounts on all lines from time zero to the window's end, 0 for who bought nothing;
    redeemed is whether a coupon of this campaign came back in the window.
    """
    window = transactions.filter(transactions.day.between(trial.time_zero, trial.window_end))
    spent = window.group_by("household_id").agg(amount=window.coupon_discount.sum().cast("float64"))
    own = redemptions.filter(
        (redemptions.campaign_id == trial.campaign_id) & redemptions.day.between(trial.time_zero, trial.window_end)
    )
    redeemed = own.select("household_id", redeemed=ibis.literal(1, "int64")).distinct()
    rows = targets.filter(targets.campaign_id == trial.campaign_id).select("household_id")
    for block in (spent, redeemed):
        rows = rows.left_join(block, "household_id").drop("household_id_right")
    filled = rows.select("household_id", discount=rows.amount.fill_null(0.0), redeemed=rows.redeemed.fill_null(0))
    return filled.order_by("household_id")


def no_costs() -> pd.DataFrame:
    """The table of `cost_table` where no till says anything."""
    return pd.DataFrame(columns=["campaign_id", "basis", "n", "cost", "se", "ci_lower", "ci_upper", "meaning"])


def cost_table(campaigns: Sequence[int], households: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Mean discount by campaign (campaign_id) and over all: campaign_id, basis, n, cost, se, ci_lower, ci_upper, meaning.

    `households` has a table of `discounts` per campaign; over all, a household counts once per campaign and is one cluster. A
    basis with fewer than two households has no row.
    """
    each = [rows.assign(campaign_id=str(campaign)) for campaign, rows in zip(campaigns, households, strict=True)]
    together = pd.concat(each, ignore_index=True)
    table = []
    for campaign, rows in {"all": together, **dict(list(together.groupby("campaign_id", sort=False)))}.items():
        for basis, members in (("per_targeted", rows), ("per_redeemer", rows[rows["redeemed"] == 1])):
            if members["household_id"].nunique() < 2:
                continue
            mean = mean_estimate(members["discount"], members["household_id"])
            entry = {"campaign_id": campaign, "basis": basis, "n": len(members), "cost": mean.value, **mean.columns()}
            table.append({**entry, "meaning": BASES[basis]})
    return pd.DataFrame(table)


def contact_costs(tables: Mapping[str, ir.Table], trials: Sequence[Trial]) -> pd.DataFrame:
    """The table of `cost_table` for the trials' campaigns; `tables` are those of `with_history`."""
    read = [tables[name] for name in ("receipts", "campaign_targets", "redemptions")]
    return cost_table([trial.campaign_id for trial in trials], [discounts(trial, *read).execute() for trial in trials])


def cost_metrics(costs: pd.DataFrame) -> dict[str, float]:
    """The cost in USD over all campaigns, by basis; a basis without a row is left out."""
    overall = costs[costs["campaign_id"] == "all"]
    return dict(zip(overall["basis"], overall["cost"], strict=True))
