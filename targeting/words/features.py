"""The features in words: what each is called, in which unit it is shown, which theme it belongs to; and other covariates."""

import re
from dataclasses import dataclass

from targeting.base.columns import PREFIX


@dataclass(frozen=True)
class Theme:
    """What a group of features speaks of; as a noun and before another noun; of a customer's worth (value) or wants (need)."""

    noun: str
    modifier: str
    kind: str


@dataclass(frozen=True)
class Wording:
    """How a feature reads in a sentence: its words, the format of its values or MONEY, its theme."""

    words: str
    form: str
    theme: str


THEMES = {
    "loyalty": Theme("Regular", "Loyal", "value"),
    "spend": Theme("Spender", "Valuable", "value"),
    "variety": Theme("Explorer", "Wide-Range", "value"),
    "basket": Theme("Big Basket", "Big-Basket", "value"),
    "absence": Theme("Lapsed Shopper", "Lapsed", "value"),
    "deals": Theme("Deal Seeker", "Deal-Seeking", "need"),
    "own_label": Theme("Own-Label Buyer", "Own-Label", "need"),
    "grocery": Theme("Grocery Shopper", "Grocery", "need"),
    "fresh": Theme("Fresh Shopper", "Fresh", "need"),
    "bakery": Theme("Bakery Shopper", "Bakery", "need"),
    "health_beauty": Theme("Health & Beauty Shopper", "Health & Beauty", "need"),
    "alcohol": Theme("Spirits Buyer", "Spirits", "need"),
    "other": Theme("General Shopper", "General", "need"),
}

MONEY, PERCENT, COUNT, ONE_DECIMAL = "an amount of money", "{:.0%}", "{:,.0f}", "{:,.1f}"

WORDINGS = {
    "recency": Wording("days since the last purchase", COUNT, "absence"),
    "recency_weeks": Wording("weeks since the last purchase", ONE_DECIMAL, "absence"),
    "active_last_4w": Wording("active in the last 4 weeks", PERCENT, "loyalty"),
    "active_last_12w": Wording("active in the last 12 weeks", PERCENT, "loyalty"),
    "days_between_purchases_avg": Wording("days between purchases", COUNT, "absence"),
    "days_between_purchases_std": Wording("spread of days between purchases", COUNT, "absence"),
    "frequency": Wording("visits", COUNT, "loyalty"),
    "frequency_per_week": Wording("visits per week", ONE_DECIMAL, "loyalty"),
    "frequency_per_month": Wording("visits per month", ONE_DECIMAL, "loyalty"),
    "transaction_count": Wording("lines bought", COUNT, "spend"),
    "weeks_with_purchase": Wording("weeks with a purchase", COUNT, "loyalty"),
    "purchase_regularity": Wording("share of weeks shopped", PERCENT, "loyalty"),
    "week_coverage": Wording("share of all weeks shopped", PERCENT, "loyalty"),
    "monetary_sales": Wording("revenue", MONEY, "spend"),
    "monetary_actual": Wording("revenue after coupons", MONEY, "spend"),
    "monetary_avg_basket_sales": Wording("basket value", MONEY, "basket"),
    "monetary_avg_basket_actual": Wording("basket value after coupons", MONEY, "basket"),
    "monetary_std": Wording("spread of basket values", MONEY, "basket"),
    "monetary_per_week": Wording("revenue a week", MONEY, "spend"),
    "coupon_savings_ratio": Wording("coupon savings", "{:.1%}", "deals"),
    "discount_rate": Wording("discount rate", PERCENT, "deals"),
    "discount_usage_pct": Wording("lines on discount", PERCENT, "deals"),
    "private_label_ratio": Wording("private label", PERCENT, "own_label"),
    "n_departments": Wording("departments", ONE_DECIMAL, "variety"),
    "n_products": Wording("different products", COUNT, "variety"),
    "avg_items_per_basket": Wording("items per basket", COUNT, "basket"),
    "avg_products_per_basket": Wording("products a basket", COUNT, "basket"),
    "share_grocery": Wording("grocery share", PERCENT, "grocery"),
    "share_fresh": Wording("fresh share", PERCENT, "fresh"),
    "share_bakery": Wording("bakery share", PERCENT, "bakery"),
    "share_health_beauty": Wording("health and beauty share", PERCENT, "health_beauty"),
    "share_alcohol": Wording("spirits share", PERCENT, "alcohol"),
    "share_other": Wording("share of everything else", PERCENT, "other"),
}

# What a household's covariates say beside its features: targeting/tables/covariates.py.
OTHER_COVARIATES = {
    "campaigns_a": "earlier campaigns of type A",
    "campaigns_b": "earlier campaigns of type B",
    "campaigns_c": "earlier campaigns of type C",
    "campaigns_running": "campaigns still running",
    "redemptions": "coupons redeemed",
    "display_share": "share of lines on display",
    "mailer_share": "share of lines in the mailer",
    "demographics_known": "demographics known",
    "age_from": "age",
    "income_from": "income",
}


def covariate_words(column: str) -> str:
    """A covariate's column in words: x_monetary_sales is revenue, visits_28d visits in the last 28 days."""
    name = column.removeprefix(PREFIX)
    if name in WORDINGS:
        return WORDINGS[name].words
    recent = re.fullmatch(r"(spend|visits)_(\d+)d", name)
    if recent:
        return f"{recent[1]} in the last {recent[2]} days"
    return OTHER_COVARIATES.get(name, name.replace("_", " ").strip())
