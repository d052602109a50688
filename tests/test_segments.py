"""Segments on planted archetypes: found, ordered, named by their trait, stable."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, silhouette_score

from targeting.base.errors import DataError
from targeting.segments.factor_names import name_factors
from targeting.segments.factors import Factorisation, FactorSettings, factor_shares, fit_factors
from targeting.segments.grouping import (
    SILHOUETTE_OF,
    assign_segments,
    fit_kmeans,
    fit_mixture,
    order_by,
    recommend_clusters,
    select_clusters,
    separation,
)
from targeting.segments.names import ARCHETYPES, GOODS, name_reason, name_segments, possible_actions, standardised_profiles
from targeting.segments.table import factor_table_by_segment, profile_table, segment_table
from targeting.segments.time_zero import GROWTH, features_at_time_zero, to_window_length
from targeting.stats.resampling import by_lot
from targeting.tables.features import FEATURES, household_features
from targeting.tables.history import keep_days

SETTINGS = FactorSettings(factors=4, factor_starts=2, skewness=99.0, penalty_scores=0.0, penalty_loadings=0.0, l1_ratio=0.5)


def blobs(k: int = 4, n: int = 240, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Well separated clusters of equal size in three dimensions, and their labels."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % k
    return np.abs(rng.normal(0, 0.05, (n, 3)) + np.eye(k, 3)[truth] * 2 + truth[:, None]), truth


def test_planted_segments_are_found():
    points, truth = blobs()
    labels = fit_kmeans(points, 4, restarts=5, seed=1).labels_
    assert adjusted_rand_score(truth, labels) == 1
    assert adjusted_rand_score(truth, fit_mixture(points, 4, seed=1).predict(points)) == 1
    found = separation(points, labels, seed=1)
    assert found.silhouette > 0.8
    assert found.smallest_share == 0.25


def test_silhouette_by_hand():
    # Points 0, 1 and 10, 11: a = 1 for all; b = 10.5 for the outer ones, 9.5 for the inner ones.
    points = np.array([[0.0], [1.0], [10.0], [11.0]])
    expected = np.mean([1 - 1 / 10.5, 1 - 1 / 9.5, 1 - 1 / 9.5, 1 - 1 / 10.5])
    assert separation(points, np.array([0, 0, 1, 1]), seed=1).silhouette == pytest.approx(expected)


@pytest.mark.slow
def test_a_silhouette_by_lot_is_near_that_of_all():
    # Four groups that overlap, of which one is small.
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(4), [6_000, 4_000, 1_900, 100])
    points = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [4.0, 4.0]])[labels] + rng.normal(0, 0.7, (len(labels), 2))
    by_lot = separation(points, labels, seed=1).silhouette
    assert by_lot == pytest.approx(silhouette_score(points, labels), abs=0.01)
    assert by_lot == separation(points, labels, seed=1).silhouette
    assert separation(points[:SILHOUETTE_OF], labels[:SILHOUETTE_OF] % 2, seed=1) == separation(
        points[:SILHOUETTE_OF], labels[:SILHOUETTE_OF] % 2, seed=2
    )


def test_indices_against_slow_formulas():
    points = np.random.default_rng(0).random((30, 2))
    labels = np.arange(30) % 3
    groups = [points[labels == number] for number in range(3)]
    centres = [group.mean(axis=0) for group in groups]
    scatter = [np.mean([np.hypot(*(point - centre)) for point in group]) for group, centre in zip(groups, centres, strict=True)]
    worst = [max((scatter[i] + scatter[j]) / np.hypot(*(centres[i] - centres[j])) for j in range(3) if j != i) for i in range(3)]
    between = sum(len(group) * ((centre - points.mean(axis=0)) ** 2).sum() for group, centre in zip(groups, centres, strict=True))
    within = sum(((group - centre) ** 2).sum() for group, centre in zip(groups, centres, strict=True))
    found = separation(points, labels, seed=1)
    assert found.davies_bouldin == pytest.approx(np.mean(worst))
    assert found.calinski_harabasz == pytest.approx((between / 2) / (within / 27))


def test_numbers_follow_revenue_not_the_solver():
    labels = np.array([0, 0, 1, 1, 2, 2])
    assert order_by(np.array([5.0, 5, 9, 9, 1, 1]), labels).tolist() == [1, 0, 2]


def test_more_segments_than_different_households():
    with pytest.raises(DataError, match=r"2 distinct households cannot form 3 segments: lower segmentation.k and selection"):
        fit_kmeans(np.repeat([[0.0], [1.0]], 10, axis=0), 3, restarts=2, seed=1)


def test_one_cluster_alone_has_no_separation():
    alone = separation(np.random.default_rng(0).random((10, 2)), np.zeros(10, dtype=int), seed=1)
    assert np.isnan([alone.silhouette, alone.calinski_harabasz, alone.davies_bouldin]).all()
    assert alone.smallest_share == 1


def test_the_comparison_prefers_the_planted_number():
    points, _ = blobs()
    table = select_clusters(points, range(2, 7), restarts=3, bootstraps=3, seed=1)
    assert table["method"].tolist() == ["kmeans"] * 5 + ["mixture"] * 5
    kmeans = table[table["method"] == "kmeans"].set_index("k")
    assert kmeans["silhouette"].idxmax() == 4
    assert kmeans.loc[4, "ari_mean"] == 1
    mixture = table[table["method"] == "mixture"].set_index("k")
    assert mixture["bic"].idxmin() == 4
    choice = recommend_clusters(table, chosen=4, smallest=0.03, stable=0.85)
    assert choice.k == 4


def test_of_many_households_some_by_lot_are_compared():
    points = np.random.default_rng(0).random((300, 3))
    drawn = points[by_lot(np.arange(300), 100, 1)]
    settings = {"restarts": 2, "bootstraps": 2, "seed": 1}
    some = select_clusters(points, [3], **settings, at_most=100)
    pd.testing.assert_frame_equal(some, select_clusters(drawn, [3], **settings))
    pd.testing.assert_frame_equal(select_clusters(points, [3], **settings, at_most=300), select_clusters(points, [3], **settings))


def test_noise_is_not_stable():
    points = np.random.default_rng(0).random((200, 3))
    table = select_clusters(points, [6], restarts=5, bootstraps=10, seed=1)
    assert (table["ari_mean"] < 0.9).all()


def test_agreement_in_resamples_against_a_slow_loop():
    points = np.random.default_rng(0).random((80, 2))
    table = select_clusters(points, [3], restarts=2, bootstraps=4, seed=5)
    labels = fit_kmeans(points, 3, restarts=2, seed=5).labels_
    expected = []
    for number in range(4):
        rows = np.random.default_rng([5, number]).integers(0, 80, 80)
        centres = fit_kmeans(points[rows], 3, restarts=2, seed=5).cluster_centers_
        nearest = [int(np.argmin([np.hypot(*(point - centre)) for centre in centres])) for point in points]
        expected.append(adjusted_rand_score(labels, nearest))
    row = table[table["method"] == "kmeans"].iloc[0]
    assert row["ari_mean"] == pytest.approx(np.mean(expected))
    assert row["ari_std"] == pytest.approx(np.std(expected))


def comparison(**columns: list[float]) -> pd.DataFrame:
    """A table of three numbers of segments by K-Means and one mixture."""
    table = {
        "method": ["kmeans", "kmeans", "kmeans", "mixture"],
        "k": [3, 4, 5, 3],
        "silhouette": 0.3,
        "davies_bouldin": [1.2, 1.0, 0.8, 1.5],
        "smallest_share": [0.1, 0.1, 0.1, 0.1],
        "ari_mean": [0.95, 0.9, 0.9, 0.6],
    }
    return pd.DataFrame(table | columns)


@pytest.mark.parametrize(
    ("columns", "recommended", "separated"),
    [
        ({}, 5, True),
        ({"smallest_share": [0.1, 0.1, 0.01, 0.1]}, 4, True),
        ({"ari_mean": [0.95, 0.7, 0.8, 0.6]}, 3, True),
        ({"ari_mean": [0.5, 0.7, 0.6, 0.6]}, 4, False),
    ],
)
def test_the_recommended_number_follows_the_rule(columns, recommended, separated):
    choice = recommend_clusters(comparison(**columns), chosen=4, smallest=0.03, stable=0.85)
    assert (choice.method, choice.k, choice.separated) == ("kmeans", recommended, separated)
    assert (choice.used["method"], choice.used["k"]) == ("kmeans", 4)


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


def segmented(features: pd.DataFrame) -> tuple[np.ndarray, Factorisation, np.ndarray, np.ndarray]:
    """Segments from 0 by falling revenue, and what made them: factorisation, centres, factor shares."""
    fitted = fit_factors(features, SETTINGS, seed=1)
    shares = factor_shares(fitted.transform(features))
    model = fit_kmeans(shares, 4, restarts=5, seed=1)
    numbers = order_by(features["monetary_sales"].to_numpy(), model.labels_)
    return numbers[model.labels_], fitted, model.cluster_centers_[np.argsort(numbers)], shares


def test_planted_archetypes_are_found_and_named_by_their_trait():
    features, kinds = shoppers()
    segments, _, _, shares = segmented(features)
    assert adjusted_rand_score(kinds, segments) > 0.95
    table = segment_table(features.assign(household_id=range(240)), segments, shares, [f"F{n}" for n in range(1, 5)])
    assert [table["name"][number] for number in segments] == kinds
    assert table["segment"].tolist() == [1, 2, 3, 4]
    assert table["revenue"].is_monotonic_decreasing
    assert table["n"].sum() == 240
    assert table["share_revenue"].sum() == pytest.approx(1)
    assert table["why"].str.count(";").between(1, 2).all()  # two or three telling numbers


def test_households_are_assigned_from_what_is_stored(tmp_path):
    features, _ = shoppers()
    segments, fitted, centres, _ = segmented(features)
    fitted.scaling.to_parquet(tmp_path / "scaling.parquet")
    fitted.loadings_table().to_parquet(tmp_path / "loadings.parquet")
    pd.DataFrame(centres, columns=["F1", "F2", "F3", "F4"]).to_parquet(tmp_path / "centres.parquet")
    scaling, loadings, stored = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("scaling", "loadings", "centres"))
    factorisation = Factorisation.from_tables(scaling, loadings, SETTINGS)
    np.testing.assert_array_equal(assign_segments(features, factorisation, stored.to_numpy()), segments)
    one_by_one = [assign_segments(features.iloc[[row]], factorisation, stored.to_numpy())[0] for row in range(0, 240, 7)]
    assert one_by_one == segments[::7].tolist()
    # A household that was not in the fit, and lies outside what the fit has seen.
    stranger = features.iloc[[100]] * 3
    assert 0 <= assign_segments(stranger, factorisation, stored.to_numpy())[0] < 4


@pytest.mark.slow
def test_a_household_with_one_basket_gets_a_segment(backend, tables):
    lines = tables["transactions"]
    first = lines.filter(lines.household_id == 1).basket_id.min().execute()
    lines = lines.filter((lines.household_id != 1) | (lines.basket_id == first))
    days = keep_days(backend, lines, tables["products"])
    features = household_features(days, [date(2017, 1, 1)]).order_by("household_id").execute()
    names = [name for name in FEATURES if features[name].nunique() > 1]
    fitted = fit_factors(features[names], SETTINGS, seed=1)
    shares = factor_shares(fitted.transform(features[names]))
    model = fit_kmeans(shares, 4, restarts=3, seed=1)
    single = features[features["frequency"] == 1]
    assert single["household_id"].tolist() == [1]
    np.testing.assert_allclose(factor_shares(fitted.transform(single[names])).sum(axis=1), 1)
    np.testing.assert_array_equal(
        assign_segments(single[names], fitted, model.cluster_centers_), model.labels_[features["frequency"] == 1]
    )


def test_row_order_and_currency_change_no_segment():
    features, _ = shoppers()
    segments = segmented(features)[0]
    order = np.random.default_rng(2).permutation(len(features))
    np.testing.assert_array_equal(segmented(features.iloc[order].reset_index(drop=True))[0], segments[order])
    money = [name for name in FEATURES if name.startswith("monetary_")]
    np.testing.assert_array_equal(segmented(features.assign(**{name: features[name] * 83 for name in money}))[0], segments)


def test_household_ids_do_not_matter():
    features, _ = shoppers()
    segments, _, _, shares = segmented(features)
    one, other = (
        segment_table(features.assign(household_id=ids), segments, shares, ["F1", "F2", "F3", "F4"])
        for ids in (range(240), range(9000, 0, -37)[:240])
    )
    pd.testing.assert_frame_equal(one, other)


def test_tables_behind_the_pictures_by_hand():
    features = pd.DataFrame({"recency": [1.0, 3.0, 8.0], "frequency": 1.0})
    segments = np.array([0, 0, 1])
    table = profile_table(features, segments, ["A", "B"])
    assert table[["segment", "name", "feature", "mean"]].values.tolist() == [
        [1, "A", "recency", 2.0],
        [1, "A", "frequency", 1.0],
        [2, "B", "recency", 8.0],
        [2, "B", "frequency", 1.0],
    ]
    deviation = np.std([1, 3, 8], ddof=1)
    assert table["z"].tolist() == pytest.approx([-2 / deviation, 0, 4 / deviation, 0])
    made_of = factor_table_by_segment(np.array([[0.2, 0.8], [0.4, 0.6], [1.0, 0.0]]), segments, ["A", "B"], ["F1", "F2"])
    assert made_of["share"].tolist() == pytest.approx([0.3, 0.7, 1.0, 0.0])
    assert made_of["factor"].tolist() == ["F1", "F2"] * 2


def test_factor_names_do_not_depend_on_seed_or_row_order():
    features, _ = shoppers()
    order = np.random.default_rng(4).permutation(len(features))
    fits = [fit_factors(features, SETTINGS, seed=seed) for seed in (1, 2, 3)] + [
        fit_factors(features.iloc[order], SETTINGS, seed=1)
    ]
    names = [[factor.name for factor in name_factors(fit.directions, FEATURES)] for fit in fits]
    assert names[1:] == names[:1] * 3


@pytest.mark.parametrize("k", range(3, 11))
def test_no_two_segments_share_a_name(k):
    profiles = pd.DataFrame(np.random.default_rng(k).normal(size=(k, len(FEATURES))), columns=FEATURES)
    names = [archetype.name for archetype in name_segments(profiles)]
    assert len(set(names)) == k
    reversed_names = [archetype.name for archetype in name_segments(profiles.iloc[::-1])]
    assert reversed_names == names[::-1]  # names go with the profile, not with the number


def test_more_segments_than_archetypes_still_have_names_of_their_own():
    profiles = pd.DataFrame(np.random.default_rng(3).normal(size=(len(ARCHETYPES) + 4, len(FEATURES))), columns=FEATURES)
    assert len({archetype.name for archetype in name_segments(profiles)}) == len(profiles)


def test_what_no_archetype_fits_is_named_by_its_strongest_trait():
    profiles = pd.DataFrame(0.0, index=[0, 1, 2], columns=FEATURES)
    profiles.loc[0, "share_other"] = 2.0
    profiles.loc[1, "share_other"], profiles.loc[1, "monetary_sales"] = 1.5, -0.3
    names = [(archetype.name, archetype.priority) for archetype in name_segments(profiles)]
    assert names[:2] == [("High share of everything else", "Medium"), ("Low revenue", "Low")]
    assert len({name for name, _ in names}) == 3


def test_archetypes_have_names_of_their_own():
    assert len({archetype.name for archetype in ARCHETYPES}) == len(ARCHETYPES)


def test_why_tells_the_archetypes_features_first_and_no_theme_twice():
    archetype = next(archetype for archetype in ARCHETYPES if archetype.name == "VIP Heavy")
    profile = pd.Series(0.0, index=FEATURES)
    profile[["monetary_sales", "frequency", "purchase_regularity", "share_fresh"]] = [1.0, 1.5, 0.5, 9.0]
    means = pd.Series(2.0, index=FEATURES).mask(profile.index.to_series() == "monetary_sales", 4321.0)
    words = name_reason(archetype, profile, means, pd.Series(1.0, index=FEATURES))
    # Visits and regularity are one theme; the fresh share weighs nothing in this archetype and fills the third place.
    assert words == "revenue $4,321 (all: $1); visits 2 (all: 1); fresh share 200% (all: 100%)"


def test_archetypes_weigh_known_features():
    assert {feature for archetype in ARCHETYPES for feature in archetype.weights} <= set(FEATURES)


def test_profiles_are_in_standard_deviations():
    features = pd.DataFrame({"a": [0.0, 0.0, 4.0, 4.0], "b": 1.0})
    profiles = standardised_profiles(features, np.array([0, 0, 1, 1]))
    assert profiles["a"].tolist() == pytest.approx([-2 / np.std([0, 0, 4, 4], ddof=1), 2 / np.std([0, 0, 4, 4], ddof=1)])
    assert profiles["b"].tolist() == [0, 0]


def test_totals_are_brought_to_the_windows_length():
    panel = pd.DataFrame(
        {"time_zero": pd.to_datetime(["2020-01-11", "2020-02-20"]), "x_frequency": [3.0, 15.0], "x_recency": [2.0, 4.0]}
    ).assign(household_id=[1, 2], campaign_id=9)
    features = features_at_time_zero(
        panel, panel, ["frequency", "recency"], pd.Timestamp("2020-01-01"), pd.Timestamp("2020-04-09")
    )
    # 10 and 50 days of history in a window of 100 days.
    assert features["frequency"].tolist() == [30.0, 30.0]
    assert features["recency"].tolist() == [2.0, 4.0]
    assert set(GROWTH) <= set(FEATURES)


def test_totals_of_all_households_by_one_length():
    features = to_window_length(pd.DataFrame({"n_products": [10.0], "recency": [7.0]}), 50, 100)
    assert features["n_products"].tolist() == pytest.approx([10 * 2**0.8])
    assert features["recency"].tolist() == [7.0]


def test_a_feature_that_the_panel_left_out_is_found_among_the_eligible():
    eligible = pd.DataFrame({"household_id": [1, 2], "campaign_id": 9, "x_recency": [2.0, 3.0], "x_share_alcohol": 0.0})
    panel = eligible[["household_id", "campaign_id", "x_recency"]].assign(time_zero=pd.Timestamp("2020-01-11"))[1:]
    names, days = ["recency", "share_alcohol"], (pd.Timestamp("2020-01-01"), pd.Timestamp("2020-04-09"))
    assert features_at_time_zero(panel, eligible, names, *days).to_numpy().tolist() == [[3.0, 0.0]]


def shop_without(goods: str) -> pd.DataFrame:
    """Profiles of two segments, one gone and one regular, by features in standard deviations."""
    profiles = pd.DataFrame(0.1, index=[0, 1], columns=list(FEATURES))
    profiles.loc[0, ["recency", "purchase_regularity", "share_fresh"]] = [2.0, -1.5, -0.2]
    profiles.loc[1, ["recency", "purchase_regularity", "frequency"]] = [-1.0, 2.0, 1.0]
    return profiles.assign(**{goods: 0.0})


def test_no_segment_is_named_after_goods_that_the_shop_does_not_sell():
    profiles = shop_without("share_health_beauty")
    named = name_segments(profiles)
    assert named[0].name == "Lapsed Shoppers"
    overall = pd.Series(1.0, index=FEATURES).mask(np.array(FEATURES) == "share_health_beauty", 0.0)
    for segment, archetype in enumerate(named):
        words = possible_actions(archetype, overall) + name_reason(archetype, profiles.loc[segment], overall, overall)
        assert "beauty" not in words.lower()


def test_a_name_needs_every_feature_that_it_claims_above_the_mean():
    # So long gone that the fit alone would make the segment Lapsed H&B, with fewer such goods than others.
    profiles = shop_without("share_alcohol").assign(share_health_beauty=[-0.1, 0.1])
    profiles.loc[0, "recency"] = 9.0
    assert name_segments(profiles)[0].name == "Lapsed Shoppers"
    for archetype in ARCHETYPES:
        assert all(archetype.weights[feature] > 0 for feature in archetype.claims)


def test_an_action_needs_its_goods():
    loyal = next(archetype for archetype in ARCHETYPES if archetype.name == "Active Loyalists")
    overall = pd.Series(1.0, index=FEATURES)
    assert possible_actions(loyal, overall) == loyal.actions
    overall["private_label_ratio"] = 0.0
    assert possible_actions(loyal, overall) == "loyalty points; basket expansion"
    told = {action for archetype in ARCHETYPES for action in archetype.actions.split("; ")}
    assert set(GOODS) <= told  # a reworded action is named again here
