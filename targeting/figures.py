"""Pictures (seaborn) that people look at; every number in them stands in a table beside them."""

from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, PercentFormatter, ScalarFormatter
from numpy.typing import NDArray

matplotlib.use("Agg")
sns.set_theme(style="whitegrid", context="notebook", font="DejaVu Sans")
# Colours that stay apart for colour-blind readers and in greyscale.
DARK, LIGHT, ACCENT = "#1b4965", "#9db4c0", "#c8553d"


def loadings_heatmap(loadings: NDArray[np.float64], features: Sequence[str], factor_names: Sequence[str]) -> Figure:
    """Which features make each factor: loadings of unit length, shape (factors, features)."""
    figure = Figure(figsize=(10, 8), layout="constrained")
    axes = figure.subplots()
    table = pd.DataFrame(loadings.T, index=list(features), columns=[name.replace(" and ", "\nand ") for name in factor_names])
    sns.heatmap(table, annot=True, fmt=".2f", cmap="Greys", vmin=0, vmax=1, linewidths=0.5, cbar=False, ax=axes)
    axes.set_title("What makes each factor (loadings, 0 to 1)")
    axes.tick_params(axis="x", rotation=0, labelsize=8)
    return figure


def positioning_chart(table: pd.DataFrame) -> Figure:
    """Segments by visits and basket value, bubbles by number of households, shade by mean revenue."""
    figure = Figure(figsize=(10, 6.5), layout="constrained")
    axes = figure.subplots()
    sizes = 2500 * table["n"] / table["n"].max()
    points = axes.scatter(table["visits"], table["basket"], s=sizes, c=table["revenue"], cmap="Blues", edgecolor=DARK, vmin=0)
    for row, size in zip(table.itertuples(), sizes, strict=True):
        axes.annotate(
            f"{row.name}\n{row.n} households",
            (row.visits, row.basket),
            xytext=(0, 4 + np.sqrt(size) / 2),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )
    axes.set_xscale("log")  # visits range over two orders of magnitude
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.2, y=0.25)
    axes.set(
        xlabel="Mean visits over the window (log scale)",
        ylabel="Mean basket (USD)",
        title="Segments by visits, basket and revenue",
    )
    figure.colorbar(points, ax=axes, label="Mean revenue (USD)")
    return figure


def roi_chart(curve: pd.DataFrame, margin: float, cost: float, overlap: float) -> Figure:
    """Profit per household by share contacted: off-policy with its 95% interval, and what the model itself promises.

    Beyond the share `overlap` contacts go to households that hardly any data speak of; that part is shaded.
    """
    figure = Figure(figsize=(10, 6), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(
        curve["share"], curve["profit_ci_lower"], curve["profit_ci_upper"], color=LIGHT, alpha=0.5, label="95% interval"
    )
    sns.lineplot(curve, x="share", y="profit", color=DARK, linewidth=2.5, label="off-policy (what the data support)", ax=axes)
    sns.lineplot(
        curve, x="share", y="profit_plugin", color=ACCENT, linestyle="--", label="plug-in (what the model promises)", ax=axes
    )
    axes.axhline(0, color="black", linewidth=0.8)
    axes.axvspan(overlap, 1.0, color="black", alpha=0.08, linewidth=0, label="no overlap: extrapolated")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set(
        xlabel="Share of households contacted: inside the overlap first, largest predicted effect first",
        ylabel="Profit per household and campaign (USD)",
        title=f"Profit by share contacted (margin {margin:.0%}, cost {cost:.2f} USD a contact)",
    )
    axes.legend(loc="lower left")
    return figure
