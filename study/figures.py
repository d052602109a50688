"""The study's pictures."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from study.retailer import CHOSEN
from study.retailer_summary import ALL, HINDSIGHT
from study.worlds import EFFECTS, OVERLAPS
from targeting.figures.style import ACCENT, DARK, LIGHT, drawing, entitle
from targeting.stats.estimates import CONFIDENCE, Z
from targeting.validation.selection import NESTED, USED
from targeting.words.estimators import NAMES
from targeting.words.learners import learner_name

# What pictures call the kinds of effect, and what the rule makes of the learners.
EFFECT_WORDS = {"none": "no effect", "constant": "same effect for all", "heterogeneous": "effects differ"}
LEARNERS = {
    "average": "average of learners",
    "stack": "stack of learners",
    CHOSEN: "chosen on all rows",
    NESTED: "chosen fold by fold",
    USED: "used: chosen, or the average effect",
    HINDSIGHT: "best single learner in hindsight",
}
STYLES = dict(zip(EFFECTS, ((LIGHT, "o"), (ACCENT, "s"), (DARK, "D")), strict=True))
AIM = (0.92, 0.98)
FIRST = "ato"  # the estimator that is read first
LOWEST = 0.6  # coverage below this stands at the edge, as a number: how bad it is matters less than that it is


def coverage_chart(summary: pd.DataFrame, outcome: str) -> Figure:
    """Coverage of the 95% interval above, bias below; a column per overlap, a line per estimator, a colour an effect.

    Bars are 95% Monte Carlo intervals. Takes the rows of `estimator_summary`.
    """
    own = summary[summary["outcome"] == outcome]
    methods = own["method"].unique()
    unit = "USD" if outcome == "purchase_amount" else "baskets"
    figure = drawing(9)
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
                    grid[0, column].text(LOWEST, place, f" ◂ {coverage:.0%}", **label)
            _marks(grid[1, column], cell["bias"], places, Z * cell["bias_se"], effect)
        grid[0, column].set_title(f"overlap: {overlap}")
        grid[0, column].axvspan(*AIM, color=LIGHT, alpha=0.3, linewidth=0)
        grid[0, column].axvline(CONFIDENCE, color="black", linewidth=0.8)
        grid[0, column].set_xlim(LOWEST, 1.01)
        grid[0, column].xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        grid[0, column].set_xlabel("Coverage (aim: shaded)")
        grid[1, column].axvline(0, color="black", linewidth=0.8)
        grid[1, column].set_xscale("symlog", linthresh=10)
        grid[1, column].set_xlabel(f"Bias ({unit})")
    for row in grid:
        row[0].set_yticks(range(len(methods)), [NAMES[name] for name in methods])
        row[0].set_ylim(len(methods) - 0.5, -0.5)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, title="true effect", loc="outside lower center", ncols=len(EFFECTS))
    read, ours = (rows["coverage"].between(*AIM) for rows in (own, own[own["method"] == FIRST]))
    entitle(
        figure,
        f"Intervals of the overlap-weighted effect hold the truth as often as they should in {ours.sum()} of {len(ours)} kinds "
        f"of world, those of all estimators in {read.sum()} of {len(read)}",
    )
    return figure


def retailer_chart(learners: pd.DataFrame, choice: pd.DataFrame, effect: str) -> Figure:
    """Rank correlation with the true effect by learner, and regret by rule and effect; a colour an overlap.

    Bars are 95% Monte Carlo intervals. Takes the rows of `learner_summary`, of one effect for the first part, and of
    `choice_summary`.
    """
    figure = drawing(6)
    left, right = figure.subplots(1, 2, width_ratios=(1.1, 1))
    own = learners[(learners["effect"] == effect) & (learners["overlap"] != ALL)]
    names = own["learner"].unique()
    cells = [(name, rule) for name in choice["effect"].unique() for rule in ("regret", "plugin_regret")]
    colours = zip((-0.22, 0.0, 0.22), OVERLAPS, STYLES.values(), strict=True)
    for shift, overlap, (colour, marker) in colours:
        style = {"fmt": marker, "color": colour, "markersize": 5, "capsize": 2, "linewidth": 1.2, "label": overlap}
        part = own[own["overlap"] == overlap].set_index("learner").reindex(names)
        places = np.arange(len(names)) + shift
        left.errorbar(part["rank_correlation"], places, xerr=Z * part["rank_correlation_se"], **style)
        rows = choice[choice["overlap"] == overlap].set_index("effect")
        regrets, errors = np.transpose([(rows.loc[name, rule], rows.loc[name, f"{rule}_se"]) for name, rule in cells])
        right.errorbar(regrets, np.arange(len(cells)) + shift, xerr=Z * errors, **style)
    left.set_yticks(range(len(names)), [LEARNERS.get(name, learner_name(name)) for name in names])
    words = {"regret": "the recommendation", "plugin_regret": "plug-in rule"}
    right.set_yticks(range(len(cells)), [f"{EFFECT_WORDS[name]}:\n{words[rule]}" for name, rule in cells])
    left.set(xlabel="Rank correlation with the true effect", title=f"ranking ({EFFECT_WORDS[effect]})")
    right.set(xlabel="Regret: profit forgone (USD per row)", title="what decisions forgo")
    for axes, length in ((left, len(names)), (right, len(cells))):
        axes.set_ylim(length - 0.5, -0.5)
        axes.axvline(0, color="black", linewidth=0.8)
        axes.grid(visible=False, axis="y")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, title="overlap", loc="outside lower center", ncols=len(OVERLAPS))
    kinds = choice[choice["overlap"] != ALL]
    less = (kinds["regret"] < kinds["plugin_regret"]).sum()
    entitle(
        figure,
        f"The recommendation loses less than the plug-in rule in {less} of {len(kinds)} kinds of retailer",
    )
    return figure


def _marks(axes: Axes, values: pd.Series, places: np.ndarray, errors: np.ndarray, effect: str) -> None:
    colour, marker = STYLES[effect]
    label = EFFECT_WORDS[effect]
    axes.errorbar(values, places, xerr=errors, fmt=marker, color=colour, markersize=4, capsize=2, linewidth=1.2, label=label)
    axes.grid(visible=False, axis="y")
