"""What a learner learns from, what it predicts for, and what it gives."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from targeting.nuisance.cross_fit import observed_arm
from targeting.nuisance.noise import outcome_variance
from targeting.nuisance.scores import dr_scores
from targeting.stats.units import rounded

Vector = NDArray[np.float64]
WEIGHT_DIGITS = 6


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

    def in_units(self, unit: float) -> "Rows":
        """The same with the outcome and its nuisances in units, to their decimals.

        Processors differ in the last bits of a fit, and a tree grown on such numbers turns a bit into another split wherever two
        splits tie, and with it into another effect: rounded numbers are the same everywhere.
        """
        outcome, mean, mu0, mu1 = (rounded(own / unit, 1.0) for own in (self.outcome, self.mean, self.mu0, self.mu1))
        return replace(self, outcome=outcome, mean=mean, mu0=mu0, mu1=mu1)

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

    @cached_property
    def certainty(self) -> Vector:
        """One over the outcome's variance given covariates (n,), scaled to a mean of 1.

        Rows of large spenders are the noisiest: weighed like the others they would decide every fit. Weights that depend on
        covariates alone leave what is estimated as it is, the effect given covariates. Rounded, as a solver's last bits would
        reach splits that tie.
        """
        inverse = 1 / outcome_variance(self.outcome, observed_arm(self.treated, self.mu0, self.mu1), self.mean)
        return np.maximum(np.round(inverse / inverse.mean(), WEIGHT_DIGITS), 10.0**-WEIGHT_DIGITS)

    @property
    def score_weight(self) -> Vector:
        """By what a DR-learner weighs scores (n,): one over their variance given covariates, e (1 - e) times `certainty`."""
        return self.propensity * (1 - self.propensity) * self.certainty


@dataclass(frozen=True)
class HeldOut:
    """What effects are predicted for: covariates (m, p) and propensity (m,)."""

    covariates: Vector
    propensity: Vector

    def rows(self, chosen: slice) -> "HeldOut":
        """The same for some rows."""
        return HeldOut(self.covariates[chosen], self.propensity[chosen])


@dataclass(frozen=True)
class Effects:
    """Effects (m,) in units of the outcome; the 95% interval's ends are None where the learner has no interval."""

    cate: Vector
    lower: Vector | None = None
    upper: Vector | None = None

    def times(self, unit: float) -> "Effects":
        """Effects in units as effects in what the outcome came in."""
        lower, upper = (None if values is None else values * unit for values in (self.lower, self.upper))
        return Effects(self.cate * unit, lower, upper)
