"""The outcome's variance given covariates, against worlds whose noise is known."""

import numpy as np
import pandas as pd

from targeting.nuisance.noise import outcome_variance, score_precision


def by_fold(panel: pd.DataFrame, nuisance: pd.DataFrame) -> np.ndarray:
    """The variance that each row's precision rests on, where both arms are as likely."""
    return 0.25 / score_precision(panel, nuisance.assign(propensity=0.5), "spend")


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
    ratio = by_fold(panel, nuisance) / true
    size = pd.qcut(nuisance["mean_spend"], 5, labels=False)
    assert pd.Series(ratio).groupby(size).mean().between(0.7, 1.4).all()


def test_no_row_reaches_its_own_folds_variances():
    panel, nuisance, _ = world(2, n=500)
    before = by_fold(panel, nuisance)
    changed = panel.copy()
    own = changed["fold"] == 3
    changed.loc[own, "spend"] += 1e4
    after = by_fold(changed, nuisance)
    np.testing.assert_array_equal(before[own], after[own])
    assert (before[~own] != after[~own]).all()


def test_rows_that_never_buy_keep_some_noise():
    panel, nuisance, _ = world(3, n=600)
    idle = np.arange(600) < 150
    panel.loc[idle, "spend"] = 0.0
    nuisance[idle] = 0.0
    variance = by_fold(panel, nuisance)
    assert variance.min() > 0
    assert variance[idle].mean() < variance[~idle].mean() / 20


def test_precision_is_one_over_the_scores_variance():
    """Scores of rows that are all alike: their spread is what the precision says."""
    rng, e, n = np.random.default_rng(4), 0.3, 100_000
    treated = (rng.random(n) < e).astype(int)
    noise = rng.normal(0, 7.0, n)
    score = 5.0 + np.where(treated == 1, noise / e, -noise / (1 - e))
    panel = pd.DataFrame({"treated": treated, "fold": rng.integers(0, 5, n), "spend": 50 + 5 * treated + noise})
    nuisance = pd.DataFrame({"propensity": e, "mean_spend": 51.5, "mu0_spend": 50.0, "mu1_spend": 55.0}, index=panel.index)
    np.testing.assert_allclose(1 / score_precision(panel, nuisance, "spend"), score.var(), rtol=0.03)


def test_where_all_is_known_no_row_is_better_than_another():
    known = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(outcome_variance(known, known, known), np.ones(3))
