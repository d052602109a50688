"""Balance and overlap against hand-worked cases and statsmodels."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.weightstats import DescrStatsW

from targeting.overlap import (
    balance_table,
    effective_sample_size,
    in_overlap,
    inverse_propensity_weights,
    overlap_by_trial,
    overlap_weights,
    propensity_histogram,
    standardised_mean_differences,
)


def test_differences_worked_by_hand():
    # Treated 2, 4 (mean 3, variance 2), controls 1, 3, 5 (mean 3, variance 4): 0 / sqrt(3).
    # Treated 1, 1, controls 0, 0, 3 (mean 1, variance 3): 0. Treated 6, 8 (7, 2), controls 1, 3, 5: 4 / sqrt(3).
    covariates = np.array([[2, 1, 6], [4, 1, 8], [1, 0, 1], [3, 0, 3], [5, 3, 5]], dtype=float)
    differences = standardised_mean_differences(covariates, [1, 1, 0, 0, 0])
    np.testing.assert_allclose(differences, [0, 0, 4 / np.sqrt(3)], atol=1e-12)


def test_constants_that_differ_are_infinitely_apart():
    covariates = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 5.0], [1.0, 5.0]])
    assert standardised_mean_differences(covariates, [1, 1, 0, 0]).tolist() == [0.0, -np.inf]


def test_weighted_differences_agree_with_statsmodels():
    rng = np.random.default_rng(0)
    x, t, w = rng.gamma(2, size=200), rng.integers(0, 2, 200), rng.random(200) + 0.1
    weighted = [DescrStatsW(x[t == arm], w[t == arm]).mean for arm in (0, 1)]
    spread = np.sqrt(np.mean([x[t == arm].var(ddof=1) for arm in (0, 1)]))
    assert standardised_mean_differences(x[:, None], t, w)[0] == pytest.approx((weighted[1] - weighted[0]) / spread)


def test_weights_and_their_effective_size():
    assert inverse_propensity_weights([1, 0], [0.25, 0.2]).tolist() == [4.0, 1.25]
    assert overlap_weights([1, 0], [0.25, 0.2]).tolist() == [0.75, 0.2]
    assert effective_sample_size([2.0, 2.0, 2.0]) == 3
    assert effective_sample_size([3.0, 1.0]) == pytest.approx(16 / 10)


def test_overlap_includes_its_ends():
    assert in_overlap([0.05, 0.1, 0.5, 0.9, 0.91], [0.1, 0.9]).tolist() == [False, True, True, True, False]


def test_weighting_by_the_true_propensity_balances():
    rng = np.random.default_rng(0)
    x = rng.random(20_000)
    propensity = 0.1 + 0.8 * x
    treated = (rng.random(20_000) < propensity).astype(int)
    table = balance_table(pd.DataFrame({"noise": rng.random(20_000), "x": x}), treated, propensity)
    assert table["covariate"].tolist() == ["x", "noise"]  # the largest difference first
    assert table.loc[0, "smd"] > 1
    assert abs(table.loc[0, "smd_ipw"]) < 0.05
    assert abs(table.loc[0, "smd_overlap"]) < 0.05


def test_a_histogram_adds_up_to_one_in_each_arm():
    table = propensity_histogram([0.01, 0.02, 0.5, 1.0], [1, 0, 1, 1], n_bins=4)
    assert table.groupby("arm")["share"].sum().to_dict() == pytest.approx({"control": 1, "treated": 1})
    assert table.query("arm == 'treated'")["share"].tolist() == pytest.approx([1 / 3, 0, 1 / 3, 1 / 3])


def test_overlap_by_trial_by_hand():
    panel = pd.DataFrame({"trial": [1, 1, 2, 2], "campaign_id": [27, 27, 8, 8], "treated": [1, 0, 1, 1]})
    table = overlap_by_trial(panel, pd.Series([0.5, 0.05, 0.2, 0.9]), [0.1, 0.9])
    assert table.to_numpy().tolist() == [[1, 27, 2, 1, 0.5], [2, 8, 2, 2, 1.0]]
