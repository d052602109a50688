"""Pictures of how far effects by household can be believed; every number in them stands in a table beside them."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from targeting.figures.style import ACCENT, DARK, LIGHT
from targeting.words.money import unit
from targeting.words.outcomes import outcome_words

BELIEVABLE = 0.5  # share of a segment's rows inside the overlap from which on its effect is drawn full


def toc_chart(toc: pd.DataFrame, uplift: pd.DataFrame, main: str) -> Figure:
    """TOC and Qini curve of every learner, and those of `main` with 95% intervals at each share and over all shares."""
    figure = Figure(figsize=(13, 5.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, table, column in ((left, toc, "toc"), (right, uplift, "uplift")):
        own = table[table["learner"] == main]
        axes.fill_between(
            own["share"], own["band_lower"], own["band_upper"], color=LIGHT, alpha=0.35, label="95% band, all shares at once"
        )
        axes.fill_between(
            own["share"], own["ci_lower"], own["ci_upper"], color=LIGHT, alpha=0.7, label="95% interval, share by share"
        )
        others = table[table["learner"] != main]
        sns.lineplot(others, x="share", y=column, hue="learner", palette="husl", linewidth=1.2, legend=axes is left, ax=axes)
        axes.plot(own["share"], own[column], color=DARK, linewidth=2.5, label="chosen by the other folds")
        axes.axhline(0, color="black", linewidth=0.8)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel("Share treated, largest predicted effect first")
    # The first few percent are a handful of households: their intervals would hide everything else.
    settled = toc[(toc["share"] >= 0.1) & (toc["learner"] == main)]
    limits = settled["band_lower"].min(), settled["band_upper"].max()
    left.set_ylim(1.1 * min(limits[0], 0), 1.1 * max(limits[1], 0) or None)
    left.set(ylabel="Effect of the treated share less that of all", title="Targeting operator characteristic")
    right.set(ylabel="Gain over treating as many at random, per household", title="Uplift (Qini curve)")
    left.legend(fontsize=8)
    return figure


def calibration_chart(groups: pd.DataFrame) -> Figure:
    """Effects in groups by predicted effect against what was predicted, with 95% intervals, a panel per learner."""
    names = list(groups["learner"].unique())
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(3.6 * columns, 0.8 + 3.4 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for axes, name in zip(panels, names, strict=False):
        table = groups[groups["learner"] == name]
        ends = [table["cate"].min(), table["cate"].max()]
        axes.plot(ends, ends, color=ACCENT, linestyle="--", linewidth=1.2, label="right in size")
        errors = np.abs([table["gate"] - table["ci_lower"], table["ci_upper"] - table["gate"]])
        axes.errorbar(table["cate"], table["gate"], yerr=errors, fmt="o", color=DARK, capsize=2, label="effect, 95% interval")
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_title("chosen by the other folds" if name == "nested" else name, fontsize=11)
    for axes in panels[len(names) :]:
        axes.remove()
    panels[0].legend(fontsize=8)
    figure.supxlabel("Predicted effect, mean of the group")
    figure.supylabel("Effect (doubly robust scores)")
    return figure


def agreement_chart(agreement: pd.DataFrame) -> Figure:
    """Rank correlation of every two learners' effects, a panel per outcome."""
    outcomes = list(agreement["outcome"].unique())
    size = 1.6 + 0.62 * agreement["learner"].nunique()
    figure = Figure(figsize=(2.2 + size * len(outcomes), 0.8 + size), layout="constrained")
    for axes, outcome in zip(figure.subplots(1, len(outcomes), squeeze=False)[0], outcomes, strict=True):
        own = agreement[agreement["outcome"] == outcome]
        order = list(dict.fromkeys(own["learner"]))
        wide = own.pivot_table(index="learner", columns="other", values="correlation", dropna=False).loc[order, order]
        sns.heatmap(wide, annot=True, fmt=".2f", cmap="vlag", vmin=-1, vmax=1, square=True, linewidths=0.5, cbar=False, ax=axes)
        axes.set(xlabel="", ylabel="", title=outcome_words(outcome).capitalize())
    figure.suptitle("Do learners rank households alike? (Spearman)")
    return figure


def effects_by_segment_chart(effects: pd.DataFrame, outcome: str, breakeven: float) -> Figure:
    """The campaign's effect in each segment at time zero, with 95% intervals: overlap-weighted, and over everybody.

    `outcome` is the one that profits are of, and `breakeven` the effect on it at which a contact pays. Hollow where treated and
    controls hardly overlap, so that the estimate is an extrapolation.
    """
    table = effects[effects["outcome"] == outcome].iloc[::-1]
    figure = Figure(figsize=(10, 6), layout="constrained")
    axes = figure.subplots()
    _segment_rows(axes, table)
    axes.axvline(
        breakeven,
        color=ACCENT,
        linestyle="--",
        linewidth=1.2,
        label=f"breakeven ({breakeven:.2f} {unit(outcome)} per household)",
    )
    labels = [f"{row.name}\n{row.n_treated} of {row.n} treated, {row.overlap_share:.0%} overlap" for row in table.itertuples()]
    axes.set_yticks(range(len(table)), labels, fontsize=9)
    axes.set(
        xlabel=f"Effect on {outcome_words(outcome)} over the outcome window ({unit(outcome)} per household)",
        title="Effect by segment at time zero (hollow: less than half of the rows overlap)",
    )
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return figure


def segments_compared_chart(time_zero: pd.DataFrame, whole_window: pd.DataFrame) -> Figure:
    """Effects, and mean predicted effects, by segment at time zero and beside it by segment over the whole window.

    A row per outcome. The right-hand column is no effect by segment: its segments contain what came after time zero.
    """
    outcomes = list(time_zero["outcome"].unique())
    figure = Figure(figsize=(14, 1.2 + 3.6 * len(outcomes)), layout="constrained")
    panels = figure.subplots(len(outcomes), 2, sharex="row", sharey=True, squeeze=False)
    for row, outcome in zip(panels, outcomes, strict=True):
        for axes, effects, title in zip(
            row, (time_zero, whole_window), ("segments at time zero", "segments of the whole window: not causal"), strict=True
        ):
            table = effects[effects["outcome"] == outcome].iloc[::-1]
            _segment_rows(axes, table)
            axes.set_yticks(range(len(table)), table["name"], fontsize=9)
            axes.set(title=f"{outcome_words(outcome).capitalize()}: {title}", xlabel=f"Effect ({unit(outcome)} per household)")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=9)
    return figure


def _segment_rows(axes: Axes, table: pd.DataFrame) -> None:
    """A line per segment: both effects with intervals, and the mean predicted effect."""
    for position, row in enumerate(table.itertuples()):
        fill = DARK if row.overlap_share >= BELIEVABLE else "white"
        first = position == len(table) - 1
        axes.plot([row.ato_ci_lower, row.ato_ci_upper], [position + 0.12] * 2, color=DARK, linewidth=2)
        label = "effect, overlap-weighted, 95% interval" if first else None
        axes.plot(row.ato, position + 0.12, "o", color=DARK, markerfacecolor=fill, label=label)
        axes.plot([row.ci_lower, row.ci_upper], [position - 0.12] * 2, color=LIGHT, linewidth=1.5)
        label = "effect, everybody, 95% interval" if first else None
        axes.plot(row.effect, position - 0.12, "s", color=LIGHT, markersize=5, label=label)
        axes.plot(row.cate, position, "D", color=ACCENT, markersize=4, label="mean predicted effect" if first else None)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.grid(visible=False, axis="y")
