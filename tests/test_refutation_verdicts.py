"""Verdicts on refutations, each worked by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from targeting.robustness.refutation import with_campaigns
from targeting.robustness.refutation_verdicts import (
    COLUMNS,
    left_out_shift,
    left_out_sign,
    negative_control,
    placebo_false_alarms,
    placebo_position,
    placebo_ratio,
    random_cause_relative,
    random_cause_se,
    refutation_table,
    subset_spread,
    subset_stability,
    tally,
    with_known_reasons,
)
from targeting.stats.estimates import Estimate
from tests.refutation_settings import NOT_RUN, SETTINGS

Z = norm.ppf(0.975)
CLEAR, FAINT = Estimate(10.0, 2.0), Estimate(3.0, 2.0)


def draws(estimates: list[float], se: float | list[float] = 1.0, shift_se: float = np.nan) -> pd.DataFrame:
    return pd.DataFrame({"repeat": range(len(estimates)), "estimate": estimates, "se": se, "shift_se": shift_se})


def test_placebo_ratio():
    # Mean 2, sd 2, error 2 / sqrt(3) = 1.15; 2 / 10 = 0.2.
    passed = placebo_ratio(draws([0.0, 2.0, 4.0]), CLEAR, 0.5)
    assert (passed.value, passed.threshold, passed.passed) == (0.2, 0.5, True)
    assert (passed.estimate, passed.spread, passed.n_repeats) == (2.0, 2.0, 3)
    failed = placebo_ratio(draws([0.0, -2.0, -4.0]), FAINT, 0.5)
    assert (failed.value, failed.passed) == (pytest.approx(2 / 3), False)


def test_the_smallest_bias_that_shows_has_a_chance_of_80_percent():
    # An estimate with this bias leaves zero out of its 95% interval four times in five.
    rng = np.random.default_rng(0)
    control = negative_control(draws([1.0, 1.0], se=2.0), 50.0)
    estimates = rng.normal(control.smallest_bias, 2.0, 100_000)
    assert (estimates > Z * 2.0).mean() == pytest.approx(0.8, abs=0.01)
    # The mean of four placebos of standard deviation 2 has a standard error of 1.
    placebo = placebo_ratio(draws([0.0, 2 * np.sqrt(2), 0.0, 2 * np.sqrt(2)]), CLEAR, 0.5)
    means = rng.normal(placebo.smallest_bias, placebo.spread / 2, 100_000)
    assert (means > Z * placebo.spread / 2).mean() == pytest.approx(0.8, abs=0.01)
    # A shift by a random cause fails from the threshold on, in dollars: a tenth of an error of 2, or of an effect of 10.
    assert random_cause_se(draws([10.0]), CLEAR, 0.1).smallest_bias == pytest.approx(0.2)
    assert random_cause_relative(draws([10.0]), CLEAR, 0.1).smallest_bias == pytest.approx(1.0)
    # Of two trials the one whose shift is known to 3 counts, two-sided at 2.5% each.
    left_out = left_out_shift(draws([9.0, 8.0], shift_se=3.0), CLEAR)
    shifts = rng.normal(left_out.smallest_bias, 3.0, 100_000)
    assert (shifts > norm.ppf(1 - 0.025 / 2) * 3.0).mean() == pytest.approx(0.8, abs=0.01)


def test_a_ratio_without_an_original_effect_is_missing():
    finding = placebo_ratio(draws([1.0, 2.0]), Estimate(0.0, 1.0), 0.5)
    assert np.isnan(finding.value)
    assert finding.passed is None


def test_placebo_false_alarms_are_judged_by_the_binomial_distribution():
    # Of 20 at 5%, P(X <= 2) = 0.925 and P(X <= 3) = 0.984: up to 3 pass.
    for alarms, passes in ((0, True), (3, True), (4, False)):
        finding = placebo_false_alarms(draws([3.0] * alarms + [0.1] * (20 - alarms)))
        assert (finding.value, finding.threshold, finding.passed) == (alarms / 20, 3 / 20, passes)


def test_placebo_position_counts_the_original_among_the_placebos():
    # |-4| and |5| reach 4: (1 + 2) / (1 + 4).
    finding = placebo_position(draws([-4.0, 5.0, 1.0, 2.0]), Estimate(4.0, 1.0))
    assert (finding.value, finding.passed) == (pytest.approx(0.6), None)


def test_negative_control_takes_medians_over_the_splits():
    # Median 2; squared errors 1 + (1, 0, 4) = 2, 1, 5, median 2.
    finding = negative_control(draws([1.0, 2.0, 4.0]), 50.0)
    assert (finding.value, finding.threshold, finding.passed) == (2.0, pytest.approx(Z * np.sqrt(2)), True)
    beside = with_known_reasons(finding, draws([5.0, 7.0]))
    assert (beside.known, beside.known_sd) == (6.0, pytest.approx(np.sqrt(2)))
    assert (beside.value, beside.passed) == (finding.value, finding.passed)


def test_a_negative_control_away_from_zero_fails_on_either_side():
    for value in (3.0, -3.0):
        finding = negative_control(draws([value] * 3), 50.0)
        assert (finding.value, finding.passed, finding.unadjusted) == (value, False, 50.0)


def test_random_cause():
    # Shifts 0.1 and 0.3 of 10 with standard error 2: 0.2 / 2 and 0.2 / 10.
    moved = draws([10.1, 9.7])
    assert random_cause_se(moved, CLEAR, 0.2).value == pytest.approx(0.1)
    assert random_cause_se(moved, CLEAR, 0.2).passed
    assert random_cause_se(moved, CLEAR, 0.05).passed is False
    assert random_cause_relative(moved, CLEAR, 0.1).value == pytest.approx(0.02)
    assert random_cause_relative(moved, CLEAR, 0.01).passed is False
    assert random_cause_relative(moved, Estimate(0.0, 1.0), 0.1).passed is None


def test_subset_stability_is_one_less_the_relative_deviation():
    # Mean 10, sd 2: 0.8.
    finding = subset_stability(draws([8.0, 10.0, 12.0]), 0.7)
    assert (finding.value, finding.passed) == (pytest.approx(0.8), True)
    assert subset_stability(draws([-8.0, -10.0, -12.0]), 0.7).value == pytest.approx(0.8)
    assert subset_stability(draws([1.0, 10.0, 19.0]), 0.7).passed is False


def test_subset_spread_is_relative_to_what_sampling_gives():
    # A share of 0.8 and a standard error of 2 predict sqrt(0.25) * 2 = 1. The chi-squared quantile of 2 degrees is 5.991.
    passed = subset_spread(draws([9.0, 10.0, 11.0]), CLEAR, 0.8)
    assert (passed.value, passed.threshold) == pytest.approx((1.0, np.sqrt(5.991 / 2)), rel=1e-3)
    assert passed.passed
    failed = subset_spread(draws([8.0, 10.0, 12.0]), CLEAR, 0.8)
    assert (failed.value, failed.passed) == (pytest.approx(2.0), False)


def test_trials_left_out():
    # Shifts 1 and -3 in standard errors of 1 each; two trials share 5%: 2.241.
    parts = draws([9.0, 13.0], shift_se=1.0).assign(repeat=[27, 8])
    finding = left_out_shift(parts, CLEAR)
    assert (finding.value, finding.threshold, finding.passed) == (3.0, pytest.approx(2.2414, rel=1e-4), False)
    assert (finding.left_out, finding.estimate) == ("campaign 8", 13.0)
    assert left_out_shift(parts.assign(shift_se=2.0), CLEAR).passed
    assert left_out_sign(parts, CLEAR).passed
    turned = left_out_sign(parts.assign(estimate=[9.0, -1.0]), FAINT)
    assert (turned.value, turned.passed, turned.left_out) == (1.0, False, "campaign 8")


def table(checks: dict[str, pd.DataFrame]) -> pd.DataFrame:
    frames = [frame.assign(check=check, outcome="purchase_amount", estimator="ato") for check, frame in checks.items()]
    return refutation_table(pd.concat(frames, ignore_index=True), SETTINGS, NOT_RUN)


def test_checks_that_cannot_be_run_are_neither_passed_nor_failed():
    alone = table(
        {
            "original": draws([10.0], 2.0),
            "placebo": draws([1.0, -1.0]),
            "random_cause": draws([10.0, 10.1]),
            "subset": draws([9.0, 10.0, 11.0]),
        }
    ).set_index("check")
    for check in ("negative_control", "trial_left_out_shift", "trial_left_out_sign"):
        assert pd.isna(alone.loc[check, "passed"])
        assert alone.loc[check, "n_repeats"] == 0
    # Of ten rows one informs; three of the nine verdicts cannot be given.
    assert tally(alone.reset_index()) == {"n_checks": 9, "n_passed": 6, "n_failed": 0, "n_not_run": 3}


def test_the_table_has_its_columns_and_counts_failures():
    failing = table(
        {
            "original": draws([10.0], 2.0),
            "placebo": draws([9.0, 11.0]),
            "random_cause": draws([12.0, 13.0]),
            "subset": draws([0.0, 10.0, 20.0]),
            "negative_control": draws([5.0, 5.0]),
            "known_reasons": draws([0.0, 1.0]),
            "trial_left_out": draws([-9.0, 40.0], shift_se=1.0),
        }
    )
    assert list(failing.columns) == COLUMNS
    assert tally(failing) == {"n_checks": 9, "n_passed": 0, "n_failed": 9, "n_not_run": 0}


def test_a_campaign_left_out_bears_the_users_name():
    drawn = draws([9.0, 8.0, 7.0]).assign(check=["placebo", "trial_left_out", "trial_left_out"], repeat=[0, 1, 2])
    key = pd.DataFrame({"kind": "campaign", "number": [1, 2], "text": ["spring", "autumn"]})
    named = with_campaigns(drawn, key)
    assert named["repeat"].tolist() == [0, "spring", "autumn"]
    assert (
        left_out_shift(named[named["check"] == "trial_left_out"].assign(shift_se=[9.0, 0.1]), CLEAR).left_out == "campaign autumn"
    )
    pd.testing.assert_frame_equal(with_campaigns(drawn, key.head(0)), drawn)
