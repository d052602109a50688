"""Pictures of effects by household: how they spread, and what they depend on."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from sklearn.tree import DecisionTreeRegressor, plot_tree

from targeting.figures.people import people, person
from targeting.figures.style import ACCENT, DARK, LIGHT, drawing, entitle
from targeting.words.features import MONEY, WORDINGS, covariate_words
from targeting.words.learners import learner_name
from targeting.words.money import amount, currency, unit
from targeting.words.numbers import percent
from targeting.words.outcomes import outcome_words

Explained = Mapping[str, tuple[pd.DataFrame, float | None]]  # by outcome a table of covariates' groups, and its model's R2
SHOWN = 12  # groups of covariates of a picture, the first ones
WHOLE = 100  # from which on a bound has its three digits before the point
NOT_SHOWN = "are not shown to depend on any covariate: no model of them explains anything out of fold"


def distribution_chart(tables: Mapping[str, pd.DataFrame], outcomes: Sequence[str]) -> Figure:
    """Effects by household of every learner: middle half, the span of 90%, the median and the mean."""
    figure = drawing(0.42 * len(tables) + 2)
    panels = np.atleast_1d(figure.subplots(1, len(outcomes), sharey=True))
    for axes, outcome in zip(panels, outcomes, strict=True):
        effects = pd.concat(
            [pd.DataFrame({"learner": learner_name(name), "effect": table[f"cate_{outcome}"]}) for name, table in tables.items()]
        )
        sns.boxplot(
            effects, x="effect", y="learner", whis=(5, 95), showfliers=False, color=LIGHT, linecolor=DARK, width=0.6, ax=axes
        )
        means = effects.groupby("learner", sort=False)["effect"].mean()
        axes.plot(means.to_numpy(), range(len(means)), "D", color=ACCENT, markersize=5, label="mean")
        axes.axvline(0, color="black", linewidth=0.8)
        axes.set(xlabel=f"Effect on {outcome_words(outcome)} ({unit(outcome)} per {person()})", ylabel="")
    first = outcomes[0]
    spans = {name: np.ptp(np.nanquantile(table[f"cate_{first}"], [0.05, 0.95])) for name, table in tables.items()}
    least, most = (pick(spans, key=lambda name: spans[name]) for pick in (min, max))
    entitle(
        figure,
        f"Learners disagree how much effects on {outcome_words(first)} differ: nine tenths of {people()} span "
        f"{amount(spans[least], first)} by the {learner_name(least)}, {amount(spans[most], first)} by the {learner_name(most)}",
        f"Box: the middle half of {people()}, with the median. Whiskers: from 5% to 95%. Diamond: the mean.",
    )
    return figure


def order_doubt(outcome: str, heterogeneity: bool) -> str:
    """What pictures of predicted effects add where no learner is shown to rank people by their effects on `outcome`."""
    if heterogeneity:
        return ""
    return (
        f"No learner's order of {people()} by effects on {outcome_words(outcome)} is shown to be real: "
        "this is what predictions follow."
    )


def importance_chart(found: Explained, doubt: str = "") -> Figure:
    """The most important groups of covariates of each outcome's effects; with the R2 of the model that says so.

    `doubt`: see `order_doubt`.
    """
    figure = drawing(0.9 + 3.2 * len(found))
    for axes, (outcome, (table, r2)) in zip(np.atleast_1d(figure.subplots(len(found), 1)), found.items(), strict=True):
        shown = table.head(SHOWN)
        axes.barh(range(len(shown)), shown["importance"], color=DARK)
        _label_groups(axes, shown.apply(_group_words, axis=1))
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
        title = f"Predicted effects on {outcome_words(outcome)} ({_fit('a model of them', r2)})"
        axes.set(xlabel="Share of the predicted effects' variance that shuffling it loses", title=title)
        axes.grid(visible=False, axis="y")
    outcome, (table, r2) = next(iter(found.items()))
    best = table.iloc[0]
    lost = percent(best["importance"], 1)
    said = f"depend most on {_group_words(best)}: shuffling it loses {lost} of their variance"
    entitle(
        figure,
        f"Predicted effects on {outcome_words(outcome)} {said if r2 is not None and r2 > 0 else NOT_SHOWN}",
        f"A bar shuffles a covariate together with those that go along with it (alike). {doubt}".strip(),
    )
    return figure


def direction_chart(found: Explained, doubt: str = "") -> Figure:
    """The groups of covariates that push each outcome's effects most, and which way; with the R2 of the model that says so.

    Which way is said of the covariate that leads its group, whose name stands in the label. `doubt`: see `order_doubt`.
    """
    figure = drawing(0.9 + 3.2 * len(found))
    for axes, (outcome, (table, r2)) in zip(np.atleast_1d(figure.subplots(len(found), 1)), found.items(), strict=True):
        shown = table.head(SHOWN)
        rises = (shown["direction"] >= 0).to_numpy()
        places = np.arange(len(shown))
        axes.hlines(places, 0, shown["push"], color=LIGHT, zorder=0)
        for way, marker, colour, words in ((rises, "^", ACCENT, "rises"), (~rises, "v", DARK, "falls")):
            axes.plot(
                shown["push"][way], places[way], marker, color=colour, markersize=8, label=f"the predicted effect {words} with it"
            )
        _label_groups(axes, shown.apply(_leading_words, axis=1))
        axes.set(
            xlabel=f"Mean size of the push (Shapley value, {unit(outcome)} per {person()})",
            xlim=(0, None),
        )
        # Long labels leave less than the width of a title in the middle.
        title = f"Predicted effects on {outcome_words(outcome)} ({_fit('a model of them', r2)})"
        axes.set_title(title, loc="right", fontsize=10)
        axes.grid(visible=False, axis="y")
        axes.legend(loc="lower right", fontsize=9)
    outcome, (table, r2) = next(iter(found.items()))
    best = table.iloc[0]
    way = "rise" if best["direction"] >= 0 else "fall"
    said = f"{way} most with {_leading_words(best)}: by {amount(best['push'], outcome)} either way"
    entitle(
        figure,
        f"Predicted effects on {outcome_words(outcome)} {said if r2 is not None and r2 > 0 else NOT_SHOWN}",
        "A covariate pushes together with those that go along with it (alike); up or down is said of the one "
        f"that leads. {doubt}".strip(),
    )
    return figure


def _fit(model: str, r2: float | None) -> str:
    """How much a model of the effects explains, in words."""
    if r2 is None:
        return "they are all equal"
    return f"{model} explains {percent(r2)} of their variance" if r2 > 0 else f"{model} explains nothing out of fold"


def _group_words(row: pd.Series) -> str:
    """A group of covariates by its first, as every picture calls it, and how many go along with that."""
    others = row["covariates"].count(",")
    return f"{covariate_words(row['group'])} (+{others} alike)" if others else covariate_words(row["group"])


def _leading_words(row: pd.Series) -> str:
    """A group of covariates, and which of them leads where its first does not: its direction need not be the others'."""
    leading = "" if row["leading"] == row["group"] else f", led by {covariate_words(row['leading'])}"
    return f"{_group_words(row)}{leading}"


