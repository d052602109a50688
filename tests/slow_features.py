"""The 33 household features once more, as a plain slow pandas computation, household by household and basket by basket."""

from itertools import pairwise

import numpy as np
import pandas as pd

from targeting.tables.history import MACRO_CATEGORIES

MACRO = {department: category for category, departments in MACRO_CATEGORIES.items() for department in departments}


def slow_features(transactions: pd.DataFrame, products: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """One row per household with a purchase before `as_of`, ordered by household: household_id and the features."""
    lines = transactions[transactions["day"] < as_of].merge(products, on="product_id", how="left")
    calendar = (lines["week"].min(), lines["week"].max(), as_of - pd.Timedelta(days=1))
    return pd.DataFrame(
        [
            {"household_id": household, **describe(own[own["quantity"] > 0], own["sales"].sum(), *calendar)}
            for household, own in lines.groupby("household_id", sort=True)
            if (own["quantity"] > 0).any()
        ]
    )


def describe(own: pd.DataFrame, net: float, first_week: int, last_week: int, last_day: pd.Timestamp) -> dict[str, float]:
    """The features of one household's purchases, and of what it paid net of returns."""
    days = sorted(own["day"].unique())
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    baskets = {basket: lines["sales"].sum() for basket, lines in own.groupby("basket_id")}
    spent = np.array(list(baskets.values()))
    recency = (last_day - days[-1]).days
    tenure_days = (last_day - days[0]).days + 1
    tenure_weeks = last_week - own["week"].min() + 1
    weeks = own["week"].nunique()
    sales = own["sales"].sum()
    paid = net - own["coupon_discount"].sum()
    discounts = own["loyalty_discount"].sum() + own["coupon_discount"].sum() + own["coupon_match_discount"].sum()
    fuel = [
        department in ("FUEL", "KIOSK-GAS") or str(subcategory).startswith("GASOLINE")
        for department, subcategory in zip(own["department"], own["subcategory"], strict=True)
    ]
    items = sum(
        quantity if quantity % 1 == 0 else 1 for quantity, is_fuel in zip(own["quantity"], fuel, strict=True) if not is_fuel
    )
    macro = [MACRO.get(department, "other") for department in own["department"]]
    shares = {
        f"share_{category}": sum(value for value, kind in zip(own["sales"], macro, strict=True) if kind == category) / sales
        if sales
        else 0.0
        for category in (*MACRO_CATEGORIES, "other")
    }
    return {
        "recency": recency,
        "recency_weeks": recency / 7,
        "active_last_4w": float(own["week"].max() > last_week - 4),
        "active_last_12w": float(own["week"].max() > last_week - 12),
        "days_between_purchases_avg": np.mean(gaps) if gaps else max(tenure_days - 1, 1),
        "days_between_purchases_std": np.std(gaps, ddof=1) if len(gaps) > 1 else 0.0,
        "frequency": len(baskets),
        "frequency_per_week": len(baskets) / tenure_weeks,
        "frequency_per_month": len(baskets) / (tenure_days / (365.25 / 12)),
        "transaction_count": len(own),
        "weeks_with_purchase": weeks,
        "purchase_regularity": weeks / tenure_weeks,
        "week_coverage": weeks / (last_week - first_week + 1),
        "monetary_sales": net,
        "monetary_actual": paid,
        "monetary_avg_basket_sales": net / len(baskets),
        "monetary_avg_basket_actual": paid / len(baskets),
        "monetary_std": spent.std(ddof=1) if len(spent) > 1 else 0.0,
        "monetary_per_week": net / tenure_weeks,
        "coupon_savings_ratio": own["coupon_discount"].sum() / sales if sales else 0.0,
        "discount_rate": discounts / (sales + discounts) if sales + discounts else 0.0,
        "discount_usage_pct": (own["loyalty_discount"] > 0).mean(),
        "private_label_ratio": (own["brand"] == "Private").mean(),
        "n_departments": own["department"].nunique(),
        "n_products": own["product_id"].nunique(),
        "avg_items_per_basket": items / len(baskets),
        "avg_products_per_basket": np.mean([lines["product_id"].nunique() for _, lines in own.groupby("basket_id")]),
        **shares,
    }
