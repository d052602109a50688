"""Explanations: importance finds what effects are made of, and the tree's words describe its leaves."""

from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
import pytest

from targeting.figures.learners import direction_chart, distribution_chart, importance_chart, order_doubt, tree_chart
from targeting.figures.tuning import tuning_chart
from targeting.nuisance.models import outcome_model
from targeting.validation.contributions import contributions, direction_table, rounded_effects
from targeting.validation.explanation import alike_groups, explaining_tree, grouped_importance

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


def slow_shapley(model: object, row: np.ndarray) -> list[float]:
    """By the definition, over all subsets: where a covariate is not known, both ways weighed by the rows that took them."""
    covariates = range(len(row))

    def expected(known: tuple[int, ...]) -> float:
        def walk(nodes: np.ndarray, place: int) -> float:
            node = nodes[place]
            if node["is_leaf"]:
                return node["value"]
            left, right = int(node["left"]), int(node["right"])
            if node["feature_idx"] in known:
                return walk(nodes, left if row[node["feature_idx"]] <= node["num_threshold"] else right)
            return sum(walk(nodes, way) * nodes[way]["count"] for way in (left, right)) / node["count"]

        return sum(walk(trees[0].nodes, 0) for trees in model._predictors)

    values = []
    for own in covariates:
        others = [place for place in covariates if place != own]
        total = 0.0
        for size in range(len(others) + 1):
            weight = factorial(size) * factorial(len(row) - size - 1) / factorial(len(row))
            for known in combinations(others, size):
                total += weight * (expected((*known, own)) - expected(known))
        values.append(total)
    return values


def test_contributions_are_shapleys_values_by_their_definition(covariates):
    x = covariates.to_numpy()
    target = np.where(covariates["fresh"] > 0.4, 10.0, -5.0) * np.log(covariates["spend"]) + covariates["noise"]
    model = outcome_model("boosting", SEED).set_params(max_iter=8).fit(x, target)
    found = contributions(model, x[:5])
    np.testing.assert_allclose(found, [slow_shapley(model, row) for row in x[:5]], atol=1e-9)
    # Nothing is lost: they add up to what the prediction has beyond a common level.
    level = model.predict(x[:5]) - found.sum(axis=1)
    np.testing.assert_allclose(level, level[0])


def test_directions_follow_the_sign_and_alike_covariates_push_together(covariates):
    effects = 4 * (covariates["fresh"] > 0.5) - 2 * np.log(covariates["spend"])
    found = grouped_importance(covariates, effects.to_numpy(), FOLD, SEED).directions.set_index("group")
    assert found.index[-1] == "noise"
    assert found.loc["spend", "covariates"] == "spend, spend_cents"
    assert found.loc["spend", "direction"] < -0.95
    assert found.loc["fresh", "direction"] > 0.7  # a step: all above it are equals
    # An addend pushes by its distance from its mean: 2 for the step, and for the logarithm its mean absolute deviation.
    assert found.loc["fresh", "push"] == pytest.approx(2, abs=0.1)
    logs = 2 * np.log(covariates["spend"])
    assert found.loc["spend", "push"] == pytest.approx(np.abs(logs - logs.mean()).mean(), rel=0.1)


def test_directions_by_hand():
    covariates = pd.DataFrame({"a": [1.0, 2, 3], "b": [5.0, 5, 5], "c": [9.0, 1, 4], "d": [1.0, 4, 9]})
    shares = np.array([[1.0, 0, 1, -3], [0, 0, -2, 0], [-1, 0, 0, 3]])
    found = direction_table(covariates, shares, [["a"], ["b"], ["c", "d"]])
    # c and d together push -2, -2 and 3; d leads, with 2 on average against 1, and its ranks 1, 2, 3 meet 1.5, 1.5, 3.
    assert found["group"].tolist() == ["c", "a", "b"]
    assert found["leading"].tolist() == ["d", "a", "b"]
    assert found["push"].tolist() == pytest.approx([7 / 3, 2 / 3, 0], abs=1e-3)
    assert found["direction"].tolist() == pytest.approx([np.sqrt(3) / 2, -1, np.nan], nan_ok=True)


def test_equal_effects_have_nothing_to_explain(covariates):
    effects = np.full(900, 12.5)
    importance = grouped_importance(covariates, effects, FOLD, SEED)
    assert importance.r2 is None
    assert (importance.table["importance"] == 0).all()
    assert (importance.directions["push"] == 0).all()
    assert importance.directions["direction"].isna().all()
    assert "all equal" in direction_chart({"a": (importance.directions, importance.r2)}).axes[0].get_title(loc="right")
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


