"""Nuisances refitted again and again, in a light setting: linear models, one split of the households, penalties chosen once.

The models' own searches choose the penalties, on all rows of the first panel. The refits keep them: a refit is then several times
as cheap as searching anew, and all of a panel's outcomes share what is computed of its covariates.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from targeting.base.columns import outcomes_of
from targeting.base.errors import DataError
from targeting.base.lots import known_propensities
from targeting.nuisance.cross_fit import Task, nuisance_table, out_of_fold
from targeting.nuisance.models import fixed_outcome, fixed_propensity, outcome_model, propensity_model
from targeting.stats.folds import in_sample
from targeting.trials.panel import covariate_matrix

Vector = NDArray[np.float64]
MODEL = "linear"
MEAN, MU0, MU1 = "mean", "mu0", "mu1"  # an outcome's mean whatever the arm, as control and as treated
ARMS = (MU0, MU1)


@dataclass(frozen=True)
class LightNuisances:
    """How nuisances are refitted: the propensity's inverse penalty `strength`, those of the outcomes, and the bound of clipping.

    There is no `strength` where all chances are known, and no propensity to learn. `penalties` are the ridge penalties of MEAN,
    MU0 and MU1, of those that are wanted: one number each, or one per outcome in the panel's order.
    """

    strength: float | None
    penalties: Mapping[str, ArrayLike]
    clip: float
    seed: int

    def fit(self, panel: pd.DataFrame) -> pd.DataFrame:
        """The panel's nuisances, cross-fitted over its column `fold`, as nuisance_table gives them; unwanted ones are missing.

        Raises DataError where the rows outside a fold lack an arm: nothing could be learned from them.
        """
        _require_both_arms(panel)
        covariates, fold, names = covariate_matrix(panel), panel["fold"].to_numpy(), list(outcomes_of(panel.columns))
        predictions = {f"{kind}_{outcome}": np.full(len(panel), np.nan) for kind in (MEAN, *ARMS) for outcome in names}
        observed = np.isnan(known_propensities(panel))
        if self.strength is not None and observed.any():
            treated = panel["treated"].to_numpy(dtype=float)
            propensity = Task("propensity", treated, observed, partial(fixed_propensity, self.strength), True)
            predictions[propensity.name] = self._out_of_fold(propensity, covariates, fold)
        outcomes = panel[names].to_numpy(dtype=float)
        for kind, penalty in self.penalties.items():
            task = Task(kind, outcomes, _learned_from(kind, panel), partial(fixed_outcome, penalty), False)
            values = self._out_of_fold(task, covariates, fold)
            predictions |= {f"{kind}_{outcome}": values[:, column] for column, outcome in enumerate(names)}
        return nuisance_table(panel, predictions, self.clip)

    def _out_of_fold(self, task: Task, covariates: Vector, fold: NDArray[np.int64]) -> Vector:
        values = np.empty_like(task.target)
        for number in np.unique(fold):
            held_out = fold == number
            # scikit-learn predicts a single outcome in one dimension, whatever it was given.
            found = out_of_fold(task, MODEL, covariates, fold, number, self.seed)
            values[held_out] = found.reshape(values[held_out].shape)
        return values


def light_nuisances(panel: pd.DataFrame, clip: float, seed: int, kinds: Iterable[str] = ARMS) -> LightNuisances:
    """The light setting for a panel, by all rows of its sample; `kinds` are the outcomes' nuisances that are wanted.

    Raises DataError as `LightNuisances.fit`.
    """
    _require_both_arms(panel)
    sample, treated, covariates = in_sample(panel["fold"]), panel["treated"].to_numpy(), covariate_matrix(panel)
    outcomes = panel[list(outcomes_of(panel.columns))].to_numpy(dtype=float)
    together, penalties = outcome_model(MODEL, seed).set_params(ridgecv__alpha_per_target=True), {}
    for kind in kinds:
        rows = sample & _learned_from(kind, panel)
        penalties[kind] = np.atleast_1d(together.fit(covariates[rows], outcomes[rows])[-1].alpha_)
    observed, strength = sample & np.isnan(known_propensities(panel)), None
    if observed.any():
        strength = float(propensity_model(MODEL, seed).fit(covariates[observed], treated[observed])[-1].C_)
    return LightNuisances(strength, penalties, clip, seed)


def _learned_from(kind: str, panel: pd.DataFrame) -> NDArray[np.bool_]:
    treated = panel["treated"].to_numpy()
    return np.ones(len(panel), dtype=bool) if kind == MEAN else treated == ARMS.index(kind)


def _require_both_arms(panel: pd.DataFrame) -> None:
    fold = panel["fold"].to_numpy()
    if any(panel.loc[(fold != number) & in_sample(fold), "treated"].nunique() < 2 for number in np.unique(fold)):
        raise DataError(
            "A refit has a fold outside which all rows are treated, or none: there are too few treated or control households "
            "for nuisance.folds folds. Lower it, or bring more data."
        )
