"""Name factors and segments by written rules from what is high and low in them, and say what to do with each.

A segment's profile is the mean of its households' features in standard deviations from the mean of all. Every archetype
weighs a few features; names are given so that the sum of all segments' fits is largest, each name once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from targeting.errors import DataError

Matrix = NDArray[np.float64]

FEATURE_WORDS = {
    "recency": "days since the last purchase",
    "days_between_purchases_avg": "days between purchases",
    "frequency": "visits",
    "frequency_per_week": "visits a week",
    "purchase_regularity": "regularity",
    "monetary_sales": "revenue",
    "monetary_avg_basket_sales": "basket value",
    "monetary_std": "basket spread",
    "coupon_savings_ratio": "coupon savings",
    "discount_usage_pct": "discount use",
    "private_label_ratio": "private label",
    "n_departments": "departments",
    "n_products": "variety",
    "avg_items_per_basket": "items a basket",
    "share_grocery": "grocery share",
    "share_fresh": "fresh share",
    "share_bakery": "bakery share",
    "share_health_beauty": "health and beauty share",
    "share_alcohol": "alcohol share",
}


@dataclass(frozen=True)
class Archetype:
    """A kind of segment: which features make it, and what to do with it."""

    name: str
    weights: Mapping[str, float]
    priority: str
    strategy: str
    actions: str


# The first seven are the reference study's; the others serve other numbers of segments.
ARCHETYPES = (
    Archetype(
        "VIP Heavy",
        {"monetary_sales": 2, "frequency": 1, "purchase_regularity": 1},
        "High",
        "Retention",
        "premium benefits; churn prediction; exclusive access",
    ),
    Archetype(
        "Active Loyalists",
        {"purchase_regularity": 2, "frequency": 1, "recency": -1},
        "High",
        "Strengthen",
        "private-label promotions; loyalty points; basket expansion",
    ),
    Archetype(
        "Regular + H&B",
        {"purchase_regularity": 1, "share_health_beauty": 2},
        "Medium",
        "Upgrade",
        "VIP conversion; cross-category incentives",
    ),
    Archetype(
        "Bulk Shoppers",
        {"monetary_avg_basket_sales": 2, "avg_items_per_basket": 1, "frequency": -1},
        "Medium",
        "Regularize",
        "subscription; scheduled delivery; bundles",
    ),
    Archetype(
        "Fresh Lovers",
        {"share_fresh": 2, "share_grocery": -1},
        "Medium",
        "Engage",
        "fresh-food content; daily specials; recipes",
    ),
    Archetype(
        "Light Grocery",
        {"share_grocery": 2, "monetary_sales": -1, "purchase_regularity": -1},
        "Low",
        "Activate",
        "habit-forming campaigns; gradual rewards",
    ),
    Archetype(
        "Lapsed H&B",
        {"recency": 2, "share_health_beauty": 2, "purchase_regularity": -1},
        "Low",
        "Win-back",
        "re-engagement campaigns; health-and-beauty offers",
    ),
    Archetype(
        "Lapsed Shoppers",
        {"recency": 3, "days_between_purchases_avg": 1},
        "Low",
        "Win-back",
        "reminder of what they bought; one generous return offer",
    ),
    Archetype(
        "Deal Seekers",
        {"discount_usage_pct": 2, "coupon_savings_ratio": 2},
        "Medium",
        "Steer",
        "personal coupons in place of general discounts; multi-buys",
    ),
    Archetype(
        "Private Label Fans",
        {"private_label_ratio": 3},
        "Medium",
        "Deepen",
        "new own-brand lines; own-brand bundles",
    ),
    Archetype(
        "Quick Trippers",
        {"frequency_per_week": 2, "avg_items_per_basket": -2, "monetary_avg_basket_sales": -1},
        "Medium",
        "Expand",
        "meal deals; add-on offers at the till",
    ),
    Archetype(
        "Occasional Visitors",
        {"purchase_regularity": -2, "n_products": -1, "share_grocery": -1},
        "Low",
        "Activate",
        "second-visit offers; range discovery",
    ),
)


def name_segments(profiles: pd.DataFrame) -> list[Archetype]:
    """An archetype for each row of `profiles` (segments by features, in standard deviations), no two alike.

    Raises DataError for more segments than archetypes.
    """
    if len(profiles) > len(ARCHETYPES):
        raise DataError(f"{len(profiles)} segments, and names for {len(ARCHETYPES)}: lower segmentation.k.")
    fit = np.array([[_fit(profile, archetype) for archetype in ARCHETYPES] for _, profile in profiles.iterrows()])
    rows, columns = linear_sum_assignment(fit, maximize=True)
    return [ARCHETYPES[column] for _, column in sorted(zip(rows, columns, strict=True))]


def _fit(profile: pd.Series, archetype: Archetype) -> float:
    weights = pd.Series(dict(archetype.weights))
    return float((profile[weights.index] * weights).sum() / np.linalg.norm(weights))


def name_factors(loadings: Matrix, features: list[str]) -> list[str]:
    """A name for each factor, shape (factors, features) of loadings: its number and its two strongest features in words."""
    names = []
    for number, row in enumerate(loadings, start=1):
        strongest = np.argsort(-row, kind="stable")[:2]
        words = [FEATURE_WORDS.get(features[column], features[column]) for column in strongest if row[column] > 0]
        names.append(f"F{number} {' and '.join(words)}")
    return names


def standardised_profiles(features: pd.DataFrame, segments: NDArray[np.int64]) -> pd.DataFrame:
    """Mean features of each segment (rows, in order), in standard deviations from the mean of all households.

    A feature without spread is 0 everywhere.
    """
    spread = features.std().replace(0, np.nan)
    return ((features.groupby(segments).mean() - features.mean()) / spread).fillna(0.0)
