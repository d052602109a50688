"""Pictures of effects by household: how they spread, and what they depend on."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.tree import DecisionTreeRegressor, plot_tree

from targeting.figures.style import ACCENT, DARK, LIGHT
from targeting.words.features import covariate_words


def distribution_chart(tables: Mapping[str, pd.DataFrame], outcomes: Sequence[str]) -> Figure:
    """Effects by household of every learner: middle half, the span of 90%, the median and the mean."""
    figure = Figure(figsize=(12, 0.5 * len(tables) + 2.2), layout="constrained")
    for axes, outcome in zip(np.atleast_1d(figure.subplots(1, len(outcomes), sharey=True)), outcomes, strict=True):
        effects = pd.concat(
            [pd.DataFrame({"learner": name, "effect": table[f"cate_{outcome}"]}) for name, table in tables.items()]
        )
        sns.boxplot(
            effects, x="effect", y="learner", whis=(5, 95), showfliers=False, color=LIGHT, linecolor=DARK, width=0.6, ax=axes
        )
        means = effects.groupby("learner", sort=False)["effect"].mean()
        axes.plot(means.to_numpy(), range(len(means)), "D", color=ACCENT, markersize=5, label="mean")
        axes.axvline(0, color="black", linewidth=0.8)
        axes.set(xlabel=f"Effect on {outcome}", ylabel="")
    axes.legend(loc="lower right", fontsize=9)
    figure.suptitle("Effects by household: quartiles, and whiskers from 5% to 95%", fontsize=12)
    return figure


def importance_chart(tables: Mapping[str, pd.DataFrame], n_shown: int = 12) -> Figure:
    """The most important groups of covariates of each outcome's effects."""
    figure = Figure(figsize=(13, 5.5), layout="constrained")
    for axes, (outcome, table) in zip(np.atleast_1d(figure.subplots(1, len(tables))), tables.items(), strict=True):
        shown = table.head(n_shown)
        axes.barh(range(len(shown)), shown["importance"], color=DARK)
        _name_groups(axes, shown["group"], shown["covariates"])
        axes.set(xlabel="Share of variance lost by shuffling", title=f"Effects on {outcome}")
    return figure


def direction_chart(found: Mapping[str, tuple[pd.DataFrame, float | None]], n_shown: int = 12) -> Figure:
    """The groups of covariates that push each outcome's effects most, and which way; with the R2 of the model that says so."""
    figure = Figure(figsize=(13, 5.5), layout="constrained")
    for axes, (outcome, (table, r2)) in zip(np.atleast_1d(figure.subplots(1, len(found))), found.items(), strict=True):
        shown = table.head(n_shown)
        points = axes.scatter(
            shown["push"],
            range(len(shown)),
            c=shown["direction"],
            cmap="RdBu_r",
            vmin=-1,
            vmax=1,
            edgecolors=DARK,
            s=90,
            plotnonfinite=True,
        )
        axes.hlines(range(len(shown)), 0, shown["push"], color=LIGHT, zorder=0)
        _name_groups(axes, shown["leading"], shown["covariates"])
        fit = "effects are all equal" if r2 is None else f"a model with R2 {r2:.2f} out of fold"
        axes.set(
            xlabel="Mean size of the push (Shapley value, units of the effect)",
            title=f"Effects on {outcome} ({fit})",
            xlim=(0, None),
        )
    figure.colorbar(points, ax=figure.axes, label="Effect rises (1) or falls (-1) with the covariate")
    return figure


def _name_groups(axes: Axes, names: pd.Series, covariates: pd.Series) -> None:
    others = covariates.str.count(",")
    words = names.map(covariate_words)
    labels = [f"{name} (+{n} alike)" if n else name for name, n in zip(words, others, strict=True)]
    axes.set_yticks(range(len(labels)), labels, fontsize=9)
    axes.invert_yaxis()


def tree_chart(tree: DecisionTreeRegressor, names: Sequence[str], outcome: str, r2: float | None) -> Figure:
    """The tree that explains the effects: mean effect and share of rows in each node."""
    figure = Figure(figsize=(15, 7), layout="constrained")
    FigureCanvasAgg(figure)  # scikit-learn measures its boxes by drawing them
    axes = figure.subplots()
    words = [covariate_words(name) for name in names]
    plot_tree(tree, feature_names=words, impurity=False, proportion=True, filled=True, rounded=True, precision=3, ax=axes)
    for text in axes.texts:
        text.set_text(text.get_text().replace("samples =", "households and trials:").replace("value =", "effect:"))
    fit = "effects are all equal" if r2 is None else f"R2 {r2:.2f} out of fold"
    axes.set_title(f"What the chosen effects on {outcome} depend on, by a shallow tree ({fit})")
    return figure
