"""The posterior of effects and of a policy's profit: by hand, against statsmodels, and in worlds drawn from its own prior."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm
from statsmodels.regression.linear_model import WLS

from targeting.policy.posterior import (
    FEWEST,
    LASTING,
    Belief,
    Known,
    Posterior,
    beliefs_by_fold,
    believed,
    centred_in_trials,
    fit_posterior,
    weighted_fit,
)
from targeting.stats.joined import bias_prior, join
from targeting.stats.joint import joint_covariance


def rows(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Centred effects, scores whose slope on them is 2, weights and households of two rows each."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(size=n)
    effect -= effect.mean()
    household = np.repeat(np.arange(n // 2), 2)
    noise = rng.normal(size=n) + np.repeat(rng.normal(size=n // 2), 2)
    return effect, 5 + 2 * effect + noise, rng.uniform(0.5, 2, n), household


def slope_belief(value: float, variance: float) -> Belief:
    """What is believed of a slope whose estimate has nothing to do with the level's."""
    mean, covariance = believed(np.array([0.0, value]), np.diag([1.0, variance]), np.inf, 1)
    return Belief(float(mean[1]), float(np.sqrt(covariance[1, 1])))


def test_the_regression_is_statsmodels_weighted_and_clustered():
    effect, score, weight, household = rows(0)
    design = np.column_stack([np.ones(len(effect)), effect])
    values, influence = weighted_fit(design, score, weight)
    covariance = joint_covariance(influence, household)
    # Its small-sample factor is (C / (C - 1)) (n - 1) / (n - p); here it is C / (C - 1), as everywhere in this project.
    reference = WLS(score, design, weights=weight).fit(cov_type="cluster", cov_kwds={"groups": household})
    np.testing.assert_allclose(values, reference.params, rtol=1e-10)
    factor = (len(score) - 1) / (len(score) - 2)
    np.testing.assert_allclose(covariance * factor, reference.cov_params(), rtol=1e-10)


def test_the_level_is_shrunk_by_hand():
    # Four households of one row. Level: mean of the scores, 20; residuals -10, 10, -10, 10 around 20 + 5 effect.
    effect, score = np.array([-2.0, -2.0, 2.0, 2.0]), np.array([0.0, 20.0, 20.0, 40.0])
    found = fit_posterior(Known(effect, score, np.ones(4), np.arange(4)), prior_sd=10.0)
    # Variance 4/3 * 400 / 16 = 100 / 3, prior 100: kept 100 / (100 + 100 / 3) = 3/4; 15, and sd sqrt(3/4 * 100 / 3) = 5.
    assert (found.level.mean, found.level.sd) == pytest.approx((15.0, 5.0))
    # Slope 5: variance 4/3 * sum (2 * 10)^2 / 16^2 = 4/3 * 1600 / 256 = 25/3.
    expected = slope_belief(5.0, 25 / 3)
    assert (found.slope.mean, found.slope.sd) == pytest.approx((expected.mean, expected.sd))
    np.testing.assert_allclose(found.mean([-3.0, 3.0]), [15 - 3 * found.slope.mean, 15 + 3 * found.slope.mean])
    np.testing.assert_allclose(found.sd([3.0], np.ones(1, dtype=bool)), np.hypot(5.0, 3 * found.slope.sd))
    # Where nothing is unlikely beforehand the level is the estimate.
    assert fit_posterior(Known(effect, score, np.ones(4), np.arange(4)), prior_sd=np.inf).level.mean == pytest.approx(20.0)


