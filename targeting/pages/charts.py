"""The charts that only the report's page has (altair); every number in them stands in a table of the run."""

import altair as alt
import pandas as pd

from targeting.figures.intervals import interval_rows
from targeting.figures.style import DARK
from targeting.figures.vega import MONEY, SHARE, WRAPPED, Spec, lines, named, records, spec, zero_line
from targeting.words.money import currency


def axes() -> dict[str, tuple[str, str]]:
    """What the positions of segments can be drawn by: column of plots/segments.csv, words, format."""
    return {
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


def positioning_spec(segments: pd.DataFrame, x: str = "visits", y: str = "revenue") -> Spec:
    """Segments by two of `axes`, their area by the number of households; the page puts other axes in their place."""
    drawn = axes()
    tips = [alt.Tooltip("name:N", title="segment"), alt.Tooltip("n:Q", title="households", format=",")]
    tips += [alt.Tooltip(f"{column}:Q", title=words, format=form) for column, (words, form) in drawn.items()]
    wide = alt.Scale(zero=False, nice=False, padding=30)
    base = alt.Chart(records(segments[["segment", "name", "n", *drawn]])).encode(
        x=alt.X(f"{x}:Q", title=drawn[x][0], axis=alt.Axis(format=drawn[x][1], labelBound=True), scale=wide),
        y=alt.Y(f"{y}:Q", title=drawn[y][0], axis=alt.Axis(format=drawn[y][1]), scale=wide),
        tooltip=tips,
    )
    names = [f"{row.segment} {row.name}" for row in segments.itertuples(index=False)]
    base = base.transform_calculate(label="datum.segment + ' ' + datum.name")
    colour = alt.Color("label:N", sort=names, scale=alt.Scale(domain=names, scheme="tableau10"), legend=alt.Legend(columns=1))
    size = alt.Size("n:Q", scale=alt.Scale(range=[200, 1400]), legend=None)
    layers = [
        base.mark_circle(opacity=0.55, stroke=DARK).encode(size=size, color=colour),
        base.mark_text(color="#1d2733", fontSize=13, fontWeight="bold").encode(text="segment:N"),
    ]
    return spec(alt.layer(*layers).properties(width="container", height=360))


def policies_spec(policies: pd.DataFrame) -> Spec:
    """What each policy earned off-policy, with its interval, and what the model promised of it; `mails` says whom it mails."""
    table = policies[policies["profit"].notna()].assign(mails=lambda rows: rows["mails"].map(lines))
    names = ("off-policy, with 95% interval", "promised by the model")
    layers = interval_rows(
        table,
        "mails",
        ("profit", "profit_ci_lower", "profit_ci_upper"),
        f"Profit per household and campaign ({currency()})",
        "profit",
    )
    promised = alt.Chart(records(table)).mark_point(filled=True, size=90, opacity=0.9)
    tips = ["mails:N", alt.Tooltip("profit_plugin:Q", title="promised by the model", format=MONEY)]
    promised = promised.encode(y=alt.Y("mails:N", sort=table["mails"].tolist(), axis=WRAPPED), x="profit_plugin:Q", tooltip=tips)
    shapes = alt.Shape("what:N", scale=alt.Scale(domain=list(names), range=["circle", "diamond"]))
    layers[1] = named(layers[1], names[0], names).encode(shape=shapes)
    layers += [named(promised, names[1], names).encode(shape=shapes), zero_line("x")]
    made = spec(alt.layer(*layers).properties(width="container", height=52 * len(table)))
    made["config"]["legend"]["layout"] = {"top": {"anchor": "end"}}  # as the axis' title
    return made
