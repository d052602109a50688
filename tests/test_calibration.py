"""Calibration against econml, hand-worked groups, and worlds where sizes and order are known."""

import numpy as np
import pytest
import statsmodels.api as sm
from econml.validate.drtester import DRTester
from scipy.stats import norm

from targeting.base.errors import DataError
from targeting.stats.estimates import standard_error
from targeting.validation.calibration import best_linear_predictor, calibration_r2, grouped_effects, groups_within_fold
from tests.worlds import world

SEED = 1


def one_fold(cate: np.ndarray) -> np.ndarray:
    return np.zeros(len(cate), dtype=int)


def drtester(cate: np.ndarray, score: np.ndarray) -> DRTester:
    """Econml's tester, given scores and effects instead of models."""
    tester = DRTester(model_regression=None, model_propensity=None, cate=None)
    tester.dr_train_, tester.n_treat, tester.treatments = score[:, None], 1, np.array([0, 1])
    tester.dr_val_, tester.ate_val = score[:, None], np.array([score.mean()])
    tester.cate_preds_train_ = tester.cate_preds_val_ = cate[:, None]
    return tester


def test_slope_agrees_with_covariance_over_variance_and_known_slope():
    cate, score, households = world()
    result = best_linear_predictor(cate, score, households)
    assert result.estimate.value == pytest.approx(np.cov(cate, score)[0, 1] / np.var(cate, ddof=1))
    assert result.estimate.lower < 1 < result.estimate.upper
    assert best_linear_predictor(-cate, score, households).p > 0.99
    constant = best_linear_predictor(np.ones(len(cate)), score, households)
    assert (constant.estimate.value, constant.p) == (0, 1)


def test_slope_agrees_with_econml_where_nobody_repeats():
    cate, score, _ = world()
    theirs = drtester(cate, score).evaluate_blp()
    ours = best_linear_predictor(cate, score, np.arange(len(cate)))
    assert ours.estimate.value == pytest.approx(theirs.params[0])
    # They take noise to be the same for all; each row its own cluster is the robust error of statsmodels.
    robust = sm.OLS(score, sm.add_constant(cate)).fit(cov_type="HC1")
    assert ours.estimate.se == pytest.approx(robust.bse[1], rel=2e-3)
    assert ours.estimate.se == pytest.approx(theirs.errs[0], rel=0.1)


def test_groups_agree_with_econml():
    cate, score, households = world(1000)
    ours = grouped_effects(cate, score, households, one_fold(cate), SEED, n_groups=4).table
    theirs = drtester(cate, score).evaluate_cal(n_groups=4)
    assert calibration_r2(ours, float(score.mean())) == pytest.approx(theirs.cal_r_squared[0])
    gates = theirs.plot_data_dict[1]
    np.testing.assert_allclose(ours["gate"], gates["gate"])
    np.testing.assert_allclose(ours["cate"], gates["g_cate"])


def test_groups_are_formed_within_folds():
    # The second fold's model says 100 more of everybody: that ranks folds, and not households.
    cate = np.array([1.0, 2, 3, 4, 101, 102, 103, 104])
    assert groups_within_fold(cate, [0] * 4 + [1] * 4, 2).tolist() == [1, 1, 2, 2, 1, 1, 2, 2]
    assert groups_within_fold(cate, [0] * 8, 2).tolist() == [1] * 4 + [2] * 4


def test_two_groups_by_hand():
    # Groups of predictions 1, 2 and 3, 4; effects (0 + 2) / 2 = 1 and (5 + 7) / 2 = 6; each mean has variance 2 * (1 + 1) / 2^2.
    groups = grouped_effects([1.0, 2, 3, 4], [0.0, 2, 5, 7], [1, 2, 3, 4], [0] * 4, SEED, n_groups=2)
    assert groups.table["gate"].tolist() == [1, 6]
    assert groups.table["cate"].tolist() == [1.5, 3.5]
    assert groups.table["se"].tolist() == pytest.approx([1, 1])
    assert groups.top_less_bottom.estimate.value == 5
    assert groups.top_less_bottom.estimate.se == pytest.approx(np.sqrt(2))
    assert groups.top_less_bottom.p == pytest.approx(norm.sf(5 / np.sqrt(2)))
    # One descent, of -5 standard deviations sqrt(2): its p is the normal's, up to the draws.
    assert groups.disorder_p == pytest.approx(norm.sf(-5 / np.sqrt(2)), abs=1e-3)


def test_errors_are_clustered_within_and_across_groups():
    cate, score, households = world()
    groups = grouped_effects(cate, score, households, one_fold(cate), SEED)
    lowest = np.argsort(cate, kind="stable")[:200]
    expected = standard_error(score[lowest] - score[lowest].mean(), households[lowest])
    assert groups.table["se"].iloc[0] == pytest.approx(expected)
    # The same rows twice are no more evidence, in whichever group.
    twice = grouped_effects(*(np.tile(values, 2) for values in (cate, score, households, one_fold(cate))), SEED)
    assert twice.top_less_bottom.estimate.se == pytest.approx(groups.top_less_bottom.estimate.se)
    assert twice.calibration_p == pytest.approx(groups.calibration_p)


def test_a_reversed_order_passes_no_test_and_is_called_wrong():
    cate, score, households = world()
    right = grouped_effects(cate, score, households, one_fold(cate), SEED)
    wrong = grouped_effects(-cate, score, households, one_fold(cate), SEED)
    assert right.top_less_bottom.p < 0.01
    assert right.disorder_p > 0.2
    assert wrong.top_less_bottom.p > 0.99
    assert wrong.disorder_p < 0.01
    assert wrong.calibration_p < 0.01


def test_a_constant_effect_orders_nobody():
    _, score, households = world()
    groups = grouped_effects(np.full(len(score), 2.0), score, households, one_fold(score), SEED)
    assert (groups.top_less_bottom.estimate.value, groups.top_less_bottom.p, groups.disorder_p) == (0, 1, 1)


def test_too_few_rows_are_named():
    with pytest.raises(DataError, match=r"3 rows cannot form 5 groups by predicted effect: widen nuisance.overlap"):
        grouped_effects([1.0, 2, 3], [1.0, 2, 3], [1, 2, 3], [0, 0, 0], SEED)


@pytest.mark.slow
def test_intervals_cover_and_tests_keep_their_level():
    # Effects are standard normal and predicted exactly: slope 1, groups calibrated up to where the cut falls; without spread the
    # top has nothing over the bottom. World's scores have mean 2 + effect, so 2 + effect is the right prediction.
    top_bottom = 2 * 5 * norm.pdf(norm.isf(0.2))
    covered, calibrated, claimed = [], [], []
    for seed in range(400):
        cate, score, households = world(800, seed)
        slope = best_linear_predictor(cate, score, households).estimate
        groups = grouped_effects(2 + cate, score, households, one_fold(cate), SEED)
        gain = groups.top_less_bottom.estimate
        covered.append([slope.lower <= 1 <= slope.upper, gain.lower <= top_bottom <= gain.upper])
        calibrated.append(groups.calibration_p > 0.05)
        nothing = grouped_effects(*world(800, seed, spread=0.0), one_fold(cate), SEED)
        claimed.append([nothing.top_less_bottom.p < 0.05, nothing.disorder_p < 0.05])
    assert (np.abs(np.mean(covered, axis=0) - 0.95) < 0.03).all()
    assert 0.92 < np.mean(calibrated) < 0.98
    assert (np.mean(claimed, axis=0) < 0.08).all()
