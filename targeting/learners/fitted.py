"""Fitted learners: no more of each than what predicts effects, so that they can be stored without the rows they learned from.

Fields are arrays, numbers and scikit-learn's models, which can be stored without pickle. What is kept predicts what econml's
estimator would, to the last bit but for the ends of linear_dml's interval, which agree to rounding.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from targeting.learners.rows import Effects, HeldOut
from targeting.stats.blocks import blocks
from targeting.stats.estimates import CONFIDENCE, Z

Vector = NDArray[np.float64]


class Fitted(Protocol):
    """A learner that has learned."""

    def cate(self, held_out: HeldOut) -> Vector:
        """Effects (m,) of rows that it did not learn from, each by itself."""
        ...

    def effects(self, held_out: HeldOut) -> Effects:
        """The same with their interval where it has one, which can take several times as long."""
        ...


class WithoutInterval(ABC):
    """What learners without an interval share."""

    @abstractmethod
    def cate(self, held_out: HeldOut) -> Vector:
        """Effects (m,), as the learner predicts them."""

    def effects(self, held_out: HeldOut) -> Effects:
        """Effects alone."""
        return Effects(self.cate(held_out))


def effects_in_blocks(fitted: Fitted, held_out: HeldOut) -> Effects:
    """The effects of all rows, predicted block by block."""
    parts = [fitted.effects(held_out.rows(block)) for block in blocks(len(held_out.propensity))]
    if parts[0].lower is None:
        return Effects(np.concatenate([part.cate for part in parts]))
    return Effects(*(np.concatenate([getattr(part, end) for part in parts]) for end in ("cate", "lower", "upper")))


@dataclass(frozen=True)
class InUnits:
    """A learner of outcomes in units, whose effects come in what the outcome came in."""

    fitted: Fitted
    unit: float

    def cate(self, held_out: HeldOut) -> Vector:
        """Effects (m,), in what the outcome came in."""
        return self.fitted.cate(held_out) * self.unit

    def effects(self, held_out: HeldOut) -> Effects:
        """The same with their interval."""
        return self.fitted.effects(held_out).times(self.unit)


@dataclass(frozen=True)
class Regression(WithoutInterval):
    """A model of effects on covariates."""

    model: BaseEstimator

    def cate(self, held_out: HeldOut) -> Vector:
        """What the model predicts."""
        return np.ravel(self.model.predict(held_out.covariates))


@dataclass(frozen=True)
class OneModel(WithoutInterval):
    """A model of outcomes on covariates and an indicator of each arm, control first."""

    model: BaseEstimator

    def cate(self, held_out: HeldOut) -> Vector:
        """Its prediction as treated less that as control."""
        own = held_out.covariates
        control, treated = (np.column_stack([own, np.full((len(own), 2), arm)]) for arm in ([1.0, 0.0], [0.0, 1.0]))
        return np.ravel(self.model.predict(treated)) - np.ravel(self.model.predict(control))


@dataclass(frozen=True)
class ModelByArm(WithoutInterval):
    """A model of outcomes for each arm."""

    control: BaseEstimator
    treated: BaseEstimator

    def cate(self, held_out: HeldOut) -> Vector:
        """The treated arm's prediction less the controls'."""
        own = held_out.covariates
        return np.ravel(self.treated.predict(own)) - np.ravel(self.control.predict(own))


@dataclass(frozen=True)
class BlendByPropensity(WithoutInterval):
    """Two models of effects, learned on controls and on the treated, on covariates with the propensity as their last column."""

    control: BaseEstimator
    treated: BaseEstimator

    def cate(self, held_out: HeldOut) -> Vector:
        """The first by the propensity, the second by the rest."""
        e, own = held_out.propensity, np.column_stack([held_out.covariates, held_out.propensity])
        return e * np.ravel(self.control.predict(own)) + (1 - e) * np.ravel(self.treated.predict(own))


@dataclass(frozen=True)
class LinearInFeatures:
    """Effects linear in a constant and features of the covariates: coefficients (1 + q,) and their covariance."""

    features: Pipeline
    coefficients: Vector
    covariance: Vector

    def _design(self, held_out: HeldOut) -> Vector:
        return np.column_stack([np.ones(len(held_out.propensity)), self.features.transform(held_out.covariates)])

    def cate(self, held_out: HeldOut) -> Vector:
        """Effects (m,)."""
        return self._design(held_out) @ self.coefficients

    def effects(self, held_out: HeldOut) -> Effects:
        """The same with their 95% interval, for rows as independent."""
        design = self._design(held_out)
        cate = design @ self.coefficients
        spread = Z * np.sqrt(np.einsum("ij,jk,ik->i", design, self.covariance, design))
        return Effects(cate, cate - spread, cate + spread)


class Forest:
    """A causal forest of econml with its interval; its state is that of its trees, as arrays, and plain numbers."""

    def __init__(self, forest: Any) -> None:
        """Keep econml's fitted `CausalForest`."""
        self.forest = forest

    def cate(self, held_out: HeldOut) -> Vector:
        """Effects (m,)."""
        return np.ravel(self.forest.predict(held_out.covariates))

    def effects(self, held_out: HeldOut) -> Effects:
        """The same with their 95% interval by little bags."""
        found = self.forest.predict(held_out.covariates, interval=True, alpha=1 - CONFIDENCE)
        return Effects(*(np.ravel(values) for values in found))

    def __getstate__(self) -> dict[str, Any]:
        """The forest without its templates and generators, which predict nothing."""
        trees = self.forest.estimators_
        left_out = {"base_estimator", "base_estimator_", "estimators_"}
        return {
            "forest": {name: value for name, value in vars(self.forest).items() if name not in left_out},
            "tree": {name: value for name, value in vars(trees[0]).items() if name not in {"tree_", "random_state_"}},
            "shape": list(trees[0].tree_.__reduce__()[1]),
            "trees": [tree.tree_.__getstate__() for tree in trees],
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """The same forest from its state."""
        from econml.grf import CausalForest
        from econml.grf._base_grftree import GRFTree
        from econml.tree import Tree

        trees = []
        for own in state["trees"]:
            tree = GRFTree.__new__(GRFTree)
            vars(tree).update(state["tree"], tree_=Tree(*state["shape"]))
            tree.tree_.__setstate__(own)
            trees.append(tree)
        self.forest = CausalForest.__new__(CausalForest)
        vars(self.forest).update(state["forest"], estimators_=trees)
