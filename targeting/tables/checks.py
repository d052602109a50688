"""What must hold between the canonical tables, and what is counted because real data have it."""

from collections.abc import Mapping

import ibis.expr.types as ir

from targeting.base.errors import DataError
from targeting.tables.origins import Origin
from targeting.tables.problems import CORRECT, broken_rows
from targeting.tables.returns import purchases
from targeting.tables.schemas import first_and_last_day
from targeting.tables.till_checks import check_lines

Origins = Mapping[str, Origin]


def cross_check(tables: Mapping[str, ir.Table], origins: Origins) -> dict[str, int]:
    """Check the lines of the tills, and compare the canonical tables with each other.

    Raises DataError for a campaign that no table describes, and for lines that `check_lines` refuses. What is normal in
    such data is counted instead: targeted households without a purchase, redemptions and campaigns outside the days of
    the transactions, purchases whose product is unknown, and what `check_lines` counts.
    """
    for name in ("campaign_targets", "coupons", "redemptions"):
        require_known_campaigns(tables[name], tables["campaigns"], name, origins)
    counted = check_lines(tables["transactions"], origins["transactions"])
    lines, targets, campaigns = purchases(tables["transactions"]), tables["campaign_targets"], tables["campaigns"]
    first, last = first_and_last_day(tables["transactions"])
    redemptions = tables["redemptions"]
    counts = {
        "n_targets_without_purchase": targets.anti_join(lines, "household_id").household_id.nunique(),
        "n_campaigns_outside": campaigns.filter((campaigns.end_day < first) | (campaigns.start_day > last)).count(),
        "n_campaigns_cut": campaigns.filter((campaigns.start_day < first) | (campaigns.end_day > last)).count(),
        "n_redemptions_outside": redemptions.filter(~redemptions.day.between(first, last)).count(),
        "n_unknown_product": lines.anti_join(tables["products"], "product_id").count(),
    }
    return {name: int(count.execute()) for name, count in counts.items()} | counted


def require_known_campaigns(table: ir.Table, campaigns: ir.Table, name: str, origins: Origins, remedy: str = CORRECT) -> None:
    """Raise DataError for rows of `table`, which comes from the file of table `name`, whose campaign is not among these."""
    unknown = table.anti_join(campaigns, "campaign_id")
    if unknown.count().execute():
        what = f"no such campaign in {origins['campaigns'].file}"
        raise DataError(broken_rows(origins[name], ["campaign_id"], unknown, what, remedy=remedy))
