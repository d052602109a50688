"""Name segments by written rules from what is high and low in them, say why, and say what to do with each.

A segment's profile is the mean of its households' features in standard deviations from the mean of all. Every archetype
weighs a few features; names are given so that the sum of all segments' fits is largest, each name once. A segment that no
archetype fits is named by its strongest trait. A name holds only where each feature that gives it differs between households,
and is above the mean of all in the segment; no action names goods that the shop does not sell.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from targeting.words.features import WORDINGS
from targeting.words.money import shown

# A fit below this many standard deviations is no reason for a name.
SMALLEST_FIT = 0.35
TOLD = 3  # numbers that a segment's reason tells
FAINT = 0.25  # standard deviations from the mean of all below which a feature explains no name


@dataclass(frozen=True)
class Archetype:
    """A kind of segment: which features make it, those above the mean that its name claims, and what to do with it."""

    name: str
    weights: Mapping[str, float]
    claims: tuple[str, ...]
    priority: str
    strategy: str
    actions: str


# The first seven are the published study's vocabulary; the others serve what it has no word for.
ARCHETYPES = (
    Archetype(
        "VIP Heavy",
        {"monetary_sales": 2, "frequency": 1, "purchase_regularity": 1},
        ("monetary_sales",),
        "High",
        "Retention",
        "premium benefits; churn prediction; exclusive access",
    ),
    Archetype(
        "Active Loyalists",
        {"purchase_regularity": 2, "frequency": 1, "recency": -1},
        ("purchase_regularity",),
        "High",
        "Strengthen",
        "private-label promotions; loyalty points; basket expansion",
    ),
    Archetype(
        "Regular + H&B",
        {"purchase_regularity": 1, "share_health_beauty": 2},
        ("purchase_regularity", "share_health_beauty"),
        "Medium",
        "Upgrade",
        "VIP conversion; cross-category incentives",
    ),
    Archetype(
        "Bulk Shoppers",
        {"monetary_avg_basket_sales": 2, "avg_items_per_basket": 1, "frequency": -1},
        ("monetary_avg_basket_sales",),
        "Medium",
        "Regularize",
        "subscription; scheduled delivery; bundles",
    ),
    Archetype(
        "Fresh Lovers",
        {"share_fresh": 2, "share_grocery": -1},
        ("share_fresh",),
        "Medium",
        "Engage",
        "fresh-food content; daily specials; recipes",
    ),
    Archetype(
        "Light Grocery",
        {"share_grocery": 2, "monetary_sales": -1, "purchase_regularity": -1},
        ("share_grocery",),
        "Low",
        "Activate",
        "habit-forming campaigns; gradual rewards",
    ),
    Archetype(
        "Lapsed H&B",
        {"recency": 2, "share_health_beauty": 2, "purchase_regularity": -1},
        ("recency", "share_health_beauty"),
        "Low",
        "Win-back",
        "re-engagement campaigns; health-and-beauty offers",
    ),
    Archetype(
        "Lapsed Shoppers",
        {"recency": 3, "days_between_purchases_avg": 1},
        ("recency",),
        "Low",
        "Win-back",
        "reminder of what they bought; one generous return offer",
    ),
    Archetype(
        "Deal Seekers",
        {"discount_usage_pct": 2, "coupon_savings_ratio": 2},
        ("discount_usage_pct",),
        "Medium",
        "Steer",
        "personal coupons in place of general discounts; multi-buys",
    ),
    Archetype(
        "Private Label Fans",
        {"private_label_ratio": 3},
        ("private_label_ratio",),
        "Medium",
        "Deepen",
        "new own-brand lines; own-brand bundles",
    ),
    Archetype(
        "Quick Trippers",
        {"frequency_per_week": 2, "avg_items_per_basket": -2, "monetary_avg_basket_sales": -1},
        ("frequency_per_week",),
        "Medium",
        "Expand",
        "meal deals; add-on offers at the till",
    ),
    Archetype(
        "H&B Pickers",
        {"share_health_beauty": 2, "n_departments": -1, "share_grocery": -1},
        ("share_health_beauty",),
        "Low",
        "Broaden",
        "offers across categories; a first basket of groceries",
    ),
    Archetype(
        "Stock-Up Shoppers",
        {"monetary_avg_basket_sales": 2, "monetary_std": 1, "n_departments": 1, "recency": -1},
        ("monetary_avg_basket_sales",),
        "Medium",
        "Regularize",
        "a reason for a second trip; fresh top-ups; bundles",
    ),
    Archetype(
        "Steady Middle",
        {"purchase_regularity": 1, "recency": -1, "monetary_std": -1, "avg_items_per_basket": -1},
        ("purchase_regularity",),
        "Medium",
        "Upgrade",
        "larger baskets; cross-category incentives",
    ),
    Archetype(
        "Occasional Visitors",
        {"purchase_regularity": -2, "n_products": -1, "share_grocery": -1},
        (),
        "Low",
        "Activate",
        "second-visit offers; range discovery",
    ),
)


# Goods that an action names, and the feature that is zero everywhere in a shop without them.
GOODS = {
    "private-label promotions": "private_label_ratio",
    "new own-brand lines": "private_label_ratio",
    "own-brand bundles": "private_label_ratio",
    "fresh-food content": "share_fresh",
    "recipes": "share_fresh",
    "fresh top-ups": "share_fresh",
    "health-and-beauty offers": "share_health_beauty",
    "a first basket of groceries": "share_grocery",
    "meal deals": "share_grocery",
}


# What to do where no archetype fits, by the mean revenue in standard deviations: from how much on, then what.
BY_VALUE = (
    (0.5, "High", "Retention", "thank them; watch for churn"),
    (-0.25, "Medium", "Upgrade", "larger baskets; cross-category incentives"),
    (-np.inf, "Low", "Activate", "a reason for the next visit"),
)


def name_segments(profiles: pd.DataFrame) -> list[Archetype]:
    """An archetype for each row of `profiles` (segments by features, in standard deviations), no two with the same name."""
    fit = np.array([[_fit(profile, archetype) for archetype in ARCHETYPES] for _, profile in profiles.iterrows()])
    # What does not fit is worth nothing, so that it takes no name from a segment which it fits.
    rows, columns = linear_sum_assignment(np.where(fit >= SMALLEST_FIT, fit, 0.0), maximize=True)
    fitting = {row: ARCHETYPES[column] for row, column in zip(rows, columns, strict=True) if fit[row, column] >= SMALLEST_FIT}
    named: list[Archetype] = []
    taken = {archetype.name for archetype in fitting.values()}
    for row in range(len(profiles)):
        archetype = fitting.get(row) or _by_strongest_trait(profiles.iloc[row], taken)
        taken.add(archetype.name)
        named.append(archetype)
    return named


def _fit(profile: pd.Series, archetype: Archetype) -> float:
    """How well an archetype fits a profile; nothing where its name would not hold."""
    if any(profile[feature] <= 0 for feature in archetype.claims):
        return 0.0
    weights = pd.Series(dict(archetype.weights))
    return float((profile[weights.index] * weights).sum() / np.linalg.norm(weights))


def _by_strongest_trait(profile: pd.Series, taken: set[str]) -> Archetype:
    """A name that is not taken, from the feature furthest from the mean of all households; advice by revenue."""
    strongest = profile.abs().sort_values(ascending=False, kind="stable").index
    traits = [f"{'High' if profile[feature] > 0 else 'Low'} {WORDINGS[feature].words}" for feature in strongest]
    names = [*traits, *(f"{trait} {number}" for number in range(2, len(taken) + 3) for trait in traits)]
    name = next(name for name in names if name not in taken)
    advice = next(advice for least, *advice in BY_VALUE if profile["monetary_sales"] >= least)
    return Archetype(name, {}, (), *advice)


def possible_actions(archetype: Archetype, overall: pd.Series) -> str:
    """The archetype's actions without those that need goods which no household buys; `overall` has the means of all."""
    actions = archetype.actions.split("; ")
    return "; ".join(action for action in actions if action not in GOODS or overall[GOODS[action]] > 0)


