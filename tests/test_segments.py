"""Segments on planted archetypes: found, ordered, named by their trait, stable."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from targeting.errors import DataError
from targeting.factors import FactorSettings, fit_factors
from targeting.features import FEATURES
from targeting.moderators import GROWTH, features_at_time_zero
from targeting.segment_names import ARCHETYPES, name_factors, name_segments, standardised_profiles
from targeting.segment_table import segment_table
from targeting.segments import (
    assign_segments,
    bootstrap_ari,
    bootstrap_ari_all,
    fit_kmeans,
    nearest_centre,
    order_by,
    select_clusters,
    separation,
)


def blobs(k: int = 4, n: int = 240, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Well separated clusters of equal size in three dimensions, and their labels."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % k
    return np.abs(rng.normal(0, 0.05, (n, 3)) + np.eye(k, 3)[truth] * 2 + truth[:, None]), truth


def test_planted_segments_are_found_and_stable():
    points, truth = blobs()
    labels = fit_kmeans(points, 4, restarts=5, seed=1).labels_
    assert adjusted_rand_score(truth, labels) == 1
    assert bootstrap_ari(points, labels, 4, restarts=3, bootstraps=5, seed=1).tolist() == [1] * 5
    found = separation(points, labels)
    assert found.silhouette > 0.8
    assert found.smallest_share == 0.25


def test_noise_is_not_stable():
    points = np.random.default_rng(0).random((200, 3))
    labels = fit_kmeans(points, 6, restarts=5, seed=1).labels_
    assert bootstrap_ari(points, labels, 6, restarts=3, bootstraps=10, seed=1).mean() < 0.9


def test_silhouette_by_hand():
    # Points 0, 1 and 10, 11: a = 1 for all; b = 10.5 for the outer ones, 9.5 for the inner ones.
    points = np.array([[0.0], [1.0], [10.0], [11.0]])
    expected = np.mean([1 - 1 / 10.5, 1 - 1 / 9.5, 1 - 1 / 9.5, 1 - 1 / 10.5])
    assert separation(points, np.array([0, 0, 1, 1])).silhouette == pytest.approx(expected)


def test_numbers_follow_revenue_not_the_solver():
    labels = np.array([0, 0, 1, 1, 2, 2])
    assert order_by(np.array([5.0, 5, 9, 9, 1, 1]), labels).tolist() == [1, 0, 2]


def test_the_nearest_centre_agrees_with_the_model():
    points, _ = blobs()
    model = fit_kmeans(points, 4, restarts=3, seed=1)
    np.testing.assert_array_equal(nearest_centre(points, model.cluster_centers_), model.labels_)


def test_more_segments_than_different_households():
    with pytest.raises(DataError, match=r"2 distinct households cannot form 3 segments: lower segmentation.k"):
        fit_kmeans(np.repeat([[0.0], [1.0]], 10, axis=0), 3, restarts=2, seed=1)


def test_the_comparison_prefers_the_planted_number():
    points, _ = blobs()
    table = select_clusters(points, range(2, 7), restarts=3, bootstraps=3, seed=1)
    assert table["method"].tolist() == ["kmeans"] * 5 + ["mixture"] * 5
    kmeans = table[table["method"] == "kmeans"].set_index("k")
    assert kmeans["silhouette"].idxmax() == 4
    assert kmeans.loc[4, "ari_mean"] == 1
    mixture = table[table["method"] == "mixture"].set_index("k")
    assert mixture["bic"].idxmin() == 4


def shoppers(seed: int = 0) -> tuple[pd.DataFrame, list[str]]:
    """Households around an average, each of a planted kind that is strong in the traits its archetype weighs."""
    rng = np.random.default_rng(seed)
    kinds = ["VIP Heavy", "Bulk Shoppers", "Fresh Lovers", "Lapsed H&B"]
    frames = []
    for kind in kinds:
        frame = pd.DataFrame(rng.uniform(9.5, 10.5, (60, len(FEATURES))), columns=FEATURES)
        for feature, weight in next(a for a in ARCHETYPES if a.name == kind).weights.items():
            frame[feature] += 4 * weight / 2
        frames.append(frame)
    return pd.concat(frames, ignore_index=True), [kind for kind in kinds for _ in range(60)]


def test_planted_archetypes_are_found_and_named_by_their_trait():
    features, kinds = shoppers()
    settings = FactorSettings(factors=4, skewness=99.0, penalty_scores=0.0, penalty_loadings=0.0, l1_ratio=0.5)
    fitted = fit_factors(features, settings, seed=1)
    factors = fitted.transform(features)
    model = fit_kmeans(factors, 4, restarts=5, seed=1)
    assert adjusted_rand_score(kinds, model.labels_) > 0.95
    segments = order_by(features["monetary_sales"].to_numpy(), model.labels_)[model.labels_]
    table = segment_table(features.assign(household_id=range(240)), segments, factors, [f"F{n}" for n in range(1, 5)])
    assert [table["name"][number] for number in segments] == kinds
    assert table["segment"].tolist() == [1, 2, 3, 4]
    assert table["revenue"].is_monotonic_decreasing
    assert table["n"].sum() == 240
    assert table["share_revenue"].sum() == pytest.approx(1)
    # Stability of the whole chain, and the same household in the same segment from the stored tables.
    assert bootstrap_ari_all(features, settings, segments, 4, restarts=3, bootstraps=3, seed=1).min() > 0.95
    numbers = order_by(features["monetary_sales"].to_numpy(), model.labels_)
    centres = model.cluster_centers_[np.argsort(numbers)]
    np.testing.assert_array_equal(assign_segments(features, fitted, centres), segments)
    assert assign_segments(features.iloc[[100]], fitted, centres).tolist() == [segments[100]]


@pytest.mark.parametrize("k", range(3, 11))
def test_no_two_segments_share_a_name(k):
    profiles = pd.DataFrame(np.random.default_rng(k).normal(size=(k, len(FEATURES))), columns=FEATURES)
    names = [archetype.name for archetype in name_segments(profiles)]
    assert len(set(names)) == k
    reversed_names = [archetype.name for archetype in name_segments(profiles.iloc[::-1])]
    assert reversed_names == names[::-1]  # names go with the profile, not with the number


def test_more_segments_than_names():
    profiles = pd.DataFrame(np.zeros((len(ARCHETYPES) + 1, len(FEATURES))), columns=FEATURES)
    with pytest.raises(DataError, match=r"13 segments, and names for 12: lower segmentation.k"):
        name_segments(profiles)


def test_archetypes_weigh_known_features():
    assert {feature for archetype in ARCHETYPES for feature in archetype.weights} <= set(FEATURES)


def test_profiles_are_in_standard_deviations():
    features = pd.DataFrame({"a": [0.0, 0.0, 4.0, 4.0], "b": 1.0})
    profiles = standardised_profiles(features, np.array([0, 0, 1, 1]))
    assert profiles["a"].tolist() == pytest.approx([-2 / np.std([0, 0, 4, 4], ddof=1), 2 / np.std([0, 0, 4, 4], ddof=1)])
    assert profiles["b"].tolist() == [0, 0]


def test_factors_are_named_by_their_strongest_features():
    loadings = np.array([[0.1, 0.9, 0.5], [0.0, 0.0, 1.0]])
    names = name_factors(loadings, ["recency", "purchase_regularity", "n_products"])
    assert names == ["F1 regularity and variety", "F2 variety"]


def test_totals_are_brought_to_the_windows_length():
    panel = pd.DataFrame(
        {"time_zero": pd.to_datetime(["2020-01-11", "2020-02-20"]), "x_frequency": [3.0, 15.0], "x_recency": [2.0, 4.0]}
    )
    features = features_at_time_zero(panel, ["frequency", "recency"], pd.Timestamp("2020-01-01"), pd.Timestamp("2020-04-09"))
    # 10 and 50 days of history in a window of 100 days.
    assert features["frequency"].tolist() == [30.0, 30.0]
    assert features["recency"].tolist() == [2.0, 4.0]
    assert set(GROWTH) <= set(FEATURES)


def test_a_feature_that_the_panel_left_out_is_named():
    panel = pd.DataFrame({"time_zero": pd.to_datetime(["2020-01-11"]), "x_recency": [2.0]})
    with pytest.raises(DataError, match=r"one value for all households at time zero: share_alcohol\."):
        features_at_time_zero(panel, ["recency", "share_alcohol"], pd.Timestamp("2020-01-01"), pd.Timestamp("2020-04-09"))
