"""The picture of the refutations: every repeat's estimate beside the original one."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from targeting.figures.people import people, person
from targeting.figures.style import ACCENT, DARK, LIGHT, drawing, entitle
from targeting.robustness.refutation import (
    KNOWN_REASONS,
    LEFT_OUT,
    NEGATIVE_CONTROL,
    ORIGINAL,
    PLACEBO,
    RANDOM_CAUSE,
    SUBSET,
)
from targeting.stats.estimates import Z
from targeting.words.estimators import NAMES
from targeting.words.money import unit
from targeting.words.outcomes import outcome_words

# What each check should look like, from top to bottom; {people} is what those who are mailed are called.
LABELS = {
    PLACEBO: "placebo treatment\n(around zero)",
    NEGATIVE_CONTROL: "purchases before\n(around zero)",
    KNOWN_REASONS: "the same if mailed for\nknown reasons alone",
    RANDOM_CAUSE: "random covariate\n(at the line)",
    SUBSET: "random {people}\n(around the line)",
    LEFT_OUT: "one trial left out\n(around the line)",
}
CROSS = "\N{BALLOT X}"  # tells a failed row from the others without its colour


def refutation_chart(draws: pd.DataFrame, verdicts: pd.DataFrame) -> Figure:
    """A panel per outcome and estimator: its draws by check, its original estimate as a line with its 95% interval as a band.

    `verdicts` is plots/refutation.csv; beside each row stands how many of the checks that judge it failed.
    """
    outcomes, estimators = draws["outcome"].unique(), draws["estimator"].unique()
    figure = drawing(1 + 3.4 * len(outcomes))
    grid = figure.subplots(len(outcomes), len(estimators), sharey=True, sharex="row", squeeze=False)
    for outcome, line in zip(outcomes, grid, strict=True):
        for estimator, axes in zip(estimators, line, strict=True):
            own = draws[(draws["outcome"] == outcome) & (draws["estimator"] == estimator)]
            _panel(axes, own)
            _verdicts(axes, verdicts[(verdicts["outcome"] == outcome) & (verdicts["estimator"] == estimator)])
            title = f"{outcome_words(outcome).capitalize()}: {NAMES.get(estimator, estimator)}"
            axes.set(title=title, xlabel=f"Estimate ({unit(outcome)} per {person()})")
    judged = verdicts["passed"].dropna().astype(bool)
    entitle(
        figure,
        f"{(~judged).sum() or 'None'} of {len(judged)} checks of the effects failed",
        "Each dot is one repeat; the line with its band is the original estimate and its 95% interval. On the right of each row "
        "how many of the checks that judge it failed; a row without is there to compare with.",
    )
    return figure


def _panel(axes: Axes, own: pd.DataFrame) -> None:
    original = own[own["check"] == ORIGINAL].iloc[0]
    axes.axvspan(
        original["estimate"] - Z * original["se"], original["estimate"] + Z * original["se"], color=LIGHT, alpha=0.3, linewidth=0
    )
    axes.axvline(original["estimate"], color=DARK, linewidth=1.5)
    axes.axvline(0, color="black", linewidth=0.8, linestyle=":")
    for position, check in enumerate(LABELS):
        values = own.loc[own["check"] == check, "estimate"].to_numpy()
        # Spread over the row's height in their order, which keeps dots apart without drawing lots.
        heights = position + np.linspace(-0.28, 0.28, len(values)) if len(values) > 1 else np.full(len(values), position)
        sns.scatterplot(x=values, y=heights, color=ACCENT, alpha=0.6, s=16, linewidth=0, ax=axes)
    axes.set_yticks(range(len(LABELS)), [label.format(people=people()) for label in LABELS.values()], fontsize=9)
    axes.set_ylim(len(LABELS) - 0.5, -0.5)


def _verdicts(axes: Axes, verdicts: pd.DataFrame) -> None:
    """On the right of each row whether the checks that judge it, whose names begin with its own, are passed."""
    for position, row in enumerate(LABELS):
        passed = verdicts.loc[verdicts["check"].str.startswith(row), "passed"].dropna().astype(bool)
        if passed.empty:
            continue
        failed = (~passed).sum()
        words = f"{CROSS} {failed} of {len(passed)}\nfailed" if failed else "passed"
        mark = axes.text(1.01, position, words, transform=axes.get_yaxis_transform(), va="center", fontsize=8, color="#52606d")
        if failed:
            mark.set(color="black", fontweight="bold")
