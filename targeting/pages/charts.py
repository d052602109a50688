"""The report's charts as Vega-Lite specifications (altair); every number in them stands in a table of the run."""

import textwrap
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from targeting.figures.style import ACCENT, DARK, LIGHT
from targeting.nuisance.overlap import overlap_weights
from targeting.sentences.policy_names import POLICY_WORDS
from targeting.words.estimators import NAMES
from targeting.words.features import covariate_words
from targeting.words.money import amount, currency
from targeting.words.outcomes import outcome_words

Spec = dict[str, Any]
MONEY, SHARE = "$,.2f", ".0%"  # "$" is the currency's sign to d3, whichever the page names
TENTHS = alt.Axis(format=".1f", values=[0, 0.2, 0.4, 0.6, 0.8, 1])
WRAPPED = alt.Axis(labelExpr="split(datum.label, '\\n')")  # words in lines, as `_lines` makes them
AT_THE_END = alt.Axis(titleAnchor="end")  # where long labels leave an axis little room, its title grows over them
BINS = 20  # of the propensity, from 0 to 1


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


def _spec(chart: Any) -> Spec:
    """The specification, as wide as its place on the page; its text alternative is the page's, not the drawing's."""
    styled = chart.configure(font="system-ui, DejaVu Sans, sans-serif", aria=False, background="transparent")
    styled = styled.configure_view(stroke=None).configure_axis(
        labelFontSize=12,
        titleFontSize=12,
        titleFontWeight="normal",
        labelLimit=230,
        labelOverlap=True,
        tickCount=8,
        gridColor="#e4e9ed",
    )
    return dict(styled.configure_legend(labelFontSize=12, title=None, orient="top", labelLimit=300, columns=1).to_dict())


def _two(names: Sequence[str], colours: Sequence[str] = (DARK, ACCENT)) -> alt.Scale:
    return alt.Scale(domain=list(names), range=list(colours))


def _named(chart: Any, name: str, names: Sequence[str]) -> Any:
    """The chart in the colour that `name` has among two names, with its entry in the legend."""
    return chart.transform_calculate(what=f"'{name}'").encode(color=alt.Color("what:N", scale=_two(names)))


def _records(table: pd.DataFrame) -> alt.Data:
    """Rows as JSON; what is missing as null."""
    return alt.Data(values=table.astype(object).where(table.notna(), None).to_dict("records"))


def _lines(words: str) -> str:
    """Words in lines short enough for an axis on a phone."""
    return "\n".join(textwrap.wrap(words, 28))


def _zero_line(channel: str) -> Any:
    return alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color="black", size=0.8).encode(**{channel: "zero:Q"})


def _interval_tips(what: str, value: str, lower: str, upper: str, form: str = MONEY) -> list[alt.Tooltip]:
    return [
        alt.Tooltip(f"{value}:Q", title=what, format=form),
        alt.Tooltip(f"{lower}:Q", title="95% interval from", format=form),
        alt.Tooltip(f"{upper}:Q", title="to", format=form),
    ]


def roi_spec(curve: pd.DataFrame, overlap: float) -> Spec:
    """Profit by share contacted, its interval and what the model promises; beyond the share `overlap` the data say little.

    `curve` has share, profit, lower, upper, promised. The page replaces the data set `curve` when cost or margin change.
    """
    names = ("off-policy: what the data support", "plug-in: what the model promises")
    tips = [
        alt.Tooltip("share:Q", title="share contacted", format=SHARE),
        *_interval_tips("profit, off-policy", "profit", "lower", "upper"),
        alt.Tooltip("promised:Q", title="promised by the model", format=MONEY),
    ]
    x = alt.X(
        "share:Q",
        title="Share contacted, largest predicted effect first",
        axis=alt.Axis(format=SHARE),
        scale=alt.Scale(domain=[0, 1]),
    )
    base = alt.Chart(alt.NamedData("curve")).encode(x=x)
    profit = alt.Y("profit:Q", title=f"Profit per household and campaign ({currency()})")
    near = alt.selection_point(nearest=True, on="pointerover", fields=["share"], empty=False)
    layers = [
        alt.Chart(alt.Data(values=[{"from": overlap, "to": 1}])).mark_rect(opacity=0.07).encode(x="from:Q", x2="to:Q"),
        base.mark_area(color=LIGHT, opacity=0.45).encode(y=alt.Y("lower:Q"), y2="upper:Q"),
        _zero_line("y"),
        _named(base.mark_line(strokeDash=[6, 4]).encode(y="promised:Q"), names[1], names),
        _named(base.mark_line(size=2.5).encode(y=profit), names[0], names),
        base.mark_point(filled=True, size=80, color=DARK)
        .encode(y=profit, tooltip=tips, opacity=alt.when(near).then(alt.value(1)).otherwise(alt.value(0)))
        .add_params(near),
    ]
    chart = alt.layer(*layers).properties(width="container", height=270)
    return _spec(chart) | {"datasets": {"curve": curve.to_dict("records")}}


