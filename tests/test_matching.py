"""Matching on the propensity: who is matched with whom, worked by hand and by a slow loop."""

import numpy as np
import pytest
from scipy.special import expit, logit

from targeting.effects.matching import CALIPER, match_on_propensity, matched_weights


def test_the_nearest_control_of_the_trial_is_taken_and_ties_share():
    # Logits: treated 0, 1; controls of the same trial 0.1, 0.1, 0.9; a control of another trial exactly at 0.
    logits = np.array([0.0, 1.0, 0.1, 0.1, 0.9, 0.0, 5.0, -5.0])
    treated = np.array([1, 1, 0, 0, 0, 0, 0, 0])
    trial = np.array([1, 1, 1, 1, 1, 2, 2, 2])
    weights, found = matched_weights(treated, expit(logits), trial)
    assert weights.tolist() == [0, 0, 0.5, 0.5, 1, 0, 0, 0]
    assert found.tolist() == [True, True, *[False] * 6]


def test_equally_near_controls_on_both_sides_share():
    weights, _ = matched_weights([1, 0, 0, 0, 0], expit(np.array([0.0, -0.2, 0.2, 4.0, -4.0])), [1] * 5)
    assert weights.tolist() == [0, 0.5, 0.5, 0, 0]


def test_a_treated_without_a_control_inside_the_caliper_stays_out():
    logits = np.array([3.0, 0.0, 0.05, -1.0])
    reach = CALIPER * logits.std()
    assert 0.05 < reach < 1
    weights, found = matched_weights([1, 1, 0, 0], expit(logits), [1] * 4)
    assert found.tolist() == [False, True, False, False]
    assert weights.tolist() == [0, 0, 1, 0]


def test_agrees_with_a_slow_loop():
    rng = np.random.default_rng(0)
    n = 300
    e, t = rng.uniform(0.1, 0.9, n), rng.integers(0, 2, n)
    y, mu0, trial = rng.normal(size=n), rng.normal(size=n), rng.integers(1, 4, n)
    x = logit(e)
    reach, effects, matched = CALIPER * x.std(), [], []
    for i in np.flatnonzero(t == 1):
        pool = np.flatnonzero((t == 0) & (trial == trial[i]))
        distance = np.abs(x[pool] - x[i])
        if distance.min() <= reach:
            nearest = pool[distance == distance.min()]
            effects.append(y[i] - mu0[i] - (y[nearest] - mu0[nearest]).mean())
            matched.append(i)
    estimate = match_on_propensity(y, t, e, mu0, trial, np.arange(n))
    assert len(matched) < (t == 1).sum() or reach > 0
    assert estimate.value == pytest.approx(np.mean(effects))


def test_nobody_to_match_gives_no_number():
    assert np.isnan(match_on_propensity([1.0, 2.0], [1, 0], [0.9, 0.1], [0.0, 0.0], [1, 2], [1, 2]).value)
