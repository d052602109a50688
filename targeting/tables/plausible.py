"""Whether the canonical tables can be what they say: what a mistake in one line, or in a whole column, would distort."""

from collections.abc import Mapping

import ibis.expr.types as ir

from targeting.base.errors import DataError
from targeting.tables.origins import Origin

# A line so much larger than the middle one is no sale. The largest in a public wholesaler's file is 20,000 times as large.
TIMES_THE_MEDIAN = 1_000_000
NEARLY_ALL = 0.9


def plausibility(tables: Mapping[str, ir.Table], origins: Mapping[str, Origin]) -> dict[str, int]:
    """Check amounts, discounts and redemptions against all others of their table.

    Counted, because real data have them: lines whose coupons exceed their sales, and redemptions of a campaign by households
    that it was not mailed to. Raises DataError where nearly all are so, and for lines far from all others in amount.
    """
    lines, redemptions = tables["transactions"], tables["redemptions"]
    _require_no_giant(lines, origins["transactions"])
    return {
        "n_coupons_above_sales": _coupons_above_sales(lines, origins["transactions"]),
        "n_redemptions_not_mailed": _not_mailed(redemptions, tables["campaign_targets"], origins),
    }


def _require_no_giant(lines: ir.Table, origin: Origin) -> None:
    paid = lines.filter(lines.sales > 0)
    middle, largest = paid.aggregate(middle=paid.sales.cast("float64").median(), largest=paid.sales.max()).execute().iloc[0]
    if middle and float(largest) > TIMES_THE_MEDIAN * middle:
        count = int(paid.filter(paid.sales > TIMES_THE_MEDIAN * middle).count().execute())
        raise DataError(
            f"{origin.place('sales')}: {count:,} of the lines exceed a million times the middle line of "
            f"{middle:.2f}, for example {largest:.2f}. Correct the amount."
        )


def _coupons_above_sales(lines: ir.Table, origin: Origin) -> int:
    used = lines.filter(lines.coupon_discount > 0)
    counts = used.aggregate(n=used.count(), above=(used.coupon_discount > used.sales).sum()).execute().iloc[0].fillna(0)
    total, above = int(counts["n"]), int(counts["above"])
    if above > NEARLY_ALL * total:
        raise DataError(
            f"{origin.place('coupon_discount')}: in {above:,} of {total:,} lines with a coupon it takes off more than "
            f"{origin.columns['sales'].name} holds, so that the household paid less than nothing. Sales are what the "
            "retailer receives, coupons included; see whether columns are mixed up, or sales are net of them."
        )
    return above


def _not_mailed(redemptions: ir.Table, targets: ir.Table, origins: Mapping[str, Origin]) -> int:
    total = int(redemptions.count().execute())
    strange = redemptions.anti_join(targets, ["campaign_id", "household_id"])
    count = int(strange.count().execute())
    if count > NEARLY_ALL * total:
        origin = origins["redemptions"]
        example = strange.order_by(strange.columns).limit(1).to_pyarrow().to_pylist()[0]
        shown = ", ".join(
            f"{origin.columns[key].name}={origin.shown(key, example[key])}" for key in ("household_id", "campaign_id")
        )
        raise DataError(
            f"{origin.place('household_id')}: {count:,} of {total:,} redemptions are by households that "
            f"the campaign was not mailed to by {origins['campaign_targets'].file}, for example {shown}. See that both files "
            "write households and campaigns alike, and that all targets are there."
        )
    return count
