"""A learner as econml's users call it, nuisances fitted inside it: `python -m benchmarks.plain_learners NAME`.

Out-of-fold effects on both outcomes of the last run's panel, by the pipeline's folds and base models, for comparing time and
memory with `python -m stages.cate --learner NAME`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from econml.dml import CausalForestDML, LinearDML, NonParamDML
from econml.dr import DRLearner
from econml.metalearners import SLearner, TLearner, XLearner
from numpy.typing import NDArray
from sklearn.pipeline import make_pipeline

from benchmarks.folds import time_every_fold
from targeting.learners.base_models import COMPONENTS, component_steps, regressor
from targeting.learners.meta import with_interactions
from targeting.learners.orthogonal import CAUSAL_FOREST
from targeting.nuisance.models import outcome_model, propensity_model
from targeting.trials.panel import covariate_matrix

PLAIN = ("s", "t", "x", "dr", "linear_dml", "nonparam_dml", "causal_forest")


def unfitted(name: str, models: Mapping[str, str], seed: int) -> Any:
    """The learner with its nuisances' models."""
    final = regressor({"model": models[name]}, seed) if name in models else None
    outcome = outcome_model("linear", seed)
    propensity = propensity_model("linear", seed).set_params(logisticregressioncv__cv=None)
    residuals = {"model_y": outcome, "model_t": propensity, "discrete_treatment": True, "cv": 3, "random_state": seed}
    components = make_pipeline(*component_steps(COMPONENTS["components"]))
    built = {
        "s": lambda: SLearner(overall_model=regressor({"model": models["s"]}, seed, features=with_interactions)),
        "t": lambda: TLearner(models=final),
        "x": lambda: XLearner(models=outcome, cate_models=final, propensity_model=propensity),
        "dr": lambda: DRLearner(
            model_propensity=propensity, model_regression=outcome, model_final=final, cv=3, min_propensity=0.01, random_state=seed
        ),
        "linear_dml": lambda: LinearDML(**residuals, featurizer=components),
        "nonparam_dml": lambda: NonParamDML(**residuals, model_final=final),
        "causal_forest": lambda: CausalForestDML(**residuals, **CAUSAL_FOREST, n_jobs=1),
    }
    return built[name]()


def effects(name: str, models: Mapping[str, str], panel: pd.DataFrame, outcome: str, fold: int, seed: int) -> NDArray[np.float64]:
    """Effects of one held-out fold."""
    covariates, learn = covariate_matrix(panel), (panel["fold"] != fold).to_numpy()
    groups = {} if name in ("s", "t", "x") else {"groups": panel.loc[learn, "household_id"].to_numpy()}
    learner = unfitted(name, models, seed)
    learner.fit(
        panel.loc[learn, outcome].to_numpy(dtype=float), panel.loc[learn, "treated"].to_numpy(), X=covariates[learn], **groups
    )
    return np.ravel(learner.effect(covariates[~learn]))


if __name__ == "__main__":
    time_every_fold(effects)