@pytest.mark.slow
def test_pictures_hold_every_row_of_their_tables(covariates):
    effects = np.where(covariates["fresh"] > 0.4, 10.0, -5.0)
    table = grouped_importance(covariates, effects, FOLD, SEED).table
    assert [len(axes.patches) for axes in importance_chart({"a": (table, 0.5), "b": (table, 0.5)}).axes] == [3, 3]
    directions = grouped_importance(covariates, effects, FOLD, SEED).directions
    figure = direction_chart({"a": (directions, 0.5), "b": (directions, 0.5)})
    assert [sum(len(line.get_xdata()) for line in axes.get_lines()) for axes in figure.axes] == [3, 3]
    assert "fresh" in figure.get_suptitle()
    # A model that explains nothing is no finding.
    for picture in (direction_chart({"a": (directions, -0.1)}), importance_chart({"a": (table, None)})):
        assert "not shown to depend on any covariate" in picture.get_suptitle().replace("\n", " ")
    named = {"group": "monetary_sales", "covariates": "monetary_sales, visits_28d"}
    labels = importance_chart({"a": (table.assign(**named), 0.5)}).axes[0].get_yticklabels()
    assert [text.get_text() for text in labels] == ["revenue (+1 alike)"] * 3
    # A group has one name in every picture; that of the covariate whose direction is shown comes behind it.
    labels = direction_chart({"a": (directions.assign(**named, leading="visits_28d"), 0.5)}).axes[0].get_yticklabels()
    assert [text.get_text() for text in labels] == ["revenue (+1 alike), led by visits in the last 28 days"] * 3
    doubt = order_doubt("purchase_amount", heterogeneity=False)
    assert "No learner's order" in importance_chart({"a": (table, 0.5)}, doubt).get_supxlabel().replace("\n", " ")
    assert order_doubt("purchase_amount", heterogeneity=True) == ""
    tree = explaining_tree(covariates, effects, FOLD, SEED)
    axes = tree_chart(tree.tree, list(covariates.columns), table, "purchase_amount", tree.r2_out_of_fold).axes[0]
    nodes = [text.get_text().replace("\\$", "$") for text in axes.texts]
    assert any(node.startswith("fresh\nup to 0.4") for node in nodes)
    assert {"yes", "no"} <= set(nodes)
    # The same bound, 0.4 or so, of a share and of money.
    for column, start, end in (
        ("x_share_fresh", "fresh share\nup to 4", "%?"),
        ("x_monetary_sales", "revenue\nup to 0.4", " USD?"),
    ):
        columns = [column if name == "fresh" else name for name in covariates]
        asked = [text.get_text() for text in tree_chart(tree.tree, columns, table, "purchase_amount", 0.9).axes[0].texts]
        assert any(text.startswith(start) and text.split("\n")[1].endswith(end) for text in asked)
    grouped = pd.DataFrame({"group": ["spend"], "covariates": ["spend, fresh"]})
    note = tree_chart(tree.tree, list(covariates.columns), grouped, "purchase_amount", 0.9).get_supxlabel()
    assert "Alike: fresh with spend (+1 alike)." in note.replace("\n", " ")
    assert any(node.endswith("effect -$5.00") for node in nodes)
    assert "all equal" in tree_chart(tree.tree, list(covariates.columns), table, "purchase_amount", None).get_suptitle()
    tables = {name: pd.DataFrame({"cate_a": effects}) for name in ("one", "two")}
    assert [text.get_text() for text in distribution_chart(tables, ["a"]).axes[0].get_yticklabels()] == ["one", "two"]


def test_the_picture_of_a_search_without_trials_still_shows_the_default():
    none = pd.DataFrame({"trial": [], "state": [], "r_loss": [], "best": [], "outcome": []})
    shares = pd.DataFrame({"setting": [], "importance": [], "outcome": []})
    none_tuned = {"kept": "default", "tuned_loss": None}
    summaries = {"a": none_tuned | {"default_loss": 3.0}, "b": none_tuned | {"default_loss": None}}
    figure = tuning_chart(none, shares, summaries, "dr")
    assert figure.get_suptitle().replace("\n", " ") == "No search beats the default settings of the DR-learner for a and b"
    left, right, *_ = figure.axes
    assert len(left.get_lines()) == 3
    assert right.get_title() == "Too few were tried to say what matters"


def test_losses_that_hardly_differ_are_told_as_they_are():
    losses = [54.6930, 54.6931, 54.7020]
    tried = pd.DataFrame({"trial": range(3), "state": "complete", "r_loss": losses, "best": losses[0], "outcome": "a"})
    shares = pd.DataFrame({"setting": [], "importance": [], "outcome": []})
    found = {"kept": "tuned", "tuned_loss": 54.6935, "default_loss": 54.6940}
    left, *_ = tuning_chart(tried, shares, {"a": found}, "s").axes
    left.figure.canvas.draw()
    labels = [float(label.get_text()) for label in left.get_yticklabels()]
    assert left.yaxis.get_offset_text().get_text() == ""
    assert min(labels) <= losses[0]
    assert losses[2] <= max(labels)
