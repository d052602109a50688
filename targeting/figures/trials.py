"""A picture of the target trials: who is in them."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from targeting.figures.style import DARK, LIGHT, drawing, entitle

BOX = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": DARK}
ACROSS = 2  # trials beside each other
ASIDE = {"boxstyle": "round,pad=0.35", "facecolor": "#f3f3f3", "edgecolor": LIGHT}


def flow_chart(flow: pd.DataFrame) -> Figure:
    """Who is in each trial and why others are not, a panel per trial, as a CONSORT diagram; rows as in plots/trials.csv."""
    columns = min(ACROSS, len(flow))
    rows = -(-len(flow) // columns)
    figure = drawing(0.6 + 4.9 * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(flow) :]:
        axes.remove()
    for axes, row in zip(panels, flow.itertuples(), strict=False):
        axes.set(xlim=(0, 1), ylim=(0, 1))
        axes.axis("off")
        cut = ", cut at the end of the data" if row.cut else ""
        axes.set_title(f"Campaign {row.campaign_id}\n{row.time_zero:%-d %b %Y} to {row.window_end:%-d %b %Y}{cut}", fontsize=10)
        n_compared = row.n_treated + row.n_control
        mains = [
            f"{row.n_households:,} households in the data",
            f"{row.n_eligible:,} eligible at time zero",
            f"{n_compared:,} compared",
        ]
        asides = [
            f"set aside\n{row.n_no_earlier_purchase:,} no purchase before\n{_not_eligible(row)}",
            f"set aside by the design\n{row.n_targeted_later:,} targeted later\n{row.n_in_other_trial:,} in another trial",
        ]
        for position, text in zip((0.93, 0.6, 0.27), mains, strict=True):
            axes.text(0.3, position, text, ha="center", va="center", fontsize=9, bbox=BOX)
        for position, text in zip((0.765, 0.435), asides, strict=True):
            axes.text(0.72, position, text, ha="center", va="center", fontsize=8, bbox=ASIDE)
            _arrow(axes, (0.3, position + 0.13), (0.3, position - 0.13))
            axes.plot([0.3, 0.72], [position, position], color=LIGHT, linewidth=1, zorder=0)
        for place, text in ((0.17, f"{row.n_treated:,}\nmailed"), (0.6, f"{row.n_control:,}\nnot mailed")):
            axes.text(place, 0.07, text, ha="center", va="center", fontsize=9, bbox=BOX)
            _arrow(axes, (0.3, 0.235), (place, 0.115))
    mailed, others = flow["n_treated"].sum(), flow["n_control"].sum()
    campaigns = f"{len(flow)} campaigns" if len(flow) > 1 else "one campaign"
    entitle(figure, f"{mailed:,} mailed rows are compared with {others:,} that were not, in {campaigns}")
    return figure


def _not_eligible(row: Any) -> str:
    drawn = getattr(row, "n_not_drawn", 0)
    return f"{drawn:,} not in the draw" if drawn else f"{row.n_set_aside:,} by an earlier mailing"


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "-|>", "color": DARK, "linewidth": 1}, zorder=0)
