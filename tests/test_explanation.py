"""Explanations: importance finds what effects are made of, and the tree's words describe its leaves."""

import numpy as np
import pandas as pd
import pytest

from targeting.cate_figures import distribution_chart, importance_chart, tree_chart, tuning_chart
from targeting.explanation import alike_groups, explaining_tree, grouped_importance, rounded_effects

SEED = 3


@pytest.fixture(scope="module")
def covariates() -> pd.DataFrame:
    """Spend and a copy of it in cents with noise, freshness, and noise."""
    rng = np.random.default_rng(0)
    spend = rng.gamma(2, 30, 900)
    return pd.DataFrame(
        {"spend": spend, "fresh": rng.random(900), "spend_cents": 100 * spend + rng.normal(0, 50, 900), "noise": rng.random(900)}
    )


FOLD = np.arange(900) % 3


def test_alike_covariates_share_a_group_whatever_their_sign(covariates):
    groups = alike_groups(covariates.assign(thrift=-covariates["spend"]))
    assert groups == [["spend", "spend_cents", "thrift"], ["fresh"], ["noise"]]
    assert alike_groups(covariates[["noise"]]) == [["noise"]]
    assert alike_groups(covariates[["noise"]].assign(constant=1.0)) == [["noise"], ["constant"]]


def test_importance_is_twice_the_share_of_variance_of_an_independent_part(covariates):
    """Shuffling an independent addend adds its variance twice: once for what is lost, once for what is put in its place."""
    effects = np.where(covariates["fresh"] > 0.5, 3.0, 0.0) + np.where(covariates["noise"] > 0.5, 1.0, 0.0)
    found = grouped_importance(covariates, effects, FOLD, SEED)
    shares = found.table.set_index("group")["importance"]
    assert shares["fresh"] == pytest.approx(2 * 0.9, abs=0.12)
    assert shares["noise"] == pytest.approx(2 * 0.1, abs=0.06)
    assert shares["spend"] == pytest.approx(0, abs=0.03)
    assert list(shares.index) == ["fresh", "noise", "spend"]
    assert found.r2 > 0.95


def test_a_group_counts_what_its_members_only_carry_together(covariates):
    effects = np.log(covariates["spend"].to_numpy())
    alone = grouped_importance(covariates, effects, FOLD, SEED).table
    assert alone.loc[0, "covariates"] == "spend, spend_cents"
    assert alone.loc[0, "importance"] > 1.5


def test_equal_effects_have_nothing_to_explain(covariates):
    effects = np.full(900, 12.5)
    importance = grouped_importance(covariates, effects, FOLD, SEED)
    assert importance.r2 is None
    assert (importance.table["importance"] == 0).all()
    tree = explaining_tree(covariates, effects, FOLD, SEED)
    assert (tree.r2, tree.r2_out_of_fold) == (None, None)
    assert tree.leaves[["rule", "n", "effect"]].to_numpy().tolist() == [["everybody", 900, 12.5]]


def test_the_tree_finds_a_step_and_its_rules_hold(covariates):
    effects = np.where(covariates["fresh"] > 0.4, 10.0, -5.0) + np.where(covariates["spend"] > 60, 3.0, 0.0)
    found = explaining_tree(covariates, effects, FOLD, SEED)
    assert found.r2 > 0.99
    assert found.r2_out_of_fold > 0.98
    assert found.leaves["n"].sum() == 900
    assert found.leaves["effect"].is_monotonic_decreasing
    assert len(found.leaves) <= 8
    assert (found.leaves["share"] >= 0.05).all()
    for row in found.leaves.itertuples():
        rows = covariates.query(row.rule)
        # A rule's bounds have four digits: rows within them of a bound may fall on its other side.
        assert len(rows) == pytest.approx(row.n, abs=3)
        assert effects[rows.index].mean() == pytest.approx(row.effect, abs=0.1)


def test_effects_of_noise_are_not_explained(covariates):
    effects = np.random.default_rng(5).normal(size=900)
    assert explaining_tree(covariates, effects, FOLD, SEED).r2_out_of_fold < 0.02
    assert grouped_importance(covariates, effects, FOLD, SEED).r2 < 0.02


def test_last_bits_change_no_tree(covariates):
    effects = np.log(covariates["spend"].to_numpy()) * 7
    other = effects * (1 + 1e-13)
    np.testing.assert_array_equal(rounded_effects(effects), rounded_effects(other))
    assert np.abs(rounded_effects(effects) - effects).max() < 1e-3 * effects.std()


def test_pictures_hold_every_row_of_their_tables(covariates):
    effects = np.where(covariates["fresh"] > 0.4, 10.0, -5.0)
    table = grouped_importance(covariates, effects, FOLD, SEED).table
    assert [len(axes.patches) for axes in importance_chart({"a": table, "b": table}).axes] == [3, 3]
    tree = explaining_tree(covariates, effects, FOLD, SEED)
    axes = tree_chart(tree.tree, list(covariates.columns), "purchase_amount", tree.r2_out_of_fold).axes[0]
    assert any("fresh <= 0.4" in text.get_text() for text in axes.texts)
    assert "all equal" in tree_chart(tree.tree, list(covariates.columns), "purchase_amount", None).axes[0].get_title()
    tables = {name: pd.DataFrame({"cate_a": effects}) for name in ("one", "two")}
    assert [text.get_text() for text in distribution_chart(tables, ["a"]).axes[0].get_yticklabels()] == ["one", "two"]


def test_the_picture_of_a_search_without_trials_still_shows_the_default():
    none = pd.DataFrame({"trial": [], "state": [], "r_loss": [], "best": [], "outcome": []})
    shares = pd.DataFrame({"setting": [], "importance": [], "outcome": []})
    summaries = {"a": {"kept": "default", "default_loss": 3.0}, "b": {"kept": "default", "default_loss": None}}
    left, right, *_ = tuning_chart(none, shares, summaries, "dr").axes
    assert left.get_title() == "dr on a: kept default"
    assert right.get_title() == "Too few completed trials to say what matters"
