"""Household features from till lines, as of any day: the 33 of the reference study, by its names, in one definition.

`household_features` sees only lines before `as_of`. For the whole window, `as_of` is the day after the last line.
"""

from datetime import date
from typing import get_args

import ibis
import ibis.expr.types as ir

from targeting.base.sections import FeatureName
from targeting.tables.returns import purchases, returns

# Share of a household's sales by macro category; what no list names is "other".
MACRO_CATEGORIES = {
    "grocery": ("GROCERY", "FROZEN GROCERY", "GRO BAKERY"),
    "fresh": (
        "PRODUCE",
        "MEAT",
        "MEAT-PCKGD",
        "MEAT-WHSE",
        "PORK",
        "SEAFOOD",
        "SEAFOOD-PCKGD",
        "DELI",
        "DELI/SNACK BAR",
        "DAIRY DELI",
        "CHEF SHOPPE",
        "SALAD BAR",
    ),
    "bakery": ("PASTRY",),
    "health_beauty": ("DRUG GM", "NUTRITION", "COSMETICS", "RX", "PHARMACY SUPPLY", "HBC"),
    "alcohol": ("SPIRITS",),
}
FUEL_DEPARTMENTS = ("FUEL", "KIOSK-GAS")
DAYS_PER_MONTH = 365.25 / 12
FEATURES = get_args(FeatureName)


def product_traits(products: ir.Table) -> ir.Table:
    """What the features need of a product: product_id, department, macro, private_label, fuel."""
    department = products.department
    macro = department.cases(*((name, category) for category, names in MACRO_CATEGORIES.items() for name in names), else_="other")
    # Gasoline is also sold under MISCELLANEOUS; its quantity is in thousandths of a gallon.
    fuel = department.isin(FUEL_DEPARTMENTS) | products.subcategory.startswith("GASOLINE")
    return products.select(
        "product_id",
        "department",
        macro=macro.fill_null("other"),
        private_label=(products.brand == "Private").fill_null(False),
        fuel=fuel.fill_null(False),
    )


def household_features(transactions: ir.Table, products: ir.Table, as_of: date) -> ir.Table:
    """One row per household with a purchase before `as_of`: household_id and the 33 FEATURES, unordered.

    monetary_* but for monetary_std are net of returns, and negative where more came back than was bought in these days.
    Everything else is of purchases alone: visits, baskets, items, variety, gaps, shares and ratios.
    Money in USD, gaps and recency in days. "Weeks" are the retailer's own. Where a household gives no information the
    value is defined: one purchase day, and the average gap is the days since that purchase (at least one), its deviation 0;
    one basket, and monetary_std is 0; no sales, and every share and ratio of sales is 0. Deviations are sample deviations.
    Sources: the reference study's definitions for recency, purchase_regularity, discount_usage_pct, discount_rate,
    coupon_savings_ratio, private_label_ratio, share_*; monetary_actual is what the household paid, sales less coupons;
    the *_per_week and *_per_month features divide by the time since the household's first purchase.
    """
    lines = transactions.filter(transactions.day < as_of)
    lines = lines.left_join(product_traits(products), "product_id").drop("product_id_right")
    calendar = lines.aggregate(
        first_week=lines.week.min(), last_week=lines.week.max(), last_day=ibis.literal(as_of) - ibis.interval(days=1)
    )
    bought = purchases(lines)
    totals = (
        _line_totals(bought)
        .left_join(_basket_totals(bought), "household_id")
        .drop("household_id_right")
        .left_join(_gap_totals(bought), "household_id")
        .drop("household_id_right")
        .left_join(_return_totals(lines), "household_id")
        .drop("household_id_right")
        .cross_join(calendar)
    )
    return totals.select("household_id", **_definitions(totals))


def _line_totals(lines: ir.Table) -> ir.Table:
    shares = {
        f"sales_{category}": _exact_sum(ibis.ifelse(lines.macro.fill_null("other") == category, lines.sales, 0))
        for category in (*MACRO_CATEGORIES, "other")
    }
    return lines.group_by("household_id").agg(
        n_lines=lines.count(),
        n_loyalty_lines=(lines.loyalty_discount > 0).sum(),
        n_private_lines=lines.private_label.fill_null(False).sum(),
        n_products=lines.product_id.nunique(),
        n_departments=lines.department.nunique(),
        items=_exact_sum(ibis.ifelse(lines.fuel.fill_null(False), 0, _items(lines.quantity))),
        sales=_exact_sum(lines.sales),
        coupons=_exact_sum(lines.coupon_discount),
        discounts=_exact_sum(lines.loyalty_discount + lines.coupon_discount + lines.coupon_match_discount),
        n_weeks=lines.week.nunique(),
        week_min=lines.week.min(),
        day_min=lines.day.min(),
        day_max=lines.day.max(),
        week_max=lines.week.max(),
        **shares,
    )


