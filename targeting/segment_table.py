"""The table of segments: who they are in numbers, their name, priority, strategy and key actions."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.segment_names import name_segments, standardised_profiles

# Column of the table: feature of the profile whose mean it is.
MEANS = {
    "revenue": "monetary_sales",
    "visits": "frequency",
    "recency": "recency",
    "regularity": "purchase_regularity",
    "basket": "monetary_avg_basket_sales",
    "discount_use": "discount_usage_pct",
    "private_label": "private_label_ratio",
    "share_fresh": "share_fresh",
    "share_health_beauty": "share_health_beauty",
}


def segment_table(
    profile: pd.DataFrame, segments: NDArray[np.int64], household_factors: NDArray[np.float64], factor_names: list[str]
) -> pd.DataFrame:
    """One row a segment, numbered from 1 by falling mean revenue.

    `profile` has the 33 features, `segments` (households,) numbers from 0. Columns: segment, name, n, share, share_revenue, the
    means of MEANS (USD, visits, days, shares), main_factor, priority, strategy, actions. The main factor is the one that lies
    furthest above its mean over all households, in standard deviations.
    """
    features = profile.drop(columns="household_id")
    archetypes = name_segments(standardised_profiles(features, segments))
    factors = standardised_profiles(pd.DataFrame(household_factors), segments)
    groups = features.groupby(segments)
    size = groups.size()
    table = pd.DataFrame({"segment": size.index + 1, "name": [archetype.name for archetype in archetypes], "n": size})
    table["share"] = size / len(profile)
    table["share_revenue"] = groups["monetary_sales"].sum() / features["monetary_sales"].sum()
    for column, feature in MEANS.items():
        table[column] = groups[feature].mean()
    table["main_factor"] = [factor_names[column] for column in factors.to_numpy().argmax(axis=1)]
    for column in ("priority", "strategy", "actions"):
        table[column] = [getattr(archetype, column) for archetype in archetypes]
    return table.reset_index(drop=True)
