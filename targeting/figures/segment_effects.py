"""Effects by segment, for the report's page and as pictures; every number in them stands in a table of the run."""

import altair as alt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from targeting.figures.intervals import effect_title, interval_rows
from targeting.figures.people import person
from targeting.figures.style import ACCENT, DARK, LIGHT, drawing, entitle
from targeting.figures.vega import DASHED, Spec, spec, zero_line
from targeting.words.money import amount, unit
from targeting.words.numbers import percent
from targeting.words.outcomes import outcome_words

BELIEVABLE = 0.5  # share of a segment's rows inside the overlap from which on its effect is drawn full


def segment_effects_spec(effects: pd.DataFrame, outcome: str, breakeven: float | None) -> Spec:
    """The overlap-weighted effect on one outcome in each segment with its interval; a line at the breakeven, if it has one.

    Hollow where treated and controls hardly overlap, so that the estimate is an extrapolation.
    """
    title, form = effect_title(outcome)
    layers = interval_rows(effects, "name", ("ato", "ato_ci_lower", "ato_ci_upper"), title, "effect", form)
    full = alt.when(alt.datum.overlap_share >= BELIEVABLE)
    layers[1] = layers[1].encode(
        stroke=alt.value(DARK), strokeWidth=alt.value(1.5), fill=full.then(alt.value(DARK)).otherwise(alt.value("white"))
    )
    layers.append(zero_line("x"))
    datasets = {}
    if breakeven is not None:
        # The page moves it with the sliders.
        datasets = {"breakeven": [{"breakeven": breakeven, "label": f"breakeven {amount(breakeven, outcome)}"}]}
        rule = alt.Chart(alt.NamedData("breakeven")).mark_rule(color=ACCENT, strokeDash=DASHED).encode(x="breakeven:Q")
        layers.append(rule)
    made = spec(alt.layer(*layers).properties(width="container", height=30 * len(effects)))
    return made | ({"datasets": datasets} if datasets else {})


def segment_effects_words(effects: pd.DataFrame, outcome: str, breakeven: float) -> tuple[str, str]:
    """What `segment_effects_spec` shows of the outcome that profits are of, and how to read it."""
    pays, loses = (effects["ato_ci_lower"] > breakeven).sum(), (effects["ato_ci_upper"] < breakeven).sum()
    found = f"Of {len(effects)} segments, mailing pays beyond chance in {pays or 'none'} and loses in {loses or 'none'}"
    return found, (
        f"Overlap-weighted effect on {outcome_words(outcome)} with its 95% interval. Dashed: the effect at which a contact pays, "
        f"{amount(breakeven, outcome)}. Hollow: less than half of the segment's rows overlap."
    )


def segments_compared_chart(time_zero: pd.DataFrame, whole_window: pd.DataFrame) -> Figure:
    """Effects, and mean predicted effects, by segment at time zero and beside it by segment over the whole window.

    A row per outcome. The right-hand column is no effect by segment: its segments contain what came after time zero.
    """
    outcomes = list(time_zero["outcome"].unique())
    figure = drawing(1.2 + 3.2 * len(outcomes))
    panels = figure.subplots(len(outcomes), 2, sharex="row", sharey=True, squeeze=False)
    for row, outcome in zip(panels, outcomes, strict=True):
        for axes, effects, title in zip(
            row, (time_zero, whole_window), ("of time zero", "of the whole window: not causal"), strict=True
        ):
            table = effects[effects["outcome"] == outcome].iloc[::-1]
            _segment_rows(axes, table)
            axes.set_yticks(range(len(table)), table["name"], fontsize=9)
            axes.set(title=f"{outcome_words(outcome).capitalize()}: {title}", xlabel=f"Effect ({unit(outcome)} per {person()})")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    if (pd.concat([time_zero, whole_window])["overlap_share"] < BELIEVABLE).any():
        handles.append(Line2D([], [], color=DARK, marker="o", markerfacecolor="white", linestyle=""))
        labels.append(f"hollow: less than {percent(BELIEVABLE)} of the segment's rows overlap")
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=9)
    first, other = (table[table["outcome"] == outcomes[0]].set_index("segment")["ato"] for table in (time_zero, whole_window))
    turned = (np.sign(first) * np.sign(other.reindex(first.index)) < 0).sum()
    entitle(
        figure,
        f"In {turned or 'none'} of {len(first)} segments the effect on {outcome_words(outcomes[0])} has another sign by "
        "segments of the whole window, which contain what came after the mailing",
    )
    return figure


def _segment_rows(axes: Axes, table: pd.DataFrame) -> None:
    """A line per segment: both effects with intervals, and the mean predicted effect."""
    for position, row in enumerate(table.itertuples()):
        fill = DARK if row.overlap_share >= BELIEVABLE else "white"
        first = position == len(table) - 1
        axes.plot([row.ato_ci_lower, row.ato_ci_upper], [position + 0.12] * 2, color=DARK, linewidth=2)
        axes.plot(row.ato, position + 0.12, "o", color=DARK, markerfacecolor=fill)
        axes.plot([row.ci_lower, row.ci_upper], [position - 0.12] * 2, color=LIGHT, linewidth=1.5)
        label = "effect, everybody, 95% interval" if first else None
        axes.plot(row.effect, position - 0.12, "s", color=LIGHT, markersize=5, label=label)
        axes.plot(row.cate, position, "D", color=ACCENT, markersize=4, label="mean predicted effect" if first else None)
    axes.plot([], [], "o", color=DARK, label="effect, overlap-weighted, 95% interval")  # full in the legend
    axes.axvline(0, color="black", linewidth=0.8)
    axes.grid(visible=False, axis="y")
