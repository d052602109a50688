"""Pictures of the target trials: who is in them, whether their arms compare, and what the estimators say."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from targeting.estimator_names import NAMES
from targeting.overlap import BALANCED
from targeting.picture_style import ACCENT, DARK, LIGHT

BOX = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": DARK}
ASIDE = {"boxstyle": "round,pad=0.35", "facecolor": "#f3f3f3", "edgecolor": LIGHT}


def flow_chart(flow: pd.DataFrame) -> Figure:
    """Who is in each trial and why others are not, a column a trial, as a CONSORT diagram; rows as in plots/trials.csv."""
    figure = Figure(figsize=(4.6 * len(flow), 6), layout="constrained")
    for axes, row in zip(np.atleast_1d(figure.subplots(1, len(flow))), flow.itertuples(), strict=True):
        axes.set(xlim=(0, 1), ylim=(0, 1))
        axes.axis("off")
        cut = ", cut at the end of the data" if row.cut else ""
        axes.set_title(f"Campaign {row.campaign_id}\n{row.time_zero:%-d %b %Y} to {row.window_end:%-d %b %Y}{cut}", fontsize=10)
        n_compared = row.n_treated + row.n_control
        mains = [
            f"{row.n_households:,} households in the data",
            f"{row.n_eligible:,} eligible at time zero",
            f"{n_compared:,} compared",
        ]
        asides = [
            f"set aside\n{row.n_no_earlier_purchase:,} no purchase before\n{row.n_targeted_before:,} targeted before",
            f"set aside by the design\n{row.n_targeted_later:,} targeted later\n{row.n_in_other_trial:,} in another trial",
        ]
        for position, text in zip((0.93, 0.6, 0.27), mains, strict=True):
            axes.text(0.3, position, text, ha="center", va="center", fontsize=9, bbox=BOX)
        for position, text in zip((0.765, 0.435), asides, strict=True):
            axes.text(0.72, position, text, ha="center", va="center", fontsize=8, bbox=ASIDE)
            _arrow(axes, (0.3, position + 0.13), (0.3, position - 0.13))
            axes.plot([0.3, 0.72], [position, position], color=LIGHT, linewidth=1, zorder=0)
        for place, text in ((0.17, f"{row.n_treated:,}\ntreated"), (0.6, f"{row.n_control:,}\ncontrol")):
            axes.text(place, 0.07, text, ha="center", va="center", fontsize=9, bbox=BOX)
            _arrow(axes, (0.3, 0.235), (place, 0.115))
    return figure


def love_plot(balance: pd.DataFrame) -> Figure:
    """Absolute standardised mean difference of every covariate: as found, and under both weightings."""
    table = balance.iloc[::-1]
    figure = Figure(figsize=(9, 2.2 + 0.2 * len(table)), layout="constrained")
    axes = figure.subplots()
    styles = [
        ("smd", "as found", "o", ACCENT),
        ("smd_ipw", "inverse propensity", "x", LIGHT),
        ("smd_overlap", "overlap", "s", DARK),
    ]
    for column, label, marker, colour in styles:
        axes.plot(table[column].abs(), table["covariate"].str.removeprefix("x_"), marker, color=colour, label=label, markersize=5)
    axes.axvline(BALANCED, color="black", linestyle=":", linewidth=1)
    axes.set(xlabel="Absolute standardised mean difference (balanced below the dotted line)", title="Balance of covariates")
    axes.tick_params(axis="y", labelsize=8)
    axes.margins(y=0.01)
    axes.legend(title="weights")
    return figure


def propensity_chart(histogram: pd.DataFrame, calibration: pd.DataFrame, bounds: tuple[float, float]) -> Figure:
    """Propensities by arm, with the overlap unshaded, and the propensity's calibration."""
    figure = Figure(figsize=(12, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    width = 1 / histogram["propensity"].nunique()
    for arm, colour, side in (("treated", ACCENT, 1), ("control", DARK, -1)):
        table = histogram[histogram["arm"] == arm]
        left.bar(table["propensity"], side * table["share"], width=width, color=colour, edgecolor="white", label=arm)
    for start, end in ((0, bounds[0]), (bounds[1], 1)):
        left.axvspan(start, end, color="black", alpha=0.08, linewidth=0)
    left.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.0%}")
    left.set(xlabel="Propensity (shaded: no overlap)", ylabel="Share of the arm's rows", title="Propensity by arm", xlim=(0, 1))
    left.legend()
    errors = [
        calibration["observed"] - calibration["observed_ci_lower"],
        calibration["observed_ci_upper"] - calibration["observed"],
    ]
    right.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle=":")
    right.errorbar(calibration["predicted"], calibration["observed"], yerr=np.abs(errors), fmt="o", color=DARK, capsize=2)
    for axis in (right.xaxis, right.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    right.set(
        xlabel="Predicted share treated", ylabel="Observed share treated", title="Calibration of the propensity, tenths of rows"
    )
    return figure


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
    unit = "USD per household" if outcome == "purchase_amount" else "baskets per household"
    naive = [f"not drawn: {NAMES['naive']}, {value:,.2f} {unit}" for value in overall["estimate"].drop(drawn.index)]
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
        f"Effect over the outcome window ({unit})\n95% intervals by analytic standard errors, which take the models as given",
        fontsize="medium",
    )
    return figure


def contour_chart(contour: pd.DataFrame, benchmarks: pd.DataFrame) -> Figure:
    """What is left of the effect on spend if a confounder explained so much of the rest; measured groups as yardsticks."""
    grid = contour.pivot_table(index="share_outcome", columns="share_treatment", values="estimate")
    figure = Figure(figsize=(9, 6.5), layout="constrained")
    axes = figure.subplots()
    lines = axes.contour(grid.columns, grid.index, grid.to_numpy(), levels=10, colors=LIGHT, linewidths=1.2)
    # Near the axes lines crowd together: label those on the far side of nothing.
    far = [level for level in lines.levels if level * grid.iloc[0, 0] < 0]
    axes.clabel(lines, levels=far, fmt="%.0f USD", fontsize=8, colors="black")
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
        ylabel="Share of the rest of spend that it explains",
        title="What a confounder could leave of the effect on spend\n(thick line: nothing; diamonds: as strong as these)",
    )
    return figure


def _intervals(axes: Axes, table: pd.DataFrame, labels: list[str]) -> None:
    places = np.arange(len(table))
    axes.hlines(places, table["ci_lower"], table["ci_upper"], color=DARK, linewidth=2)
    sns.scatterplot(x=table["estimate"].to_numpy(), y=places, color=DARK, s=60, ax=axes, zorder=3)
    axes.set_yticks(places, labels)
    axes.grid(visible=False, axis="y")


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "-|>", "color": DARK, "linewidth": 1}, zorder=0)
