"""The league's picture: what each strategy has earned by then, cell by cell."""

import pandas as pd
from matplotlib.figure import Figure

from study.league_play import ALL, LOT, NOBODY, ORACLE
from study.league_strategies import BEST_BET, PLUG_IN, SHOWN, TEST_AND_ROLL, THOMPSON
from targeting.figures.style import ACCENT, DARK, LIGHT
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
STYLES = {
    ALL: (LIGHT, ":"),
    LOT: (LIGHT, "--"),
    PLUG_IN: (ACCENT, "--"),
    SHOWN: (DARK, ":"),
    BEST_BET: (DARK, "--"),
    THOMPSON: (DARK, "-"),
    TEST_AND_ROLL: (ACCENT, "-"),
    ORACLE: ("black", "-"),
}
DEEPEST = 15.0  # USD per household: mailing all or by lot loses far more, and would press the others together


def league_chart(campaigns: pd.DataFrame) -> Figure:
    """Cumulative profit by campaign, a panel a cell, with 95% Monte Carlo intervals. Takes the rows of `by_campaign`.

    Mailing nobody is the line at 0.
    """
    cells = [cell for cell in CELL_NAMES if cell in set(campaigns["cell"])]
    figure = Figure(figsize=(14, 8.5), layout="constrained")
    grid = figure.subplots(2, 3).ravel()
    for axes, cell in zip(grid, cells, strict=False):
        own = campaigns[campaigns["cell"] == cell]
        for strategy, (colour, line) in STYLES.items():
            its = own[own["strategy"] == strategy].sort_values("campaign")
            reach = Z * its["cumulative_se"].fillna(0.0)
            axes.plot(its["campaign"], its["cumulative"], line, color=colour, label=NAMES[strategy])
            axes.fill_between(its["campaign"], its["cumulative"] - reach, its["cumulative"] + reach, color=colour, alpha=0.12)
        axes.axhline(0, color="black", linewidth=0.8)
        highest = own.loc[own["strategy"] == ORACLE, "cumulative"].max()
        axes.set_ylim(-DEEPEST, max(1.1 * highest, DEEPEST / 3))
        axes.set(title=CELL_NAMES[cell], xlabel="Campaign", ylabel="USD per household so far")
        axes.set_xticks(sorted(own["campaign"].unique()))
    for axes in grid[len(cells) :]:
        axes.set_axis_off()
    figure.legend(*grid[0].get_legend_handles_labels(), loc="lower right", ncols=2)
    return figure