def name_reason(archetype: Archetype, profile: pd.Series, means: pd.Series, overall: pd.Series) -> str:
    """Why a segment has its name: its three most telling features in words, with its mean and that of all households.

    `profile` is in standard deviations, `means` and `overall` are in the features' units. What adds most to the archetype's fit
    comes first, then what else is furthest from the mean of all; one feature a theme.
    """
    weights = pd.Series(dict(archetype.weights), dtype=float)
    weighed = profile[weights.index] * weights
    weighed = weighed[(weighed > 0) & (profile[weights.index].abs() >= FAINT)]
    others = profile.drop(weights.index).abs()
    others = others[others > 0]
    told: list[str] = []
    for telling in (weighed, others):
        for name in telling.sort_values(ascending=False, kind="stable").index:
            theme = WORDINGS[name].theme
            if len(told) < TOLD and theme not in {WORDINGS[other].theme for other in told}:
                told.append(name)
    return "; ".join(
        f"{WORDINGS[name].words} {shown(WORDINGS[name], means[name])} (all: {shown(WORDINGS[name], overall[name])})"
        for name in told
    )


def standardised_profiles(features: pd.DataFrame, segments: NDArray[np.int64]) -> pd.DataFrame:
    """Mean features of each segment (rows, in order), in standard deviations from the mean of all households.

    A feature without spread is 0 everywhere.
    """
    spread = features.std().replace(0, np.nan)
    return ((features.groupby(segments).mean() - features.mean()) / spread).fillna(0.0)
