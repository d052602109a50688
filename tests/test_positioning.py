"""Segments by two of their averages: the same panel on the page and in the picture, every segment in each."""

import pandas as pd
import pytest

from targeting.figures.positioning import PAIRS, axes, positioning_picture, positioning_spec, positioning_words


def segments(**changed: list[float]) -> pd.DataFrame:
    """Rows of plots/segments.csv as far as they are drawn."""
    averages = {"revenue": [4000.0, 500.0], "visits": [140.0, 20.0], "recency": [1.5, 90.0], "variety": [670.0, 97.0]}
    shares = ("regularity", "discount_use", "private_label", "share_grocery", "share_fresh", "share_health_beauty")
    table = {"segment": [1, 2], "name": ["Heavy", "Light"], "n": [10, 30], "basket": [31.0, 15.0], **averages}
    return pd.DataFrame(table | {name: [0.2, 0.5] for name in shares} | changed)


def test_the_picture_has_the_pages_panel_for_every_pair():
    table = segments()
    panels = positioning_picture(table)["concat"]
    for (across, up), panel in zip(PAIRS, panels, strict=True):
        own = positioning_spec(table, across, up)
        assert [layer["encoding"] for layer in panel["layer"]] == [layer["encoding"] for layer in own["layer"]]
        assert panel["layer"][0]["encoding"]["x"]["title"] == axes(table)[across]["title"]


def test_small_segments_are_drawn_over_large_ones():
    made = positioning_spec(segments())
    for layer in made["layer"]:
        assert [row["n"] for row in layer.get("data", made.get("data"))["values"]] == [30, 10]


def test_ticks_of_a_logarithmic_axis_lie_about_the_segments():
    assert axes(segments())["revenue"]["axis"]["values"] == [500, 1000, 2000, 5000]
    assert axes(segments())["recency"]["axis"]["values"] == [2, 5, 10, 20, 50, 100]
    assert "type" not in axes(segments())["basket"]["scale"]


@pytest.mark.parametrize("least", [0.0, -3.0])
def test_no_logarithm_is_taken_of_what_has_none(least):
    assert "type" not in axes(segments(revenue=[4000.0, least]))["revenue"]["scale"]


def test_the_title_compares_the_segments_that_spend_most_and_least():
    assert positioning_words(segments())[0] == "A household of Heavy brings $4,000, 8 times one of Light"
    assert positioning_words(segments(revenue=[4000.0, 0.0]))[0] == "A household of Heavy brings $4,000"
