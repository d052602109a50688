"""Clustered standard errors against statsmodels and a slow loop."""

import numpy as np
import pytest
import statsmodels.api as sm

from targeting.stats.estimates import Estimate, cluster_sums, mean_estimate, ratio_estimate, standard_error


def sample(seed: int = 0, households: int = 80) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    ids = np.repeat(rng.permutation(households) + 1000, rng.integers(1, 5, households))
    return rng.normal(size=households)[np.searchsorted(np.unique(ids), ids)] + rng.normal(size=len(ids)) + 3, ids


def test_the_mean_agrees_with_statsmodels():
    values, ids = sample()
    fit = sm.OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": ids})
    estimate = mean_estimate(values, ids)
    assert estimate.value == pytest.approx(fit.params[0])
    # statsmodels also corrects by (n - 1) / (n - k) with k = 1, which is 1 here.
    assert estimate.se == pytest.approx(fit.bse[0])


def test_sums_agree_with_a_loop():
    values, ids = sample()
    expected = [sum(value for value, own in zip(values, ids, strict=True) if own == household) for household in sorted(set(ids))]
    np.testing.assert_allclose(cluster_sums(values, ids), expected)
    np.testing.assert_allclose(cluster_sums(np.column_stack([values, 2 * values]), ids)[:, 1], 2 * np.array(expected))


def test_repeating_every_row_does_not_shrink_the_interval():
    values, ids = sample()
    once, twice = mean_estimate(values, ids), mean_estimate(np.tile(values, 2), np.tile(ids, 2))
    assert twice.se == pytest.approx(once.se)


def test_a_ratio_agrees_with_a_bootstrap_over_households():
    values, ids = sample(households=400)
    spent = np.abs(values) + 1
    estimate = ratio_estimate(values, spent, ids)
    top, bottom = cluster_sums(values, ids), cluster_sums(spent, ids)
    draws = np.random.default_rng(1).integers(0, len(top), (4000, len(top)))
    ratios = top[draws].sum(axis=1) / bottom[draws].sum(axis=1)
    assert estimate.value == pytest.approx(values.sum() / spent.sum())
    assert estimate.se == pytest.approx(ratios.std(), rel=0.06)  # the bootstrap's own error is about 1%


def test_what_has_no_standard_error_is_refused():
    with pytest.raises(ValueError, match="at least two households"):
        standard_error([1.0, -1.0], [7, 7])
    with pytest.raises(ValueError, match="denominator"):
        ratio_estimate([1.0, 2.0], [1.0, -1.0], [1, 2])


def test_an_interval_is_the_normal_one():
    estimate = Estimate(10.0, 2.0)
    assert (estimate.lower, estimate.upper) == pytest.approx((10 - 3.919928, 10 + 3.919928))
