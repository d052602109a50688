"""What chosen effects depend on: importance and direction of covariates, alike ones together, and a tree that says it in words.

All describe the effects as predicted. Whether these are right is for the validation to say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import r2_score
from sklearn.tree import DecisionTreeRegressor

from targeting.base.columns import PREFIX
from targeting.base.parallel import in_processes
from targeting.nuisance.models import outcome_model
from targeting.stats.folds import in_sample
from targeting.trials.panel import covariate_names
from targeting.validation.contributions import contributions, direction_table, rounded_effects

Vector = NDArray[np.float64]
# Covariates whose ranks correlate more than this in the mean stand for each other: permuting one alone shows little.
ALIKE = 0.7
DEPTH, SMALLEST_LEAF = 3, 0.05
REPEATS = 5


@dataclass(frozen=True)
class Importance:
    """Importance by group of covariates, most important first, and how well the model that measures it follows the effects.

    `table`: group (its first covariate), covariates, importance. `directions`: which way groups push, by the same model, as
    targeting.validation.contributions.direction_table has it. `r2` is out of fold, None for effects that are all equal.
    """

    table: pd.DataFrame
    directions: pd.DataFrame
    r2: float | None


@dataclass(frozen=True)
class Explanation:
    """A shallow tree with its R2 on the rows it was grown on and out of fold (None for equal effects); `leaves` in words.

    `leaves`: rule, n, share, effect (mean of the predicted effects), sd; largest effect first.
    """

    tree: DecisionTreeRegressor
    leaves: pd.DataFrame
    r2: float | None
    r2_out_of_fold: float | None


@dataclass(frozen=True)
class Explanations:
    """By outcome the importance and the tree, and the covariates' names as they and the tree number them."""

    importances: dict[str, Importance]
    trees: dict[str, Explanation]
    covariates: list[str]

    def metrics(self) -> dict[str, Any]:
        """By outcome how well the models that explain follow the effects, and what matters most."""
        return {
            outcome: {
                "tree_r2": tree.r2,
                "tree_r2_out_of_fold": tree.r2_out_of_fold,
                "importance_r2": self.importances[outcome].r2,
                "most_important": self.importances[outcome].table["group"].iloc[0],
            }
            for outcome, tree in self.trees.items()
        }


def by_outcome(found: Mapping[str, Any], name: str) -> pd.DataFrame:
    """The table of this name of what was found by outcome, one below the other, with the outcome in the last column."""
    return pd.concat([getattr(one, name).assign(outcome=outcome) for outcome, one in found.items()], ignore_index=True)


def explain_effects(panel: pd.DataFrame, effects: pd.DataFrame, outcomes: Sequence[str], seed: int) -> Explanations:
    """What the `effects` (cate_OUTCOME, rows as in the panel) on each outcome depend on, by the panel's covariates.

    Of those that were learned from, whatever the number of all: whom the models predict besides, they predict alike.
    """
    sample = in_sample(panel["fold"])
    covariates = panel.loc[sample, covariate_names(panel)].rename(columns=lambda name: name.removeprefix(PREFIX))
    fold = panel.loc[sample, "fold"].to_numpy()
    cates = {outcome: effects.loc[sample, f"cate_{outcome}"].to_numpy() for outcome in outcomes}
    return Explanations(
        {outcome: grouped_importance(covariates, cate, fold, seed) for outcome, cate in cates.items()},
        {outcome: explaining_tree(covariates, cate, fold, seed) for outcome, cate in cates.items()},
        list(covariates.columns),
    )


def alike_groups(covariates: pd.DataFrame) -> list[list[str]]:
    """Covariates grouped by average linkage on 1 - |Spearman correlation|, in the frame's order."""
    if covariates.shape[1] == 1:
        return [list(covariates.columns)]
    # Rounded, as ties between joins are broken by the last bits.
    distance = 1 - covariates.corr(method="spearman").abs().fillna(0.0).to_numpy().round(6)
    np.fill_diagonal(distance, 0.0)
    labels = fcluster(linkage(squareform(distance, checks=False), "average"), 1 - ALIKE, criterion="distance")
    groups: dict[int, list[str]] = {}
    for name, label in zip(covariates.columns, labels, strict=True):
        groups.setdefault(int(label), []).append(name)
    return list(groups.values())


