"""The picture of what an experiment can find."""

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from targeting.figures.style import ACCENT, DARK

WORDS = {"none": "difference of means", "cuped": "adjusted for what was predicted"}


def power_chart(curve: pd.DataFrame, effect: float, unit: str, power: float, taking_part: int) -> Figure:
    """Chance of finding the effect by number of households, plain and adjusted; a line marks how many can take part."""
    figure = Figure(figsize=(10, 5.5), layout="constrained")
    axes = figure.subplots()
    for (adjustment, words), colour in zip(WORDS.items(), (ACCENT, DARK), strict=True):
        rows = curve[curve["adjustment"] == adjustment]
        sns.lineplot(rows, x="n_total", y="power", color=colour, linewidth=2.5, label=words, ax=axes)
    axes.axhline(power, color="black", linewidth=0.8, linestyle="--")
    if taking_part:
        axes.axvline(taking_part, color="black", linewidth=0.8, label=f"taking part in the next campaign: {taking_part:,}")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set(
        ylim=(0, 1.02),
        xlabel="Households in the experiment, half of them mailed",
        ylabel="Chance of finding it",
        title=f"Finding an average effect of {effect:.2f} {unit}",
    )
    axes.legend(loc="lower right")
    return figure