def test_level_and_slope_are_believed_as_a_long_draw_from_their_prior_has_them():
    """Lots and observed campaigns that lie apart, their levels' errors going with the slope's: prior draws, each weighed."""
    values, covariance = np.array([54.0, 20.0, 0.4]), np.array([[100.0, 0.0, -3.0], [0.0, 36.0, 0.1], [-3.0, 0.1, 0.16]])
    spread, chance = bias_prior(np.sqrt(136.0), 6.0, 25.0)
    rng, n = np.random.default_rng(3), 2_000_000
    level, slope = rng.normal(0, 25.0, n), np.where(rng.random(n) < 0.5, 0.0, rng.normal(1.0, 0.25, n))
    bias = rng.normal(size=n) * rng.choice(spread, n, p=chance / chance.sum())
    weight = multivariate_normal(values, covariance).pdf(np.column_stack([level, level + bias, slope]))
    draws = np.column_stack([level, slope])
    mean, variance = believed(values, covariance, 25.0, kinds=2)
    error = 4 / np.sqrt(weight.sum() ** 2 / np.square(weight).sum())  # four of the draws' own
    spreads = np.sqrt(np.diag(np.cov(draws, rowvar=False, aweights=weight)))
    np.testing.assert_allclose(mean, np.average(draws, axis=0, weights=weight), atol=error * spreads.max())
    drawn = np.cov(draws, rowvar=False, aweights=weight)
    np.testing.assert_allclose(variance, drawn, atol=2 * error * np.prod(spreads), rtol=0.05)
    # Of one kind of evidence alone: sums over a grid.
    one, both = np.array([20.0, 0.7]), np.array([[40.0, -0.8], [-0.8, 0.09]])
    levels, slopes = np.linspace(-60, 100, 801), np.linspace(-1.5, 3.5, 1001)
    grid = np.stack(np.meshgrid(levels, slopes, indexing="ij"), axis=-1)
    slab = multivariate_normal(one, both).pdf(grid) * norm.pdf(slopes, 1, 0.25) * (slopes[1] - slopes[0])
    spike = multivariate_normal(one, both).pdf(np.column_stack([levels, np.zeros_like(levels)]))
    weights = np.concatenate([slab.ravel(), spike]) * norm.pdf(np.concatenate([np.repeat(levels, len(slopes)), levels]), 0, 25)
    points = np.concatenate([grid.reshape(-1, 2), np.column_stack([levels, np.zeros_like(levels)])])
    mean, variance = believed(one, both, 25.0, kinds=1)
    np.testing.assert_allclose(mean, np.average(points, axis=0, weights=weights), rtol=1e-6)
    np.testing.assert_allclose(variance, np.cov(points, rowvar=False, aweights=weights, ddof=0), rtol=1e-5)


def test_lots_among_those_with_large_effects_say_how_steep_effects_are_and_not_that_all_are_large():
    """The learner is right; observed scores hardly say so. A pilot asks the best, and its answer is theirs alone."""
    n, m, found = 1600, 400, []
    by_lot = np.arange(n + m) >= n
    for seed in range(60):
        rng = np.random.default_rng(seed)
        centred = np.append(rng.normal(0, 25, n), rng.normal(50, 5, m))
        score = 15 + centred + rng.normal(0, np.where(by_lot, 150, 600))
        known = centred, score, np.where(by_lot, 1 / 150**2, 1 / 600**2), np.arange(n + m)
        before, after = fit_posterior(Known(*(each[:n] for each in known)), 30.0), fit_posterior(Known(*known, by_lot), 30.0)
        doubts = after.sd([50.0, 0.0], np.ones(2, dtype=bool))
        found.append([before.mean(50.0), after.mean(50.0), after.mean(0.0), *doubts])
    shrunk, best, average, known_best, known_average = np.mean(found, axis=0)
    error = np.std(found, axis=0) / np.sqrt(60)
    assert shrunk < 65 - 3 * error[0]
    assert abs(best - 65) < 4 * error[1]
    assert abs(average - 15) < 4 * error[2]
    assert known_best < known_average


@pytest.mark.parametrize(("value", "sd"), [(1.1, 0.2), (0.4, 0.3), (0.1, 0.3), (-0.5, 0.4), (2.5, 0.5), (1.0, 2.0)])
def test_the_slopes_mean_and_spread_are_those_of_a_long_sum_over_its_prior(value, sd):
    slopes = np.linspace(-3, 5, 80_001)
    slab = 0.5 * norm.pdf(slopes, 1, 0.25) * (slopes[1] - slopes[0])
    weight = np.append(slab, 0.5) * norm.pdf(value, np.append(slopes, 0.0), sd)
    mean = np.average(np.append(slopes, 0.0), weights=weight)
    spread = np.sqrt(np.average((np.append(slopes, 0.0) - mean) ** 2, weights=weight))
    found = slope_belief(value, sd**2)
    assert (found.mean, found.sd) == pytest.approx((mean, spread), rel=1e-6)