def grouped_importance(covariates: pd.DataFrame, effects: Vector, fold: NDArray[np.int64], seed: int) -> Importance:
    """How much of the effects' variance a model of them loses when a group's covariates are shuffled among held-out rows.

    A boosting model of effects (n,) on covariates is fitted without each fold and asked about it. The groups' values are shuffled
    together, several times; importance = mean increase of the squared error / variance of the effects. Breiman (2001), Machine
    Learning 45. The same model says which way each group pushes the held-out rows' predictions.
    """
    groups, target = alike_groups(covariates), rounded_effects(effects)
    values = covariates.to_numpy(dtype=float)
    places = [[covariates.columns.get_loc(name) for name in group] for group in groups]
    numbers = np.unique(fold)
    parts = in_processes(partial(_of_held_out, values, target, places, seed), ((fold == number,) for number in numbers))
    increase, predicted, shares = np.zeros(len(groups)), np.zeros(len(target)), np.zeros(values.shape)
    for number, (errors, own, added) in zip(numbers, parts, strict=True):
        increase += errors
        predicted[fold == number], shares[fold == number] = own, added
    spread = np.square(target - target.mean()).sum()
    table = pd.DataFrame(
        {
            "group": [group[0] for group in groups],
            "covariates": [", ".join(group) for group in groups],
            "importance": (increase / spread).round(9) if spread > 0 else 0.0,  # what rounding leaves is no importance
        }
    )
    r2 = float(r2_score(target, predicted)) if spread > 0 else None
    table = table.sort_values("importance", ascending=False, kind="stable", ignore_index=True)
    return Importance(table, direction_table(covariates, shares, groups), r2)


def _of_held_out(
    values: Vector, target: Vector, places: Sequence[Sequence[int]], seed: int, held_out: NDArray[np.bool_]
) -> tuple[Vector, Vector, Vector]:
    """For the held-out rows: the increase of their sum of squares when a group is shuffled, predictions, and contributions."""
    model = outcome_model("boosting", seed).fit(values[~held_out], target[~held_out])
    own, expected = values[held_out], target[held_out]
    predicted = model.predict(own)
    rng = np.random.default_rng(seed)
    increase = np.zeros(len(places))
    for place, columns in enumerate(places):
        for _ in range(REPEATS):
            shuffled = own.copy()
            shuffled[:, columns] = shuffled[rng.permutation(len(own))][:, columns]
            increase[place] += np.square(expected - model.predict(shuffled)).sum() / REPEATS
    return increase - np.square(expected - predicted).sum(), predicted, contributions(model, own)


def explaining_tree(covariates: pd.DataFrame, effects: Vector, fold: NDArray[np.int64], seed: int) -> Explanation:
    """A regression tree of the effects (n,), at most eight leaves of at least 5% of the rows each."""
    values, target = covariates.to_numpy(dtype=float), rounded_effects(effects)

    def grow(rows: NDArray[np.bool_]) -> DecisionTreeRegressor:
        tree = DecisionTreeRegressor(max_depth=DEPTH, min_samples_leaf=SMALLEST_LEAF, random_state=seed)
        return tree.fit(values[rows], target[rows])

    predicted = np.zeros(len(target))
    for number in np.unique(fold):
        predicted[fold == number] = grow(fold != number).predict(values[fold == number])
    tree = grow(np.ones(len(target), dtype=bool))
    varied = np.ptp(target) > 0
    return Explanation(
        tree,
        _leaves(tree, values, target, list(covariates.columns)),
        float(tree.score(values, target)) if varied else None,
        float(r2_score(target, predicted)) if varied else None,
    )


def _leaves(tree: DecisionTreeRegressor, values: Vector, target: Vector, names: Sequence[str]) -> pd.DataFrame:
    leaf = tree.apply(values)
    rows = [
        {
            "rule": rule,
            "n": int((leaf == node).sum()),
            "share": float((leaf == node).mean()),
            "effect": float(target[leaf == node].mean()),
            "sd": float(target[leaf == node].std()),
        }
        for node, rule in _rules(tree, names).items()
    ]
    return pd.DataFrame(rows).sort_values("effect", ascending=False, kind="stable", ignore_index=True)


def _rules(tree: DecisionTreeRegressor, names: Sequence[str]) -> dict[int, str]:
    """The way to each leaf in words; on a way a later bound on a covariate replaces an earlier one of the same side."""
    inner = tree.tree_
    found: dict[int, str] = {}

    def walk(node: int, bounds: dict[tuple[str, str], float]) -> None:
        if inner.children_left[node] < 0:
            found[node] = " and ".join(f"{name} {sign} {value:.4g}" for (name, sign), value in bounds.items()) or "everybody"
            return
        name, value = names[inner.feature[node]], float(inner.threshold[node])
        walk(inner.children_left[node], {**bounds, (name, "<="): value})
        walk(inner.children_right[node], {**bounds, (name, ">"): value})

    walk(0, {})
    return found
