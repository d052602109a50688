"""Pictures of how far effects by household can be believed; every number in them stands in a table beside them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from targeting.figures.heatmaps import legible
from targeting.figures.people import people, person
from targeting.figures.style import ACCENT, DARK, LIGHT, drawing, entitle
from targeting.words.learners import learner_name
from targeting.words.money import amount, unit
from targeting.words.numbers import number
from targeting.words.outcomes import outcome_words

SETTLED = 0.1  # the first few percent are a handful of households: they settle nothing
CHOSEN = "chosen by the other folds"
RIVAL = "#8a8a8a"  # of the many curves that are there for comparison alone


def toc_chart(toc: pd.DataFrame, uplift: pd.DataFrame, learners: pd.DataFrame, main: str, outcome: str) -> Figure:
    """TOC and Qini curve of `main` with 95% intervals at each share and over all shares, and every learner's without.

    `learners` has each learner's AUTOC on every outcome: that with the largest is told apart, the rest are one family.
    """
    figure = drawing(5.6)
    left, right = figure.subplots(1, 2)
    rivals = learners[(learners["outcome"] == outcome) & learners["learner"].isin(set(toc["learner"]) - {main})]
    best = rivals.nlargest(1, "autoc")["learner"].tolist()
    for axes, table, column in ((left, toc, "toc"), (right, uplift, "uplift")):
        _curves(axes, table, column, main, best)
    per = f"{unit(outcome)} per {person()}"
    left.set_title("Effect of those ranked first, above the average effect", fontsize=10)
    left.set_ylabel(f"Difference of effects ({per})", fontsize=9)
    right.set_title("Gain over mailing as many by lot (Qini curve)", fontsize=10)
    right.set_ylabel(f"Gain ({per} of all)", fontsize=9)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    settled = toc[(toc["share"] >= SETTLED) & (toc["learner"] == main)]
    told = {True: "gain more than", False: "gain no more than"}[bool((settled["band_lower"] > 0).any())]
    entitle(figure, f"{people().capitalize()} that are ranked first {told} others, as far as can be told apart from chance")
    return figure


def _curves(axes: Axes, table: pd.DataFrame, column: str, main: str, best: Sequence[str]) -> None:
    """A band and a thick line for `main`, a line for the best of the others, and thin pale ones for the rest."""
    own = table[table["learner"] == main]
    for ends, strength, words in (("band", 0.35, "95% band, all shares at once"), ("ci", 0.7, "95% interval, share by share")):
        axes.fill_between(own["share"], own[f"{ends}_lower"], own[f"{ends}_upper"], color=LIGHT, alpha=strength, label=words)
    family = "the other learners"
    for _, rows in table[~table["learner"].isin([main, *best])].groupby("learner", sort=False):
        axes.plot(rows["share"], rows[column], color=RIVAL, linewidth=0.9, label=family)
        family = "_"  # one entry in the legend for all of them
    for name in best:
        rows, words = table[table["learner"] == name], f"{learner_name(name)}: largest area (AUTOC) of the others"
        axes.plot(rows["share"], rows[column], "--", color=ACCENT, linewidth=1.8, label=words)
    axes.plot(own["share"], own[column], color=DARK, linewidth=3, label=CHOSEN)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("Share mailed, largest predicted effect first")


def calibration_chart(groups: pd.DataFrame, main: str, outcome: str) -> Figure:
    """Effects in groups by predicted effect against what was predicted, with 95% intervals, a panel per learner.

    `main` names the rows whose learner the other folds chose.
    """
    names = list(groups["learner"].unique())
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    figure = drawing(1.3 + 2.3 * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for axes, name in zip(panels, names, strict=False):
        table = groups[groups["learner"] == name]
        ends = [table["cate"].min(), table["cate"].max()]
        axes.plot(ends, ends, color=ACCENT, linestyle="--", linewidth=1.5)
        errors = np.abs([table["gate"] - table["ci_lower"], table["ci_upper"] - table["gate"]])
        axes.errorbar(table["cate"], table["gate"], yerr=errors, fmt="o", color=DARK, capsize=2)
        axes.axhline(0, color="black", linewidth=0.8)
        axes.locator_params(axis="x", nbins=4)
        axes.set_title(CHOSEN if name == main else learner_name(name), fontsize=10)
    for axes in panels[len(names) :]:
        axes.remove()
    per = f"{unit(outcome)} per {person()}"
    figure.supylabel(f"Measured effect on {outcome_words(outcome)} ({per})", fontsize=10)
    own = groups[groups["learner"] == main]
    entitle(
        figure,
        _calibration_words(own, outcome),
        f"Across: predicted effect, mean of the group ({per}). Up: what doubly robust scores measure, with 95% intervals. "
        f'Dashed: as predicted. The title tells of the panel "{CHOSEN}".',
    )
    return figure


def _calibration_words(own: pd.DataFrame, outcome: str) -> str:
    """How many groups' intervals hold what was predicted, and how little that says where they are wide."""
    held = ((own["ci_lower"] <= own["cate"]) & (own["cate"] <= own["ci_upper"])).sum()
    differ = own["ci_lower"].max() > own["ci_upper"].min()
    wide, span = (own["ci_upper"] - own["ci_lower"]).median(), np.ptp(own["cate"])
    holds = f"The intervals of {held} of {len(own)} groups of {people()} hold what was predicted"
    if differ or wide <= span:
        return f"{holds}, and {'some' if differ else 'no'} groups differ beyond chance"
    return (
        f"{holds}, but they are {amount(wide, outcome)} wide (median) where predictions differ by {amount(span, outcome)}: "
        "they say little"
    )


def agreement_chart(agreement: pd.DataFrame) -> Figure:
    """Rank correlation of every two learners' effects, a panel per outcome."""
    outcomes = list(agreement["outcome"].unique())
    figure = drawing(1.4 + (1.2 + 0.36 * agreement["learner"].nunique()) * len(outcomes))
    for axes, outcome in zip(figure.subplots(len(outcomes), 1, squeeze=False)[:, 0], outcomes, strict=True):
        own = agreement[agreement["outcome"] == outcome]
        order = list(dict.fromkeys(own["learner"]))
        wide = own.pivot_table(index="learner", columns="other", values="correlation", dropna=False).loc[order, order]
        wide = wide.set_axis([learner_name(name) for name in order], axis=0)
        wide = wide.set_axis([learner_name(name).replace(" ", "\n").replace("-", "-\n", 1) for name in order], axis=1)
        sns.heatmap(wide, annot=True, fmt=".2f", cmap="vlag", vmin=-1, vmax=1, linewidths=0.5, cbar=False, ax=axes)
        legible(axes)
        axes.set(xlabel="", ylabel="", title=outcome_words(outcome).capitalize())
        axes.set_facecolor("#eeeeee")
        axes.grid(visible=False)
        axes.tick_params(axis="x", rotation=0, labelsize=8)
    first = agreement[(agreement["outcome"] == outcomes[0]) & (agreement["learner"] != agreement["other"])]
    entitle(
        figure,
        f"Two learners rank {people()} by effects on {outcome_words(outcomes[0])} with a correlation of "
        f"{number(first['correlation'].median())} (median)",
        "Spearman's correlation: 1 is the same order, 0 none in common. Grey: effects that are all equal have no order.",
    )
    return figure
