"""R- and DR-learner with a smooth final stage: splines of the logged covariates, one curve per covariate, penalised."""

from targeting.learners.base_models import Settings, regressor
from targeting.learners.fitted import Fitted, Regression
from targeting.learners.rows import Rows


def r_smooth(learn: Rows, settings: Settings, seed: int) -> Fitted:
    """Minimises the sum of ((Y - mean) - (T - e) effect(X))^2; Nie & Wager (2021), Biometrika 108, 299-319."""
    target = learn.outcome_residual / learn.treated_residual
    model = regressor({"model": "smooth", **settings}, seed)
    model.fit(learn.covariates, target, sample_weight=learn.treated_residual**2 * learn.certainty)
    return Regression(model)


def dr_smooth(learn: Rows, settings: Settings, seed: int) -> Fitted:
    """Scores on covariates, by score_weight; Kennedy (2023), Electronic Journal of Statistics 17, 3008-3049."""
    model = regressor({"model": "smooth", **settings}, seed)
    model.fit(learn.covariates, learn.score, sample_weight=learn.score_weight)
    return Regression(model)
