"""The outcome's variance given covariates, against worlds whose noise is known."""

import numpy as np
import pandas as pd
import pytest

from targeting.nuisance.noise import outcome_variance, precision


def world(seed: int, n: int = 4000) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Spend whose noise has a standard deviation of 10 + 0.5 of its mean, with tails; nuisances are the truth."""
    rng = np.random.default_rng(seed)
    mean = rng.lognormal(4, 1, n)
    spread = 10 + 0.5 * mean
    treated = rng.integers(0, 2, n)
    spend = mean + 20 * treated + spread * (rng.gamma(2, 1, n) - 2) / np.sqrt(2)
    panel = pd.DataFrame({"treated": treated, "fold": rng.integers(0, 5, n), "spend": spend})
    return panel, pd.DataFrame({"mean_spend": mean + 10, "mu0_spend": mean, "mu1_spend": mean + 20}), spread**2


def test_the_variance_grows_with_spend_as_it_does():
    panel, nuisance, true = world(1)
    ratio = outcome_variance(panel, nuisance, "spend") / true
    size = pd.qcut(nuisance["mean_spend"], 5, labels=False)
    assert pd.Series(ratio).groupby(size).mean().between(0.7, 1.4).all()


def test_no_row_reaches_its_own_folds_variances():
    panel, nuisance, _ = world(2, n=500)
    before = outcome_variance(panel, nuisance, "spend")
    changed = panel.copy()
    own = changed["fold"] == 3
    changed.loc[own, "spend"] += 1e4
    after = outcome_variance(changed, nuisance, "spend")
    np.testing.assert_array_equal(before[own], after[own])
    assert (before[~own] != after[~own]).all()


def test_rows_that_never_buy_keep_some_noise():
    panel, nuisance, _ = world(3, n=600)
    idle = np.arange(600) < 150
    panel.loc[idle, "spend"] = 0.0
    nuisance[idle] = 0.0
    variance = outcome_variance(panel, nuisance, "spend")
    assert variance.min() > 0
    assert variance[idle].mean() < variance[~idle].mean() / 20


def test_precision_is_one_over_the_scores_variance():
    """Scores of one row drawn over and over: their spread is what the weight says."""
    rng, e, sd = np.random.default_rng(4), 0.3, 7.0
    treated = rng.random(200_000) < e
    noise = rng.normal(0, sd, 200_000)
    score = 5.0 + np.where(treated, noise / e, -noise / (1 - e))
    assert 1 / precision(np.array([e]), np.array([sd**2]))[0] == pytest.approx(score.var(), rel=0.02)