def positioning_spec(segments: pd.DataFrame, x: str = "visits", y: str = "revenue") -> Spec:
    """Segments by two of `axes`, their area by the number of households; the page puts other axes in their place."""
    drawn = axes()
    tips = [alt.Tooltip("name:N", title="segment"), alt.Tooltip("n:Q", title="households", format=",")]
    tips += [alt.Tooltip(f"{column}:Q", title=words, format=form) for column, (words, form) in drawn.items()]
    base = alt.Chart(_records(segments[["segment", "name", "n", *drawn]])).encode(
        x=alt.X(
            f"{x}:Q", title=drawn[x][0], axis=alt.Axis(format=drawn[x][1]), scale=alt.Scale(zero=False, nice=False, padding=30)
        ),
        y=alt.Y(
            f"{y}:Q", title=drawn[y][0], axis=alt.Axis(format=drawn[y][1]), scale=alt.Scale(zero=False, nice=False, padding=30)
        ),
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
    return _spec(alt.layer(*layers).properties(width="container", height=360))


def _interval_rows(
    table: pd.DataFrame, label: str, columns: tuple[str, str, str], title: str, what: str, form: str = MONEY
) -> list[Any]:
    """A point with its interval for each row of the table, in the table's order."""
    value, lower, upper = columns
    base = alt.Chart(_records(table)).encode(
        y=alt.Y(f"{label}:N", sort=None, title=None, axis=WRAPPED),
        tooltip=[f"{label}:N", *_interval_tips(what, value, lower, upper, form)],
    )
    return [
        base.mark_rule(size=2, color=DARK).encode(x=alt.X(f"{lower}:Q", title=title, axis=AT_THE_END), x2=f"{upper}:Q"),
        base.mark_point(filled=True, size=80, color=DARK, opacity=1).encode(x=f"{value}:Q"),
    ]


def _effect_title(outcome: str) -> tuple[str, str]:
    """An axis of effects on `outcome`: its title, and the form of its numbers."""
    if outcome == "purchase_amount":
        return f"Effect on spend ({currency()} per household)", MONEY
    return f"Effect on {outcome_words(outcome)} per household", ",.2f"


def segment_effects_spec(effects: pd.DataFrame, outcome: str, breakeven: float | None) -> Spec:
    """The overlap-weighted effect on one outcome in each segment with its interval; a line at the breakeven, if it has one."""
    title, form = _effect_title(outcome)
    layers = _interval_rows(effects, "name", ("ato", "ato_ci_lower", "ato_ci_upper"), title, "effect", form)
    layers.append(_zero_line("x"))
    datasets = {}
    if breakeven is not None:
        # The page moves it with the sliders.
        datasets = {"breakeven": [{"breakeven": breakeven, "label": f"breakeven {amount(breakeven, outcome)}"}]}
        rule = alt.Chart(alt.NamedData("breakeven")).mark_rule(color=ACCENT, strokeDash=[6, 4]).encode(x="breakeven:Q")
        layers.append(rule)
    spec = _spec(alt.layer(*layers).properties(width="container", height=30 * len(effects)))
    return spec | ({"datasets": datasets} if datasets else {})


def weeks_spec(weeks: pd.DataFrame) -> Spec:
    """The effect on spend by week, of plots/event_time.csv: intervals of each week, and a band that holds for all at once."""
    base = alt.Chart(_records(weeks)).encode(
        x=alt.X(
            "week:Q",
            title="Week, 0 being the campaign's first",
            axis=alt.Axis(tickMinStep=1),
            scale=alt.Scale(nice=False, padding=12),
        ),
        tooltip=["week:Q", *_interval_tips("effect a week", "estimate", "ci_lower", "ci_upper")],
    )
    title = f"Effect on spend ({currency()} per household and week)"
    layers = [
        base.mark_area(color=LIGHT, opacity=0.35).encode(y=alt.Y("joint_lower:Q", title=title), y2="joint_upper:Q"),
        base.mark_rule(size=2, color=DARK).encode(y="ci_lower:Q", y2="ci_upper:Q"),
        base.mark_point(filled=True, size=60, color=DARK, opacity=1).encode(y="estimate:Q"),
        _zero_line("y"),
        alt.Chart(alt.Data(values=[{"begins": -0.5}])).mark_rule(color=ACCENT, strokeDash=[6, 4]).encode(x="begins:Q"),
    ]
    return _spec(alt.layer(*layers).properties(width="container", height=240))


def policies_spec(policies: pd.DataFrame) -> Spec:
    """What each policy earned off-policy, with its interval, and what the model promised of it."""
    table = policies[policies["profit"].notna()].assign(
        mails=lambda rows: [_lines(POLICY_WORDS[name]) for name in rows["policy"]]
    )
    names = ("off-policy, with 95% interval", "promised by the model")
    layers = _interval_rows(
        table,
        "mails",
        ("profit", "profit_ci_lower", "profit_ci_upper"),
        f"Profit per household and campaign ({currency()})",
        "profit",
    )
    promised = alt.Chart(_records(table)).mark_point(shape="diamond", filled=True, size=90, opacity=0.9)
    tips = ["mails:N", alt.Tooltip("profit_plugin:Q", title="promised by the model", format=MONEY)]
    promised = promised.encode(y=alt.Y("mails:N", sort=None, axis=WRAPPED), x="profit_plugin:Q", tooltip=tips)
    layers[1] = _named(layers[1], names[0], names)
    layers += [_named(promised, names[1], names), _zero_line("x")]
    spec = _spec(alt.layer(*layers).properties(width="container", height=42 * len(table)))
    spec["config"]["legend"]["layout"] = {"top": {"anchor": "end"}}  # as the axis' title
    return spec


def propensity_table(treated: np.ndarray, propensity: np.ndarray) -> pd.DataFrame:
    """Each arm's distribution over BINS of the propensity, before and after overlap weights: weighting, arm, low, high, share."""
    edges = np.linspace(0, 1, BINS + 1)
    rows = []
    for weighting, weights in (("as they are", np.ones(len(treated))), ("overlap weights", overlap_weights(treated, propensity))):
        for arm, members in (("mailed", treated == 1), ("not mailed", treated == 0)):
            count, _ = np.histogram(propensity[members], edges, weights=weights[members])
            for low, high, share in zip(edges[:-1], edges[1:], count / count.sum(), strict=True):
                rows.append({"weighting": weighting, "arm": arm, "low": low, "high": high, "share": share})
    return pd.DataFrame(rows)


def propensity_spec(table: pd.DataFrame, weighting: str) -> Spec:
    """Mailed households' propensities upwards, the others' downwards, under one weighting of `propensity_table`."""
    arms = ("mailed", "not mailed")
    rows = table[table["weighting"] == weighting]
    mirrored = rows.assign(height=rows["share"].where(rows["arm"] == arms[0], -rows["share"]))
    tips = [
        alt.Tooltip("arm:N"),
        alt.Tooltip("low:Q", title="propensity from", format=".2f"),
        alt.Tooltip("high:Q", title="to", format=".2f"),
        alt.Tooltip("share:Q", title="share of the arm", format=".1%"),
    ]
    bars = alt.Chart(_records(mirrored)).mark_bar(stroke="white", strokeWidth=0.5)
    bars = bars.encode(
        x=alt.X("low:Q", title="Propensity of being mailed", bin="binned", scale=alt.Scale(domain=[0, 1]), axis=TENTHS),
        x2="high:Q",
        y=alt.Y("height:Q", title="Share of the arm", axis=alt.Axis(labelExpr="format(abs(datum.value), '.0%')")),
        color=alt.Color("arm:N", scale=_two(arms, (ACCENT, DARK))),  # mailed households' colour in every picture
        tooltip=tips,
    )
    return _spec(bars.properties(width="container", height=230))


def love_spec(balance: pd.DataFrame) -> Spec:
    """How far the arms differ in each covariate, before and after overlap weights; in the table's order."""
    when = {"smd": "before weighting", "smd_overlap": "after overlap weights"}
    table = balance.assign(covariate=balance["covariate"].map(covariate_words)).rename(columns=when)
    long = table.melt("covariate", list(when.values()), "when", "difference")
    long["difference"] = long["difference"].abs()
    limit = alt.Chart(alt.Data(values=[{"limit": 0.1}])).mark_rule(color="#52606d", strokeDash=[4, 3]).encode(x="limit:Q")
    points = (
        alt.Chart(_records(long))
        .mark_point(filled=True, size=55, opacity=0.95)
        .encode(
            y=alt.Y("covariate:N", sort=None, title=None),
            x=alt.X("difference:Q", title="Difference of the arms, in standard deviations"),
            color=alt.Color("when:N", scale=_two(list(when.values()), (ACCENT, DARK))),
            shape=alt.Shape("when:N", scale=alt.Scale(domain=list(when.values()), range=["diamond", "circle"])),
            tooltip=["covariate:N", "when:N", alt.Tooltip("difference:Q", format=".2f")],
        )
    )
    return _spec(alt.layer(points, limit).properties(width="container", height=15 * len(table)))


def forest_spec(effects: pd.DataFrame, outcome: str) -> Spec:
    """Every estimator's pooled effect on `outcome` but the confounded difference, whose size would flatten the others."""
    table = effects[effects["method"] != "naive"].assign(estimator=lambda rows: [_lines(NAMES[name]) for name in rows["method"]])
    title, form = _effect_title(outcome)
    layers = _interval_rows(table, "estimator", ("estimate", "ci_lower", "ci_upper"), title, "effect", form)
    return _spec(alt.layer(*layers, _zero_line("x")).properties(width="container", height=34 * len(table)))


def power_spec(power: pd.DataFrame, effect: str) -> Spec:
    """Chance of finding the effect (its size in words), by households in the experiment, with and without adjustment."""
    names = ("adjusted for what was predicted", "not adjusted")
    table = power.assign(adjustment=power["adjustment"].map({"cuped": names[0], "none": names[1]}))
    lines = (
        alt.Chart(_records(table))
        .mark_line(size=2.5)
        .encode(
            x=alt.X("n_total:Q", title="Households, half of them mailed"),
            y=alt.Y(
                "power:Q",
                title=f"Chance of finding {effect}",
                axis=alt.Axis(format=SHARE),
                scale=alt.Scale(domain=[0, 1]),
            ),
            color=alt.Color("adjustment:N", scale=_two(names)),
            strokeDash=alt.StrokeDash("adjustment:N", scale=alt.Scale(domain=list(names), range=[[1, 0], [6, 4]])),
            tooltip=["adjustment:N", alt.Tooltip("n_total:Q", format=","), alt.Tooltip("power:Q", format=SHARE)],
        )
    )
    wanted = alt.Chart(alt.Data(values=[{"power": 0.8}])).mark_rule(color="#52606d", strokeDash=[4, 3]).encode(y="power:Q")
    return _spec(alt.layer(lines, wanted).properties(width="container", height=260))