def test_a_slope_far_from_nothing_is_the_learners_own_and_one_of_noise_is_none():
    assert slope_belief(1.0, 0.1**2).mean == pytest.approx(1.0, abs=0.01)
    assert slope_belief(0.0, 0.1**2).mean < 0.01
    assert slope_belief(-1.0, 0.3**2).mean < 0.01
    assert slope_belief(-4.0, 3.0**2).mean >= 0
    known = slope_belief(0.7, 0.0)
    assert (known.mean, known.sd) == pytest.approx((0.7, 0.0), abs=1e-8)
    assert slope_belief(-2.0, 0.1**2) == Belief(0.0, 0.0)  # the wrong way, for sure
    effect, score, weight, household = rows(2)
    alike = fit_posterior(Known(np.zeros(len(effect)), score, weight, household), 10.0)
    assert alike.slope == Belief(0.0, 0.0)
    assert np.ptp(alike.mean(effect)) == 0


def test_a_fold_is_believed_by_the_others():
    effect, score, weight, household = rows(4)
    fold, counted = household % 3, np.arange(len(effect)) % 5 > 0
    known = Known(effect, score, weight, household)
    mean, sd = beliefs_by_fold(known, fold, counted, 10.0)
    for number in range(3):
        others, own = counted & (fold != number), fold == number
        expected = fit_posterior(Known(effect[others], score[others], weight[others], household[others]), 10.0)
        np.testing.assert_allclose(mean[own], expected.mean(effect[own]))
        np.testing.assert_allclose(sd[own], expected.sd(effect[own], counted[own]))
    # Beside a fold that has all who count nothing is believed.
    alone = beliefs_by_fold(known, fold, fold == 1, 10.0)[0]
    assert np.isnan(alone[fold == 1]).all()
    assert np.isfinite(alone[fold != 1]).all()
    # Nor from a handful, through whom a line may go without any error.
    few = np.isin(household, np.unique(household)[: FEWEST - 1])
    assert np.isnan(beliefs_by_fold(known, fold, few, 10.0)[0]).all()


def test_what_is_expected_to_be_lost_is_the_mean_of_a_long_draw():
    draws = np.random.default_rng(1).normal(1.0, 2.0, 1_000_000)
    assert Belief(1.0, 2.0).expected_loss == pytest.approx(np.maximum(-draws, 0).mean(), abs=0.003)
    assert (Belief(-3.0, 0.0).expected_loss, Belief(3.0, 0.0).expected_loss) == (3.0, 0.0)


def test_the_profit_of_a_policy_by_hand():
    posterior = Posterior(Belief(40.0, 10.0), Belief(1.0, 0.5))
    policy, effect, inside = np.array([1.0, 1.0, 0.0, 0.0]), np.array([10.0, 30.0, 99.0, -99.0]), np.ones(4, dtype=bool)
    # Sales (50 + 70) / 4 at 30% are 9, less half a contact of 10 USD. Level counts 0.3 / 2, slope 0.3 * 40 / 4 = 3.
    profit = posterior.profit(policy, effect, inside, cost=10.0, margin=0.3)
    assert (profit.mean, profit.sd) == pytest.approx((4.0, np.hypot(1.5, 1.5)))
    assert profit.chance_below_zero == pytest.approx(norm.cdf(-4 / np.hypot(1.5, 1.5)))
    assert profit.interval == pytest.approx(norm.interval(0.95, 4.0, np.hypot(1.5, 1.5)))
    # Costs by row count where they are spent.
    assert posterior.profit(policy, effect, inside, np.array([10.0, 20.0, 0.0, 0.0]), 0.3).mean == pytest.approx(1.5)


def test_the_mean_effect_is_what_contacting_everybody_brings():
    posterior, centred = Posterior(Belief(40.0, 10.0), Belief(1.0, 0.5)), np.array([10.0, 30.0, -4.0])
    average = posterior.average(centred)
    draws = np.random.default_rng(4).normal(size=(2, 400_000))
    effects = sum(40 + 10 * draws[0] + x * (1 + 0.5 * draws[1]) for x in centred) / 3  # of each household, drawn together
    assert (average.mean, average.sd) == pytest.approx((effects.mean(), effects.std()), rel=0.005)
    # Not the level: households are 12 above the centre, as those of whom most is known need not be like the others.
    assert average.mean == pytest.approx(52.0)
    profit = posterior.profit(np.ones(3), centred, np.ones(3, dtype=bool), cost=10.0, margin=0.3)
    assert (profit.mean, profit.sd) == pytest.approx((0.3 * average.mean - 10, 0.3 * average.sd))


