"""What must hold between the canonical tables, and what is counted because real data have it."""

from collections.abc import Mapping

import ibis.expr.types as ir

from targeting.base.errors import DataError
from targeting.tables.origins import Origin
from targeting.tables.problems import broken_rows
from targeting.tables.schemas import first_and_last_day


def cross_check(tables: Mapping[str, ir.Table], origins: Mapping[str, Origin]) -> dict[str, int]:
    """Compare the canonical tables with each other.

    Raises DataError for a campaign that no table describes and for a basket of two households. What is normal in
    such data is counted instead: targeted households without a purchase, redemptions and campaigns outside the days of
    the transactions, lines whose product is unknown.
    """
    for name in ("campaign_targets", "coupons", "redemptions"):
        _require_known_campaigns(tables, name, origins)
    lines, targets, campaigns = tables["transactions"], tables["campaign_targets"], tables["campaigns"]
    baskets = lines.group_by("basket_id").agg(households=lines.household_id.nunique())
    shared = baskets.filter(baskets.households > 1)
    if shared.count().execute():
        what = "the basket belongs to several households"
        raise DataError(broken_rows(origins["transactions"], ["basket_id"], shared, what, unit="basket"))
    first, last = first_and_last_day(lines)
    redemptions = tables["redemptions"]
    counts = {
        "n_targets_without_purchase": targets.anti_join(lines, "household_id").household_id.nunique(),
        "n_campaigns_outside": campaigns.filter((campaigns.end_day < first) | (campaigns.start_day > last)).count(),
        "n_campaigns_cut": campaigns.filter((campaigns.start_day < first) | (campaigns.end_day > last)).count(),
        "n_redemptions_outside": redemptions.filter(~redemptions.day.between(first, last)).count(),
        "n_unknown_product": lines.anti_join(tables["products"], "product_id").count(),
    }
    return {name: int(count.execute()) for name, count in counts.items()}


def _require_known_campaigns(tables: Mapping[str, ir.Table], name: str, origins: Mapping[str, Origin]) -> None:
    unknown = tables[name].anti_join(tables["campaigns"], "campaign_id")
    if unknown.count().execute():
        what = f"no campaign of this number in {origins['campaigns'].file}"
        raise DataError(broken_rows(origins[name], ["campaign_id"], unknown, what))
