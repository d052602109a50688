"""Curves over the share treated: slow loops, econml, bands that cover at once, and what the raw curves get wrong."""

import numpy as np
import pandas as pd
import pytest
from econml.validate.utils import calc_uplift

from targeting.nuisance.scores import dr_scores
from targeting.stats.estimates import Z
from targeting.validation.ranking import autoc, qini
from targeting.validation.uplift import raw_auuc, raw_qini, toc_table, uplift_table
from tests.worlds import mean_of_largest, slow_toc, world

SEED = 1
SHARES = np.linspace(0.1, 1, 10)


def test_toc_agrees_with_a_slow_loop_and_ends_at_zero():
    cate, score, households = world(100)
    table = toc_table(cate, score, households, [0.2, 0.5, 1.0], SEED)
    toc = slow_toc(cate, score)
    assert table["toc"].tolist() == pytest.approx([toc[19], toc[49], 0])
    assert table["se"].iloc[-1] == 0
    np.testing.assert_allclose(uplift_table(table)["uplift"], [0.2 * toc[19], 0.5 * toc[49], 0])


def test_toc_agrees_with_econml_where_nobody_repeats():
    cate, score, _ = world(1000)
    _, _, theirs = calc_uplift(cate, cate, score, np.arange(10, 100, 10), "toc", n_bootstrap=50)
    shares = theirs["Percentage treated"].to_numpy() / 100
    ours = toc_table(cate, score, np.arange(1000), shares, SEED)
    np.testing.assert_allclose(ours["toc"], theirs["value"], atol=1e-9)
    # Theirs keeps in the error that the share's size varies; it does not, and what is estimated is the threshold.
    np.testing.assert_allclose(ours["se"], theirs["err"], rtol=0.25)


def test_errors_are_clustered():
    cate, score, households = world()
    once = toc_table(cate, score, households, SHARES, SEED)
    twice = toc_table(np.repeat(cate, 2), np.repeat(score, 2), np.repeat(households, 2), SHARES, SEED)
    np.testing.assert_allclose(twice["toc"], once["toc"], atol=1e-12)
    np.testing.assert_allclose(twice["se"], once["se"], rtol=0.01)


def test_ties_share_their_places_and_constants_rank_nobody():
    cate, score, households = np.array([2.0, 2, 1, 1]), np.array([4.0, 0, 1, 3]), np.arange(4)
    # The first quarter is either of two equals: their mean 2, as the mean of all is.
    assert toc_table(cate, score, households, [0.25], SEED)["toc"].tolist() == pytest.approx([0])
    reordered = toc_table(cate, score[[1, 0, 2, 3]], households, [0.25], SEED)["toc"]
    assert reordered.tolist() == pytest.approx([0])
    constant = toc_table(np.ones(4), score, households, SHARES, SEED)
    assert (constant[["toc", "se", "band_lower", "band_upper"]] == 0).all(axis=None)


def test_the_band_is_wider_than_the_interval_and_the_same_again():
    cate, score, households = world()
    table = toc_table(cate, score, households, SHARES, SEED)
    width = ((table["band_upper"] - table["toc"]) / table["se"]).iloc[:-1]
    assert width.nunique() <= 9  # one number of standard errors, up to rounding
    assert Z < width.iloc[0] < 3
    pd.testing.assert_frame_equal(toc_table(cate, score, households, SHARES, SEED), table)


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 1.0], ids=["no heterogeneity", "heterogeneity"])
def test_the_band_covers_the_whole_curve_and_intervals_each_share(spread):
    truth = spread * np.append(mean_of_largest(SHARES[:-1]), 0.0)
    at_once, each = [], []
    for seed in range(400):
        table = toc_table(*world(1000, seed, spread), SHARES, SEED)
        at_once.append(((table["band_lower"] <= truth + 1e-9) & (truth - 1e-9 <= table["band_upper"])).all())
        each.append((table["ci_lower"] <= truth + 1e-9) & (truth - 1e-9 <= table["ci_upper"]))
    assert 0.92 < np.mean(at_once) < 0.98
    assert (np.abs(np.mean(each, axis=0)[:-1] - 0.95) < 0.035).all()
    # Intervals share by share are no statement about the curve.
    assert np.mean([np.all(covers) for covers in each]) < 0.9


def test_raw_areas_agree_with_slow_loops():
    rng = np.random.default_rng(0)
    cate, outcome, treated = rng.normal(size=50), rng.gamma(2, size=50), rng.integers(0, 2, 50)
    frame = pd.DataFrame({"c": cate, "y": outcome, "t": treated}).sort_values("c", ascending=False)
    lifts, gains = [], []
    for k in range(1, 51):
        first = frame.head(k)
        means = [first.loc[first["t"] == arm, "y"].mean() if (first["t"] == arm).any() else 0.0 for arm in (0, 1)]
        lifts.append((means[1] - means[0]) * k / 50)
        sums = [first.loc[first["t"] == arm, "y"].sum() for arm in (0, 1)]
        numbers = [(first["t"] == arm).sum() for arm in (0, 1)]
        gains.append((sums[1] - sums[0] * numbers[1] / max(numbers[0], 1)) / 50)
    assert raw_auuc(cate, outcome, treated) == pytest.approx(np.mean(lifts))
    line = gains[-1] * np.arange(1, 51) / 50
    assert raw_qini(cate, outcome, treated) == pytest.approx(np.mean(gains - line))


def test_raw_areas_prefer_a_wrong_ranking_where_treatment_was_chosen():
    # Among the first half heavy shoppers are mailed more often, and nobody spends a cent more for it; among the others the
    # campaign falls by lot and adds 10 USD. Raw means take the heavy shoppers' spend for an effect: they prefer the ranking that
    # puts those first on whom the campaign does nothing. Doubly robust scores do not, and say so with a p-value.
    rng = np.random.default_rng(3)
    n = 4000
    chosen, spend = np.arange(n) < n // 2, rng.gamma(2, 50, n)
    propensity = np.where(chosen, np.clip(spend / 250, 0.1, 0.9), 0.5)
    treated = (rng.random(n) < propensity).astype(int)
    effect = np.where(chosen, 0.0, 10.0)
    outcome = spend + effect * treated + rng.normal(0, 20, n)
    score = np.diff(dr_scores(outcome, treated, propensity, spend, spend + 5), axis=1).ravel()
    right, wrong = effect + rng.normal(0, 0.1, n), -effect + rng.normal(0, 0.1, n)
    for raw, honest in ((raw_auuc, autoc), (raw_qini, qini)):
        assert raw(wrong, outcome, treated) > raw(right, outcome, treated) + 2
        assert honest(right, score, np.arange(n)).p < 0.001
        assert honest(wrong, score, np.arange(n)).p > 0.999
