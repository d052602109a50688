"""Sensitivity: against published values, brute force, econml on independent rows, and worlds with a hidden confounder."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from econml.validate.sensitivity_analysis import dml_sensitivity_values
from scipy.optimize import linprog

from targeting.effects.estimators import aipw
from targeting.robustness.hidden_confounder import (
    benchmark_shares,
    e_value,
    e_value_of_interval,
    extreme_mean,
    manski_bounds,
    marginal_sensitivity_bounds,
    marginal_sensitivity_interval,
    omitted_variable,
)
from targeting.robustness.sensitivity_table import STRONGEST, contour, covariate_groups, sensitivity, turning_point
from targeting.sentences.sensitivity import with_readings
from targeting.stats.estimates import Estimate
from tests.test_effects import world


def arms(data):
    return data.outcome, data.treated, data.propensity, data.mu0, data.mu1


def noisy(n: int, noise: float = 8.0):
    """A world whose effect of 4 stands out less."""
    data = world(n)
    return replace(data, outcome=data.outcome + np.random.default_rng(1).normal(0, noise, n))


def test_manski_worked_by_hand():
    # Treated 6 and 8, controls 2, 4; half each. Y(1): 3.5 + [0, 5]; Y(0): 1.5 + [0, 5].
    assert manski_bounds([6, 8, 2, 4], [1, 1, 0, 0], 0, 10) == pytest.approx((3.5 - 1.5 - 5, 3.5 + 5 - 1.5))
    # What lies outside the assumed range counts as its end: 8 becomes 7.
    assert manski_bounds([6, 8, 2, 4], [1, 1, 0, 0], 0, 7) == pytest.approx((3.25 - 1.5 - 3.5, 3.25 + 3.5 - 1.5))


def test_the_e_value_of_the_published_example():
    # VanderWeele & Ding: a risk ratio of 3.9 has the E-value 7.26.
    effect = np.log(3.9) / 0.91 * 2.0
    assert e_value(effect, sd=2.0) == pytest.approx(7.26, abs=0.005)
    assert e_value(-effect, sd=2.0) == pytest.approx(e_value(effect, sd=2.0))
    assert e_value(0.0, sd=2.0) == 1


def test_the_e_value_of_an_interval_is_that_of_its_nearer_end():
    assert e_value_of_interval(Estimate(1.0, 1.0), 1.0) == 1.0
    estimate = Estimate(-5.0, 1.0)
    assert e_value_of_interval(estimate, 2.0) == pytest.approx(e_value(estimate.upper, 2.0))


def test_extreme_means_agree_with_linear_programming():
    rng = np.random.default_rng(0)
    for _ in range(20):
        values, low = rng.normal(size=12), rng.uniform(0.5, 1, 12)
        high = low + rng.uniform(0, 2, 12)
        # Charnes & Cooper: with weights scaled to sum to one, low s <= w <= high s is linear in (w, s).
        for largest in (True, False):
            cost = np.append(values, 0.0) * (-1 if largest else 1)
            bounds = np.vstack([np.column_stack([-np.eye(12), low]), np.column_stack([np.eye(12), -high])])
            program = linprog(cost, A_ub=bounds, b_ub=np.zeros(24), A_eq=[[1.0] * 12 + [0.0]], b_eq=[1.0], bounds=(0, None))
            assert extreme_mean(values, low, high, largest) == pytest.approx(program.fun * (-1 if largest else 1))


def test_without_hidden_confounding_the_bounds_are_one_estimate():
    data = world(2000)
    lower, upper = marginal_sensitivity_bounds(*arms(data), 1.0)
    assert lower == pytest.approx(upper)
    assert lower == pytest.approx(aipw(data).value, abs=0.05)  # normalised weights in place of plain ones


def test_bounds_widen_with_strength_and_turn_where_the_search_says():
    data = noisy(2000)
    widths = [np.ptp(marginal_sensitivity_bounds(*arms(data), strength)) for strength in (1.0, 1.2, 1.5, 2.0)]
    assert widths == sorted(widths)
    turn = turning_point(data)
    assert marginal_sensitivity_bounds(*arms(data), turn)[0] == pytest.approx(0, abs=1e-3)
    assert turning_point(world(2000)) == STRONGEST  # an effect that no strength tried explains away


def hidden_confounder(n: int, seed: int, strength: float) -> tuple[np.ndarray, ...]:
    """Effect 1; a hidden coin multiplies the odds of treatment by `strength` or its inverse, and adds 2 to the outcome.

    Returns outcome, treated, P(T = 1 | X) and means of each arm given X, with X nothing at all.
    """
    rng = np.random.default_rng(seed)
    coin = rng.integers(0, 2, n)
    chance = np.where(coin == 1, strength / (1 + strength), 1 / (1 + strength))
    treated = (rng.random(n) < chance).astype(float)
    outcome = treated + 2 * coin + rng.normal(0, 0.5, n)
    flat = np.ones(n)
    return outcome, treated, 0.5 * flat, outcome[treated == 0].mean() * flat, outcome[treated == 1].mean() * flat


@pytest.mark.slow
def test_intervals_include_an_effect_that_a_confounder_of_this_strength_hides():
    covered = {1.0: 0, 1.5: 0}
    for seed in range(40):
        data = hidden_confounder(600, seed, 1.5)
        for strength in covered:
            lower, upper = marginal_sensitivity_interval(data, np.arange(600), strength, seed)
            covered[strength] += lower <= 1 <= upper
    assert covered[1.5] >= 36
    assert covered[1.0] < 20  # taken at its word, the propensity misleads


def test_the_omitted_variable_analysis_is_econmls_where_households_have_one_row():
    data = world()
    t, y = data.treated - data.propensity, data.outcome - data.mean
    ours, theirs = omitted_variable(t, y, np.arange(600)), dml_sensitivity_values(t, y)
    assert (ours.theta, ours.sigma, ours.nu) == pytest.approx((float(theirs.theta), float(theirs.sigma), float(theirs.nu)))
    # Its nu = 1 / E T^2 has the influence of E T^2 itself: the covariances with nu have the other sign.
    turned = np.array([[1, 1, -1], [1, 1, -1], [-1, -1, 1]])
    np.testing.assert_allclose(ours.covariance, turned * theirs.cov * 600 / 599)


@pytest.mark.slow
def test_the_covariance_of_the_omitted_variable_analysis_is_that_of_leaving_households_out():
    rng = np.random.default_rng(3)
    n = 2000
    t = rng.gamma(2.0, 1.0, n) * rng.choice([-1.0, 1.0], n)  # residuals whose size goes with that of the outcome's
    y = 0.5 * t + rng.normal(0, 1, n) * (1 + t**2)
    found = omitted_variable(t, y, np.arange(n))
    without = []
    for left_out in range(n):
        kept = np.arange(n) != left_out
        values = dml_sensitivity_values(t[kept], y[kept])
        without.append([float(values.theta), float(values.sigma), float(values.nu)])
    spread = np.array(without) - np.mean(without, axis=0)
    jackknife = (n - 1) / n * spread.T @ spread
    size = np.sqrt(np.diag(jackknife))
    np.testing.assert_allclose(found.covariance / np.outer(size, size), jackknife / np.outer(size, size), atol=0.02)
    assert jackknife[1, 2] < 0


def test_copies_of_households_do_not_shrink_the_omitted_variable_interval():
    data = world()
    t, y = data.treated - data.propensity, data.outcome - data.mean
    once = omitted_variable(t, y, data.household_id)
    twice = omitted_variable(np.tile(t, 2), np.tile(y, 2), np.tile(data.household_id, 2))
    np.testing.assert_allclose(twice.covariance, once.covariance)
    assert twice.robustness_value("ci") == pytest.approx(once.robustness_value("ci"))
    assert once.robustness_value("ci") < once.robustness_value("theta")


def test_bounds_include_the_truth_for_a_confounder_of_known_shares():
    # Given nothing, T is a fair coin moved by U, and Y = T + U + noise: the shares are those of U in the population.
    rng = np.random.default_rng(0)
    n = 100_000
    u = rng.choice([-1.0, 1.0], n)
    treated = (rng.random(n) < 0.5 + 0.2 * u).astype(float)
    outcome = treated + u + rng.normal(0, 1, n)
    found = omitted_variable(treated - 0.5, outcome - outcome.mean(), np.arange(n))
    assert found.theta > 1.5
    share_treatment = 0.2**2 / 0.25
    # Of what treatment leaves of Y: var(U | T) = 1 - 0.4^2 beside noise of 1.
    share_outcome = 0.84 / 1.84
    lower, upper = found.bounds(share_outcome, share_treatment, "theta")
    assert lower == pytest.approx(1, abs=0.05)
    assert upper > found.theta


def test_benchmarks_are_partial_r2_from_f_tests():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.random((300, 3)), columns=["x_age", "x_spend_28d", "x_visits_28d"])
    treated = (rng.random(300) < frame["x_age"]).astype(int)
    outcome = 3 * frame["x_spend_28d"] + treated + rng.normal(size=300)
    table = benchmark_shares(frame, outcome, treated, {"age": ["x_age"]}).iloc[0]
    data = frame.assign(y=outcome, t=treated)
    formula = "y ~ t + x_age + np.log1p(x_age) + x_spend_28d + np.log1p(x_spend_28d) + x_visits_28d + np.log1p(x_visits_28d)"
    fit = smf.ols(formula, data).fit()
    test = fit.f_test("x_age = 0, np.log1p(x_age) = 0")
    assert table["share_outcome"] == pytest.approx(2 * test.fvalue / (2 * test.fvalue + fit.df_resid))
    assert table["share_treatment"] > 0.2


def test_groups_hold_the_covariates_that_exist():
    groups = covariate_groups(["x_spend_28d", "x_visits_56d", "x_age_from", "x_trial_2"], tills=True)
    assert groups == {"recent spend and visits": ["x_spend_28d", "x_visits_56d"], "demographics": ["x_age_from"]}


@pytest.mark.slow
def test_the_table_says_in_words_what_its_numbers_say():
    data = noisy(2000)
    shares = pd.DataFrame({"group": ["weak", "strong"], "share_outcome": [0.001, 0.6], "share_treatment": [0.001, 0.6]})
    found = sensitivity(data, data, shares, "purchase_amount", seed=1)
    table = with_readings(found.table).set_index(["analysis", "setting"])
    assert table.loc[("omitted_variable", "as strong as weak"), "reading"] == "the sign stays"
    assert table.loc[("omitted_variable", "as strong as strong"), "reading"] == "the sign could turn"
    value = table.loc[("robustness_value", "partially linear estimate"), "value"]
    assert found.omitted.bounds(value, value, "theta")[0] == pytest.approx(0, abs=1e-3)
    assert table.loc[("marginal_sensitivity", "turning point"), "value"] == found.turning_point > 1
    grid = contour(found.omitted).set_index(["share_treatment", "share_outcome"])
    assert grid.loc[(0.0, 0.0), "estimate"] == pytest.approx(found.omitted.theta)
    assert grid.loc[(0.1, 0.1), "estimate"] < grid.loc[(0.05, 0.05), "estimate"] < found.omitted.theta
