"""The curve of profit by share contacted, for the report's page and as a picture; its numbers stand in a table of the run."""

import altair as alt
import pandas as pd

from targeting.figures.people import person
from targeting.figures.style import DARK, LIGHT
from targeting.figures.vega import MONEY, SHARE, Spec, interval_tips, named, spec, zero_line
from targeting.words.money import currency, money
from targeting.words.numbers import percent


def roi_spec(curve: pd.DataFrame, overlap: float) -> Spec:
    """Profit by share contacted, its interval and what the model promises; beyond the share `overlap` the data say little.

    `curve` has share, profit, lower, upper, promised. The page replaces the data set `curve` when cost or margin change.
    """
    names = ("off-policy: what the data support", "plug-in: what the model promises")
    tips = [
        alt.Tooltip("share:Q", title="share contacted", format=SHARE),
        *interval_tips("profit, off-policy", "profit", "lower", "upper"),
        alt.Tooltip("promised:Q", title="promised by the model", format=MONEY),
    ]
    x = alt.X(
        "share:Q",
        title="Share contacted, largest predicted effect first",
        axis=alt.Axis(format=SHARE),
        scale=alt.Scale(domain=[0, 1]),
    )
    base = alt.Chart(alt.NamedData("curve")).encode(x=x)
    profit = alt.Y("profit:Q", title=f"Profit per {person()} and campaign ({currency()})")
    near = alt.selection_point(nearest=True, on="pointerover", fields=["share"], empty=False)
    layers = [
        alt.Chart(alt.Data(values=[{"from": overlap, "to": 1}])).mark_rect(opacity=0.07).encode(x="from:Q", x2="to:Q"),
        base.mark_area(color=LIGHT, opacity=0.45).encode(y=alt.Y("lower:Q"), y2="upper:Q"),
        zero_line("y"),
        named(base.mark_line().encode(y="promised:Q"), names[1], names, dashed=True),
        named(base.mark_line(size=2.5).encode(y=profit), names[0], names, dashed=True),
        base.mark_point(filled=True, size=80, color=DARK)
        .encode(y=profit, tooltip=tips, opacity=alt.when(near).then(alt.value(1)).otherwise(alt.value(0)))
        .add_params(near),
    ]
    chart = alt.layer(*layers).properties(width="container", height=270)
    return spec(chart) | {"datasets": {"curve": curve.to_dict("records")}}


def roi_words(curve: pd.DataFrame, order: str, margin: str, cost: float) -> tuple[str, str]:
    """What the curve found, and how to read it; `order` is what the ranking model is called, `margin` the margin in words."""
    best = curve.loc[curve["profit"].idxmax()]
    found = f"Profit is highest when {percent(best['share'])} are contacted: {money(best['profit'])} per {person()} and campaign"
    if best["share"] == 0:
        found = "However many are contacted in this order, contacting nobody earns more"
    elif not (curve["lower"] > 0).any():
        found = "No share of contacts in this order is shown to earn more than contacting nobody"
    return found, (
        f"At a margin of {margin} and {money(cost)} per contact, in the order of {order}. Band: 95% interval of each share by "
        "itself. Shaded on the right: no overlap, so the data say little."
    )
