"""Learners that need nuisances only for their target, by econml: final stages on the stored nuisances.

Each learner imports econml by itself, as in targeting.learners.meta.
"""

import numpy as np
from sklearn.pipeline import make_pipeline

from targeting.learners.base_models import Range, Settings, component_steps, components_by_loss, regressor
from targeting.learners.fitted import Fitted, Forest, LinearInFeatures, Regression
from targeting.learners.rows import Rows
from targeting.learners.stored import MEAN, PROPENSITY, StoredArms, StoredMean, StoredPropensity

# The stored nuisances are cross-fitted already: econml is to split nothing.
STORED = {"model_y": StoredMean(MEAN), "model_t": StoredPropensity(PROPENSITY), "discrete_treatment": True, "cv": 1}
# A tree that looks at few covariates per split seldom meets those by which effects differ. Leaves as small as econml's own find
# differences where there are none, once outcomes are as noisy as at a till: docs/benchmarks.md and the made-up retailers decide.
CAUSAL_FOREST = {"n_estimators": 100, "max_features": 1.0, "min_samples_leaf": 20, "max_samples": 0.45}
CAUSAL_FOREST_RANGES: dict[str, Range] = {
    "max_features": (0.1, 1.0, False),
    "min_samples_leaf": (5, 150, True),
    "max_samples": (0.1, 0.49, False),
}


def dr_learner(learn: Rows, settings: Settings, seed: int) -> Fitted:
    """DR-learner: doubly robust scores on covariates, by score_weight; Kennedy (2023), Electronic Journal of Statistics 17."""
    from econml.dr import DRLearner

    learner = DRLearner(
        # Its propensity model sees the four nuisances at the end, its outcome model the treatment after them.
        model_propensity=StoredPropensity(PROPENSITY),
        model_regression=StoredArms(),
        model_final=regressor(settings, seed),
        cv=1,
        random_state=seed,
    )
    weights = learn.score_weight
    learner.fit(learn.outcome, learn.treated, X=learn.covariates, W=learn.nuisances, sample_weight=weights)
    return Regression(learner.model_cate(T=1))


def linear_dml(learn: Rows, settings: Settings, seed: int) -> Fitted:
    """Residuals on residuals, the effect linear in the first principal components of raw and logged covariates.

    Chernozhukov et al. (2018), Econometrics Journal 21, C1-C68. Its interval is robust to unequal noise, but takes rows as
    independent.
    """
    from econml.dml import LinearDML

    # As many as predict best in the loss that it minimises, the R-loss.
    number = settings.get("components") or components_by_loss(
        learn.covariates, learn.outcome_residual / learn.treated_residual, learn.treated_residual**2 * learn.certainty
    )
    learner = LinearDML(**STORED, featurizer=make_pipeline(*component_steps(number)), random_state=seed)
    learner.fit(learn.outcome, learn.treated, X=learn.covariates, W=learn.nuisances, sample_weight=learn.certainty)
    coefficients = np.append(learner.intercept_, learner.coef_)
    return LinearInFeatures(learner.original_featurizer, coefficients, learner.model_final_._param_var)


def nonparam_dml(learn: Rows, settings: Settings, seed: int) -> Fitted:
    """R-learner with any final stage; Nie & Wager (2021), Biometrika 108, 299-319."""
    from econml.dml import NonParamDML

    learner = NonParamDML(**STORED, model_final=regressor(settings, seed), random_state=seed)
    learner.fit(learn.outcome, learn.treated, X=learn.covariates, W=learn.nuisances, sample_weight=learn.certainty)
    return Regression(learner.model_cate)


def causal_forest(learn: Rows, settings: Settings, seed: int) -> Fitted:
    """Causal forest on residuals; Athey, Tibshirani & Wager (2019), Annals of Statistics 47, 1148-1178.

    Its interval is a bootstrap of little bags over rows: it does not know that a household can have several.
    """
    from econml.dml import CausalForestDML

    learner = CausalForestDML(**STORED, **settings, drate=False, n_jobs=1, random_state=seed)
    learner.fit(learn.outcome, learn.treated, X=learn.covariates, W=learn.nuisances, sample_weight=learn.certainty)
    (forest,) = learner.model_cate.estimators_  # one, of one outcome
    return Forest(forest)