def test_what_is_carried_outside_the_overlap_is_as_expected_and_less_certain():
    posterior = Posterior(Belief(40.0, 10.0), Belief(1.0, 0.5), extrapolation=0.5)
    centred, inside = np.array([10.0, 30.0]), np.array([True, False])
    np.testing.assert_allclose(posterior.mean(centred), [50.0, 70.0])
    # Outside, half of the expected 70 is added to what is not known of level and slope.
    np.testing.assert_allclose(posterior.sd(centred, inside), [np.hypot(10, 5), np.sqrt(10**2 + 15**2 + 35**2)])
    # Three rows outside err together: their gains of 0.3 * 50, 70 and 60 USD are all half as large again, or half as large.
    profit = posterior.profit(np.ones(4), np.array([10.0, 10.0, 30.0, 20.0]), np.arange(4) < 1, cost=10.0, margin=0.3)
    draws = np.random.default_rng(3).normal(size=(3, 400_000))
    level, slope, carried = 40 + 10 * draws[0], 1 + 0.5 * draws[1], 1 + 0.5 * draws[2]
    inside_effect = level + 10 * slope
    # Expected effects set what is carried: its error is a part of them, whatever level and slope turn out to be.
    outside_effect = sum(level + x * slope + (40 + x) * (carried - 1) for x in (10.0, 30.0, 20.0))
    earned = 0.3 * (inside_effect + outside_effect) / 4 - 10
    assert (profit.mean, profit.sd) == pytest.approx((earned.mean(), earned.std()), rel=0.005)
    np.testing.assert_array_equal(posterior.speaks_of(inside), [True, True])
    np.testing.assert_array_equal(Posterior(posterior.level, posterior.slope).speaks_of(inside), inside)


def test_a_number_that_is_known_has_no_chance_of_being_another():
    assert Belief(0.0, 0.0).chance_below_zero == 0
    assert Belief(-1.0, 0.0).chance_below_zero == 1


def test_the_same_households_have_the_same_mean_effect_in_every_fold_and_trial():
    # Two folds; the first trial has all six households, the second two of each fold, one of which is new.
    household = np.array([1, 2, 3, 4, 5, 6, 2, 3, 6, 7])
    trial, fold = np.array([1] * 6 + [2] * 4), np.array([0, 0, 0, 1, 1, 1, 0, 0, 1, 1])
    effect = np.array([1.0, 3.0, 5.0, 10.0, 20.0, 30.0, 103.0, 105.0, 7.0, 17.0])
    counted, weight = np.arange(10) != 0, np.ones(10)
    # Means of 3 and 20 in the first; in the second the fold's two stand 1 above, and the one that was there before 10 above.
    placed = np.array([-2.0, 0.0, 2.0, -10.0, 0.0, 10.0, 0.0, 2.0, 10.0, 20.0])
    found = centred_in_trials(effect, weight, fold, trial, household, counted)
    np.testing.assert_allclose(found, placed - placed[1:].mean())
    # A trial of other households has nothing to go by but its own mean; nor has a fold that the largest trial has none of.
    apart = np.array([1, 2, 3, 4, 5, 6, 12, 13, 16, 17])
    placed = np.array([-2.0, 0.0, 2.0, -10.0, 0.0, 10.0, -1.0, 1.0, -5.0, 5.0])
    found = centred_in_trials(effect, weight, fold, trial, apart, counted)
    np.testing.assert_allclose(found, placed - placed[1:].mean())


def test_where_lots_took_in_those_with_large_effects_their_level_is_not_everybodys():
    rng, n = np.random.default_rng(6), 4000
    keen, household = rng.normal(0, 30, n), np.arange(n)
    first, chance = np.full(n, 0.5), np.clip(norm.cdf(keen / 15 - 2), 0.01, 0.99)  # later lots go by what is known
    trial, who = np.repeat([1, 2], n), np.tile(household, 2)
    effect = 10 + np.tile(keen, 2) + np.where(trial == 2, 40.0, 0.0)  # what the learner makes of the second trial is wrong
    weight = np.concatenate([e * (1 - e) for e in (first, chance)])
    score = 10 + np.tile(keen, 2) + rng.normal(size=2 * n) * 30 / np.sqrt(weight)
    centred = centred_in_trials(effect, weight, who % 5, trial, who, weight > 0)
    found = fit_posterior(Known(centred, score, weight, who), 50.0)
    everybody = found.average(centred[trial == 1])
    assert abs(everybody.mean - 10) < 3 * everybody.sd
    assert everybody.sd < 2.5


