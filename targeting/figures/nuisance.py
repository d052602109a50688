"""Pictures of whether the arms compare: balance, and propensities."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from targeting.figures.style import ACCENT, DARK, LIGHT
from targeting.nuisance.overlap import BALANCED


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
