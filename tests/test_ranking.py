"""Rankings against slow loops, econml's formulas and worlds where the right ranking is known."""

import numpy as np
import pandas as pd
import pytest
from econml.validate.drtester import DRTester
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from targeting.clusters import standard_error
from targeting.ranking import (
    autoc,
    autoc_weights,
    best_linear_predictor,
    calibration_r2,
    calibration_table,
    qini,
    qini_weights,
    raw_auuc,
    tie_averaged,
    toc_table,
)


def world(n: int = 1000, seed: int = 0, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Effects, scores and households: the score is 2 + effect + noise; two rows a household share part of the noise."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(size=n)
    noise = rng.normal(0, 2, n) + np.repeat(rng.normal(0, 1, n // 2), 2)
    return effect, 2 + spread * effect + noise, np.repeat(np.arange(n // 2), 2)


def slow_toc(cate: np.ndarray, score: np.ndarray) -> list[float]:
    ranked = [value for _, value in sorted(zip(cate, score, strict=True), key=lambda pair: -pair[0])]
    return [np.mean(ranked[:k]) - np.mean(ranked) for k in range(1, len(ranked) + 1)]


def test_areas_agree_with_slow_loops():
    cate, score, households = world(60)
    toc = slow_toc(cate, score)
    assert autoc(cate, score, households).estimate.value == pytest.approx(np.mean(toc))
    shares = np.arange(1, 61) / 60
    assert qini(cate, score, households).estimate.value == pytest.approx(np.mean(shares * toc))


def test_weights_of_three_rows_by_hand():
    # TOC averages over k = 1, 2, 3: the first row's weight is 1 + 1/2 + 1/3 - 1.
    np.testing.assert_allclose(autoc_weights(3), [5 / 6, -1 / 6, -2 / 3])
    # k/n TOC(k/n) = (sum of first k)/n - k/n mean: weights (n - r + 1)/n - (n + 1)/(2n).
    np.testing.assert_allclose(qini_weights(3), [1 / 3, 0, -1 / 3], atol=1e-15)


@pytest.mark.parametrize("area", [autoc, qini])
def test_a_reversed_ranking_is_negative_and_passes_no_test(area):
    cate, score, households = world()
    right, wrong = area(cate, score, households), area(-cate, score, households)
    assert right.estimate.value > 0 > wrong.estimate.value
    assert right.p < 0.01
    assert wrong.p > 0.99
    random = area(np.random.default_rng(9).normal(size=len(cate)), score, households)
    assert right.estimate.value > random.estimate.value > wrong.estimate.value


@pytest.mark.parametrize("area", [autoc, qini])
def test_a_constant_effect_ranks_nobody(area):
    _, score, households = world()
    result = area(np.full(len(score), 3.0), score, households)
    assert (result.estimate.value, result.p) == (0, 1)


def test_ties_share_their_places():
    np.testing.assert_allclose(tie_averaged(np.array([5.0, 5.0, 2.0]), np.array([1.0, 0.0, -1.0])), [0.5, 0.5, -1.0])


def test_row_order_changes_nothing():
    cate, score, households = world()
    order = np.random.default_rng(2).permutation(len(cate))
    one, other = autoc(cate, score, households), autoc(cate[order], score[order], households[order])
    assert other.estimate.value == pytest.approx(one.estimate.value)
    assert other.estimate.se == pytest.approx(one.estimate.se)


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 1.0], ids=["no heterogeneity", "heterogeneity"])
@pytest.mark.parametrize("area", [autoc, qini])
def test_intervals_cover_the_known_area(area, spread):
    # The true TOC of a standard normal effect at a share is the mean of its largest values; the areas integrate it.
    shares = (np.arange(20_000) + 0.5) / 20_000
    normal = mean_of_largest(shares)
    truth = spread * float(np.mean(normal) if area is autoc else np.mean(shares * normal))
    results = [area(*world(800, seed, spread)) for seed in range(400)]
    covered = np.mean([result.estimate.lower <= truth <= result.estimate.upper for result in results])
    assert 0.92 < covered < 0.98
    if spread == 0:
        assert np.mean([result.p < 0.05 for result in results]) < 0.08


def mean_of_largest(shares: np.ndarray) -> np.ndarray:
    """Mean of the largest `shares` of a standard normal: density at the quantile over the share."""
    return norm.pdf(norm.isf(shares)) / shares


@given(scale=st.floats(0.01, 100), shift=st.floats(-50, 50), seed=st.integers(0, 10_000))
def test_only_the_order_of_effects_matters(scale, shift, seed):
    cate, score, households = world(40, seed)
    one, other = autoc(cate, score, households), autoc(np.exp(cate * scale / 50) + shift, score, households)
    assert other.estimate.value == pytest.approx(one.estimate.value, abs=1e-9)


def test_toc_agrees_with_a_slow_loop_and_ends_at_zero():
    cate, score, households = world(100)
    table = toc_table(cate, score, households, [0.2, 0.5, 1.0])
    toc = slow_toc(cate, score)
    assert table["toc"].tolist() == pytest.approx([toc[19], toc[49], 0])
    assert table["se"].iloc[-1] == 0


def test_blp_agrees_with_covariance_over_variance_and_known_slope():
    cate, score, households = world()
    result = best_linear_predictor(cate, score, households)
    assert result.estimate.value == pytest.approx(np.cov(cate, score)[0, 1] / np.var(cate, ddof=1))
    assert result.estimate.lower < 1 < result.estimate.upper
    assert best_linear_predictor(-cate, score, households).p > 0.99
    constant = best_linear_predictor(np.ones(len(cate)), score, households)
    assert (constant.estimate.value, constant.p) == (0, 1)


def test_calibration_agrees_with_econml():
    cate, score, households = world(1000)
    table = calibration_table(cate, score, households, n_groups=4)
    tester = DRTester(model_regression=None, model_propensity=None, cate=None)
    tester.dr_train_, tester.n_treat, tester.treatments = score[:, None], 1, np.array([0, 1])
    tester.dr_val_, tester.ate_val = score[:, None], np.array([score.mean()])
    tester.cate_preds_train_ = tester.cate_preds_val_ = cate[:, None]
    theirs = tester.evaluate_cal(n_groups=4)
    assert calibration_r2(table, float(score.mean())) == pytest.approx(theirs.cal_r_squared[0])
    gates = theirs.plot_data_dict[1]
    np.testing.assert_allclose(table["gate"], gates["gate"])
    np.testing.assert_allclose(table["cate"], gates["g_cate"])


def test_group_errors_are_clustered():
    cate, score, households = world()
    lowest = np.argsort(cate, kind="stable")[:200]
    expected = standard_error(score[lowest] - score[lowest].mean(), households[lowest])
    assert calibration_table(cate, score, households)["se"].iloc[0] == pytest.approx(expected)


def test_raw_auuc_agrees_with_a_slow_loop():
    rng = np.random.default_rng(0)
    cate, outcome, treated = rng.normal(size=50), rng.gamma(2, size=50), rng.integers(0, 2, 50)
    frame = pd.DataFrame({"c": cate, "y": outcome, "t": treated}).sort_values("c", ascending=False)
    gains = []
    for k in range(1, 51):
        first = frame.head(k)
        means = [first.loc[first["t"] == arm, "y"].mean() if (first["t"] == arm).any() else 0.0 for arm in (0, 1)]
        gains.append((means[1] - means[0]) * k / 50)
    assert raw_auuc(cate, outcome, treated) == pytest.approx(np.mean(gains))