def test_what_a_trial_is_thought_to_bring_flattens_no_slope():
    rng, n = np.random.default_rng(4), 6000
    trial, who, keen = np.repeat(np.arange(1, 11), n // 10), np.tile(np.arange(n // 10), 10), rng.normal(0, 20, n)
    fold = who % 5
    score, weight = 10 + keen + rng.normal(0, 60, n), np.ones(n)
    # The learner is right about households, and errs about trials by as much as households differ.
    effect = 10 + keen + rng.normal(0, 40, (5, 11))[fold, trial]
    centred = centred_in_trials(effect, weight, fold, trial, who, weight > 0)
    own = fit_posterior(Known(centred, score, weight, np.arange(n)), 50.0).slope
    assert abs(own.mean - 1.0) < 3 * own.sd
    by_fold = centred_in_trials(effect, weight, fold, np.ones(n, dtype=int), who, weight > 0)
    assert fit_posterior(Known(by_fold, score, weight, np.arange(n)), 50.0).slope.mean < 0.5


def test_one_household_gives_no_posterior():
    with pytest.raises(ValueError, match="two households"):
        fit_posterior(Known(np.zeros(2), np.ones(2), np.ones(2), np.array([1, 1])), 10.0)


def test_beliefs_hold_as_often_as_they_say():
    """Levels drawn from the prior, effects alike: intervals hold 95%, and mailing whom the belief says earns what it says."""
    rng, n, household = np.random.default_rng(5), 300, np.arange(300)
    held, expected, true, chances, lost = [], [], [], [], []
    for _ in range(2000):
        level = rng.normal(0, 10)
        found = fit_posterior(Known(np.zeros(n), level + rng.normal(0, 150, n), np.ones(n), household), prior_sd=10.0)
        lower, upper = found.level.interval
        held.append(lower <= level <= upper)
        if found.level.mean > 5:  # a margin of 1 and a cost of 5
            belief = found.profit(np.ones(n), np.zeros(n), np.ones(n, dtype=bool), 5.0, 1.0)
            expected.append(belief.mean)
            true.append(level - 5)
            chances.append(belief.chance_below_zero)
            lost.append(level < 5)
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)
    # Monte Carlo error of the mean of some 500 levels, each known to about 6.5.
    assert np.mean(expected) == pytest.approx(np.mean(true), abs=1.0)
    assert np.mean(chances) == pytest.approx(np.mean(lost), abs=0.06)


def test_lots_correct_the_level_that_observed_campaigns_have_wrong():
    rng, n = np.random.default_rng(4), 400
    by_lot, household = np.arange(n) < 100, np.arange(n)
    score = np.where(by_lot, 20.0, 60.0) + rng.normal(0, 50, n)  # observed ones are off by 40
    found = fit_posterior(Known(np.zeros(n), score, np.ones(n), household, by_lot), np.inf)
    means = [score[rows].mean() for rows in (by_lot, ~by_lot)]
    # A mean's variance clustered by household: (n / (n - 1)) sum of squares / m^2, of all rows' n and its own m.
    variances = [n / (n - 1) * np.square(score[rows] - score[rows].mean()).sum() / rows.sum() ** 2 for rows in (by_lot, ~by_lot)]
    expected = join(*means, np.diag(variances), scale=np.sqrt(variances[1])).estimate
    assert (found.level.mean, found.level.sd) == pytest.approx((expected.value, expected.se))
    pooled = fit_posterior(Known(np.zeros(n), score, np.ones(n), household), np.inf)
    assert abs(found.level.mean - 20) < 10 < abs(pooled.level.mean - 20)
    # A first few lots that say next to nothing leave the belief nearly as it was, however wide their own error is.
    wide = np.where(by_lot, 40 * (score - 20), score)
    scarce = fit_posterior(Known(np.zeros(n), wide, np.ones(n), household, by_lot), 30.0)
    observed = fit_posterior(Known(np.zeros(n), wide, np.where(by_lot, 0.0, 1.0), household), 30.0)
    assert scarce.level.mean == pytest.approx(observed.level.mean, abs=5)
    assert scarce.level.sd < 4 * observed.level.sd
    # With lots alone, with none, or with a handful, there is nothing to correct.
    for few in (np.ones(n, dtype=bool), np.zeros(n, dtype=bool), np.arange(n) < 20):
        assert fit_posterior(Known(np.zeros(n), score, np.ones(n), household, few), np.inf) == pooled