def _items(quantity: ir.NumericColumn) -> ir.NumericValue:
    """The items of a line: its quantity. Of weighed goods, whose quantity has a fraction, one; minus one where they come back."""
    return ibis.ifelse(quantity == quantity.floor(), quantity, quantity.sign())


def _basket_totals(lines: ir.Table) -> ir.Table:
    # Of a sum's widest decimal an engine may cut places off the square; of this one every place is kept.
    sales = lines.sales.sum().cast("decimal(18, 4)")
    baskets = lines.group_by("household_id", "basket_id").agg(sales=sales, n_products=lines.product_id.nunique())
    return baskets.group_by("household_id").agg(
        n_baskets=baskets.count(),
        basket_products=baskets.n_products.sum(),
        basket_sales=_exact_sum(baskets.sales),
        basket_squares=_exact_sum(baskets.sales * baskets.sales),
    )


def _gap_totals(lines: ir.Table) -> ir.Table:
    """Days between a household's successive purchase days: their number, sum and sum of squares."""
    days = lines.select("household_id", "day").distinct()
    gaps = days.mutate(gap=days.day.delta(days.day.lag().over(group_by="household_id", order_by="day"), unit="day"))
    gaps = gaps.filter(gaps.gap.notnull())
    return gaps.group_by("household_id").agg(
        n_gaps=gaps.count(), gap_sum=gaps.gap.sum().cast("float64"), gap_squares=(gaps.gap * gaps.gap).sum().cast("float64")
    )


def _return_totals(lines: ir.Table) -> ir.Table:
    """What a household brought back, in USD above zero."""
    returned = returns(lines)
    return returned.group_by("household_id").agg(returned=_exact_sum(-returned.sales))


def _definitions(t: ir.Table) -> dict[str, ir.Value]:
    recency = t.last_day.cast("date").delta(t.day_max, unit="day")
    tenure_days = t.last_day.cast("date").delta(t.day_min, unit="day") + 1
    tenure_weeks = t.last_week - t.week_min + 1
    net = t.sales - t.returned.fill_null(0.0)
    actual = net - t.coupons
    single_gap = ibis.greatest(tenure_days - 1, 1).cast("float64")
    values = {
        "recency": recency,
        "recency_weeks": recency / 7,
        "active_last_4w": t.week_max > t.last_week - 4,
        "active_last_12w": t.week_max > t.last_week - 12,
        "days_between_purchases_avg": (t.gap_sum / t.n_gaps).fill_null(single_gap),
        "days_between_purchases_std": _sample_deviation(t.n_gaps, t.gap_sum, t.gap_squares),
        "frequency": t.n_baskets,
        "frequency_per_week": t.n_baskets / tenure_weeks,
        # As a float first: Spark takes the quotient of a whole number and a decimal literal to few places.
        "frequency_per_month": t.n_baskets / (tenure_days.cast("float64") / DAYS_PER_MONTH),
        "transaction_count": t.n_lines,
        "weeks_with_purchase": t.n_weeks,
        "purchase_regularity": t.n_weeks / tenure_weeks,
        "week_coverage": t.n_weeks / (t.last_week - t.first_week + 1),
        "monetary_sales": net,
        "monetary_actual": actual,
        "monetary_avg_basket_sales": net / t.n_baskets,
        "monetary_avg_basket_actual": actual / t.n_baskets,
        "monetary_std": _sample_deviation(t.n_baskets, t.basket_sales, t.basket_squares),
        "monetary_per_week": net / tenure_weeks,
        "coupon_savings_ratio": _ratio(t.coupons, t.sales),
        "discount_rate": _ratio(t.discounts, t.sales + t.discounts),
        "discount_usage_pct": t.n_loyalty_lines / t.n_lines,
        "private_label_ratio": t.n_private_lines / t.n_lines,
        "n_departments": t.n_departments,
        "n_products": t.n_products,
        "avg_items_per_basket": t["items"] / t.n_baskets,
        "avg_products_per_basket": t.basket_products / t.n_baskets,
        **{f"share_{category}": _ratio(t[f"sales_{category}"], t.sales) for category in (*MACRO_CATEGORIES, "other")},
    }
    return {name: values[name].cast("float64").name(name) for name in FEATURES}


def _exact_sum(column: ir.NumericValue) -> ir.FloatingValue:
    """The decimal sum, as float64 only at the end: the same bits whatever the order of the rows."""
    return column.sum().cast("float64")


def _ratio(numerator: ir.NumericValue, denominator: ir.NumericValue) -> ir.NumericValue:
    return (numerator / denominator.nullif(0)).fill_null(0.0)


def _sample_deviation(n: ir.NumericValue, total: ir.NumericValue, squares: ir.NumericValue) -> ir.NumericValue:
    """Sample standard deviation from sums; 0 where fewer than two values exist."""
    variance = (squares - total * total / n) / (n - 1).nullif(0)
    return ibis.greatest(variance, 0.0).sqrt().fill_null(0.0)
