"""Prediction models behind nuisances and effects, by name: `linear` (penalised, on raw and logged covariates) and `boosting`."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, Ridge, RidgeCV
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from targeting.base.errors import DataError
from targeting.nuisance.extremes import FARTHEST
from targeting.stats.units import rounded

RIDGE_PENALTIES = np.logspace(0, 4, 13)
LOGISTIC_STRENGTHS = np.logspace(-2.5, 0, 6)
# Newton's steps on centred columns; by scikit-learn's own tolerance the smallest propensities ended up to two fifths off.
LOGISTIC = {"solver": "newton-cholesky", "max_iter": 200, "tol": 1e-8}
# Small trees: the arm of the treated has a few hundred rows per trial.
BOOSTING = {"max_iter": 150, "learning_rate": 0.05, "max_leaf_nodes": 8, "min_samples_leaf": 20}


def signed_log1p(covariates: ArrayLike) -> NDArray[np.float64]:
    """log1p of the size with the value's own sign: spend is negative where a household brought back more than it bought."""
    values = np.asarray(covariates, dtype=float)
    return np.sign(values) * np.log1p(np.abs(values))


def with_logs(covariates: ArrayLike) -> NDArray[np.float64]:
    """Covariates, shape (n, p), beside their logarithms (signed_log1p), shape (n, 2p).

    Spend is proportional to earlier spend, and moderated by traits whose effect levels off: both scales carry signal.
    """
    values = np.asarray(covariates, dtype=float)
    return np.hstack([values, signed_log1p(values)])


def independent_columns(design: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standardised columns, shape (n, q) of (n, p), independent of each other and of a constant, first come first kept.

    Demographic bands and derived features repeat each other on some trials; a coefficient needs columns of full rank.
    """
    centred = design - design.mean(axis=0)
    spread = centred.std(axis=0)
    standard = centred[:, spread > 0] / spread[spread > 0]
    # The diagonal of R is what a column adds to those before it, relative to its length sqrt(n).
    added = np.abs(np.diag(np.linalg.qr(standard, mode="r"))) / np.sqrt(len(standard))
    # With fewer rows than columns the diagonal ends early: what follows depends on the columns before it.
    return standard[:, : len(added)][:, added > 1e-6]


def outcome_model(name: str, seed: int) -> BaseEstimator:
    """A regressor of the outcome on covariates (n, p); raises DataError for an unknown name."""
    if name == "linear":
        # Of equal decompositions the fastest, where rows are many and columns few.
        return _linear(RidgeCV(RIDGE_PENALTIES, gcv_mode="svd"))
    if name == "boosting":
        return HistGradientBoostingRegressor(**BOOSTING, random_state=seed)
    raise DataError(f"Unknown model {name!r} in nuisance.models; known: linear, boosting.")


def propensity_model(name: str, seed: int) -> BaseEstimator:
    """A classifier of treatment on covariates (n, p); raises DataError for an unknown name."""
    if name == "linear":
        # These inner folds split rows, not households: that can only move the penalty, since the outer folds hold whole
        # households. They are shuffled, as the panel's rows are ordered by trial. Under econml its own folds take their place.
        inner = StratifiedKFold(4, shuffle=True, random_state=seed)
        penalties = {"Cs": LOGISTIC_STRENGTHS, "l1_ratios": (0,), "scoring": "neg_log_loss", "use_legacy_attributes": False}
        return _linear_propensity(LogisticRegressionCV(**penalties, **LOGISTIC, cv=inner))
    if name == "boosting":
        return HistGradientBoostingClassifier(**BOOSTING, random_state=seed)
    raise DataError(f"Unknown model {name!r} in nuisance.models; known: linear, boosting.")


def fixed_propensity(strength: float, _name: str = "linear", _seed: int = 0) -> Pipeline:
    """The linear model of treatment with this inverse penalty; a task builds it by name and seed, which it has no need of."""
    return _linear_propensity(LogisticRegression(C=strength, **LOGISTIC))


def fixed_outcome(penalty: ArrayLike, _name: str = "linear", _seed: int = 0) -> Pipeline:
    """The linear model of one outcome or several with this ridge penalty, or one per outcome; else as `fixed_propensity`."""
    return _linear(Ridge(penalty))


def _linear(regression: BaseEstimator) -> Pipeline:
    return make_pipeline(FunctionTransformer(with_logs), StandardScaler(), regression)


def _linear_propensity(regression: BaseEstimator) -> Pipeline:
    """As `_linear`, of columns drawn in: fifty deviations away a logit is 0 or 1, and the row then weighs for many."""
    draw_in = FunctionTransformer(np.clip, kw_args={"a_min": -FARTHEST, "a_max": FARTHEST})
    return make_pipeline(FunctionTransformer(with_logs), StandardScaler(), draw_in, regression)


def rounded_outcomes(estimator: BaseEstimator) -> TransformedTargetRegressor:
    """The regressor of an outcome in units (see targeting.stats.units), with predictions rounded to their decimals.

    Processors differ in the last bits of a fit. A tree grown on what is left of an outcome turns such a bit into another split
    wherever two splits tie, and with it into another effect; rounded predictions are the same everywhere.
    """
    return TransformedTargetRegressor(estimator, func=_unchanged, inverse_func=_to_decimals, check_inverse=False)


def _unchanged(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values


def _to_decimals(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return rounded(values, 1.0)
