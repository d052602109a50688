"""The segments of a retailer's households: grouped by factors, named, described, and compared with other numbers of segments."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from targeting.segments.factors import factor_shares
from targeting.segments.grouping import ClusterChoice, fit_kmeans, order_by, recommend_clusters, select_clusters, separation
from targeting.segments.profile import demographics, feature_differences, value_tiers
from targeting.segments.table import factor_table_by_segment, profile_table, segment_table


@dataclass(frozen=True)
class HouseholdSegments:
    """The households' segments.

    segments: household_id, segment, name. centres: what assigns any other household. table: by segment. selection: by method and
    number of segments, of which `choice` recommends one. profiles, made_of, differences, tiers, demographics: the segments by
    feature, by factor, by what sets them apart, by value and by who they are. metrics: but for the reason of the choice.
    """

    segments: pd.DataFrame
    centres: pd.DataFrame
    table: pd.DataFrame
    selection: pd.DataFrame
    choice: ClusterChoice
    profiles: pd.DataFrame
    made_of: pd.DataFrame
    differences: pd.DataFrame
    tiers: pd.DataFrame
    demographics: pd.DataFrame
    metrics: dict[str, Any]


def household_segments(
    profile: pd.DataFrame,
    factors: pd.DataFrame,
    loadings: pd.DataFrame,
    households: pd.DataFrame,
    section: Mapping[str, Any],
    at_most: int | None,
    seed: int,
) -> HouseholdSegments:
    """Segments by K-Means on each household's shares of factors, numbered by `order_by` of their spend.

    `profile` and `factors` have a row per household, in one order; `loadings` names the factors, `households` has demographics.
    `section` is `segmentation` of params.yaml; numbers of segments are compared on `at_most` households.
    """
    k, restarts = section["k"], section["restarts"]
    shares = factor_shares(factors[loadings["factor"]].to_numpy())
    model = fit_kmeans(shares, k, restarts, seed)
    numbers = order_by(profile["monetary_sales"].to_numpy(), model.labels_)
    segments, features = numbers[model.labels_], profile.drop(columns="household_id")
    centres = pd.DataFrame(model.cluster_centers_, columns=loadings["factor"]).assign(segment=numbers + 1)
    table = segment_table(profile, segments, shares, loadings["name"].tolist())
    names = table["name"].tolist()
    assigned = profile[["household_id"]].assign(segment=segments + 1, name=table["name"].to_numpy()[segments])

    lowest, highest = section["selection"]
    compared = sorted({*range(lowest, highest + 1), k})
    selection = select_clusters(shares, compared, restarts, section["bootstraps"], seed, at_most)
    choice = recommend_clusters(selection, k, section["smallest_segment"], section["stable_segments"])
    factor_names = (loadings["factor"] + " " + loadings["name"]).tolist()
    return HouseholdSegments(
        segments=assigned,
        centres=centres.sort_values("segment", ignore_index=True),
        table=table,
        selection=selection,
        choice=choice,
        profiles=profile_table(features, segments, names),
        made_of=factor_table_by_segment(shares, segments, names, factor_names),
        differences=feature_differences(features, segments),
        tiers=value_tiers(profile["monetary_sales"], segments, names),
        demographics=demographics(households, assigned),
        metrics={
            "k": k,
            **vars(separation(shares, segments, seed)),
            "ari_mean": choice.used["ari_mean"],
            "ari_std": choice.used["ari_std"],
            "recommended_method": choice.method,
            "recommended_k": choice.k,
        },
    )
