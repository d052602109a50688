"""Balance and overlap against hand-worked cases and statsmodels."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.weightstats import DescrStatsW

from targeting.nuisance.overlap import (
    balance_table,
    calibration_error,
    calibration_of_propensity,
    comparable,
    crump_threshold,
    effective_sample_size,
    in_overlap,
    inverse_propensity_weights,
    overlap_verdict,
    overlap_weights,
    positivity,
    positivity_table,
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


def test_crumps_threshold_agrees_with_a_search_over_all_thresholds():
    rng = np.random.default_rng(0)
    for spread in (2.0, 4.0, 8.0):
        e = 1 / (1 + np.exp(-spread * rng.normal(size=800)))
        g = 1 / (e * (1 - e))
        # The variance of the trimmed effect, equal noise everywhere, is mean(g | kept) / share kept.
        grid = np.linspace(0.0001, 0.4, 8000)
        kept = [in_overlap(e, [alpha, 1 - alpha]) for alpha in grid]
        best = grid[np.argmin([g[inside].sum() / inside.sum() ** 2 for inside in kept])]
        chosen = in_overlap(e, [crump_threshold(e), 1 - crump_threshold(e)])
        assert g[chosen].sum() / chosen.sum() ** 2 <= min(g[inside].sum() / inside.sum() ** 2 for inside in kept) * (1 + 1e-9)
        assert crump_threshold(e) == pytest.approx(best, abs=0.01)


def test_crump_keeps_everybody_where_propensities_are_alike():
    assert crump_threshold([0.3, 0.5, 0.6]) == 0.0


def test_calibration_by_hand():
    table = calibration_of_propensity([0.1, 0.2, 0.8, 0.6], [0, 1, 1, 1], n_bins=2)
    np.testing.assert_allclose(table[["predicted", "observed", "n"]], [[0.15, 0.5, 2], [0.7, 1.0, 2]])
    assert ((table["observed_ci_lower"] <= table["observed"]) & (table["observed"] <= table["observed_ci_upper"])).all()
    assert calibration_error(table) == pytest.approx((0.35 * 2 + 0.3 * 2) / 4)


def test_calibration_finds_propensities_that_are_too_bold():
    rng = np.random.default_rng(0)
    e = rng.uniform(0.05, 0.95, 20_000)
    treated = rng.random(20_000) < e
    bold = 1 / (1 + np.exp(-2 * np.log(e / (1 - e))))
    assert calibration_error(calibration_of_propensity(e, treated)) < 0.02
    assert calibration_error(calibration_of_propensity(bold, treated)) > 0.05


def test_positivity_worked_by_hand():
    covariates = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]})
    numbers = positivity(covariates, [0, 1, 0, 1], [0.05, 0.5, 0.5, 0.96], [0.1, 0.9])
    assert (numbers["overlap_share"], numbers["overlap_share_wide"]) == (0.5, 0.75)
    # Treated before control in three and a half of four pairs: 0.5 against 0.05 and 0.5, 0.96 against both.
    assert numbers["propensity_auc"] == pytest.approx(3.5 / 4)
    # Controls' odds 0.05 / 0.95 and 1.
    odds = 0.05 / 0.95
    assert numbers["ess_control_att"] == pytest.approx((odds + 1) ** 2 / (odds**2 + 1))
    assert numbers["ess_treated_att"] == 2
    # Overlap weights of the treated 0.5 and 0.04, of controls 0.05 and 0.5.
    assert numbers["ess_treated_overlap"] == pytest.approx(0.54**2 / (0.5**2 + 0.04**2))
    assert numbers["ess_control_overlap"] == pytest.approx(0.55**2 / (0.5**2 + 0.05**2))


def test_the_table_has_everybody_and_each_trial():
    panel = pd.DataFrame({"campaign_id": [27, 27, 27, 27, 8, 8, 8, 8], "treated": [0, 1, 1, 0, 0, 0, 1, 1]})
    covariates = pd.DataFrame({"x": [1.0, 2, 3, 2, 4, 5, 7, 8], "only_in_27": [1.0, 0, 1, 0, 0, 0, 0, 0]})
    table = positivity_table(panel, covariates, [0.5, 0.05, 0.2, 0.3, 0.3, 0.9, 0.5, 0.6], [0.1, 0.9]).set_index("campaign_id")
    assert table.index.tolist() == ["all", "27", "8"]
    assert table["overlap_share"].tolist() == pytest.approx([7 / 8, 3 / 4, 1])
    assert table["n_treated"].tolist() == [4, 2, 2]
    # In campaign 8 x is 4, 5 among controls, 7, 8 among the treated: 3 / sqrt(1/2).
    assert table.loc["8", "max_smd"] == pytest.approx(3 / np.sqrt(0.5))


@pytest.mark.parametrize(
    ("wide", "fewest", "smd", "answers"),
    [
        (0.99, 400, 0.05, "everybody"),
        (0.70, 400, 0.05, "overlap"),
        (0.70, 49, 0.05, "nothing"),
        (0.99, 400, 0.10, "nothing"),
    ],
)
def test_what_the_data_can_answer(wide, fewest, smd, answers):
    numbers = {
        "overlap_share_wide": wide,
        "ess_treated_overlap": fewest,
        "ess_control_overlap": 900,
        "max_smd_overlap": smd,
    }
    assert overlap_verdict(numbers) == answers


def test_rows_by_lot_can_be_compared_however_small_their_chance():
    panel = pd.DataFrame({"by_lot": [1, 0, 0, 1]})
    assert comparable(panel, [0.02, 0.02, 0.5, 0.5], [0.1, 0.9]).tolist() == [True, False, True, True]
    assert comparable(panel.drop(columns="by_lot"), [0.02, 0.02, 0.5, 0.5], [0.1, 0.9]).tolist() == [False, False, True, True]
    covariates = pd.DataFrame({"x_a": [1.0, 2.0, 3.0, 5.0]})
    numbers = positivity(covariates, [0, 1, 0, 1], [0.02, 0.02, 0.5, 0.5], [0.1, 0.9], panel["by_lot"])
    assert numbers["overlap_share"] == numbers["overlap_share_wide"] == 0.75
