"""Pictures of what the estimators say, and of what a hidden confounder could change."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from targeting.figures.style import ACCENT, DARK, LIGHT
from targeting.words.estimators import NAMES
from targeting.words.money import unit
from targeting.words.outcomes import outcome_words


def forest_plot(effects: pd.DataFrame, pooled: pd.DataFrame, outcome: str) -> Figure:
    """Every estimator over all trials, and the overlap-weighted one trial by trial with its pooled effect; 95% intervals.

    The confounded difference of means is a note: its size would flatten all others.
    """
    own = effects[effects["outcome"] == outcome].dropna(subset=["estimate"])
    figure = Figure(figsize=(13, 5.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    overall = own[own["trial"] == "all"].iloc[::-1]
    drawn = overall[overall["method"] != "naive"]
    _intervals(left, drawn, drawn["method"].map(NAMES).tolist())
    measure = f"{unit(outcome)} per household"
    naive = [f"not drawn: {NAMES['naive']}, {value:,.2f} {measure}" for value in overall["estimate"].drop(drawn.index)]
    left.set_title("\n".join(["All trials, by estimator", *(f"({note})" for note in naive)]))
    own = own[(own["method"] == "ato") & (own["trial"] != "all")].iloc[::-1]
    last = pooled[(pooled["outcome"] == outcome) & (pooled["method"] == "ato")]
    rows = pd.concat([last, own], ignore_index=True)
    _intervals(
        right,
        rows,
        ["pooled by precision", *(f"campaign {trial}, n = {n:,}" for trial, n in zip(own["trial"], own["n"], strict=True))],
    )
    differ = f"trials differ: p = {last['p'].iloc[0]:.2f}" if last["p"].notna().all() else "one trial"
    right.set_title(f"Overlap-weighted, by trial\n({differ})")
    for axes in (left, right):
        axes.axvline(0, color="black", linewidth=0.8)
    figure.supxlabel(
        f"Effect over the outcome window ({measure})\n95% intervals by analytic standard errors, which take the models as given",
        fontsize="medium",
    )
    return figure


def contour_chart(contour: pd.DataFrame, benchmarks: pd.DataFrame, outcome: str) -> Figure:
    """What is left of the effect on `outcome` if a confounder explained so much of the rest; measured groups as yardsticks."""
    what = outcome_words(outcome)
    grid = contour.pivot_table(index="share_outcome", columns="share_treatment", values="estimate")
    figure = Figure(figsize=(9, 6.5), layout="constrained")
    axes = figure.subplots()
    lines = axes.contour(grid.columns, grid.index, grid.to_numpy(), levels=10, colors=LIGHT, linewidths=1.2)
    # Near the axes lines crowd together: label those on the far side of nothing.
    far = [level for level in lines.levels if level * grid.iloc[0, 0] < 0]
    axes.clabel(lines, levels=far, fmt=f"%.3g {unit(outcome)}", fontsize=8, colors="black")
    axes.contour(grid.columns, grid.index, grid.to_numpy(), levels=[0], colors=ACCENT, linewidths=2.5)
    limits = (grid.columns.max(), grid.index.max())
    inside = benchmarks[(benchmarks["share_treatment"] <= limits[0]) & (benchmarks["share_outcome"] <= limits[1])]
    axes.plot(inside["share_treatment"], inside["share_outcome"], "D", color=DARK, clip_on=False)
    for row in inside.itertuples():
        axes.annotate(row.group, (row.share_treatment, row.share_outcome), xytext=(6, 4), textcoords="offset points", fontsize=9)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    axes.set(
        xlabel="Share of the rest of treatment that the confounder explains",
        ylabel=f"Share of the rest of {what} that it explains",
        title=f"What a confounder could leave of the effect on {what}\n(thick line: nothing; diamonds: as strong as these)",
    )
    return figure


def _intervals(axes: Axes, table: pd.DataFrame, labels: list[str]) -> None:
    places = np.arange(len(table))
    axes.hlines(places, table["ci_lower"], table["ci_upper"], color=DARK, linewidth=2)
    sns.scatterplot(x=table["estimate"].to_numpy(), y=places, color=DARK, s=60, ax=axes, zorder=3)
    axes.set_yticks(places, labels)
    axes.grid(visible=False, axis="y")
