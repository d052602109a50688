"""One household far from all others: what it may say about a propensity and about balance, by hand and by known truth."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from targeting.nuisance.extremes import pulled_in
from targeting.nuisance.imbalance import imbalance_test
from targeting.nuisance.models import fixed_propensity, propensity_model, with_logs
from targeting.nuisance.overlap import balance_table, positivity

BOUNDS = [0.1, 0.9]


def shop(n=2000, seed=0):
    """Covariates (n, 2), who is mailed, and the true propensity, by the first of them alone; row 0, a control, is 60 away."""
    rng = np.random.default_rng(seed)
    covariates = rng.normal(size=(n, 2))
    truth = expit(covariates[:, 0] - 0.5)
    treated = (rng.random(n) < truth).astype(int)
    far, treated[0] = covariates.copy(), 0
    far[0, 1] = 60.0
    return covariates, far, treated, truth


def test_drawn_in_worked_by_hand():
    # One 1 among 400 numbers: mean 0.0025, spread sqrt(0.0025 * 0.9975), reach ten of these.
    values = np.zeros((400, 3))
    values[7, 0], values[:, 1] = 1.0, 0.1
    values[:50, 2] = 1.0
    drawn = pulled_in(values)
    assert drawn[7, 0] == pytest.approx(0.0025 + 10 * np.sqrt(0.0025 * 0.9975))
    assert drawn[:, 1:].tolist() == values[:, 1:].tolist()
    assert np.delete(drawn[:, 0], 7).tolist() == [0.0] * 399


def test_ordinary_covariates_stay_as_they_are():
    covariates, _, treated, _ = shop()
    assert pulled_in(covariates).tolist() == covariates.tolist()
    plain = LogisticRegression(C=0.1, tol=1e-10).fit(standard(with_logs(covariates)), treated)
    chance = fixed_propensity(0.1).fit(covariates, treated).predict_proba(covariates)[:, 1]
    np.testing.assert_allclose(chance, plain.predict_proba(standard(with_logs(covariates)))[:, 1], atol=1e-4)


@pytest.mark.parametrize("searched", [False, True])
def test_one_household_far_away_bends_no_propensity(searched):
    covariates, far, treated, truth = shop()
    model = propensity_model("linear", 0) if searched else fixed_propensity(1.0)
    without = model.fit(covariates[1:], treated[1:]).predict_proba(covariates[1:])[:, 1]
    chance = model.fit(far, treated).predict_proba(far)[:, 1]
    assert np.abs(chance[1:] - without).max() < 0.03
    assert np.sqrt(np.mean((chance[1:] - truth[1:]) ** 2)) < 0.04
    assert 0.05 < chance[0] < 0.95


def test_one_household_far_away_leaves_the_arms_comparable():
    covariates, far, treated, truth = shop()
    numbers = positivity(pd.DataFrame(far, columns=["keen", "ratio"]), treated, truth, BOUNDS, seed=0)
    assert numbers["n_beyond_chance"] == 0
    table = balance_table(pd.DataFrame(far, columns=["keen", "ratio"]), treated, truth).set_index("covariate")
    ordinary = balance_table(pd.DataFrame(covariates, columns=["keen", "ratio"]), treated, truth).set_index("covariate")
    assert table.loc["ratio", "smd_overlap"] == pytest.approx(ordinary.loc["ratio", "smd_overlap"], abs=0.02)


def test_many_households_far_away_are_an_imbalance():
    # A hundred and fifty households, all of them controls, at 4 where others are at 0: a difference of the arms.
    covariates, _, treated, truth = shop()
    covariates[np.flatnonzero(treated == 0)[:150], 1] = 4.0
    assert imbalance_test(covariates, treated, truth, seed=0).beyond_chance.tolist() == [False, True]


def standard(values):
    return (values - values.mean(axis=0)) / values.std(axis=0)
