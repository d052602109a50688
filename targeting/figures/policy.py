"""Pictures (seaborn) that people look at; every number in them stands in a table beside them."""

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from targeting.figures.style import ACCENT, DARK, LIGHT
from targeting.words.money import currency


def roi_chart(curve: pd.DataFrame, order: str, margin: str, cost: float, overlap: float) -> Figure:
    """Profit per household by share contacted: off-policy with its 95% interval at each share, and what a model promises.

    `order` is what that model is called, `margin` the margin in words.
    Beyond the share `overlap` contacts go to households that hardly any data speak of; that part is shaded.
    """
    figure = Figure(figsize=(10, 6), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(
        curve["share"],
        curve["profit_ci_lower"],
        curve["profit_ci_upper"],
        color=LIGHT,
        alpha=0.5,
        label="95% interval, share by share",
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
        ylabel=f"Profit per household and campaign ({currency()})",
        title=f"Profit by share contacted, in the order of {order}\n(margin {margin}, cost {cost:.2f} {currency()} per contact)",
    )
    axes.legend(loc="lower left")
    return figure