def _label_groups(axes: Axes, labels: pd.Series) -> None:
    axes.set_yticks(range(len(labels)), labels, fontsize=9)
    axes.invert_yaxis()


def tree_chart(
    tree: DecisionTreeRegressor, names: Sequence[str], groups: pd.DataFrame, outcome: str, r2: float | None, doubt: str = ""
) -> Figure:
    """The tree that explains the effects: mean effect and share of rows in each node.

    `groups` has the groups of alike covariates, as `importance_chart` shows them. `doubt`: see `order_doubt`.
    """
    figure = drawing(1.2 + 1.5 * (tree.get_depth() + 1))
    FigureCanvasAgg(figure)  # scikit-learn measures its boxes by drawing them
    axes = figure.subplots()
    words = [covariate_words(name) for name in names]
    plot_tree(
        tree, feature_names=words, impurity=False, proportion=True, filled=True, rounded=True, precision=4, fontsize=10, ax=axes
    )
    for text in axes.texts:
        text.set_text(_node(text.get_text(), outcome))
        if box := text.get_bbox_patch():
            box.set_edgecolor(DARK)  # the palest would have no outline
    used = [names[place] for place in dict.fromkeys(tree.tree_.feature) if place >= 0]
    first = f"depend first on {covariate_words(used[0])}" if used else "depend on nothing"
    entitle(
        figure,
        f"Predicted effects on {outcome_words(outcome)} {first}: {_fit('a shallow tree', r2)}",
        "Darker: a larger mean predicted effect. Left where the question is answered by yes, right where by no. "
        f"{_members(used, groups)}{doubt}".strip(),
    )
    return figure


def _members(used: Sequence[str], groups: pd.DataFrame) -> str:
    """Which covariates of a tree belong to groups that other pictures show as one."""
    found = []
    for _, row in groups.iterrows():
        alike = row["covariates"].split(", ")
        own = [covariate_words(name) for name in used if name in alike and name != row["group"]]
        if own:
            found.append(f"{', '.join(own)} with {_group_words(row)}")
    return f"Alike: {'; '.join(found)}. " if found else ""


def _bound(words: str, bound: float) -> str:
    """A bound of the covariate that is called so, with its unit where that is a share or money."""
    form = next((wording.form for wording in WORDINGS.values() if wording.words == words), "")
    if "%" in form:
        return f"{100 * bound:.3g}%"
    size = f"{bound:,.0f}" if abs(bound) >= WHOLE else f"{bound:.3g}"
    return f"{size} {currency()}" if form == MONEY or words.startswith("spend in ") else size


def _node(text: str, outcome: str) -> str:
    """A node of scikit-learn's tree in words: its question, its mean effect, its share of rows."""
    if text.strip() in ("True", "False"):
        return "yes" if text.strip() == "True" else "no"
    lines = []
    for line in text.split("\n"):
        if found := re.fullmatch(r"(.*) <= (\S+)", line):
            lines.append(f"{found[1]}\nup to {_bound(found[1], float(found[2]))}?")
        elif found := re.fullmatch(r"samples = (\S+)%", line):
            lines.append(f"{float(found[1]):.0f}% of rows")
        elif found := re.fullmatch(r"value = (\S+)", line):
            lines.append(f"effect {amount(float(found[1]), outcome)}".replace("$", r"\$"))
    return "\n".join(lines)
