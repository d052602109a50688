"""What the lines of the tills add up to: for metrics, and to show what was left out."""

import ibis.expr.types as ir

from targeting.tables.returns import purchases, returns

# A household is taken for a card that the tills lend to anybody where it holds so large a share of all that was bought, and so
# many times what a household holds on average.
GUEST_SHARE, GUEST_TIMES = 0.01, 50


def till_totals(lines: ir.Table, source_lines: ir.Table) -> dict[str, float | int]:
    """Counts, and amounts in USD, of the canonical `lines`, and of what the source's lines had beside them.

    n_transactions, n_households and n_baskets are of purchases; sales are net of returned_sales. n_dropped lines of quantity zero
    had dropped_sales and dropped_discounts.
    """
    bought, returned = purchases(lines), returns(lines)
    counts = {
        "n_transactions": bought.count(),
        "n_households": bought.household_id.nunique(),
        "n_baskets": bought.basket_id.nunique(),
        "n_days": lines.day.max().delta(lines.day.min(), unit="day") + 1,
        "n_returns": returned.count(),
    }
    found = {name: int(count.execute()) for name, count in counts.items()}
    dropped = source_lines.filter((source_lines.quantity == 0) & (source_lines.sales >= 0))
    discounts = dropped.loyalty_discount + dropped.coupon_discount + dropped.coupon_match_discount
    amounts = {
        "sales": lines.sales.sum(),
        "returned_sales": -returned.sales.sum(),
        "dropped_sales": dropped.sales.sum(),
        "dropped_discounts": discounts.sum(),
    }
    return found | {"n_dropped": int(dropped.count().execute())} | {name: _usd(amount) for name, amount in amounts.items()}


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


def _usd(amount: ir.DecimalScalar) -> float:
    return float(amount.fill_null(0).cast("float64").execute())
