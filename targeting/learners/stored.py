"""Stored nuisances as first-stage models: econml's estimators then fit their final stage alone.

econml hands its first-stage models the covariates and the confounders side by side. The confounders that it gets from us are the
stored nuisances, propensity, mean, mu0 and mu1 in this order, and the models read their column, counted from the end. Weights are
for the final stage: nothing here is fitted.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

PROPENSITY, MEAN = -4, -3


class StoredMean(RegressorMixin, BaseEstimator):
    """Predicts what its column says."""

    def __init__(self, column: int) -> None:
        """Keep the column's number."""
        self.column = column

    def fit(self, covariates: ArrayLike, target: ArrayLike, sample_weight: ArrayLike | None = None) -> "StoredMean":
        """Nothing to learn."""
        self.fitted_ = True
        return self

    def predict(self, covariates: ArrayLike) -> NDArray[np.float64]:
        """The column (n,)."""
        return np.asarray(covariates, dtype=float)[:, self.column]


class StoredPropensity(ClassifierMixin, BaseEstimator):
    """A classifier of treatment whose probability is its column."""

    def __init__(self, column: int) -> None:
        """Keep the column's number."""
        self.column = column

    def fit(self, covariates: ArrayLike, treated: ArrayLike, sample_weight: ArrayLike | None = None) -> "StoredPropensity":
        """Nothing to learn but the classes."""
        self.classes_ = np.unique(treated)
        return self

    def predict_proba(self, covariates: ArrayLike) -> NDArray[np.float64]:
        """Probabilities (n, 2) of control and treated."""
        probability = np.asarray(covariates, dtype=float)[:, self.column]
        return np.column_stack([1 - probability, probability])

    def predict(self, covariates: ArrayLike) -> NDArray[np.int64]:
        """The more probable arm (n,)."""
        return self.classes_[self.predict_proba(covariates).argmax(axis=1)]


class StoredArms(RegressorMixin, BaseEstimator):
    """Predicts mu1 where the last column, the treatment that econml appends, is 1, and mu0 elsewhere."""

    def fit(self, covariates: ArrayLike, outcome: ArrayLike, sample_weight: ArrayLike | None = None) -> "StoredArms":
        """Nothing to learn."""
        self.fitted_ = True
        return self

    def predict(self, covariates: ArrayLike) -> NDArray[np.float64]:
        """The column of the row's arm (n,)."""
        values = np.asarray(covariates, dtype=float)
        return np.where(values[:, -1] == 1, values[:, -2], values[:, -3])
