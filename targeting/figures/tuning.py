"""A picture of how a learner was tuned."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from targeting.figures.style import ACCENT, DARK, LIGHT


def tuning_chart(
    history: pd.DataFrame, importances: pd.DataFrame, summaries: Mapping[str, Mapping[str, Any]], learner: str
) -> Figure:
    """The search of each outcome: completed trials and the best so far against the default, and what the settings matter."""
    figure = Figure(figsize=(11, 3.6 * len(summaries)), layout="constrained")
    grid = figure.subplots(len(summaries), 2, squeeze=False, width_ratios=[2, 1])
    for (left, right), (outcome, found) in zip(grid, summaries.items(), strict=True):
        own = history[history["outcome"] == outcome]
        left.plot(own["trial"], own["r_loss"], "o", color=LIGHT, label="completed trial")
        left.step(own["trial"], own["best"], where="post", color=DARK, label="best so far")
        if found["default_loss"] is not None:
            left.axhline(found["default_loss"], color=ACCENT, linestyle="--", label="default")
        left.set(xlabel="Trial (pruned ones left out)", ylabel="R-loss", title=f"{learner} on {outcome}: kept {found['kept']}")
        left.legend(loc="best", fontsize=8)
        shares = importances[importances["outcome"] == outcome].sort_values("importance", ascending=False)
        sns.barplot(shares, x="importance", y="setting", color=LIGHT, ax=right)
        title = "What decides a good trial" if len(shares) else "Too few completed trials to say what matters"
        right.set(xlabel="Importance (share)", ylabel="", xlim=(0, 1), title=title)
    return figure
