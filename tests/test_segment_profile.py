"""Differences between segments against scipy, tiers and demographics by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway

from targeting.segments.profile import demographics, feature_differences, value_tiers


def test_differences_agree_with_another_library():
    rng = np.random.default_rng(0)
    segments = rng.integers(0, 3, 90)
    features = pd.DataFrame({"noise": rng.normal(size=90), "telling": segments + rng.normal(0, 0.3, 90), "constant": 1.0})
    table = feature_differences(features, segments)
    assert table["feature"].tolist() == ["telling", "noise"]  # what does not vary cannot differ
    for row in table.itertuples():
        groups = [features.loc[segments == number, row.feature] for number in range(3)]
        theirs = f_oneway(*groups)
        assert (row.f, row.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))
        between = sum(len(group) * (group.mean() - features[row.feature].mean()) ** 2 for group in groups)
        assert row.eta_squared == pytest.approx(between / ((features[row.feature] - features[row.feature].mean()) ** 2).sum())


def test_value_tiers_by_hand():
    revenue = pd.Series([50.0, 30, 5, 5, 4, 2, 1, 1, 1, 1])
    segments = np.array([0, 1, 0, 0, 1, 1, 1, 1, 1, 1])
    table = value_tiers(revenue, segments, ["A", "B"]).set_index(["tier", "name"])
    assert table.loc[("top 20%", "all segments"), ["n", "share", "share_revenue"]].tolist() == pytest.approx([2, 0.2, 0.8])
    assert table.loc[("top 20%", "A"), ["n", "share", "share_revenue"]].tolist() == pytest.approx([1, 0.5, 0.5])
    assert table.loc[("next 30%", "all segments"), "n"] == 3
    assert table.loc[("lower 50%", "B"), "n"] == 5
    by_segment = table[table["segment"] > 0]
    assert (by_segment["n"].sum(), by_segment["share_revenue"].sum()) == pytest.approx((10, 1))


def test_demographics_with_their_coverage():
    assigned = pd.DataFrame({"household_id": [1, 2, 3, 4], "segment": [1, 1, 1, 2], "name": ["A", "A", "A", "B"]})
    households = pd.DataFrame({"household_id": [1, 2, 9], "age": ["45-54", "65+", "65+"], "kids": [None, "2", "1"]})
    table = demographics(households, assigned).set_index(["name", "demographic", "value"])
    row = table.loc[("A", "age", "65+")]
    assert (row["n"], row["share"], row["share_all"], row["coverage"]) == pytest.approx((1, 0.5, 0.5, 2 / 3))
    assert table.loc[("A", "kids", "2"), "coverage"] == pytest.approx(1 / 3)
    nobody = table.loc[("B", "age", "65+")]
    assert (nobody["n"], nobody["coverage"]) == (0, 0)
    assert np.isnan(nobody["share"])
    assert ("A", "kids", "1") not in table.index  # of a household that bought nothing


def test_a_retailer_without_demographics():
    assigned = pd.DataFrame({"household_id": [1], "segment": [1], "name": ["A"]})
    assert demographics(pd.DataFrame({"household_id": [1], "age": [None]}), assigned).empty
