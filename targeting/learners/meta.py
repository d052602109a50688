"""S-, T- and X-learner by econml: outcome models of their own kind, so the stored nuisances cannot take their place.

Kunzel, Sekhon, Bickel & Yu (2019), PNAS 116, 4156-4165. Each learner imports econml by itself: it takes long to load,
and all that look a learner up in the registry reach this module.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from targeting.learners.base_models import Settings, regressor
from targeting.learners.fitted import BlendByPropensity, Fitted, ModelByArm, OneModel
from targeting.learners.rows import Rows
from targeting.learners.stored import StoredPropensity
from targeting.nuisance.models import outcome_model, rounded_outcomes, with_logs


def s_learner(learn: Rows, settings: Settings, seed: int) -> Fitted:
    """One outcome model with the treatment among its covariates; a linear one has it times every covariate too."""
    from econml.metalearners import SLearner

    learner = SLearner(overall_model=regressor(settings, seed, features=with_interactions))
    learner.fit(learn.outcome, learn.treated, X=learn.covariates)
    return OneModel(learner.overall_model)


def t_learner(learn: Rows, settings: Settings, seed: int) -> Fitted:
    """An outcome model for each arm."""
    from econml.metalearners import TLearner

    learner = TLearner(models=regressor(settings, seed))
    learner.fit(learn.outcome, learn.treated, X=learn.covariates)
    return ModelByArm(*learner.models)


def x_learner(learn: Rows, settings: Settings, seed: int) -> Fitted:
    """Outcome models by arm (penalised linear), effects imputed from them and learned as `settings` say.

    The stored propensities blend the two arms' effects: econml asks its propensity model for covariates alone, so they travel
    as the last column, which the other models leave out. Imputed effects are rounded, as forests may be grown on them.
    """
    from econml.metalearners import XLearner

    learner = XLearner(
        models=make_pipeline(FunctionTransformer(_all_but_last), rounded_outcomes(outcome_model("linear", seed))),
        cate_models=make_pipeline(FunctionTransformer(_all_but_last), regressor(settings, seed)),
        propensity_model=StoredPropensity(-1),
    )
    learner.fit(learn.outcome, learn.treated, X=np.column_stack([learn.covariates, learn.propensity]))
    return BlendByPropensity(learner.cate_controls_models[0], learner.cate_treated_models[0])


def with_interactions(covariates: ArrayLike) -> NDArray[np.float64]:
    """Covariates raw and logged, the treatment, and it times each of them: of (n, p + 2) columns, the last two by econml.

    econml's S-learner appends an indicator of each arm; that of controls says nothing more, and would share the treatment's
    coefficient, and so its penalty.
    """
    values = np.asarray(covariates, dtype=float)
    features, treated = with_logs(values[:, :-2]), values[:, -1:]
    return np.hstack([features, treated, treated * features])


def _all_but_last(covariates: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(covariates, dtype=float)[:, :-1]
