"""Household features from till lines, as of any day: the 33 of the reference study, by its names, in one definition.

`household_features` sees only days before `as_of`. For the whole window, `as_of` is the day after the last line.
"""

from collections.abc import Sequence
from datetime import date
from typing import get_args

import ibis
import ibis.expr.types as ir

from targeting.base.sections import FeatureName
from targeting.tables.history import AMOUNTS, CATEGORIES, COUNTS, before

DAYS_PER_MONTH = 365.25 / 12
FEATURES = get_args(FeatureName)
NEW = ("n_baskets", "n_products", "n_departments", "n_weeks", "n_basket_products")  # by day, when they were first seen


def household_features(days: ir.Table, as_of: Sequence[date]) -> ir.Table:
    """One row per day of `as_of` and household with a purchase before it: as_of, household_id and the 33 FEATURES, unordered.

    `days` is what `history.household_days` gives.
    monetary_* but for monetary_std are net of returns, and negative where more came back than was bought in these days.
    Everything else is of purchases alone: visits, baskets, items, variety, gaps, shares and ratios.
    Money in USD, gaps and recency in days. "Weeks" are the retailer's own. Where a household gives no information the
    value is defined: one purchase day, and the average gap is the days since that purchase (at least one), its deviation 0;
    one basket, and monetary_std is 0; no sales, and every share and ratio of sales is 0. Deviations are sample deviations.
    Sources: the reference study's definitions for recency, purchase_regularity, discount_usage_pct, discount_rate,
    coupon_savings_ratio, private_label_ratio, share_*; monetary_actual is what the household paid, sales less coupons;
    the *_per_week and *_per_month features divide by the time since the household's first purchase.
    """
    earlier = before(days, as_of, "as_of")
    calendar = earlier.group_by("as_of").agg(first_week=earlier.first_week.min(), last_week=earlier.last_week.max())
    totals = _totals(earlier).inner_join(calendar, "as_of")
    totals = totals.filter(totals.n_lines > 0)
    return totals.select("as_of", "household_id", **_definitions(totals))


def _totals(days: ir.Table) -> ir.Table:
    bought = days.n_lines > 0
    amounts = {name: days[name] for name in ("sales", "returned", "coupon_discount", *AMOUNTS, "basket_squares")}
    amounts["discounts"] = days.loyalty_discount + days.coupon_discount + days.coupon_match_discount
    return days.group_by("as_of", "household_id").agg(
        **{name: days[name].sum().cast("int64") for name in (*COUNTS, *NEW)},
        # As float64 only at the end: the same bits whatever the order of the rows.
        **{name: sums.sum().cast("float64") for name, sums in amounts.items()},
        n_gaps=days.gap.count(),
        gap_sum=days.gap.sum().cast("float64"),
        gap_squares=(days.gap * days.gap).sum().cast("float64"),
        week_min=days.week_min.min(),
        week_max=days.week_max.max(),
        day_min=days.day.min(where=bought),
        day_max=days.day.max(where=bought),
    )


def _definitions(t: ir.Table) -> dict[str, ir.Value]:
    tenure_days = t.as_of.delta(t.day_min, unit="day")
    recency = t.as_of.delta(t.day_max, unit="day") - 1  # the last day is the one before
    tenure_weeks = t.last_week - t.week_min + 1
    net = t.sales - t.returned
    actual = net - t.coupon_discount
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
        "monetary_std": _sample_deviation(t.n_baskets, t.sales, t.basket_squares),
        "monetary_per_week": net / tenure_weeks,
        "coupon_savings_ratio": _ratio(t.coupon_discount, t.sales),
        "discount_rate": _ratio(t.discounts, t.sales + t.discounts),
        "discount_usage_pct": t.n_loyalty_lines / t.n_lines,
        "private_label_ratio": t.n_private_lines / t.n_lines,
        "n_departments": t.n_departments,
        "n_products": t.n_products,
        "avg_items_per_basket": t["items"] / t.n_baskets,
        "avg_products_per_basket": t.n_basket_products / t.n_baskets,
        **{f"share_{category}": _ratio(t[f"sales_{category}"], t.sales) for category in CATEGORIES},
    }
    return {name: values[name].cast("float64").name(name) for name in FEATURES}


def _ratio(numerator: ir.NumericValue, denominator: ir.NumericValue) -> ir.NumericValue:
    return (numerator / denominator.nullif(0)).fill_null(0.0)


def _sample_deviation(n: ir.NumericValue, total: ir.NumericValue, squares: ir.NumericValue) -> ir.NumericValue:
    """Sample standard deviation from sums; 0 where fewer than two values exist."""
    variance = (squares - total * total / n) / (n - 1).nullif(0)
    return ibis.greatest(variance, 0.0).sqrt().fill_null(0.0)
