"""The policy tree: it finds a known rule, says what it does, sees nobody it judges, and grows alike from last-digit noise."""

import numpy as np
import pandas as pd
import pytest
from econml.policy import PolicyTree

from targeting.base.errors import DataError
from targeting.policy.economics import Economics
from targeting.policy.tree import (
    SIZES,
    Size,
    best_size,
    cross_fit_tree,
    grow,
    held_out_profits,
    leaf_table,
    learn_tree,
    mean_profit,
    scored_profits,
)
from targeting.policy.tree_results import tree_rows
from targeting.policy.tree_rule import rules
from targeting.stats.estimates import mean_estimate
from targeting.trials.panel import household_covariates

COST, MARGIN = 5.0, 0.5


def drawn(seed: int, n: int = 1500, noise: float = 20.0) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Covariates, profits of a contact and folds: contacting pays (+5) where x_a > 0.3 and x_b <= 2, and else costs 5."""
    rng = np.random.default_rng(seed)
    covariates = pd.DataFrame({"x_a": rng.normal(size=n), "x_b": rng.integers(0, 5, n).astype(float), "x_c": rng.random(n)})
    pays = (covariates["x_a"] > 0.3) & (covariates["x_b"] <= 2)
    score = np.where(pays, 20.0, 0.0) + rng.normal(0, noise, n)
    return covariates, scored_profits(score, COST, MARGIN), rng.integers(0, 4, n)


def test_profits_are_whole_cents():
    assert scored_profits(np.array([1.0, 10.123]), 5.0, 0.5).tolist() == [-4.5, 0.06]
    assert scored_profits(np.array([10.0, 10.0]), np.array([1.0, 2.0]), 0.5).tolist() == [4.0, 3.0]


def test_leaves_and_values_are_those_of_the_library():
    covariates, profit, _ = drawn(0)
    x = covariates.to_numpy()
    tree = grow(x, profit, Size(3, 0.05), seed=1)
    settings = {"min_samples_split": 2, "min_balancedness_tol": 0.5, "honest": False, "random_state": 1}
    library = PolicyTree(max_depth=3, min_samples_leaf=75, **settings).fit(x, np.column_stack([0 * profit, profit]))
    assert (tree.leaves(x) == library.apply(x)).all()
    assert ((tree.profit[tree.leaves(x)] > 0) == library.predict(x)).all()
    for leaf in np.unique(tree.leaves(x)):
        assert tree.profit[leaf] == pytest.approx(profit[tree.leaves(x) == leaf].mean())


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_tree_cut_at_a_depth_is_the_one_grown_no_deeper(depth):
    """By noise alone, so that splits have next to nothing to choose between."""
    covariates, profit, _ = drawn(5, noise=200.0)
    x = covariates.to_numpy()
    deep, shallow = (grow(x, profit, Size(most, 0.05), seed=1) for most in (3, depth))
    cut = deep.leaves(x, depth)
    assert len(np.unique(cut)) > depth
    np.testing.assert_allclose(deep.profit[cut], shallow.profit[shallow.leaves(x)])


def test_a_known_rule_is_found_and_said_in_words():
    covariates, profit, fold = drawn(1, noise=8.0)
    x = covariates.to_numpy()
    size = best_size(held_out_profits(x, profit, fold, seed=1))
    assert size.depth in (2, 3)
    tree = grow(x, profit, Size(2, 0.05), seed=1)
    yes = [rule for node, rule in rules(tree, list(covariates)).items() if tree.profit[node] > 0]
    assert len(yes) == 1
    parts = dict(part.split(" ", 1) for part in yes[0].split(" and "))
    assert parts["b"] == "<= 2.5"
    assert float(parts["a"].removeprefix("> ")) == pytest.approx(0.3, abs=0.2)


def test_rules_say_where_the_tree_sends_each_row():
    covariates, profit, _ = drawn(2, noise=60.0)
    tree = grow(covariates.to_numpy(), profit, Size(3, 0.02), seed=1)
    leaf = tree.leaves(covariates.to_numpy())
    plain = covariates.rename(columns=lambda name: name.removeprefix("x_"))
    found = rules(tree, list(covariates))
    assert set(found) == set(leaf)
    for node, rule in found.items():
        # Cuts are shown with four digits, so a row that lies closer to one may be told apart wrongly.
        assert (plain.eval(rule) != (leaf == node)).mean() < 0.01


def test_a_single_leaf_speaks_of_everybody():
    covariates, profit, _ = drawn(3)
    tree = grow(covariates.to_numpy(), profit, SIZES[0], seed=1)
    assert rules(tree, list(covariates)) == {0: "everybody"}
    assert tree.profit.tolist() == [profit.mean()]
    assert not tree.leaves(covariates.to_numpy()).any()
    assert mean_profit(tree, covariates.to_numpy(), profit) == 0  # contacting all loses, so nobody is contacted


def test_the_leaf_table_by_a_loop():
    covariates, profit, fold = drawn(4)
    households = np.arange(len(profit)) // 2
    tree = grow(covariates.to_numpy(), profit, Size(2, 0.05), seed=1)
    contact, _ = cross_fit_tree(covariates.to_numpy(), profit, fold, np.ones(len(profit), dtype=bool), seed=1)
    table = leaf_table(tree, covariates, profit, households, contact)
    assert table["share"].sum() == pytest.approx(1)
    assert table["mail"].tolist() == sorted(table["mail"], reverse=True)
    leaf = tree.leaves(covariates.to_numpy())
    for node, rule in rules(tree, list(covariates)).items():
        row, members = table.set_index("rule").loc[rule], leaf == node
        value = mean_estimate(profit[members], households[members])
        assert row[["n", "profit", "se"]].tolist() == pytest.approx([members.sum(), value.value, value.se])
        assert row["agreement"] == np.mean(contact[members] == (value.value > 0))
    assert table["agreement"].min() > 0.8  # the truth is a tree


def test_the_words_of_a_rule_lead_where_the_tree_does():
    covariates, profit, fold = drawn(7, noise=8.0)
    tree = learn_tree(covariates.to_numpy(), profit, fold, seed=1)
    others, _, _ = drawn(8)
    leaf, words = tree.leaves(others.to_numpy()), rules(tree, list(covariates))
    assert len(words) > 1
    plain = others.rename(columns=lambda name: name.removeprefix("x_"))
    for node, rule in words.items():
        assert (plain.eval(rule) != (leaf == node)).mean() < 0.01


def test_no_tree_is_grown_where_a_fold_has_nobody_to_grow_it_on():
    panel = pd.DataFrame({"household_id": range(6), "campaign_id": 1, "fold": [0, 0, 1, 1, 2, 2], "x_a": range(6)})
    panel = panel.assign(purchase_amount=10.0, by_lot=0)
    nuisance = pd.DataFrame({"propensity": [0.5, 0.5, 0.01, 0.02, 0.99, 0.5]})
    nuisance = nuisance.assign(score0_purchase_amount=0.0, score1_purchase_amount=1.0)
    with pytest.raises(DataError, match="nobody whose propensity lies inside"):
        tree_rows(panel, nuisance, Economics(1.0, 0.5), "purchase_amount", (0.1, 0.9), 1)


def test_a_tree_that_asks_nothing_is_everybody():
    covariates, profit, _ = drawn(3)
    single = grow(covariates.to_numpy(), profit, SIZES[0], seed=1)
    assert rules(single, list(covariates)) == {0: "everybody"}
    assert single.profit.tolist() == [pytest.approx(profit.mean())]


def test_trees_grow_on_the_rows_given_and_decide_for_all():
    covariates, profit, fold = drawn(5)
    overlap, some = np.ones(len(profit), dtype=bool), np.arange(len(profit)) % 2 == 0
    contact, promised = cross_fit_tree(covariates.to_numpy(), profit, fold, overlap, 1, some)
    again, _ = cross_fit_tree(covariates.to_numpy(), np.where(some, profit, -profit[::-1]), fold, overlap, 1, some)
    assert (contact == again).all()
    assert contact[~some].any()
    assert ((promised > 0) == (contact == 1)).all()


def test_a_fold_is_decided_without_its_own_profits_and_nobody_outside_is_contacted():
    covariates, profit, fold = drawn(5)
    overlap = np.arange(len(profit)) % 5 > 0
    contact, promised = cross_fit_tree(covariates.to_numpy(), profit, fold, overlap, seed=1)
    altered = np.where((fold == 2) | ~overlap, -profit[::-1], profit)
    again, _ = cross_fit_tree(covariates.to_numpy(), altered, fold, overlap, seed=1)
    assert (contact == again)[fold == 2].all()
    assert (contact != again)[fold != 2].any()
    assert not contact[~overlap].any()
    assert ((promised > 0) == (contact == 1)).all()


def test_the_last_digits_of_scores_and_the_order_of_equals_change_nothing():
    covariates, _, fold = drawn(6)
    rng = np.random.default_rng(0)
    score = np.rint(rng.normal(10, 30, len(fold)) * 50) / 50  # margin times these are whole cents: ties in plenty
    overlap, x = np.ones(len(fold), dtype=bool), covariates.to_numpy()
    results = []
    for noise in (0.0, 1e-9):
        profit = scored_profits(score + noise * rng.normal(size=len(score)), COST, MARGIN)
        results.append(cross_fit_tree(x, profit, fold, overlap, seed=1))
    assert (results[0][0] == results[1][0]).all()
    assert (results[0][1] == results[1][1]).all()


def test_a_rule_asks_nothing_of_past_trials():
    panel = pd.DataFrame({"household_id": [1], "x_spend": [2.0], "x_trial_2": [0.0], "fold": [0]})
    assert household_covariates(panel) == ["x_spend"]


@pytest.mark.slow
def test_on_noise_the_tree_keeps_no_promise():
    """Nothing pays: what a tree promises those it has not seen is not what they earn, and on average nobody gains."""
    promised, earned = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x, fold = rng.normal(size=(600, 6)), rng.integers(0, 4, 600)
        profit = scored_profits(rng.normal(10, 40, 600), COST, MARGIN)  # mean 0
        contact, promise = cross_fit_tree(x, profit, fold, np.ones(600, dtype=bool), seed=1)
        promised.append(promise.mean())
        earned.append((contact * profit).mean())
    assert np.mean(promised) > 1
    assert abs(np.mean(earned)) < 3 * np.std(earned) / np.sqrt(20)
