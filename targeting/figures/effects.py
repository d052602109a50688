"""Pictures of what the estimators say, and of what a hidden confounder could change."""

from typing import Any

import altair as alt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from targeting.figures.intervals import effect_title, interval_rows
from targeting.figures.people import person
from targeting.figures.style import ACCENT, DARK, LIGHT, drawing, entitle
from targeting.figures.vega import Spec, lines, spec, zero_line
from targeting.words.changes import change
from targeting.words.estimators import CHOICE, LOTS, PLAIN, PLAIN_TELLS, names
from targeting.words.money import amount, unit
from targeting.words.outcomes import outcome_words

INTERVAL = ("estimate", "ci_lower", "ci_upper")
PANEL = 520  # width of a panel of two
OWN = "ato"  # the estimator that is shown by trial, and whose effect the picture's title says


def forest_spec(effects: pd.DataFrame, outcome: str, decided: str = CHOICE) -> Spec:
    """Every estimator's pooled effect on `outcome` but a confounded difference, whose size would flatten the others.

    `decided` is what decided who was mailed, as `decided_by` has it.
    """
    return spec(_estimators(effects, outcome, decided).properties(width="container"))


def _estimators(effects: pd.DataFrame, outcome: str, decided: str) -> Any:
    drawn = effects[(effects["method"] != PLAIN) | (decided == LOTS)]
    return _rows(drawn.assign(estimator=[lines(names(decided)[name]) for name in drawn["method"]]), outcome)


def _rows(table: pd.DataFrame, outcome: str) -> Any:
    title, form = effect_title(outcome)
    layers = interval_rows(table, "estimator", INTERVAL, title, "effect", form)
    return alt.layer(*layers, zero_line("x")).properties(height=34 * len(table))


def forest_picture(effects: pd.DataFrame, pooled: pd.DataFrame, outcome: str, decided: str = CHOICE) -> Spec:
    """`forest_spec` of all trials, and below it the overlap-weighted effect trial by trial with its pooled one.

    `effects` and `pooled` are plots/ate.csv and plots/pooling.csv.
    """
    own = effects[(effects["outcome"] == outcome) & effects["estimate"].notna()]
    trials = own[(own["method"] == OWN) & (own["trial"] != "all")]
    together = pooled[(pooled["outcome"] == outcome) & (pooled["method"] == OWN)]
    words = [f"campaign {trial}, {n:,} rows" for trial, n in zip(trials["trial"], trials["n"], strict=True)]
    rows = pd.concat([trials.assign(estimator=words), together.assign(estimator="pooled by precision")], ignore_index=True)
    differ = f"p = {together['p'].iloc[0]:.2f}" if together["p"].notna().all() else "one trial"
    above = _estimators(own[own["trial"] == "all"], outcome, decided).properties(width=PANEL, title="All trials, by estimator")
    below = _rows(rows, outcome).properties(width=PANEL, title=f"Overlap-weighted, by trial (do they differ? {differ})")
    return spec(alt.vconcat(above, below))


def forest_words(effects: pd.DataFrame, outcome: str, decided: str = CHOICE) -> tuple[str, str]:
    """What the overlap-weighted effect is, and what the picture leaves out."""
    pooled = effects[(effects["outcome"] == outcome) & (effects["trial"] == "all")].set_index("method")
    estimate, lower, upper = (change(pooled.loc[OWN, name], outcome) for name in INTERVAL)
    found = f"In the overlap a mailing moves {outcome_words(outcome)} by {estimate} per {person()} ({lower} to {upper})"
    if pd.isna(pooled.loc[OWN, "estimate"]):
        found = f"Effect on {outcome_words(outcome)} by estimator"
    how = "95% intervals by analytic standard errors, which take the models as given."
    if decided == LOTS:
        return found, f"{how} The plain difference of the arms {PLAIN_TELLS[LOTS]}."
    plain = amount(pooled.loc[PLAIN, "estimate"], outcome)
    return found, f"{how} Not drawn: the plain difference of the arms, {plain}, which {PLAIN_TELLS[decided]}."


def contour_chart(contour: pd.DataFrame, benchmarks: pd.DataFrame, outcome: str) -> Figure:
    """What is left of the effect on `outcome` if a confounder explained so much of the rest; measured groups as yardsticks."""
    what = outcome_words(outcome)
    grid = contour.pivot_table(index="share_outcome", columns="share_treatment", values="estimate")
    figure = drawing(6.6)
    axes = figure.subplots()
    lines = axes.contour(grid.columns, grid.index, grid.to_numpy(), levels=10, colors=LIGHT, linewidths=1.2)
    # Near the axes lines crowd together: label those on the far side of nothing.
    far = [level for level in lines.levels if level * grid.iloc[0, 0] < 0]
    axes.clabel(lines, levels=far, fmt=f"%.3g {unit(outcome)}", fontsize=9, colors="black")
    axes.contour(grid.columns, grid.index, grid.to_numpy(), levels=[0], colors=ACCENT, linewidths=2.5)
    limits = (grid.columns.max(), grid.index.max())
    inside = benchmarks[(benchmarks["share_treatment"] <= limits[0]) & (benchmarks["share_outcome"] <= limits[1])]
    for number, row in enumerate(inside.itertuples(), start=1):
        # Numbers beside the points, as words of close ones would run into each other.
        axes.plot(row.share_treatment, row.share_outcome, "D", color=DARK, clip_on=False, label=f"{number} {row.group}", zorder=3)
        place = (row.share_treatment, row.share_outcome)
        axes.annotate(
            str(number), place, xytext=((7, 6), (7, -13), (-15, 6))[number % 3], textcoords="offset points", fontweight="bold"
        )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set(
        xlabel="Share of what remains of who is mailed that the confounder explains",
        ylabel=f"Share of what remains of {what} that it explains",
    )
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3, fontsize=9, handlelength=1)
    enough = [row.group for row in inside.itertuples() if _left(grid, row) * grid.iloc[0, 0] <= 0]
    found = f"No measured group of covariates is strong enough to take the effect on {what} away"
    if enough:
        found = f"A hidden reason as strong as {' or '.join(enough)} would leave nothing of the effect on {what}"
    entitle(
        figure, found, "Thick line: nothing is left; thin lines: what is left beyond it. Diamonds: what measured groups explain."
    )
    return figure


def _left(grid: pd.DataFrame, group: Any) -> float:
    """The effect that the nearest point of the grid leaves for a confounder as strong as a measured group."""
    row, column = (
        axis.get_indexer([share], method="nearest")[0]
        for axis, share in ((grid.index, group.share_outcome), (grid.columns, group.share_treatment))
    )
    return float(grid.iloc[row, column])
