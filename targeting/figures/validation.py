"""Pictures of how far effects by household can be believed; every number in them stands in a table beside them."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from targeting.figures.people import people, person
from targeting.figures.style import ACCENT, DARK, LIGHT, drawing, entitle
from targeting.words.learners import learner_name
from targeting.words.money import unit
from targeting.words.numbers import number
from targeting.words.outcomes import outcome_words

SETTLED = 0.1  # the first few percent are a handful of households: their intervals would hide everything else
DASHES = ("-", "--", ":", "-.")
CHOSEN = "chosen by the other folds"


def toc_chart(toc: pd.DataFrame, uplift: pd.DataFrame, main: str, outcome: str) -> Figure:
    """TOC and Qini curve of every learner, and those of `main` with 95% intervals at each share and over all shares."""
    figure = drawing(5.6)
    left, right = figure.subplots(1, 2)
    for axes, table, column in ((left, toc, "toc"), (right, uplift, "uplift")):
        own = table[table["learner"] == main]
        axes.fill_between(
            own["share"], own["band_lower"], own["band_upper"], color=LIGHT, alpha=0.35, label="95% band, all shares at once"
        )
        axes.fill_between(
            own["share"], own["ci_lower"], own["ci_upper"], color=LIGHT, alpha=0.7, label="95% interval, share by share"
        )
        others = table[table["learner"] != main].groupby("learner", sort=False)
        # Colours alone do not tell so many apart, least of all in greyscale.
        colours = sns.color_palette("colorblind", 10)
        for i, (name, rows) in enumerate(others):
            style = DASHES[i % len(DASHES)]
            axes.plot(rows["share"], rows[column], style, color=colours[i % 10], linewidth=1.3, label=learner_name(str(name)))
        axes.plot(own["share"], own[column], color=DARK, linewidth=3, label=CHOSEN)
        axes.axhline(0, color="black", linewidth=0.8)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel("Share mailed, largest predicted effect first")
    settled = toc[(toc["share"] >= SETTLED) & (toc["learner"] == main)]
    limits = settled["band_lower"].min(), settled["band_upper"].max()
    left.set_ylim(1.1 * min(limits[0], 0), 1.1 * max(limits[1], 0) or None)
    per = f"{unit(outcome)} per {person()}"
    left.set_title("Targeting operator characteristic")
    left.set_ylabel(f"Their effect less that of all ({per})", fontsize=9)
    right.set_title("Uplift (Qini curve)")
    right.set_ylabel(f"Gain over mailing as many by lot ({per})", fontsize=9)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=9)
    told = {True: "gain more than", False: "gain no more than"}[bool((settled["band_lower"] > 0).any())]
    entitle(figure, f"{people().capitalize()} that are ranked first {told} others, as far as can be told apart from chance")
    return figure


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
    held = ((own["ci_lower"] <= own["cate"]) & (own["cate"] <= own["ci_upper"])).sum()
    differ = own["ci_lower"].max() > own["ci_upper"].min()
    entitle(
        figure,
        f"The chosen effects are of the right size in {held} of {len(own)} groups of {people()}, and their groups "
        f"{'differ' if differ else 'do not differ'} beyond chance",
        f"Across: predicted effect, mean of the group ({per}). Up: what doubly robust scores measure, with 95% intervals. "
        "Dashed: as predicted.",
    )
    return figure


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
