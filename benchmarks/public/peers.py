"""The same tables by other packages, as their users call them: econml's learners, stochtree's BART, DoubleML's averages.

Effects by row are out of fold, by the folds that the project has: no package predicts an effect from the row's own outcome.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from econml.dml import CausalForestDML, LinearDML
from econml.metalearners import TLearner, XLearner
from numpy.typing import NDArray
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.public.tables import OUTCOME
from targeting.trials.panel import covariate_matrix, covariate_names

Vector = NDArray[np.float64]
# Effects of held-out rows (m,) from covariates (n, p), treatment and outcome (n,) of others, covariates (m, p), and a seed.
Fit = Callable[[Vector, Vector, Vector, Vector, int], Vector]
PENALTIES = np.logspace(-1, 4, 16)


def _ridge() -> Any:
    return make_pipeline(StandardScaler(), RidgeCV(PENALTIES))


def _econml(build: Callable[[int], Any]) -> Fit:
    def fit(x: Vector, treated: Vector, outcome: Vector, held_out: Vector, seed: int) -> Vector:
        learner = build(seed)
        learner.fit(outcome, treated, X=x)
        return np.ravel(learner.effect(held_out))

    return fit


def _nuisances(seed: int) -> dict[str, Any]:
    models = HistGradientBoostingRegressor(random_state=seed), HistGradientBoostingClassifier(random_state=seed)
    return {"model_y": models[0], "model_t": models[1]}


def _causal_forest(seed: int) -> CausalForestDML:
    return CausalForestDML(**_nuisances(seed), discrete_treatment=True, n_jobs=1, random_state=seed)


def _linear_dml(seed: int) -> LinearDML:
    return LinearDML(**_nuisances(seed), discrete_treatment=True, random_state=seed)


def _x_learner(seed: int) -> XLearner:
    models, chance = GradientBoostingRegressor(random_state=seed), GradientBoostingClassifier(random_state=seed)
    return XLearner(models=models, propensity_model=chance)


def _bart(x: Vector, treated: Vector, outcome: Vector, held_out: Vector, seed: int) -> Vector:
    """BART of stochtree with its defaults, by arm: the difference of the two posterior means."""
    from stochtree import BARTModel

    means = []
    for arm in (1, 0):
        model = BARTModel()
        rows = treated == arm
        model.sample(
            X_train=x[rows],
            y_train=outcome[rows],
            X_test=held_out,
            general_params={"random_seed": seed, "num_threads": 1},
        )
        means.append(model.y_hat_test.mean(axis=1))
    return means[0] - means[1]


# Boosting is scikit-learn's with its defaults, by histograms where it stands for nuisances that are fitted many times.
EFFECTS: dict[tuple[str, str], Fit] = {
    ("econml", "T-learner, boosting"): _econml(lambda seed: TLearner(models=GradientBoostingRegressor(random_state=seed))),
    ("econml", "T-learner, ridge"): _econml(lambda seed: TLearner(models=_ridge())),
    ("econml", "X-learner, boosting"): _econml(_x_learner),
    ("econml", "LinearDML"): _econml(_linear_dml),
    ("econml", "CausalForestDML"): _econml(_causal_forest),
    ("stochtree", "BART by arm"): _bart,
}


def effects(panel: pd.DataFrame, seed: int) -> dict[tuple[str, str], Vector]:
    """Each row's out-of-fold effect (rows,) by package and method."""
    x, fold = covariate_matrix(panel), panel["fold"].to_numpy()
    treated, outcome = panel["treated"].to_numpy(), panel[OUTCOME].to_numpy(dtype=float)
    found = {}
    for key, fit in EFFECTS.items():
        found[key] = np.empty(len(panel))
        for number in np.unique(fold):
            learn = fold != number
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # how packages speak of each other's versions
                found[key][~learn] = fit(x[learn], treated[learn], outcome[learn], x[~learn], seed)
    return found


def average_effects(panel: pd.DataFrame, n_folds: int, seed: int) -> dict[tuple[str, str], dict[str, tuple[float, float]]]:
    """DoubleML's interactive regression model by package and method: estimate and standard error by estimand (att, ate)."""
    from doubleml import DoubleMLData, DoubleMLIRM

    covariates = covariate_names(panel)
    data = DoubleMLData(panel[[OUTCOME, "treated", *covariates]].astype(float), OUTCOME, "treated", covariates)
    logistic = make_pipeline(StandardScaler(), LogisticRegressionCV(l1_ratios=(0,), use_legacy_attributes=False, max_iter=1000))
    # The forests of its user guide.
    forest = {"n_estimators": 100, "max_depth": 5, "min_samples_leaf": 2, "n_jobs": 1, "random_state": seed}
    models = {
        "forest": (RandomForestRegressor(**forest), RandomForestClassifier(**forest)),
        "linear": (_ridge(), logistic),
    }
    found: dict[tuple[str, str], dict[str, tuple[float, float]]] = {}
    for name, (regression, chance) in models.items():
        own = found["DoubleML", f"IRM, {name}"] = {}
        for estimand, score in (("ate", "ATE"), ("att", "ATTE")):
            np.random.seed(seed)  # noqa: NPY002 - its folds come from the global generator
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = DoubleMLIRM(data, regression, chance, n_folds=n_folds, score=score)
                model.fit()
            own[estimand] = (float(model.coef[0]), float(model.se[0]))
    return found
