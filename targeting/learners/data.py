"""Covariates, arms, outcomes and nuisances of one outcome, laid out by held-out fold for learners."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import KEYS, outcomes_of
from targeting.learners.rows import HeldOut, Rows
from targeting.nuisance.nested import HELD_OUT
from targeting.stats.folds import OUTSIDE, in_sample
from targeting.trials.panel import covariate_matrix, require_aligned

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class OutcomeData:
    """One outcome: covariates (n, p); fold, treatment, outcome, stored propensity and stored mean of the outcome, each (n,).

    `inner` has, for each held-out fold, the nuisances of the rows that learn for it (rows, 4): propensity, mean, mu0, mu1.
    """

    covariates: Vector
    fold: NDArray[np.int64]
    treated: NDArray[np.int64]
    outcome: Vector
    propensity: Vector
    mean: Vector
    inner: Mapping[int, Vector]

    @property
    def numbers(self) -> list[int]:
        """The folds' numbers."""
        return sorted(self.inner)

    def learns(self, number: int) -> NDArray[np.bool_]:
        """Which rows (n,) may be learned from for a held-out fold: those of the sample's other folds."""
        return (self.fold != number) & in_sample(self.fold)

    def learn(self, number: int) -> Rows:
        """The rows that learn for a held-out fold."""
        rows = self.learns(number)
        return Rows(self.covariates[rows], self.treated[rows], self.outcome[rows], *self.inner[number].T)

    def held_out(self, number: int) -> HeldOut:
        """The rows of a held-out fold."""
        rows = self.fold == number
        return HeldOut(self.covariates[rows], self.propensity[rows])

    def r_losses(self, cate: Vector) -> Vector:
        """Each row's ((Y - mean) - (T - e) cate)^2, shape (n,), by the stored nuisances; Nie & Wager (2021), Biometrika 108."""
        return np.square(self.outcome - self.mean - (self.treated - self.propensity) * cate)


def outcome_data(panel: pd.DataFrame, nuisance: pd.DataFrame, inner: pd.DataFrame, outcome: str) -> OutcomeData:
    """One outcome's data from the panel, the stored nuisances and those without the held-out fold.

    No outcome of rows outside the sample has reached a stored nuisance of its rows, so that these serve for them as they are.
    Raises DataError when the tables do not hold the same rows in the same order.
    """
    require_aligned(panel, nuisance, "the table of nuisances")
    fold = panel["fold"].to_numpy()
    inside = in_sample(fold)
    by_fold = {}
    for number in np.unique(fold[inside]).tolist():
        own = inner[inner[HELD_OUT] == number].reset_index(drop=True)
        require_aligned(panel.loc[inside & (fold != number), KEYS].reset_index(drop=True), own, "the table of inner nuisances")
        by_fold[number] = own[_columns(outcome)].to_numpy(dtype=float)
    if not inside.all():
        by_fold[OUTSIDE] = stored_nuisances(nuisance[inside], outcome)
    return OutcomeData(
        covariate_matrix(panel),
        fold,
        panel["treated"].to_numpy(),
        # Whole cents as they are in the tills: a sum's last bits would reach splits that tie, as would those of the nuisances.
        panel[outcome].to_numpy(dtype=float),
        nuisance["propensity"].to_numpy(),
        nuisance[f"mean_{outcome}"].to_numpy(),
        by_fold,
    )


def data_by_outcome(panel: pd.DataFrame, nuisance: pd.DataFrame, inner: pd.DataFrame) -> dict[str, OutcomeData]:
    """The data of every outcome of the panel, as `outcome_data` has them."""
    return {outcome: outcome_data(panel, nuisance, inner, outcome) for outcome in outcomes_of(panel.columns)}


def stored_nuisances(nuisance: pd.DataFrame, outcome: str) -> Vector:
    """Propensity, mean, mu0 and mu1 (rows, 4) of the table of nuisances, as a model of all its rows learns from them.

    Propensities are rounded as inner ones are: their last bits grow another tree on another processor.
    """
    return nuisance[_columns(outcome)].assign(propensity=nuisance["propensity"].round(4)).to_numpy(dtype=float)


def _columns(outcome: str) -> list[str]:
    return ["propensity", *(f"{name}_{outcome}" for name in ("mean", "mu0", "mu1"))]
