"""Household factors: skewed features through log1p, min-max scaling, sparse non-negative matrix factorisation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import skew
from sklearn.decomposition import NMF

from targeting.errors import DataError

Matrix = NDArray[np.float64]
MAX_ITERATIONS = 3000
TOLERANCE = 1e-5


@dataclass(frozen=True)
class FactorSettings:
    """How to factorise: number of factors, the skewness above which a feature is logged, and the penalties.

    `penalty_scores` and `penalty_loadings` are sklearn's alpha_W and alpha_H; `l1_ratio` of each penalty makes entries sparse.
    """

    factors: int
    skewness: float
    penalty_scores: float
    penalty_loadings: float
    l1_ratio: float

    @classmethod
    def from_params(cls, segmentation: Mapping[str, Any]) -> "FactorSettings":
        """From the `segmentation` section of params.yaml."""
        return cls(**{field.name: segmentation[field.name] for field in fields(cls)})


@dataclass(frozen=True)
class Factorisation:
    """A fitted factorisation, all of it in two tables, so that it can be stored without pickling.

    `scaling`: one row a feature (feature, logged, minimum, maximum). `loadings`: shape (factors, features), features as in
    `scaling`. A factor's scores are given for loadings of Euclidean length 1, so that the factors' sizes can be compared.
    """

    scaling: pd.DataFrame
    loadings: Matrix
    settings: FactorSettings

    def scale(self, features: pd.DataFrame) -> Matrix:
        """Features in [0, 1], shape (households, features); what lies outside the range seen in the fit is clipped to it."""
        table = self.scaling.set_index("feature")
        values = _log_where(features[table.index], table["logged"])
        scaled = (values - table["minimum"]) / (table["maximum"] - table["minimum"])
        return np.clip(scaled.to_numpy(dtype=float), 0.0, 1.0)

    def transform(self, features: pd.DataFrame) -> Matrix:
        """Household factors, shape (households, factors), of any household: penalised non-negative least squares."""
        model = _model(self.settings, seed=0)
        model.components_ = self.loadings
        model.n_components_, model.n_features_in_ = self.loadings.shape
        return model.transform(self.scale(features)) * self.lengths

    @property
    def lengths(self) -> Matrix:
        """Euclidean length of each factor's loadings, shape (factors,)."""
        return np.linalg.norm(self.loadings, axis=1)

    def rebuild(self, household_factors: Matrix) -> Matrix:
        """The scaled features that household factors stand for, shape (households, features)."""
        return (household_factors / np.where(self.lengths > 0, self.lengths, 1.0)) @ self.loadings


def fit_factors(features: pd.DataFrame, settings: FactorSettings, seed: int) -> Factorisation:
    """Scale features (one row a household) and factorise them; factors are ordered by how much of the features they rebuild.

    Features whose sample skewness exceeds the setting go through log1p first. The start (nndsvd) is deterministic up to the
    seed of its singular value decomposition.
    Raises DataError for missing or negative values and for a feature with one value, which no scaling makes informative.
    Sources: Lee & Seung (1999), Nature 401, 788-791; Hoyer (2004), Journal of Machine Learning Research 5, 1457-1469, for
    sparseness; Boutsidis & Gallopoulos (2008), Pattern Recognition 41, 1350-1362, for the start.
    """
    _require_usable(features)
    logged = pd.Series(skew(features.to_numpy(dtype=float), axis=0) > settings.skewness, index=features.columns)
    values = _log_where(features, logged)
    scaling = pd.DataFrame({"logged": logged, "minimum": values.min(), "maximum": values.max()})
    unordered = Factorisation(scaling.rename_axis("feature").reset_index(), np.empty((0, 0)), settings)
    model = _model(settings, seed)
    scores = model.fit_transform(unordered.scale(features))
    rebuilt = np.square(scores).sum(axis=0) * np.square(model.components_).sum(axis=1)
    order = np.argsort(-rebuilt, kind="stable")
    return Factorisation(unordered.scaling, model.components_[order], settings)


def explained_variance(scaled: Matrix, rebuilt: Matrix) -> float:
    """1 - var(residual) / var(X) over all entries: the reference study's definition, against one grand mean."""
    return float(1 - np.var(scaled - rebuilt) / np.var(scaled))


def explained_variance_columns(scaled: Matrix, rebuilt: Matrix) -> float:
    """1 - residual sum of squares / sum of squares around each column's mean: what the factors add to the means."""
    return float(1 - np.square(scaled - rebuilt).sum() / np.square(scaled - scaled.mean(axis=0)).sum())


def select_factors(features: pd.DataFrame, numbers: Sequence[int], settings: FactorSettings, seed: int) -> pd.DataFrame:
    """One row a number of factors, each fitted anew.

    Columns: n_factors, both explained variances, n_active (factors that the penalties leave anything), reconstruction_error
    (Frobenius norm), and the shares of zeros among scores and loadings (sparsity_*).
    """
    rows = []
    for number in numbers:
        fitted = fit_factors(features, replace(settings, factors=number), seed)
        scaled, scores = fitted.scale(features), fitted.transform(features)
        rebuilt = fitted.rebuild(scores)
        rows.append(
            {
                "n_factors": number,
                "explained_variance": explained_variance(scaled, rebuilt),
                "explained_variance_columns": explained_variance_columns(scaled, rebuilt),
                "n_active": int((fitted.lengths > 0).sum()),
                "reconstruction_error": float(np.linalg.norm(scaled - rebuilt)),
                "sparsity_scores": float((scores == 0).mean()),
                "sparsity_loadings": float((fitted.loadings == 0).mean()),
            }
        )
    return pd.DataFrame(rows)


def _model(settings: FactorSettings, seed: int) -> NMF:
    return NMF(
        settings.factors,
        init="nndsvd",
        alpha_W=settings.penalty_scores,
        alpha_H=settings.penalty_loadings,
        l1_ratio=settings.l1_ratio,
        random_state=seed,
        max_iter=MAX_ITERATIONS,
        tol=TOLERANCE,
    )


def _log_where(features: pd.DataFrame, logged: pd.Series) -> pd.DataFrame:
    return features.apply(lambda column: np.log1p(column) if logged[str(column.name)] else column)


def _require_usable(features: pd.DataFrame) -> None:
    problems = {
        "missing values": features.columns[features.isna().any()],
        "negative values": features.columns[(features < 0).any()],
        "one value for all households": features.columns[features.nunique(dropna=False) < 2],
    }
    for problem, names in problems.items():
        if len(names):
            raise DataError(f"Features with {problem}: {', '.join(names)}. Leave them out of segmentation.features.")
