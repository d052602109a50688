"""Factor names follow from loadings by rule."""

import numpy as np
import pandas as pd
import pytest

from targeting.segments.factor_names import factor_table, name_factors, theme_weights
from targeting.tables.features import FEATURES
from targeting.words.features import THEMES, WORDINGS, covariate_words

NAMES = ["recency", "purchase_regularity", "n_products", "share_grocery", "discount_usage_pct", "share_fresh"]


def unit(*rows: list[float]) -> np.ndarray:
    matrix = np.array(rows)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def test_every_feature_has_words_and_a_theme():
    assert set(WORDINGS) == set(FEATURES)
    assert {wording.theme for wording in WORDINGS.values()} == set(THEMES)
    assert len({theme.noun for theme in THEMES.values()}) == len(THEMES)


def test_a_themes_weight_is_the_sum_of_its_squared_loadings():
    weights = theme_weights(pd.Series({"frequency": 0.6, "purchase_regularity": 0.6, "recency": 0.5, "share_fresh": 0.0}))
    assert weights.to_dict() == pytest.approx({"loyalty": 0.72, "absence": 0.25})


@pytest.mark.parametrize(
    ("loadings", "name", "kind"),
    [
        ([1, 0, 0, 0, 0, 0], "Lapsed Shopper", "value"),
        ([0, 0, 0, 1, 0.9, 0], "Grocery Deal Seeker", "need"),  # the second theme has 0.81 of the first's weight
        ([0, 0, 0, 1, 0.5, 0], "Grocery Shopper", "need"),  # and here 0.25
        ([0, 1, 0.8, 0, 0, 0.1], "Loyal Explorer", "value"),
        ([0, 0, 0, 0, 0.2, 1], "Fresh Shopper", "need"),
    ],
)
def test_names_by_hand(loadings, name, kind):
    factor = name_factors(unit(loadings), NAMES)[0]
    assert (factor.name, factor.kind) == (name, kind)


def test_a_reading_tells_the_strongest_features_with_their_loadings():
    assert name_factors(np.array([[0.0, 0.8, 0.6, 0.1, 0.0, 0.0]]), NAMES)[0].reading == (
        "high in share of weeks shopped (0.80), different products (0.60)"
    )


def test_no_two_factors_share_a_name_even_if_they_are_alike():
    names = [factor.name for factor in name_factors(unit(*[[1, 0.1, 0, 0, 0.05, 0]] * 5), NAMES)]
    assert len(set(names)) == 5
    assert names[:2] == ["Lapsed Shopper", "Lapsed Regular"]


def test_names_do_not_depend_on_the_order_of_features():
    directions = unit([0.1, 1, 0.8, 0.2, 0, 0], [0, 0, 0, 1, 0.9, 0.3])
    order = [3, 0, 5, 1, 4, 2]
    one = name_factors(directions, NAMES)
    other = name_factors(directions[:, order], [NAMES[number] for number in order])
    assert one == other


def test_the_table_lists_the_strongest_features():
    directions = unit([0.1, 1, 0.8, 0.2, 0, 0])
    row = factor_table(directions, NAMES, name_factors(directions, NAMES)).iloc[0]
    assert [row[f"feature_{place}"] for place in (1, 2, 3)] == ["purchase_regularity", "n_products", "share_grocery"]
    assert row["loading_1"] == pytest.approx(1 / np.sqrt(0.01 + 1 + 0.64 + 0.04))
    assert row["factor"] == "F1"


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("x_monetary_sales", "revenue"),
        ("monetary_sales", "revenue"),
        ("x_visits_28d", "visits in the last 28 days"),
        ("spend_7d", "spend in the last 7 days"),
        ("x_campaigns_b", "earlier campaigns of type B"),
        ("x_trial_4", "trial 4"),
    ],
)
def test_covariates_have_words(column, words):
    assert covariate_words(column) == words
