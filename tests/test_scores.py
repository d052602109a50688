"""Doubly robust scores: the textbook formula, and right if either nuisance is."""

import numpy as np
import pytest

from targeting.nuisance.scores import clip_bound, clipped, dr_scores


def test_two_rows_worked_by_hand():
    # Treated with e = 0.5, y = 10: score1 = 6 + (10 - 6) / 0.5 = 14, score0 = 4.
    # Control with e = 0.2, y = 3: score0 = 5 + (3 - 5) / 0.8 = 2.5, score1 = 7.
    scores = dr_scores([10, 3], [1, 0], [0.5, 0.2], [4, 5], [6, 7])
    np.testing.assert_allclose(scores, [[4, 14], [2.5, 7]])


@pytest.mark.parametrize("propensity", [0.0, 1.0])
def test_a_certain_propensity_is_refused(propensity):
    with pytest.raises(ValueError, match="Propensities of 0 or 1"):
        dr_scores([1.0], [1], [propensity], [0.0], [0.0])


def world(n: int, seed: int) -> dict[str, np.ndarray]:
    """Confounded by x; the true average effect is 2: Y = 5 + 3x + T (2 + x) + noise, P(T = 1) = 1 / (1 + exp(-x))."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    propensity = 1 / (1 + np.exp(-x))
    treated = (rng.random(n) < propensity).astype(float)
    outcome = 5 + 3 * x + treated * (2 + x) + rng.normal(size=n)
    return {"x": x, "e": propensity, "t": treated, "y": outcome, "mu0": 5 + 3 * x, "mu1": 7 + 4 * x}


@pytest.mark.parametrize(
    ("right_propensity", "right_outcome", "unbiased"),
    [(True, True, True), (True, False, True), (False, True, True), (False, False, False)],
)
def test_one_wrong_nuisance_finds_the_truth_and_two_do_not(right_propensity, right_outcome, unbiased):
    data = world(100_000, seed=1)
    wrong = np.full_like(data["x"], 0.5)
    scores = dr_scores(
        data["y"],
        data["t"],
        data["e"] if right_propensity else wrong,
        data["mu0"] if right_outcome else 0 * wrong,
        data["mu1"] if right_outcome else 0 * wrong,
    )
    effect = scores[:, 1] - scores[:, 0]
    error = abs(effect.mean() - 2) / (effect.std() / np.sqrt(len(effect)))
    assert (error < 3) == unbiased


def test_the_bound_follows_the_rarer_arm():
    assert clip_bound([1, 0, 0, 0, 0], 0.01) == 0.01  # a twentieth of 20% is no less
    assert clip_bound([1, *[0] * 24], 0.01) == pytest.approx(0.002)
    assert clip_bound([0, *[1] * 24], 0.01) == pytest.approx(0.002)
    assert clip_bound([1, *[0] * 999], 0.01) == 0.001
    assert clip_bound([1, *[0] * 999], 0.0005) == 0.0005
    assert clipped([0.0, 0.5, 0.999], [1, *[0] * 24], 0.01).tolist() == pytest.approx([0.002, 0.5, 0.998])


def test_where_few_are_mailed_overlap_weights_still_balance():
    """One in 30 is mailed, by x; the true propensities are known, half of them below 1%."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=100_000)
    propensity = 1 / (1 + np.exp(4.5 - 1.4 * x))
    treated = rng.random(len(x)) < propensity
    assert 0.02 < treated.mean() < 0.04
    assert 0.4 < (propensity < 0.01).mean() < 0.6

    def difference(e: np.ndarray) -> float:
        return float(np.average(x[treated], weights=1 - e[treated]) - np.average(x[~treated], weights=e[~treated]))

    assert abs(difference(clipped(propensity, treated, 0.01))) < 0.04
    assert difference(np.clip(propensity, 0.01, 0.99)) > 0.15
