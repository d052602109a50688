"""A picture of how a learner was tuned."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from targeting.figures.style import ACCENT, DARK, LIGHT, drawing, entitle
from targeting.words.learners import learner_name
from targeting.words.outcomes import outcome_words


def tuning_chart(
    history: pd.DataFrame, importances: pd.DataFrame, summaries: Mapping[str, Mapping[str, Any]], learner: str
) -> Figure:
    """The search of each outcome: completed trials and the best so far, and what the settings matter.

    Beside them the two losses that are compared: of the default, and of what the search chose, on folds that did not choose it.
    """
    figure = drawing(1.2 + 2.8 * len(summaries))
    grid = figure.subplots(len(summaries), 2, squeeze=False, width_ratios=[2, 1])
    for (left, right), (outcome, found) in zip(grid, summaries.items(), strict=True):
        own = history[history["outcome"] == outcome]
        left.plot(own["trial"], own["r_loss"], "o", color=LIGHT, label="settings tried")
        left.step(own["trial"], own["best"], where="post", color=DARK, label="best so far")
        if found["default_loss"] is not None:
            left.axhline(found["default_loss"], color=ACCENT, linestyle="--", label="default settings")
        if found["tuned_loss"] is not None:
            left.axhline(
                found["tuned_loss"], color=DARK, linestyle=":", label="the search's choice, on folds that did not choose it"
            )
        left.xaxis.set_major_locator(MaxNLocator(integer=True))
        left.ticklabel_format(axis="y", useOffset=False)  # else losses that hardly differ read as differences from a number
        words = outcome_words(outcome)
        left.set(
            xlabel="Settings tried, in order (those given up are left out)",
            ylabel="R-loss (squared error)",
            title=words.capitalize(),
        )
        shares = importances[importances["outcome"] == outcome].sort_values("importance", ascending=False)
        names = shares["setting"].astype(str).str.replace("_", " ")
        sns.barplot(x=shares["importance"], y=names, color=LIGHT, width=min(0.8, 0.2 * len(shares)), ax=right)
        right.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        title = "What makes settings good" if len(shares) else "Too few were tried to say what matters"
        right.set(xlabel="Share of the differences in loss", ylabel="", xlim=(0, 1), title=title)
    handles = {label: handle for handle, label in zip(*grid[0][0].get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2, fontsize=9)
    entitle(figure, _found(summaries, learner_name(learner)))
    return figure


def _found(summaries: Mapping[str, Mapping[str, Any]], name: str) -> str:
    """For which outcomes the search found better settings than the default ones, and for which it did not."""
    better, kept = (
        " and ".join(outcome_words(outcome) for outcome, found in summaries.items() if (found["kept"] == "tuned") == tuned)
        for tuned in (True, False)
    )
    stays = f"the default settings stay for {kept}"
    if not better:
        return f"No search beats the default settings of the {name} for {kept}"
    return f"The search finds better settings of the {name} for {better}" + (f"; {stays}" if kept else "")
