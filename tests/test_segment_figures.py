"""What the pictures show: labels in words, matrices in the order of the tables."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from seaborn import heatmap

from targeting.figures.heatmaps import legible
from targeting.figures.segments import (
    cluster_selection_chart,
    factor_selection_chart,
    factors_by_segment,
    loadings_heatmap,
    profile_heatmap,
    sizes_chart,
    transitions_chart,
)
from targeting.segments.factor_names import name_factors
from targeting.segments.stability import transitions
from targeting.segments.table import factor_table_by_segment, profile_table, segment_table
from targeting.tables.features import FEATURES


def customers(k: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Made-up features, segments from 0 and factor shares of ten households per segment."""
    rng = np.random.default_rng(k)
    features = pd.DataFrame(rng.uniform(0.1, 1, (10 * k, len(FEATURES))), columns=FEATURES)
    return features, np.repeat(np.arange(k), 10), rng.dirichlet([1, 1], 10 * k)


def texts(figure: Figure, panel: int = 0) -> list[str]:
    return [text.get_text() for text in figure.get_axes()[panel].texts]


def marked(figure: Figure, panel: int) -> list[float]:
    """Where vertical lines stand."""
    return [line.get_xdata()[0] for line in figure.get_axes()[panel].lines if list(line.get_ydata()) == [0, 1]]


def test_matrices_hold_the_numbers_of_the_tables():
    features, segments, shares = customers(3)
    names = ["C", "A", "B"]
    profiles = profile_table(features[["recency", "frequency"]], segments, names)
    figure = profile_heatmap(profiles)
    by_feature = profiles.sort_values(["feature", "segment"], ascending=[False, True])
    assert texts(figure) == [f"{z:+.1f}" for z in by_feature["z"]]
    assert [label.get_text() for label in figure.get_axes()[0].get_xticklabels()] == names
    made_of = factor_table_by_segment(shares, segments, names, ["F1", "F2"])
    assert texts(factors_by_segment(made_of)) == [f"{share:.0%}" for share in made_of["share"]]
    moves = transitions(pd.Series([0, 1, 2, 2]), pd.Series([0, 0, 2], index=[0, 1, 2]), names)
    assert texts(transitions_chart(moves, "67% stay")) == [f"{share:.0%}" for share in moves["share"]]
    assert transitions_chart(moves, "67% stay").get_suptitle() == "67% stay"


def test_numbers_stand_out_from_their_cells():
    """Black letters have a contrast of L / 0.05 + 1 by WCAG 2, white ones of 1.05 / (L + 0.05): alike where L is 0.18."""
    axes = Figure().subplots()
    shares = pd.DataFrame([[0.0, 0.5, np.nan, 0.75, 1.0]])
    heatmap(shares, annot=True, cmap="Greys", vmin=0, vmax=1, cbar=False, ax=axes)
    legible(axes)
    # Greys at a half has a luminance of 0.3, at three quarters 0.1.
    assert [text.get_color() for text in axes.texts] == ["black", "black", "white", "white"]


def test_sizes_and_loadings_are_labelled():
    features, segments, shares = customers(4)
    table = segment_table(features.assign(household_id=range(40)), segments, shares, ["One", "Two"])
    labels = texts(sizes_chart(table))
    assert sorted(labels) == sorted([f"{share:.0%}" for column in ("share", "share_revenue") for share in table[column]])
    directions = np.array([[0.6, 0.8], [1.0, 0.0]])
    names = ["recency", "share_fresh"]
    assert texts(loadings_heatmap(directions, names, name_factors(directions, names))) == ["0.60", "1.00", "0.80", "0.00"]


def test_comparisons_mark_the_number_in_use():
    numbers = pd.DataFrame({"n_factors": [2, 3], **dict.fromkeys(["explained_variance", "explained_variance_columns"], 0.9)})
    numbers = numbers.assign(stability=0.9, stability_worst=0.8, sparsity_loadings=0.1, sparsity_scores=0.2)
    figure = factor_selection_chart(numbers, chosen=3)
    assert [marked(figure, panel) for panel in range(3)] == [[3]] * 3
    indices = ["silhouette", "davies_bouldin", "calinski_harabasz", "ari_mean", "smallest_share", "inertia"]
    selection = pd.DataFrame({"method": ["kmeans", "kmeans", "mixture", "mixture"], "k": [2, 3, 2, 3], "ari_std": 0.1})
    figure = cluster_selection_chart(selection.assign(**dict.fromkeys(indices, 0.5)), chosen=2)
    assert len(figure.get_axes()) == 6
    assert [marked(figure, panel) for panel in range(6)] == [[2]] * 6
    for drawn in (
        factor_selection_chart(numbers, chosen=5),
        cluster_selection_chart(selection.assign(**dict.fromkeys(indices, 0.5)), 7),
    ):
        assert "none of the numbers compared" in drawn.get_suptitle()
