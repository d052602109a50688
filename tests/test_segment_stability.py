"""Stability on households with and without groups, recovery and transitions by hand."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import adjusted_rand_score

from targeting.segments.halves import halves
from targeting.segments.stability import (
    Recipe,
    agreement,
    agreement_table,
    of_these_alone,
    recovery,
    refitted_on_resamples,
    refitted_with_other_seeds,
    refitted_without_a_tenth,
    separation_without_groups,
    transitions,
    ungrouped,
)
from targeting.stats.resampling import resample
from tests.test_segments import SETTINGS, shoppers

RECIPE = Recipe(SETTINGS, k=4, restarts=3, seed=1)
EVERYBODY = np.ones(240, dtype=bool)


@pytest.mark.slow
def test_planted_groups_hold_in_every_way():
    features, kinds = shoppers()
    segments = RECIPE.fit(features).assign(features)
    assert adjusted_rand_score(kinds, segments) > 0.95
    resampled = refitted_on_resamples(features, RECIPE, 3, EVERYBODY)
    assert resampled.shape == (3, 240)
    assert agreement(segments, resampled).min() > 0.95
    assert recovery(segments, resampled).min() > 0.95
    assert agreement(segments, refitted_without_a_tenth(features, RECIPE)).min() > 0.95
    assert agreement(segments, refitted_with_other_seeds(features, RECIPE)).min() > 0.95


@pytest.mark.slow
def test_of_many_households_some_are_fitted_again_beside_a_fit_of_their_own():
    features, _ = shoppers()
    segments = RECIPE.fit(features).assign(features)
    assert of_these_alone(features, segments, EVERYBODY, RECIPE) is segments
    drawn = np.arange(240) % 2 == 0
    own, half = of_these_alone(features, segments, drawn, RECIPE), features[drawn]
    np.testing.assert_array_equal(own, RECIPE.fit(half).assign(half))
    assert agreement(own, refitted_with_other_seeds(half, RECIPE)).min() > 0.95
    # Resamples are of all, and as large as the draw; it is the drawn whose segments are compared.
    resampled = refitted_on_resamples(features, RECIPE, 3, drawn)
    rows = resample(240, RECIPE.seed, 2, at_most=120)
    np.testing.assert_array_equal(resampled[2], RECIPE.fit(features.iloc[rows]).assign(half))
    assert recovery(segments[drawn], resampled).min() > 0.95


def test_a_feature_that_does_not_vary_in_a_sample_is_left_out_there():
    features, _ = shoppers()
    with_constant = features.assign(share_other=np.where(np.arange(240) == 7, 1.0, 0.0))
    without_it = with_constant.drop(index=7)
    expected = RECIPE.fit(without_it.drop(columns="share_other")).assign(with_constant)
    np.testing.assert_array_equal(RECIPE.fit(without_it).assign(with_constant), expected)


@pytest.mark.slow
def test_groups_separate_better_than_the_same_correlations_without():
    features, _ = shoppers()
    without = separation_without_groups(features, RECIPE)
    assert len(without) == 10
    assert without["silhouette"].max() < 0.7  # the planted groups: above 0.9


def test_made_up_households_keep_distributions_and_correlations():
    rng = np.random.default_rng(0)
    first = rng.lognormal(size=2000)
    features = pd.DataFrame({"a": first, "b": first + rng.normal(0, 0.5, 2000), "c": rng.integers(0, 3, 2000)})
    drawn = ungrouped(features, seed=3)
    assert spearmanr(drawn["a"], drawn["b"]).statistic == pytest.approx(
        spearmanr(features["a"], features["b"]).statistic, abs=0.05
    )
    assert abs(spearmanr(drawn["a"], drawn["c"]).statistic) < 0.06
    for name in features:
        assert set(drawn[name]) <= set(features[name])
        np.testing.assert_allclose(drawn[name].quantile([0.25, 0.5, 0.75]), features[name].quantile([0.25, 0.5, 0.75]), rtol=0.1)


def test_recovery_is_the_best_jaccard_by_hand():
    segments, refit = np.array([0, 0, 0, 1, 1]), np.array([5, 5, 2, 2, 2])
    # Segment 0 shares 2 with cluster 5 (union 3) and 1 with cluster 2 (union 5); segment 1 shares 2 with cluster 2 (union 3).
    np.testing.assert_allclose(recovery(segments, [refit]), [[2 / 3, 2 / 3]])


def test_agreements_in_a_table():
    table = agreement_table({"seeds": np.array([0.5, 1.0])})
    assert table.iloc[0].to_dict() == {"check": "seeds", "n": 2, "ari_mean": 0.75, "ari_std": 0.25, "ari_min": 0.5}


@pytest.mark.parametrize("n_weeks", [4, 5])
def test_halves_of_the_weeks(n_weeks):
    days = pd.date_range("2020-01-06", periods=7 * n_weeks)
    calendar = pd.DataFrame({"week": np.arange(7 * n_weeks) // 7 + 1, "day": days})
    first, second = halves(calendar)
    assert first.first_day == date(2020, 1, 6)
    assert first.as_of == second.first_day == date(2020, 1, 20)
    assert second.as_of == date(2020, 1, 6) + timedelta(weeks=n_weeks)


def test_transitions_by_hand():
    earlier = pd.Series({1: 0, 2: 0, 3: 0, 4: 1})
    later = pd.Series({1: 0, 2: 1, 4: 1, 9: 0})  # household 3 is gone, 9 is not known before
    table = transitions(earlier, later, ["A", "B", "C"]).set_index(["earlier", "later"])
    assert table["n"].sum() == 4
    assert table.loc[("A", "no purchase"), ["n", "share"]].tolist() == pytest.approx([1, 1 / 3])
    assert table.loc[("B", "B"), "share"] == 1
    assert table.loc[("C", "A"), ["n", "share"]].tolist() == [0, 0]  # nobody was in C


def test_a_resample_of_fewer_rows_draws_from_all():
    np.testing.assert_array_equal(resample(50, 1, 0, at_most=None), resample(50, 1, 0, at_most=80))
    drawn = np.concatenate([resample(50, 1, number, at_most=20) for number in range(40)])
    assert len(drawn) == 40 * 20
    assert np.unique(drawn).tolist() == list(range(50))
