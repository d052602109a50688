"""The league's picture: what each strategy has earned by then, cell by cell."""

import pandas as pd
from matplotlib.figure import Figure

from study.league_play import ALL, LOT, NOBODY, ORACLE
from study.league_strategies import BEST_BET, PLUG_IN, SHOWN, TEST_AND_ROLL, THOMPSON
from targeting.figures.style import ACCENT, DARK, LIGHT, drawing, entitle
from targeting.stats.estimates import Z

NAMES = {
    NOBODY: "mail nobody",
    ALL: "mail all",
    LOT: "mail by lot",
    PLUG_IN: "published plug-in",
    SHOWN: "shown to pay",
    BEST_BET: "best bet",
    THOMPSON: "Thompson",
    TEST_AND_ROLL: "Test & Roll",
    ORACLE: "oracle",
}
CELL_NAMES = {
    "none": "no effect",
    "constant": "constant effect",
    "heterogeneous": "effects differ",
    "wear_out": "effects differ and wear out",
    "hidden": "effects differ, hidden reason in the past",
}
MIDDLE = "#5fa8a8"  # between DARK and LIGHT, also in greyscale
# Colour, line and marker; line and marker together tell strategies apart without the colour. Where two lie on each other, the
# later one is drawn on top, its markers at other campaigns.
STYLES = {
    NOBODY: ("black", ":", ""),
    ALL: (LIGHT, "-", "v"),
    LOT: (LIGHT, "--", "x"),
    PLUG_IN: (ACCENT, "--", "^"),
    SHOWN: (MIDDLE, ":", "D"),
    BEST_BET: (DARK, "-", "s"),
    TEST_AND_ROLL: (ACCENT, "-.", "P"),
    THOMPSON: (MIDDLE, "-", "o"),
    ORACLE: ("black", "-", "*"),
}
EVERY = 3  # campaigns from marker to marker
DEEPEST = 15.0  # USD per household: mailing all or by lot loses far more, and would press the others together


def league_chart(campaigns: pd.DataFrame) -> Figure:
    """Cumulative profit by campaign, a panel per cell, with 95% Monte Carlo intervals where there are several retailers.

    Takes the rows of `by_campaign`.
    """
    cells = [cell for cell in CELL_NAMES if cell in set(campaigns["cell"])]
    figure = drawing(7.2)
    grid = figure.subplots(2, 3).ravel()
    for axes, cell in zip(grid, cells, strict=False):
        own = campaigns[campaigns["cell"] == cell]
        for place, (strategy, (colour, line, marker)) in enumerate(STYLES.items()):
            its = own[own["strategy"] == strategy].sort_values("campaign")
            reach = Z * its["cumulative_se"].fillna(0.0)
            style = {"marker": marker, "markevery": (place % EVERY, EVERY), "markersize": 6, "linewidth": 1.4}
            axes.plot(its["campaign"], its["cumulative"], line, color=colour, label=NAMES[strategy], **style)
            axes.fill_between(its["campaign"], its["cumulative"] - reach, its["cumulative"] + reach, color=colour, alpha=0.12)
        highest = own.loc[own["strategy"] == ORACLE, "cumulative"].max()
        axes.set_ylim(-DEEPEST, max(1.1 * highest, DEEPEST / 3))
        axes.set(title=CELL_NAMES[cell], xlabel="Campaign", ylabel="USD per household so far")
        axes.set_xticks(sorted(own["campaign"].unique()))
    for axes in grid[len(cells) :]:
        axes.set_axis_off()
    figure.legend(*grid[0].get_legend_handles_labels(), loc="lower right", ncols=2)
    entitle(figure, _found(campaigns), "Profit against mailing nobody; bands: 95% Monte Carlo intervals.")
    return figure


def _found(campaigns: pd.DataFrame) -> str:
    """Which strategy, but the oracle, has earned most at the end, kind by kind of retailer."""
    end = campaigns[(campaigns["campaign"] == campaigns["campaign"].max()) & (campaigns["strategy"] != ORACLE)]
    # To the cent, so that of those that mail nobody it is who always mails nobody.
    earned = end.pivot_table(index="cell", columns="strategy", values="cumulative").round(2)
    best = earned[[name for name in STYLES if name in earned]].idxmax(axis=1)
    told = "; ".join(f"{CELL_NAMES[cell]}: {NAMES[best[cell]]}" for cell in CELL_NAMES if cell in best.index)
    return f"What has earned most at the end, but for the oracle. {told[0].upper()}{told[1:]}"
