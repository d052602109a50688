"""Base models inside learners, by name: linear, components, smooth, boosting and forest, with settings and search ranges."""

from collections.abc import Callable, Mapping
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression, Ridge, RidgeCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, SplineTransformer, StandardScaler

from targeting.base.sections import BaseModelName
from targeting.nuisance.models import BOOSTING, signed_log1p, with_logs
from targeting.stats.estimates import Z

Settings = Mapping[str, Any]
Features = Callable[[ArrayLike], NDArray[np.float64]]
# Effects are far weaker than outcomes: the largest penalty leaves a thousand rows with a constant.
PENALTIES = np.logspace(1, 7, 25)
COMPONENTS = {"components": 8}
MOST_COMPONENTS = 0.2  # of the rows: beyond it a least-squares fit follows noise, whatever its loss says
SMOOTH = {"knots": 4}
TINY = 1e-9
FOREST = {"n_estimators": 100, "min_samples_leaf": 50, "max_features": 0.2}
MODELS = get_args(BaseModelName)

# A setting's lowest and highest value, and whether it is searched on the logarithm.
Range = tuple[float, float, bool]
PENALTY: Range = (1e1, 1e7, True)
RANGES: dict[str, dict[str, Range]] = {
    "linear": {"penalty": PENALTY},
    "components": {"components": (1, 30, True)},
    "smooth": {"penalty": PENALTY, "knots": (3, 6, False)},
    "boosting": {
        "max_iter": (20, 150, True),
        "learning_rate": (0.01, 0.15, True),
        "max_leaf_nodes": (2, 12, False),
        "min_samples_leaf": (10, 200, True),
    },
    "forest": {"min_samples_leaf": (10, 600, True), "max_features": (0.05, 0.5, False)},
}


class Featured(RegressorMixin, BaseEstimator):
    """A pipeline whose last step takes the sample weights, which scikit-learn's own passes on only under its global routing."""

    def __init__(self, pipeline: Pipeline) -> None:
        """Keep the pipeline, unfitted; whoever needs another copy clones this."""
        self.pipeline = pipeline

    def fit(self, covariates: ArrayLike, target: ArrayLike, sample_weight: ArrayLike | None = None) -> "Featured":
        """Fit transformations without and the last step with the weights."""
        last = self.pipeline.steps[-1][0]
        self.pipeline.fit(covariates, target, **{f"{last}__sample_weight": sample_weight})
        self.fitted_ = True
        return self

    def predict(self, covariates: ArrayLike) -> NDArray[np.float64]:
        """Predictions (n,)."""
        return self.pipeline.predict(covariates)


class ComponentRegression(RegressorMixin, BaseEstimator):
    """Least squares on the first principal components, as many as are given or as `components_by_loss` finds."""

    def __init__(self, components: int | None = None, features: Features = with_logs) -> None:
        """Keep the number and what makes the columns that the components summarise."""
        self.components = components
        self.features = features

    def fit(self, covariates: ArrayLike, target: ArrayLike, sample_weight: ArrayLike | None = None) -> "ComponentRegression":
        """Fit components without and their coefficients with the weights."""
        number = self.components or components_by_loss(covariates, target, sample_weight, self.features)
        steps = component_steps(number, self.features)
        self.model_ = Featured(make_pipeline(*steps, LinearRegression())).fit(covariates, target, sample_weight)
        return self

    def predict(self, covariates: ArrayLike) -> NDArray[np.float64]:
        """Predictions (n,)."""
        return self.model_.predict(covariates)


def regressor(settings: Settings, seed: int, features: Features = with_logs) -> RegressorMixin:
    """The base model that `settings` describe: `model`, one of MODELS, and those of its settings that differ from the defaults.

    Without a penalty, linear and smooth models choose theirs by leaving single rows out, as components do their number;
    `features` makes the columns of the linear model, and those that the components summarise.
    """
    own = {name: value for name, value in settings.items() if name != "model"}
    if settings["model"] == "linear":
        return Featured(make_pipeline(FunctionTransformer(features), StandardScaler(), _ridge(own)))
    if settings["model"] == "components":
        return ComponentRegression(own.get("components"), features)
    if settings["model"] == "smooth":
        # Even knots on the logarithm, on which skewed covariates spread out. Outside the data the curve stays level.
        splines = SplineTransformer(n_knots=own.get("knots", SMOOTH["knots"]), extrapolation="constant", include_bias=False)
        return Featured(make_pipeline(FunctionTransformer(signed_log1p), splines, StandardScaler(), _ridge(own)))
    if settings["model"] == "boosting":
        return HistGradientBoostingRegressor(**BOOSTING | own, random_state=seed)
    return RandomForestRegressor(**FOREST | own, n_jobs=1, random_state=seed)


def component_steps(components: int | None, features: Features = with_logs) -> tuple[FunctionTransformer, StandardScaler, PCA]:
    """Covariates to their first principal components, all by default: a hundred raw and logged ones repeat each other."""
    return FunctionTransformer(features), StandardScaler(), PCA(components, svd_solver="full")


def components_by_loss(
    covariates: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None, features: Features = with_logs
) -> int:
    """How many of the first principal components predict the target (n,), weighed by `weight` (n,).

    Components come in the order of the covariates' variance, which says nothing of how effects differ: a fixed number of them can
    miss all that there is. So it is the number that predicts best when single rows are left out, where that beats COMPONENTS
    beyond noise: where effects are weak, few components do best. Fits on the first k are nested, so one orthogonal basis has all
    of them, and row i's residual without row i is its residual over one less its leverage.
    Source: Allen (1974), Technometrics 16, 125-127 (PRESS).
    """
    y = np.asarray(target, dtype=float)
    root = np.ones(len(y)) if weight is None else np.sqrt(np.asarray(weight, dtype=float))
    components = make_pipeline(*component_steps(None, features)).fit_transform(covariates)
    components = components[:, : max(1, int(MOST_COMPONENTS * len(y)))]
    components = components[:, components.std(axis=0) > TINY]
    basis, _ = np.linalg.qr(root[:, None] * np.column_stack([np.ones(len(y)), components]))
    fitted = np.cumsum(basis * (basis.T @ (root * y)), axis=1)
    leverage = np.minimum(np.cumsum(np.square(basis), axis=1), 1 - TINY)
    losses = np.square(((root * y)[:, None] - fitted) / (1 - leverage))[:, 1:]
    usual = min(COMPONENTS["components"], components.shape[1])
    best = int(np.argmin(losses.mean(axis=0))) + 1
    gain = losses[:, usual - 1] - losses[:, best - 1]
    return best if gain.mean() > Z * gain.std() / np.sqrt(len(y)) else usual


def _ridge(settings: Settings) -> Ridge | RidgeCV:
    penalty = settings.get("penalty")
    return RidgeCV(PENALTIES) if penalty is None else Ridge(penalty)
