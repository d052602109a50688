"""The study's picture."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from study.worlds import EFFECTS, OVERLAPS
from targeting.clusters import LEVEL, Z
from targeting.figures import ACCENT, DARK, LIGHT

STYLES = dict(zip(EFFECTS, ((LIGHT, "o"), (ACCENT, "s"), (DARK, "D")), strict=True))
AIM = (0.92, 0.98)
LOWEST = 0.6  # coverage below this stands at the edge, as a number: how bad it is matters less than that it is


def coverage_chart(summary: pd.DataFrame, outcome: str) -> Figure:
    """Coverage of the 95% interval above, bias below; a column an overlap, a line an estimator, a colour an effect.

    Bars are 95% Monte Carlo intervals. Takes the rows of `estimator_summary`.
    """
    own = summary[summary["outcome"] == outcome]
    methods = own["method"].unique()
    unit = "USD" if outcome == "purchase_amount" else "baskets"
    figure = Figure(figsize=(14, 9.5), layout="constrained")
    grid = figure.subplots(2, len(OVERLAPS), sharey=True, sharex="row")
    for column, overlap in enumerate(OVERLAPS):
        for shift, effect in zip((-0.22, 0.0, 0.22), EFFECTS, strict=True):
            cell = own[(own["overlap"] == overlap) & (own["effect"] == effect)].set_index("method").reindex(methods)
            places = np.arange(len(methods)) + shift
            ends = [cell["coverage"] - cell["coverage_lower"], cell["coverage_upper"] - cell["coverage"]]
            _marks(grid[0, column], cell["coverage"], places, np.abs(ends), effect)
            for place, coverage in zip(places, cell["coverage"], strict=True):
                if coverage < LOWEST:
                    label = {"va": "center", "fontsize": 8, "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.5}}
                    grid[0, column].text(LOWEST, place, f" ◂ {coverage:.0%}", color=STYLES[effect][0], **label)
            _marks(grid[1, column], cell["bias"], places, Z * cell["bias_se"], effect)
        grid[0, column].set_title(f"overlap: {overlap}")
        grid[0, column].axvspan(*AIM, color=LIGHT, alpha=0.3, linewidth=0)
        grid[0, column].axvline(LEVEL, color="black", linewidth=0.8)
        grid[0, column].set_xlim(LOWEST, 1.01)
        grid[0, column].xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        grid[0, column].set_xlabel("Coverage (shaded: 92% to 98%)")
        grid[1, column].axvline(0, color="black", linewidth=0.8)
        grid[1, column].set_xscale("symlog", linthresh=10)
        grid[1, column].set_xlabel(f"Bias, {unit} (linear to 10, then logarithmic)")
    for row in grid:
        row[0].set_yticks(range(len(methods)), methods)
        row[0].set_ylim(len(methods) - 0.5, -0.5)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, title="true effect", loc="outside upper center", ncols=len(EFFECTS))
    return figure


def _marks(axes: Axes, values: pd.Series, places: np.ndarray, errors: np.ndarray, effect: str) -> None:
    colour, marker = STYLES[effect]
    axes.errorbar(values, places, xerr=errors, fmt=marker, color=colour, markersize=4, capsize=2, linewidth=1.2, label=effect)
    axes.grid(visible=False, axis="y")
