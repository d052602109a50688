"""A picture of the target trials: who is in them."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from targeting.base.left_out import sentence
from targeting.figures.style import DARK, LIGHT, drawing, entitle

BOX = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": DARK}
ACROSS = 2  # trials beside each other
ASIDE = {"boxstyle": "round,pad=0.35", "facecolor": "#f3f3f3", "edgecolor": LIGHT}


def flow_picture(flow: pd.DataFrame, panel: pd.DataFrame, tills: bool) -> Figure:
    """`flow_chart`; or in a sentence how many rows a table of customers, where there are no tills, has in each arm."""
    if tills:
        return flow_chart(flow)
    treated = int(panel["treated"].sum())
    return sentence(f"As the table has them: {treated:,} rows treated, {len(panel) - treated:,} not treated.")


def flow_chart(flow: pd.DataFrame) -> Figure:
    """Who is in each trial and why others are not, a panel per trial, as a CONSORT diagram; rows as in plots/trials.csv.

    What the design sets aside is a step of its own where it sets anybody aside in any trial.
    """
    by_design = bool((flow[["n_targeted_later", "n_in_other_trial"]] > 0).any(axis=None))
    columns = min(ACROSS, len(flow))
    rows = -(-len(flow) // columns)
    figure = drawing(0.6 + (4.9 if by_design else 3.7) * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(flow) :]:
        axes.remove()
    for axes, row in zip(panels, flow.itertuples(), strict=False):
        axes.set(xlim=(0, 1), ylim=(0, 1))
        axes.axis("off")
        cut = ", cut at the end of the data" if row.cut else ""
        dates = f"{row.time_zero:%-d %b %Y} to {row.end_day:%-d %b %Y}"
        axes.set_title(f"Campaign {row.campaign_id}, {dates}\noutcomes to {row.window_end:%-d %b %Y}{cut}", fontsize=10)
        _steps(axes, row, by_design)
    mailed, others = flow["n_treated"].sum(), flow["n_control"].sum()
    campaigns = f"{len(flow)} campaigns" if len(flow) > 1 else "one campaign"
    entitle(figure, f"{mailed:,} mailed rows are compared with {others:,} that were not, in {campaigns}")
    return figure


def _steps(axes: Axes, row: Any, by_design: bool) -> None:
    """From top to bottom who is left after each step, beside the arrows who is not, and below the two arms."""
    eligible, compared = f"{row.n_eligible:,} eligible at time zero", f"{row.n_treated + row.n_control:,} compared"
    mains = [f"{row.n_households:,} households in the data", eligible if by_design else f"{eligible}, all compared"]
    asides = [f"set aside\n{row.n_no_earlier_purchase:,} no purchase before\n{_not_eligible(row)}"]
    if by_design:
        mains.append(compared)
        asides.append(
            f"set aside by the design\n{row.n_targeted_later:,} targeted later\n{row.n_in_other_trial:,} in another trial"
        )
    step = 0.86 / len(mains)
    for number, text in enumerate(mains):
        axes.text(0.3, 0.93 - number * step, text, ha="center", va="center", fontsize=9, bbox=BOX)
    for number, text in enumerate(asides):
        position = 0.93 - (number + 0.5) * step
        axes.text(0.72, position, text, ha="center", va="center", fontsize=8, bbox=ASIDE)
        _arrow(axes, (0.3, position + 0.4 * step), (0.3, position - 0.4 * step))
        axes.plot([0.3, 0.72], [position, position], color=LIGHT, linewidth=1, zorder=0)
    for place, text in ((0.17, f"{row.n_treated:,}\nmailed"), (0.6, f"{row.n_control:,}\nnot mailed")):
        axes.text(place, 0.07, text, ha="center", va="center", fontsize=9, bbox=BOX)
        _arrow(axes, (0.3, 0.885 - (len(mains) - 1) * step), (place, 0.13))


def _not_eligible(row: Any) -> str:
    drawn = getattr(row, "n_not_drawn", 0)
    return f"{drawn:,} not in the draw" if drawn else f"{row.n_set_aside:,} by an earlier mailing"


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "-|>", "color": DARK, "linewidth": 1}, zorder=0)