def with_weeks_after(seed: int, bias: float, n: int = 800) -> Known:
    """Effects alike at 20, observed `bias` too high; a third of the rows has no week after the campaign."""
    rng = np.random.default_rng(seed)
    weeks = np.where(np.arange(n) % 3 == 0, 0.0, 1.0 + np.arange(n) % 4)
    shared = rng.normal(0, 60, n)
    after = np.column_stack([np.where(weeks > 0, bias + shared + rng.normal(0, 80, n), np.nan), weeks])
    score = 20 + bias + shared + rng.normal(0, 80, n)
    return Known(np.zeros(n), score, rng.uniform(0.5, 2, n), np.arange(n) // 2, after=after)


def test_weeks_after_a_campaign_stand_to_the_level_as_lots_do():
    known = with_weeks_after(1, 40.0)
    level = np.average(known.score, weights=known.weight)
    counted = known.weight * known.after[:, 1]
    bias = np.average(np.nan_to_num(known.after[:, 0]), weights=counted)
    # What leaving each household out moves level and bias by: the jackknife, a slow obvious error.
    drops = []
    for household in np.unique(known.household_id):
        kept = known.rows(known.household_id != household)
        own = kept.weight * kept.after[:, 1]
        drops.append([np.average(kept.score, weights=kept.weight), np.average(np.nan_to_num(kept.after[:, 0]), weights=own)])
    drops = np.array(drops)
    covariance = (len(drops) - 1) ** 2 / len(drops) * np.cov(drops.T, ddof=1)
    covariance[1, 1] += (LASTING * 30.0) ** 2
    turn = np.array([[1.0, -1.0], [1.0, 0.0]])
    mean, variance = believed(np.array([level - bias, level]), turn @ covariance @ turn.T, 30.0, kinds=2)
    found = fit_posterior(known, 30.0).level
    assert found.mean == pytest.approx(mean[0], rel=0.01)
    assert found.sd == pytest.approx(np.sqrt(variance[0, 0]), rel=0.01)


def test_most_of_a_large_bias_is_taken_off_and_nothing_is_added_for_a_deficit():
    alone = {name: fit_posterior(replace(with_weeks_after(2, bias), after=None), 30.0).level for name, bias in BIASES.items()}
    found = {name: fit_posterior(with_weeks_after(2, bias), 30.0).level for name, bias in BIASES.items()}
    assert abs(alone["large"].mean - 20) > 4 * alone["large"].sd
    assert abs(found["large"].mean - 20) < 0.5 * abs(alone["large"].mean - 20)
    assert abs(found["large"].mean - 20) < 2 * found["large"].sd
    assert found["none"].mean == pytest.approx(alone["none"].mean, abs=alone["none"].sd)
    assert found["none"].sd < 2 * alone["none"].sd
    assert found["deficit"].mean == pytest.approx(alone["deficit"].mean, abs=alone["deficit"].sd)


BIASES = {"none": 0.0, "large": 120.0, "deficit": -120.0}


def test_lots_need_no_weeks_after_and_a_handful_says_nothing():
    known = with_weeks_after(3, 40.0)
    n = len(known.score)
    for by_lot in (np.ones(n, dtype=bool), np.arange(n) < n // 2):
        drawn = replace(known, by_lot=by_lot)
        assert fit_posterior(drawn, 30.0) == fit_posterior(replace(drawn, after=None), 30.0)
    few = known.after.copy()
    few[2 * FEWEST - 2 :, 1] = 0.0
    assert fit_posterior(replace(known, after=few), 30.0) == fit_posterior(replace(known, after=None), 30.0)
