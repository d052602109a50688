"""What the lines of the tills add up to: for metrics, and to show what was left out."""

import ibis.expr.types as ir

from targeting.tables.returns import purchases, returns

# A household is taken for a card that the tills lend to anybody where it holds so large a share of all that was bought, and so
# many times what a household holds on average.
GUEST_SHARE, GUEST_TIMES = 0.01, 50
# In the order in which the metrics name them.
TOTALS = (
    "n_transactions",
    "n_households",
    "n_baskets",
    "n_days",
    "n_returns",
    "n_dropped",
    "sales",
    "returned_sales",
    "dropped_sales",
    "dropped_discounts",
)


def till_totals(lines: ir.Table, source_lines: ir.Table) -> dict[str, float | int]:
    """Counts, and amounts in USD, of the canonical `lines`, and of what the source's lines had beside them.

    n_transactions, n_households and n_baskets are of purchases; sales are net of returned_sales. n_dropped lines of quantity zero
    had dropped_sales and dropped_discounts.
    """
    bought, returned = purchases(lines), returns(lines)
    dropped = source_lines.filter((source_lines.quantity == 0) & (source_lines.sales >= 0))
    discounts = dropped.loyalty_discount + dropped.coupon_discount + dropped.coupon_match_discount
    days = lines.day.max().delta(lines.day.min(), unit="day") + 1
    # One query of each table: of a small one it takes longer to write the query than to run it.
    counted = (
        bought.aggregate(
            n_transactions=bought.count(), n_households=bought.household_id.nunique(), n_baskets=bought.basket_id.nunique()
        ),
        lines.aggregate(n_days=days, sales=_usd(lines.sales)),
        returned.aggregate(n_returns=returned.count(), returned_sales=_usd(-returned.sales)),
        dropped.aggregate(n_dropped=dropped.count(), dropped_sales=_usd(dropped.sales), dropped_discounts=_usd(discounts)),
    )
    found = {name: value for table in counted for name, value in table.to_pyarrow().to_pylist()[0].items()}
    return {name: found[name] for name in TOTALS}


def without_household(lines: ir.Table) -> dict[str, float | int]:
    """Of lines that name no household, and are left out: n_without_household, and their sales net of returns."""
    found = lines.aggregate(n=lines.count(), sales=lines.sales.sum().cast("float64")).to_pyarrow().to_pylist()[0]
    return {"n_without_household": found["n"], "sales_without_household": found["sales"] or 0.0}


def guest_cards(lines: ir.Table) -> dict[str, float]:
    """Households that hold so much of all purchases that they may be many people's: share of sales by household_id."""
    bought = purchases(lines)
    by_household = bought.group_by("household_id").agg(sales=bought.sales.sum())
    total, households = bought.sales.sum().execute(), by_household.count().execute()
    shares = by_household.select("household_id", share=by_household.sales.cast("float64") / float(total or 1))
    large = shares.filter(shares.share >= max(GUEST_SHARE, GUEST_TIMES / households)).order_by("household_id").execute()
    return {str(row.household_id): float(row.share) for row in large.itertuples()}


def _usd(amounts: ir.DecimalColumn) -> ir.FloatingScalar:
    return amounts.sum().fill_null(0).cast("float64")
