"""What a learner learns from, what it predicts for, and what it gives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from targeting.nuisance.scores import dr_scores

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """What a learner learns from: covariates (n, p) and, each (n,), treatment, outcome and nuisances.

    The nuisances, propensity, mean (of the outcome whatever the arm), mu0 and mu1, are cross-fitted: no row's come from models
    that saw its household.
    """

    covariates: Vector
    treated: NDArray[np.int64]
    outcome: Vector
    propensity: Vector
    mean: Vector
    mu0: Vector
    mu1: Vector

    @property
    def nuisances(self) -> Vector:
        """Propensity, mean, mu0 and mu1 side by side, (n, 4)."""
        return np.column_stack([self.propensity, self.mean, self.mu0, self.mu1])

    @property
    def treated_residual(self) -> Vector:
        """Treatment less propensity (n,): never 0, as propensities are clipped."""
        return self.treated - self.propensity

    @property
    def outcome_residual(self) -> Vector:
        """Outcome less its mean given covariates (n,)."""
        return self.outcome - self.mean

    @property
    def score(self) -> Vector:
        """Doubly robust score of the effect (n,)."""
        scores = dr_scores(self.outcome, self.treated, self.propensity, self.mu0, self.mu1)
        return scores[:, 1] - scores[:, 0]

    @property
    def overlap_weight(self) -> Vector:
        """By what a DR-learner weighs scores: e (1 - e), shape (n,).

        Any weight that depends on covariates alone leaves the scores' mean given covariates as it is. This one is close to one
        over their variance: unweighted, rows with a propensity near 0 or 1, whose scores run into tens of thousands, would
        decide the fit.
        """
        return self.propensity * (1 - self.propensity)


@dataclass(frozen=True)
class HeldOut:
    """What effects are predicted for: covariates (m, p) and propensity (m,)."""

    covariates: Vector
    propensity: Vector


@dataclass(frozen=True)
class Effects:
    """Effects (m,) in units of the outcome; the 95% interval's ends are None where the learner has no interval."""

    cate: Vector
    lower: Vector | None = None
    upper: Vector | None = None
