"""Whether an experiment was drawn as declared: one test of all covariates at once."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, kstest

from targeting.nuisance.lots import DRAWS, balance_p_value
from targeting.nuisance.overlap import overlap_verdict
from targeting.sentences.overlap import overlap_words


def covariates(n: int, seed: int) -> np.ndarray:
    """A skewed one, one that repeats it, an indicator, and one that is the same for all."""
    rng = np.random.default_rng(seed)
    spend, known = rng.gamma(0.5, 100, n), rng.integers(0, 2, n)
    return np.column_stack([spend, 2 * spend + 1, known, np.ones(n)])


def test_it_agrees_with_the_omnibus_statistic_by_hand_in_large_samples():
    x, e = covariates(2000, seed=0), np.full(2000, 0.3)
    treated = np.random.default_rng(1).random(2000) < e
    # Hansen and Bowers' d^2 of the two columns that say something: chi-squared with as many degrees of freedom.
    own = x[:, [0, 2]] - x[:, [0, 2]].mean(axis=0)
    total = own.T @ (treated - e)
    by_hand = chi2.sf(total @ np.linalg.inv(0.21 * own.T @ own) @ total, 2)
    assert balance_p_value(x, treated, e, seed=0) == pytest.approx(by_hand, abs=0.05)


def test_lots_kept_are_found_at_fault_no_oftener_than_chance_has_it():
    p = []
    for seed in range(120):
        x = covariates(60, seed)
        e = np.random.default_rng(seed).choice([0.2, 0.5, 0.8], 60)
        p.append(balance_p_value(x, np.random.default_rng(1000 + seed).random(60) < e, e, seed))
    assert kstest(p, "uniform").pvalue > 0.01


def test_a_campaign_that_chose_its_customers_is_no_experiment():
    x, rng = covariates(445, seed=0), np.random.default_rng(1)
    chosen = rng.random(445) < np.where(x[:, 0] > np.median(x[:, 0]), 0.75, 0.25)
    assert balance_p_value(x, chosen, np.full(445, 0.5), seed=0) == 1 / (1 + DRAWS)


def experiment(p: float, fewest: float = 200.0) -> dict[str, float | str]:
    """A small experiment, one covariate of which differs by a fifth of its spread."""
    numbers: dict[str, float | str] = {
        "n_beyond_chance": 1,
        "overlap_share_wide": 1.0,
        "ess_treated_overlap": fewest,
        "ess_control_overlap": 260.0,
        "max_smd_overlap": 0.2,
        "balance_p": p,
    }
    return numbers | {"answers": overlap_verdict(numbers)}


@pytest.mark.parametrize(
    ("numbers", "answers", "words"),
    [
        (experiment(0.4), "everybody", "no more than lots would have it (p = 0.400)"),
        (experiment(0.001), "nothing", "differ by more than lots with the stated chances"),
        (experiment(0.4, fewest=20.0), "nothing", "20 rows in the smaller arm"),
    ],
)
def test_a_declared_experiment_is_judged_by_its_lots(numbers, answers, words):
    assert numbers["answers"] == answers
    assert words in overlap_words(numbers)
    # Without lots the same numbers would not do.
    assert overlap_verdict(pd.Series(numbers).drop("balance_p")) == "nothing"
