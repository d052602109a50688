"""Conditional average effects by household (econml), out of fold: no household's effect comes from a model that saw it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from econml.dml import CausalForestDML
from econml.dr import DRLearner
from econml.metalearners import XLearner
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.model_selection import GridSearchCV

from targeting.clusters import LEVEL
from targeting.errors import DataError
from targeting.models import Rounded, outcome_model, propensity_model, rounded_outcomes
from targeting.panel import KEYS, OUTCOMES, covariate_matrix
from targeting.progress import track

Vector = NDArray[np.float64]
NUISANCE_FOLDS = 3
# econml's own propensities inside a learner are clipped here; nuisance.clip is for the scores that judge it.
MIN_PROPENSITY = 0.01


@dataclass(frozen=True)
class Rows:
    """What a learner learns from: covariates (n, p), treatment, outcome and household, each (n,)."""

    covariates: Vector
    treated: NDArray[np.int64]
    outcome: Vector
    household_id: NDArray[np.int64]


@dataclass(frozen=True)
class Effects:
    """Effects (n,) in units of the outcome; the 95% interval's ends are NaN where the learner has no interval."""

    cate: Vector
    lower: Vector
    upper: Vector


def x_learner(learn: Rows, covariates: Vector, seed: int) -> Effects:
    """X-learner with penalised linear models; Kunzel, Sekhon, Bickel & Yu (2019), PNAS 116, 4156-4165."""
    learner = XLearner(
        models=outcome_model("linear", seed),
        cate_models=outcome_model("linear", seed),
        propensity_model=propensity_model("linear", seed),
    )
    learner.fit(learn.outcome, learn.treated, X=learn.covariates)
    return _without_interval(learner.effect(covariates))


def dr_learner(learn: Rows, covariates: Vector, seed: int) -> Effects:
    """DR-learner with a penalised linear final stage; Kennedy (2023), Electronic Journal of Statistics 17, 3008-3049."""
    learner = DRLearner(
        model_propensity=_selectable(propensity_model("linear", seed)),
        model_regression=outcome_model("linear", seed),
        model_final=outcome_model("linear", seed),
        min_propensity=MIN_PROPENSITY,
        cv=NUISANCE_FOLDS,
        random_state=seed,
    )
    learner.fit(learn.outcome, learn.treated, X=learn.covariates, groups=learn.household_id)
    return _without_interval(learner.effect(covariates))


def causal_forest(learn: Rows, covariates: Vector, seed: int) -> Effects:
    """Causal forest on residuals; Athey, Tibshirani & Wager (2019), Annals of Statistics 47, 1148-1178.

    Its interval is a bootstrap of little bags over rows: it does not know that a household can have several.
    """
    learner = CausalForestDML(
        model_y=rounded_outcomes(outcome_model("linear", seed)),
        model_t=Rounded(propensity_model("linear", seed)),
        discrete_treatment=True,
        cv=NUISANCE_FOLDS,
        n_estimators=300,
        max_features="sqrt",
        min_samples_leaf=20,
        n_jobs=1,
        random_state=seed,
    )
    learner.fit(learn.outcome, learn.treated, X=learn.covariates, groups=learn.household_id)
    lower, upper = learner.effect_interval(covariates, alpha=1 - LEVEL)
    return Effects(np.ravel(learner.effect(covariates)), np.ravel(lower), np.ravel(upper))


LEARNERS: dict[str, Callable[[Rows, Vector, int], Effects]] = {
    "x": x_learner,
    "dr": dr_learner,
    "causal_forest": causal_forest,
}


def cross_fit_effects(panel: pd.DataFrame, learner: str, seed: int) -> pd.DataFrame:
    """Out-of-fold effects of one learner on both outcomes, folds as in the panel.

    Returns one row a row of the panel: keys, and per outcome cate_*, lower_*, upper_*.
    Raises DataError for an unknown learner and for effects that are not finite.
    """
    if learner not in LEARNERS:
        raise DataError(f"Unknown learner {learner!r} in learners.names; known: {', '.join(LEARNERS)}.")
    covariates, fold = covariate_matrix(panel), panel["fold"].to_numpy()
    jobs = [(outcome, number) for outcome in OUTCOMES for number in np.unique(fold)]
    results = Parallel(n_jobs=-1, return_as="generator")(
        delayed(_fit_fold)(panel, covariates, learner, outcome, number, seed) for outcome, number in jobs
    )
    table = panel[KEYS].copy()
    for (outcome, number), effects in zip(jobs, track(results, f"Fitting {learner}", len(jobs)), strict=True):
        if not np.isfinite(effects.cate).all():
            raise DataError(
                f"Learner {learner} gave {(~np.isfinite(effects.cate)).sum()} effects on {outcome} that are not finite: "
                "take it out of learners.names."
            )
        held_out = fold == number
        for name, values in (("cate", effects.cate), ("lower", effects.lower), ("upper", effects.upper)):
            table.loc[held_out, f"{name}_{outcome}"] = values
    return table


def _fit_fold(panel: pd.DataFrame, covariates: Vector, learner: str, outcome: str, number: int, seed: int) -> Effects:
    learn = panel["fold"].to_numpy() != number
    rows = Rows(
        covariates[learn],
        panel["treated"].to_numpy()[learn],
        panel[outcome].to_numpy(dtype=float)[learn],
        panel["household_id"].to_numpy()[learn],
    )
    return LEARNERS[learner](rows, covariates[~learn], seed)


def _selectable(search: GridSearchCV) -> GridSearchCV:
    """Econml chooses penalties on its own folds, by household, and warns of any others."""
    return search.set_params(cv=None)


def _without_interval(cate: Vector) -> Effects:
    unknown = np.full(len(cate), np.nan)
    return Effects(np.ravel(cate), unknown, unknown)
