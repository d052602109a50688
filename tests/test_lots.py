"""Whether an experiment was drawn as declared: one test of all covariates at once."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, binomtest, chi2, kstest, norm

from targeting.effects.estimators import evidence_by_trial
from targeting.nuisance.lots import DRAWS, answers_by_lot, balance_p_value
from targeting.nuisance.overlap import overlap_verdict
from targeting.sentences.overlap import overlap_words
from targeting.stats.lots import rare_count_p, sample_ratio_p


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


def arm(n_treated: int, n: int) -> np.ndarray:
    return np.repeat([1, 0], [n_treated, n - n_treated])


@pytest.mark.parametrize(
    ("n_treated", "n", "chance"),
    [(291, 400, 0.5), (109, 400, 0.5), (30, 32, 0.5), (6, 1000, 0.001), (9, 10, 0.3), (700, 5000, 0.1)],
)
def test_a_count_off_one_chance_is_as_rare_as_the_binomial_law_has_it(n_treated, n, chance):
    found, law = rare_count_p(arm(n_treated, n), np.full(n, chance)), binom(n, chance)
    assert found == pytest.approx(2 * min(law.sf(n_treated - 1), law.cdf(n_treated)), rel=0.1)
    if chance == 0.5:  # where the law is even, both tails are alike
        assert found == pytest.approx(binomtest(n_treated, n, chance).pvalue, rel=0.1)


def test_a_count_off_chances_that_differ_by_hand():
    # Nine or ten of five lots of 0.1 and five of 0.5: all, or all but one of either kind.
    all_ten = 0.1**5 * 0.5**5
    nine = 5 * 0.1**4 * 0.9 * 0.5**5 + 5 * 0.5**5 * 0.1**5
    chances = np.repeat([0.1, 0.5], 5)
    assert rare_count_p(arm(10, 10), chances) == pytest.approx(2 * all_ten)
    assert rare_count_p(arm(9, 10), chances) == pytest.approx(2 * (all_ten + nine), rel=0.1)
    assert rare_count_p(arm(1, 10), 1 - chances) == pytest.approx(2 * (all_ten + nine), rel=0.1)
    # In large samples the normal law, which is that of the readout.
    many = np.tile([0.2, 0.5, 0.7], 20_000)
    assert rare_count_p(arm(28_400, 60_000), many) == pytest.approx(sample_ratio_p(arm(28_400, 60_000), many), rel=0.1)


def test_a_count_near_its_mean_is_nothing_rare():
    assert rare_count_p(arm(200, 400), np.full(400, 0.5)) == 1.0
    assert rare_count_p(arm(215, 400), np.full(400, 0.5)) == pytest.approx(2 * norm.sf(1.45), rel=0.02)


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
        (experiment(0.4), "everybody", "no more than lots may have it (p = 0.400; below"),
        (experiment(0.001), "nothing", "differ by more than lots with the stated chances"),
        (experiment(0.4, fewest=20.0), "nothing", "20 rows in the smaller arm"),
    ],
)
def test_a_declared_experiment_is_judged_by_its_lots(numbers, answers, words):
    assert numbers["answers"] == answers
    assert words in overlap_words(numbers)
    # Without lots the same numbers would not do.
    assert overlap_verdict(pd.Series(numbers).drop("balance_p")) == "nothing"


def test_lots_beside_campaigns_that_do_not_compare_are_judged_by_themselves():
    x, e, rng = pd.DataFrame(covariates(400, seed=0)), np.full(400, 0.4), np.random.default_rng(1)
    kept, chosen = (rng.random(400) < e).astype(int), (x[0] > x[0].quantile(0.6)).astype(int)
    for treated, rows, answer in ((kept, 400, "everybody"), (chosen, 400, "nothing"), (kept, 60, "nothing")):
        answers = answers_by_lot(x[:rows], treated[:rows], e[:rows], (0.1, 0.9), seed=1)
        assert answers == answer  # 60 rows are fewer than 50 in each arm
        beside = experiment(0.4) | {"answers": "nothing", "answers_by_lot": answers}
        del beside["balance_p"]
        assert ("design=by_lot" in overlap_words(beside)) == (answer == "everybody")


def test_estimates_say_on_what_they_rest():
    panel = pd.DataFrame({"campaign_id": [1, 1, 2, 2], "by_lot": [0, 0, 1, 1]})
    assert evidence_by_trial(panel) == {"all": "both", "1": "observed", "2": "lots"}
    assert evidence_by_trial(panel.drop(columns="by_lot"))["all"] == "observed"
