"""Exploration: chances known and kept to, what they cost and what they teach."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from targeting.campaign.exploration import (
    CustomerBase,
    Exploration,
    draw,
    epsilon_greedy,
    expected_effective_sizes,
    exploration_table,
    repaid,
    simulate_campaigns,
    softmax,
    thompson,
)
from targeting.nuisance.overlap import effective_sample_size
from targeting.policy.economics import Economics


def test_epsilon_greedy_by_hand():
    assert epsilon_greedy([0, 1, 1], 0.0).tolist() == [0, 1, 1]
    np.testing.assert_allclose(epsilon_greedy([0, 1, 0.5], 0.2), [0.1, 0.9, 0.5])
    assert epsilon_greedy([0, 1], 1.0).tolist() == [0.5, 0.5]


def test_softmax_by_hand():
    # exp(1) / (exp(1) + exp(0)), and the two arms' chances sum to 1.
    assert softmax([2.0], 2.0)[0] == pytest.approx(np.e / (np.e + 1))
    np.testing.assert_allclose(softmax([3.0, -3.0], 2.0).sum(), 1.0)
    assert softmax([0.0], 5.0)[0] == 0.5


def test_softmax_goes_from_the_best_arm_to_a_coin():
    profit = np.array([-5.0, -0.1, 0.1, 5.0])
    np.testing.assert_allclose(softmax(profit, 1e-3), [0, 0, 1, 1], atol=1e-9)
    np.testing.assert_allclose(softmax(profit, 1e6), 0.5, atol=1e-5)
    assert (np.diff(softmax(profit, 2.0)) > 0).all()
    bounded = softmax([-1e6, 1e6], 1.0, epsilon=0.1)
    np.testing.assert_allclose(bounded, [0.05, 0.95])


def test_the_parameter_chooses_the_method():
    policy, profit, spread = np.array([0.0, 1.0]), np.array([4.0, -4.0]), np.array([4.0, 2.0])
    found = Exploration("thompson", 0.1, 2.0, floor=0.05).propensity(policy, profit, spread)
    # Of the second 0.023 by belief, and a floor of 0.05; but knowing would bring no more in the three campaigns after this one.
    np.testing.assert_allclose(found, [norm.cdf(1), 3 * (norm.pdf(2) - 2 * norm.cdf(-2)) / 2])
    greedy = Exploration("epsilon_greedy", 0.1, 2.0).propensity(policy, profit, spread)
    np.testing.assert_allclose(greedy, [0.05, 0.95])
    np.testing.assert_allclose(Exploration("softmax", 0.1, 2.0).propensity(policy, profit, spread), softmax(profit, 2.0, 0.1))


def test_thompson_mails_as_often_as_a_draw_from_the_belief_would():
    profit, spread = np.array([1.0, -2.0, 0.0, 3.0, -3.0]), np.array([2.0, 2.0, 1.0, 1.5, 1.5])
    drawn = np.random.default_rng(1).normal(profit, spread, (200_000, 5)) > 0
    found = thompson(profit, spread, 0.1, campaigns=1000)
    np.testing.assert_allclose(found, drawn.mean(axis=0).clip(0.1, 0.9), atol=0.005)
    # What is known for sure goes to an outer bound, of what is not believed at all the floor is mailed.
    assert thompson([3.0, -3.0, 1.0], [0.0, 0.0, np.nan], 0.1, campaigns=4).tolist() == [0.999, 0.001, 0.1]


def test_a_lot_costs_no_more_than_knowing_could_bring_later():
    profit, spread = np.array([-1.0, -3.0, -4.0, -8.0]), np.full(4, 2.0)
    draws = np.random.default_rng(2).normal(profit, 2.0, (2_000_000, 4))
    knowing = 3 * draws.clip(0).mean(axis=0)  # in three later campaigns, by the mean of what a contact that pays earns
    np.testing.assert_allclose(repaid(profit, spread, campaigns=4) * -profit, knowing, atol=3e-3)
    chance = thompson(profit, spread, 0.05, campaigns=4)
    assert chance[0] == pytest.approx(norm.cdf(-0.5))  # as the belief has it
    np.testing.assert_allclose(chance[1:3] * [3, 4], knowing[1:3], atol=3e-3)  # the belief, and the floor, would be dearer
    assert chance[3] == 0.001
    # What pays must be left out by a lot no more often than what loses as much is mailed by one.
    np.testing.assert_allclose(thompson(-profit, spread, 0.05, campaigns=4), 1 - chance)
    # The last campaign teaches nobody; where nothing is at stake a coin costs nothing.
    last = thompson([-1.0, 1.0, 0.0, -2.0], [2.0, 2.0, 2.0, np.nan], 0.05, campaigns=1)
    np.testing.assert_allclose(last, [0.001, 0.999, 0.5, 0.001])


def test_households_are_mailed_as_often_as_logged():
    households = np.array([30, 10, 20, 40])
    chance = np.array([0.05, 0.0, 1.0, 0.6])
    often = np.mean([draw(chance, households, seed) for seed in range(20_000)], axis=0)
    np.testing.assert_allclose(often, chance, atol=4 * np.sqrt(0.25 / 20_000))
    assert often[1] == 0
    assert often[2] == 1


def test_the_draw_follows_households_and_not_rows():
    rng = np.random.default_rng(0)
    households, chance = rng.permutation(1000), rng.random(1000)
    mailed = draw(chance, households, seed=3)
    order = rng.permutation(1000)
    np.testing.assert_array_equal(draw(chance[order], households[order], seed=3), mailed[order])
    assert (draw(chance, households, seed=4) != mailed).any()


def test_effective_sizes_are_those_that_weights_get():
    rng = np.random.default_rng(0)
    chance = rng.uniform(0.1, 0.7, 200_000)
    mailed = rng.random(200_000) < chance
    expected = expected_effective_sizes(chance)
    assert effective_sample_size(1 / chance[mailed]) / 200_000 == pytest.approx(expected[0], rel=0.02)
    assert effective_sample_size(1 / (1 - chance[~mailed])) / 200_000 == pytest.approx(expected[1], rel=0.02)
    assert expected_effective_sizes([0.5, 0.5]) == (0.5, 0.5)
    assert expected_effective_sizes([0.0, 0.5]) == (0.0, pytest.approx(1 / 1.5))
    assert expected_effective_sizes([1.0, 0.5])[1] == 0.0


def test_the_price_of_exploring_by_hand():
    # Margin 0.5, cost 2: contacts earn 3, -1, 0, 2 by score and 1, -1, -1, 2 by prediction; the policy mails the first and last.
    score, cate = np.array([10.0, 2.0, 4.0, 8.0]), np.array([6.0, 2.0, 2.0, 8.0])
    inside = np.array([True, True, False, True])
    doubt = np.array([2.0, 2.0, np.nan, 2.0])
    table = exploration_table([1, 0, 0, 1], cate, score, [1, 2, 3, 4], inside, Economics(2.0, 0.5), 10.0, doubt, 0.05, 4)
    greedy = table[table["method"] == "epsilon_greedy"].set_index("setting")
    assert greedy.loc[0.0, "profit"] == pytest.approx(5 / 4)
    assert greedy.loc[0.0, ["given_up", "given_up_plugin", "smallest_chance", "ess_mailed"]].tolist() == [0, 0, 0, 0]
    assert np.isnan(greedy.loc[0.0, "half_width"])
    # A coin for everybody earns (3 - 1 + 0 + 2) / 2 in all: 2 of 5; by prediction 0.5 of 3.
    assert greedy.loc[1.0, "given_up"] == pytest.approx((5 - 2) / 4)
    assert greedy.loc[1.0, "given_up_plugin"] == pytest.approx((3 - 0.5) / 4)
    # Halves of four households have a size of 2 each: 1.96 * 10 * sqrt(1/2 + 1/2).
    assert greedy.loc[1.0, "half_width"] == pytest.approx(1.959964 * 10)
    assert greedy["given_up"].is_monotonic_increasing
    assert greedy["ess_mailed"].is_monotonic_increasing
    # By belief, with a spread of 1 USD: 1, -1, unknown and 2 are mailed with chances of .84, .16, the floor and .95 or more.
    by_belief = table[table["method"] == "thompson"].iloc[0]
    last = 1 - 3 * (norm.pdf(2) - 2 * norm.cdf(-2)) / 2
    chance = np.array([norm.cdf(1), norm.cdf(-1), 0.05, last])
    assert by_belief["share_mailed"] == pytest.approx(chance.mean())
    assert by_belief["profit"] == pytest.approx((chance * [3, -1, 0, 2]).mean())
    soft = table[table["method"] == "softmax"]
    assert (soft["smallest_chance"] >= 0.05 - 1e-12).all()


def test_the_price_is_paid_at_each_household_s_own_cost_and_told_apart_outside_the_overlap():
    # Nobody is mailed, and a coin for everybody mails half of 20 * 0.5 - 1 = 9, 20 * 0.1 - 4 = -2, and outside -15, -27: -35 in
    # all, of which 7 inside. At the mean cost of 8 and margin of 0.3 the first two together would lose 4.
    economics = Economics(np.array([1.0, 4.0, 10.0, 17.0]), np.array([0.5, 0.1, 0.1, 0.5]))
    score = np.array([20.0, 20.0, -50.0, -20.0])
    inside = np.array([True, True, False, False])
    table = exploration_table(np.zeros(4), score, score, np.arange(4), inside, economics, 1.0, np.ones(4), 0.05, 4)
    coin = table[(table["method"] == "epsilon_greedy") & (table["setting"] == 1.0)].iloc[0]
    assert coin["given_up"] == pytest.approx(35 / 2 / 4)
    assert coin["given_up_inside"] == pytest.approx(-7 / 2 / 4)
    # -4.5, 1, 0 and 0 deviate from -0.875 by -3.625, 1.875, 0.875 and 0.875: squares of 18.1875 in all.
    assert coin["given_up_inside_ci_upper"] == pytest.approx(-0.875 + 1.959964 * np.sqrt(4 / 3 * 18.1875) / 4)


@pytest.mark.slow
def test_with_exploration_campaigns_teach_and_without_they_do_not():
    """True mean effect 10: only with chances inside (0, 1) does the interval narrow and keep its coverage, around the truth."""

    def average(epsilon: float) -> pd.DataFrame:
        worlds = [simulate_campaigns(CustomerBase(), epsilon, 5, seed) for seed in range(200)]
        return pd.concat(worlds).groupby("campaign").mean()

    without, explored = average(0.0), average(0.2)
    assert (without.loc[2:, ["overlap_share", "ess"]] == 0).all(axis=None)
    assert without["half_width"].nunique() == 1
    assert (explored.loc[2:, "overlap_share"] == 1).all()
    assert explored["half_width"].is_monotonic_decreasing
    assert explored.loc[5, "half_width"] < without.loc[5, "half_width"] / 3
    assert explored.loc[5, "covers"] > 0.9
    assert explored.loc[5, "estimate"] == pytest.approx(10, abs=1)
    # The lot has a price: half of 0.2 of what a wrong contact, or one not made, costs.
    assert explored.loc[5, "regret"] > 0.5
