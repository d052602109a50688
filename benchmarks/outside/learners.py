"""A learner as causalml's users call it, nuisances fitted for it: `python -m benchmarks.outside.learners NAME`.

Out-of-fold effects on both outcomes of the last run's panel, by the pipeline's folds and base models, for comparing time and
memory with `python -m stages.cate --learner NAME`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from causalml.inference.meta import BaseDRRegressor, BaseRRegressor, BaseSRegressor, BaseTRegressor, BaseXRegressor
from numpy.typing import NDArray
from sklearn.model_selection import cross_val_predict

from benchmarks.folds import time_every_fold
from targeting.learners.base_models import regressor
from targeting.nuisance.models import outcome_model, propensity_model
from targeting.trials.panel import covariate_matrix

# Its R-learner is econml's NonParamDML; a causal forest that residualises first, or a linear final stage, it does not have.
OUTSIDE = ("s", "t", "x", "dr", "nonparam_dml")
FOLDS, CLIP = 3, 0.01


def unfitted(name: str, models: Mapping[str, str], seed: int) -> Any:
    """The learner with the base models that the pipeline gives it."""
    final, outcome = regressor({"model": models[name]}, seed), outcome_model("linear", seed)
    by_arm = {"control_outcome_learner": outcome, "treatment_outcome_learner": outcome}
    built: dict[str, Callable[[], Any]] = {
        "s": lambda: BaseSRegressor(final),
        "t": lambda: BaseTRegressor(final),
        "x": lambda: BaseXRegressor(**by_arm, control_effect_learner=final, treatment_effect_learner=final),
        "dr": lambda: BaseDRRegressor(**by_arm, treatment_effect_learner=final),
        "nonparam_dml": lambda: BaseRRegressor(outcome_learner=outcome, effect_learner=final, n_fold=FOLDS, random_state=seed),
    }
    return built[name]()


def effects(name: str, models: Mapping[str, str], panel: pd.DataFrame, outcome: str, fold: int, seed: int) -> NDArray[np.float64]:
    """Effects of one held-out fold."""
    covariates, treated, learn = covariate_matrix(panel), panel["treated"].to_numpy(), (panel["fold"] != fold).to_numpy()
    own: dict[str, Any] = {}
    at_prediction: dict[str, Any] = {}
    if name in ("x", "dr", "nonparam_dml"):
        propensity = propensity_model("linear", seed).set_params(logisticregressioncv__cv=None)
        chances = cross_val_predict(propensity, covariates[learn], treated[learn], cv=FOLDS, method="predict_proba")[:, 1]
        own["p"] = chances.clip(CLIP, 1 - CLIP)
        if name == "x":
            propensity.fit(covariates[learn], treated[learn])
            at_prediction["p"] = propensity.predict_proba(covariates[~learn])[:, 1].clip(CLIP, 1 - CLIP)
    learner = unfitted(name, models, seed)
    amounts = panel.loc[learn, outcome].to_numpy(dtype=float)
    learner.fit(X=covariates[learn], treatment=treated[learn], y=amounts, **own)
    return np.ravel(learner.predict(covariates[~learn], **at_prediction))


if __name__ == "__main__":
    time_every_fold(effects)
