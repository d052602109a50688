"""Ask causalml for curves, scores and effects of the made-up rows, and store its answers beside this script.

causalml brings half a gigabyte with it, so the tests read what is stored. To ask again, after `make bench` has fetched it:
`PYTHONPATH=.venv/outside python -m tests.reference.causalml`.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from causalml.inference.meta import BaseRRegressor, BaseSRegressor, BaseTRegressor, BaseXRegressor
from causalml.metrics import get_cumgain, get_qini, get_toc
from causalml.metrics.cate_scoring import compute_dr_pseudo_outcomes, rlearner_score
from numpy.typing import ArrayLike, NDArray

from targeting.learners.base_models import regressor
from targeting.learners.meta import with_interactions
from targeting.learners.stored import StoredMean
from targeting.nuisance.models import outcome_model, rounded_outcomes, with_logs
from tests.reference.rows import SETTINGS, Given, rows

STORED = Path(__file__).with_suffix(".json")
SEED = 1


def curves(given: Given) -> dict[str, NDArray[np.float64]]:
    """Its raw Qini and gain curves, and its gain and TOC curves of doubly robust scores, at every number of rows from 0 on."""
    raw = pd.DataFrame({"cate": given.rank, "y": given.learn.outcome, "w": given.learn.treated})
    scores = pd.DataFrame({"cate": given.rank, "tau": given.learn.score})
    answers = {"qini": get_qini(raw), "gain": get_cumgain(raw), "score_gain": get_cumgain(scores), "toc": get_toc(scores)}
    return {name: answer["cate"].to_numpy() for name, answer in answers.items()}


def scores(given: Given) -> dict[str, NDArray[np.float64]]:
    """Its doubly robust scores of the nuisances as given, and its R-loss of the ranking effect."""
    learn = given.learn
    pseudo = compute_dr_pseudo_outcomes(
        learn.nuisances,
        learn.treated,
        learn.outcome,
        p=learn.propensity,
        control_outcome_learner=StoredMean(2),
        treatment_outcome_learner=StoredMean(3),
        p_clip_bounds=(0, 1),
    )
    residuals = pd.DataFrame({"cate": given.rank, "y": learn.outcome_residual, "w": learn.treated_residual})
    loss = rlearner_score(residuals, y_residual_col="y", w_residual_col="w")
    return {"score": pseudo, "r_loss": loss.to_numpy()}


def effects(given: Given) -> dict[str, NDArray[np.float64]]:
    """Its S-, T-, X- and R-learner's effects of the rows held out, with the project's base models."""
    learn, held_out = given.learn, given.held_out
    linear = regressor(SETTINGS, SEED)
    outcome = rounded_outcomes(outcome_model("linear", SEED))
    built: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
        "s": (BaseSRegressor(regressor(SETTINGS, SEED, features=_treatment_first)), {}, {}),
        "t": (BaseTRegressor(linear), {}, {}),
        "x": (
            BaseXRegressor(
                control_outcome_learner=outcome,
                treatment_outcome_learner=outcome,
                control_effect_learner=linear,
                treatment_effect_learner=linear,
            ),
            {"p": learn.propensity},
            {"p": held_out.propensity},
        ),
    }
    found = {}
    for name, (learner, fitting, predicting) in built.items():
        learner.fit(X=learn.covariates, treatment=learn.treated, y=learn.outcome, **fitting)
        found[name] = np.ravel(learner.predict(held_out.covariates, **predicting))
    # Its R-learner asks for the outcome's mean by the covariates alone: the stored one travels as their last column.
    r_learner = BaseRRegressor(outcome_learner=StoredMean(-1), effect_learner=regressor(SETTINGS, SEED, features=_without_last))
    with_mean = np.column_stack([learn.covariates, learn.mean])
    r_learner.fit(X=with_mean, treatment=learn.treated, y=learn.outcome, p=learn.propensity, verbose=False)
    found["r"] = np.ravel(r_learner.predict(np.column_stack([held_out.covariates, np.zeros(len(held_out.propensity))])))
    return found


def _treatment_first(covariates: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(covariates, dtype=float)
    return with_interactions(np.column_stack([values[:, 1:], 1 - values[:, 0], values[:, 0]]))


def _without_last(covariates: ArrayLike) -> NDArray[np.float64]:
    return with_logs(np.asarray(covariates, dtype=float)[:, :-1])


if __name__ == "__main__":
    given = rows()
    answers = curves(given) | scores(given) | effects(given)
    STORED.write_text(json.dumps({name: answer.tolist() for name, answer in answers.items()}) + "\n", encoding="utf-8")
