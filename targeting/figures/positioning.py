"""Segments by their averages, two at a time, for the report's page and as a picture; the numbers stand in plots/segments.csv."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from targeting.figures.style import DARK
from targeting.figures.vega import SHARE, Spec, records, spec
from targeting.words.money import currency, total

# Panels of the picture: columns of plots/segments.csv across and up.
PAIRS = (
    ("visits", "revenue"),
    ("visits", "basket"),
    ("recency", "revenue"),
    ("regularity", "basket"),
    ("variety", "regularity"),
    ("visits", "discount_use"),
    ("discount_use", "private_label"),
    ("share_fresh", "share_health_beauty"),
)
LOGARITHMIC = ("revenue", "visits", "recency", "variety")  # a few segments would press the others into a corner
SPARE = 1.3  # how far beyond the outermost segments an axis has ticks, times
ABREAST, PANEL = 2, {"width": 283, "height": 200}
LEGEND = 4  # entries abreast in the picture; on a phone one


def axes(segments: pd.DataFrame) -> dict[str, Spec]:
    """What the positions of segments can be drawn by: for each column its axis' title, axis and scale."""
    words = {
        "revenue": (f"revenue per household ({currency()})", "$,.0f"),
        "visits": ("visits per household", ",.0f"),
        "recency": ("days since the last purchase", ",.0f"),
        "regularity": ("share of weeks shopped", SHARE),
        "basket": (f"basket value ({currency()})", "$,.0f"),
        "variety": ("different products", ",.0f"),
        "discount_use": ("share of lines on discount", SHARE),
        "private_label": ("share of private label", SHARE),
        "share_grocery": ("share of groceries", SHARE),
        "share_fresh": ("share of fresh goods", SHARE),
        "share_health_beauty": ("share of health and beauty", SHARE),
    }
    return {column: _axis(segments[column], title, form) for column, (title, form) in words.items()}


def _axis(values: pd.Series, title: str, form: str) -> Spec:
    wide: Spec = {"nice": False, "padding": 30}
    if values.name not in LOGARITHMIC or not values.min() > 0:
        return {"title": title, "axis": {"format": form, "labelBound": True}, "scale": wide | {"zero": False}}
    steps = np.outer(10.0 ** np.arange(7), [1, 2, 5]).ravel()
    near = steps[(steps > values.min() / SPARE) & (steps < values.max() * SPARE)].tolist()
    return {"title": title, "axis": {"format": form, "labelBound": True, "values": near}, "scale": wide | {"type": "log"}}


def positioning_spec(segments: pd.DataFrame, x: str = "visits", y: str = "revenue") -> Spec:
    """Segments by two of `axes`, their area by the number of households; the page puts other axes in their place."""
    return spec(_bubbles(segments, x, y).properties(width="container", height=360))


def positioning_picture(segments: pd.DataFrame) -> Spec:
    """Segments by each of PAIRS, in the colours of one legend."""
    panels = [_bubbles(segments, x, y).properties(**PANEL) for x, y in PAIRS]
    made = spec(alt.concat(*panels, columns=ABREAST))
    made["config"]["legend"]["columns"] = LEGEND
    return made


def positioning_words(segments: pd.DataFrame) -> tuple[str, str]:
    """What a household of the segment that spends most brings, and how to read the picture."""
    first, last = segments.loc[segments["revenue"].idxmax()], segments.loc[segments["revenue"].idxmin()]
    times = f", {first['revenue'] / last['revenue']:.0f} times one of {last['name']}" if last["revenue"] > 0 else ""
    found = f"A household of {first['name']} brings {total(first['revenue'])}{times}"
    return found, "Means of a segment's households; area by their number."


def _bubbles(segments: pd.DataFrame, x: str, y: str) -> Any:
    drawn = axes(segments)
    tips = [alt.Tooltip("name:N", title="segment"), alt.Tooltip("n:Q", title="households", format=",")]
    tips += [alt.Tooltip(f"{name}:Q", title=axis["title"], format=axis["axis"]["format"]) for name, axis in drawn.items()]
    smallest_last = segments.sort_values("n", ascending=False)  # else a large bubble hides those below it
    base = alt.Chart(records(smallest_last[["segment", "name", "n", *drawn]])).encode(
        x=alt.X(f"{x}:Q", **drawn[x]), y=alt.Y(f"{y}:Q", **drawn[y]), tooltip=tips
    )
    names = [f"{row.segment} {row.name}" for row in segments.itertuples(index=False)]
    base = base.transform_calculate(label="datum.segment + ' ' + datum.name")
    colour = alt.Color("label:N", sort=names, scale=alt.Scale(domain=names, scheme="tableau10"))
    size = alt.Size("n:Q", scale=alt.Scale(range=[200, 1400]), legend=None)
    return alt.layer(
        base.mark_circle(opacity=0.55, stroke=DARK).encode(size=size, color=colour),
        base.mark_text(color="#1d2733", fontSize=13, fontWeight="bold").encode(text="segment:N"),
    )
