"""The table of segments: who they are in numbers, their name, priority, strategy and key actions."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.segments.names import name_reason, name_segments, possible_actions, standardised_profiles

# Column of the table: feature of the profile whose mean it is.
MEANS = {
    "revenue": "monetary_sales",
    "visits": "frequency",
    "recency": "recency",
    "regularity": "purchase_regularity",
    "basket": "monetary_avg_basket_sales",
    "discount_use": "discount_usage_pct",
    "private_label": "private_label_ratio",
    "coupon_savings": "coupon_savings_ratio",
    "variety": "n_products",
    "share_grocery": "share_grocery",
    "share_fresh": "share_fresh",
    "share_bakery": "share_bakery",
    "share_health_beauty": "share_health_beauty",
    "share_alcohol": "share_alcohol",
    "share_other": "share_other",
}


def segment_table(
    profile: pd.DataFrame, segments: NDArray[np.int64], shares: NDArray[np.float64], factor_names: list[str]
) -> pd.DataFrame:
    """One row per segment, numbered from 1 by falling mean revenue.

    `profile` has the 33 features, `segments` (households,) numbers from 0, `shares` (households, factors) the factor shares.
    Columns: segment, name, n, share, share_revenue, the means of MEANS (USD, visits, days, products, shares), main_factor,
    priority, strategy, actions, why. The main factor is the one whose share lies furthest above its mean over all households,
    in standard deviations.
    """
    features = profile.drop(columns="household_id")
    profiles, groups = standardised_profiles(features, segments), features.groupby(segments)
    archetypes, means, overall = name_segments(profiles), groups.mean(), features.mean()
    factors = standardised_profiles(pd.DataFrame(shares), segments)
    size = groups.size()
    table = pd.DataFrame({"segment": size.index + 1, "name": [archetype.name for archetype in archetypes], "n": size})
    table["share"] = size / len(profile)
    table["share_revenue"] = groups["monetary_sales"].sum() / features["monetary_sales"].sum()
    for column, feature in MEANS.items():
        table[column] = means[feature]
    table["main_factor"] = [factor_names[column] for column in factors.to_numpy().argmax(axis=1)]
    for column in ("priority", "strategy"):
        table[column] = [getattr(archetype, column) for archetype in archetypes]
    table["actions"] = [possible_actions(archetype, overall) for archetype in archetypes]
    table["why"] = [
        name_reason(archetype, profiles.loc[number], means.loc[number], overall)
        for number, archetype in zip(size.index, archetypes, strict=True)
    ]
    return table.reset_index(drop=True)


def profile_table(features: pd.DataFrame, segments: NDArray[np.int64], names: list[str]) -> pd.DataFrame:
    """One row per segment and feature: segment, name, feature, mean (in its unit), z (in standard deviations from all)."""
    means = features.groupby(segments).mean()
    table = means.rename_axis("segment").reset_index().melt("segment", var_name="feature", value_name="mean")
    z = standardised_profiles(features, segments).rename_axis("segment").reset_index().melt("segment", var_name="feature")
    table = table.assign(z=z["value"]).sort_values("segment", kind="stable", ignore_index=True)
    return _named(table, names)


def factor_table_by_segment(
    shares: NDArray[np.float64], segments: NDArray[np.int64], names: list[str], factors: list[str]
) -> pd.DataFrame:
    """One row per segment and factor: segment, name, factor, share (its mean share in the households' profiles)."""
    means = pd.DataFrame(shares, columns=factors).groupby(segments).mean().rename_axis("segment").reset_index()
    table = means.melt("segment", var_name="factor", value_name="share").sort_values("segment", kind="stable", ignore_index=True)
    return _named(table, names)


def _named(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """With the segments' names beside their numbers, which count from 1."""
    table.insert(1, "name", [names[number] for number in table["segment"]])
    return table.assign(segment=table["segment"] + 1)
