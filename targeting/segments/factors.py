"""Household factors: skewed features through log1p, min-max scaling, sparse non-negative matrix factorisation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.optimize import nnls
from scipy.stats import skew
from sklearn.decomposition import NMF

from targeting.base.errors import DataError

Matrix = NDArray[np.float64]
MAX_ITERATIONS = 3000
TOLERANCE = 1e-5
# Every start runs until it is clear where it leads; only the best is carried to the end.
SCREENING = 1e-3
# Keeps the loadings' products invertible where a factor carries nothing and no penalty is set.
SMALLEST_RIDGE = 1e-12
# Starts that end within this of the lowest loss found the same factors; the first of them counts, on every processor the same.
SAME_LOSS = 1e-3
# Amounts of money are logged in units of this share of their median, so that the currency does not matter.
MONEY, UNIT = "monetary_", 0.01


@dataclass(frozen=True)
class FactorSettings:
    """How to factorise: number of factors and of random starts, the skewness above which a feature is logged, and the penalties.

    `penalty_scores` and `penalty_loadings` are sklearn's alpha_W and alpha_H; `l1_ratio` of each penalty makes entries sparse.
    """

    factors: int
    factor_starts: int
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

    `scaling`: one row per feature (feature, logged, unit, minimum, maximum). `loadings`: shape (factors, features), features as
    in `scaling`. `spread`: shape (factors,), the standard deviation of each factor's scores over the households of the fit, so
    that scores are given in standard deviations.
    """

    scaling: pd.DataFrame
    loadings: Matrix
    spread: Matrix
    settings: FactorSettings

    @classmethod
    def from_tables(cls, scaling: pd.DataFrame, loadings: pd.DataFrame, settings: FactorSettings) -> "Factorisation":
        """From what `loadings_table` and `scaling` were stored as."""
        return cls(scaling, loadings[scaling["feature"].tolist()].to_numpy(), loadings["spread"].to_numpy(), settings)

    def loadings_table(self) -> pd.DataFrame:
        """One row per factor: its loadings (a column per feature), factor (F1, F2, ...) and spread."""
        names = [f"F{number}" for number in range(1, len(self.loadings) + 1)]
        return pd.DataFrame(self.loadings, columns=self.scaling["feature"].tolist()).assign(factor=names, spread=self.spread)

    def scale(self, features: pd.DataFrame) -> Matrix:
        """Features in [0, 1], shape (households, features); what lies outside the range seen in the fit is clipped to it."""
        table = self.scaling.set_index("feature")
        values = _log_where(_floored(features[table.index]), table["logged"], table["unit"])
        scaled = (values - table["minimum"]) / (table["maximum"] - table["minimum"])
        return np.clip(scaled.to_numpy(dtype=float), 0.0, 1.0)

    def transform(self, features: pd.DataFrame) -> Matrix:
        """Household factors, shape (households, factors), of any households; each one's do not depend on the others.

        The scores that minimise the penalised loss for these loadings, exactly: with the penalties inside a Cholesky factor of
        the loadings' products it is a non-negative least squares problem of a household's own.
        Source: Lawson & Hanson (1995), Solving Least Squares Problems, chapter 23.
        """
        weight = self.settings.penalty_scores * self.loadings.shape[1]
        ridge = max(weight * (1 - self.settings.l1_ratio), SMALLEST_RIDGE)
        root = np.linalg.cholesky(self.loadings @ self.loadings.T + ridge * np.eye(len(self.loadings)))
        targets = self.scale(features) @ self.loadings.T - weight * self.settings.l1_ratio
        solved = solve_triangular(root, targets.T, lower=True).T
        return np.array([nnls(root.T, target)[0] for target in solved]) / _or_one(self.spread)

    @property
    def directions(self) -> Matrix:
        """The loadings of each factor at Euclidean length 1, shape (factors, features); zeros for a factor without any."""
        return self.loadings / _or_one(np.linalg.norm(self.loadings, axis=1))[:, None]

    @property
    def active(self) -> int:
        """How many factors the penalties leave anything."""
        return int((self.spread > 0).sum())

    def rebuild(self, household_factors: Matrix) -> Matrix:
        """The scaled features that household factors stand for, shape (households, features)."""
        return (household_factors * self.spread) @ self.loadings


def varying_features(features: pd.DataFrame) -> list[str]:
    """The features in which households differ: another tells nothing, as the share of goods that a shop does not sell."""
    return features.columns[_varies(features)].tolist()


def settings_for(settings: FactorSettings, names: Sequence[str]) -> FactorSettings:
    """The settings with no more factors than features; DataError where fewer than two features are left."""
    if len(names) < 2:
        raise DataError(
            f"Of segmentation.features {len(names)} differ between households, and factors need two: name others there, or bring "
            "lines of more households."
        )
    return replace(settings, factors=min(settings.factors, len(names)))


def fit_factors(features: pd.DataFrame, settings: FactorSettings, seed: int) -> Factorisation:
    """Scale features (one row per household) and factorise them; factors are ordered by how much of the features they rebuild.

    Features whose sample skewness exceeds the setting go through log1p first. Of one start from singular vectors (nndsvd)
    and `factor_starts` random ones the factors with the lowest penalised loss are kept: a single start ends in another optimum on
    some resamples.
    Raises DataError for missing or negative values and for a feature with one value, which no scaling makes informative.
    Sources: Lee & Seung (1999), Nature 401, 788-791; Hoyer (2004), Journal of Machine Learning Research 5, 1457-1469, for
    sparseness; Boutsidis & Gallopoulos (2008), Pattern Recognition 41, 1350-1362, for the starts.
    """
    features = _floored(features)
    _require_usable(features)
    logged = pd.Series(skew(features.to_numpy(dtype=float), axis=0) > settings.skewness, index=features.columns)
    unit = pd.Series([_unit(features[name]) for name in features], index=features.columns)
    values = _log_where(features, logged, unit)
    scaling = pd.DataFrame({"logged": logged, "unit": unit, "minimum": values.min(), "maximum": values.max()})
    unscaled = Factorisation(scaling.rename_axis("feature").reset_index(), np.empty((0, 0)), np.empty(0), settings)
    loadings = _best_start(unscaled.scale(features), settings, seed)
    unordered = Factorisation(unscaled.scaling, loadings, np.ones(settings.factors), settings)
    scores = unordered.transform(features)
    order = np.argsort(-np.square(scores).sum(axis=0) * np.square(loadings).sum(axis=1), kind="stable")
    return Factorisation(unscaled.scaling, loadings[order], scores[:, order].std(axis=0), settings)


def factor_shares(household_factors: Matrix) -> Matrix:
    """What share of a household's profile each factor makes, shape (households, factors): squared scores over their sum.

    The squared cosine between a household and a factor's axis, as correspondence analysis rates how well an axis represents a
    point. Rows sum to 1; a household without any factor has zeros.
    Source: Greenacre (2017), Correspondence Analysis in Practice, chapter 11.
    """
    squares = np.square(household_factors)
    return squares / _or_one(squares.sum(axis=1))[:, None]


def explained_variance(scaled: Matrix, rebuilt: Matrix) -> float:
    """1 - var(residual) / var(X) over all entries: the reference study's definition, against one grand mean."""
    return float(1 - np.var(scaled - rebuilt) / np.var(scaled))


def explained_variance_columns(scaled: Matrix, rebuilt: Matrix) -> float:
    """1 - residual sum of squares / sum of squares around each column's mean: what the factors add to the means."""
    return float(1 - np.square(scaled - rebuilt).sum() / np.square(scaled - scaled.mean(axis=0)).sum())


def explained_by_feature(scaled: Matrix, rebuilt: Matrix, names: Sequence[str]) -> pd.DataFrame:
    """One row per feature: feature, and 1 - residual sum of squares / sum of squares around its own mean (explained_variance).

    Negative where the factors rebuild the feature worse than its mean does.
    """
    residual = np.square(scaled - rebuilt).sum(axis=0)
    return pd.DataFrame(
        {"feature": names, "explained_variance": 1 - residual / np.square(scaled - scaled.mean(axis=0)).sum(axis=0)}
    )


def penalised_loss(scaled: Matrix, scores: Matrix, loadings: Matrix, settings: FactorSettings) -> float:
    """What the factorisation minimises: half the squared residuals plus the penalties, weighed as sklearn weighs them.

    Shapes (households, features), (households, factors), (factors, features).
    """
    households, features = scaled.shape
    residual = 0.5 * np.square(scaled - scores @ loadings).sum()
    return float(
        residual
        + features * settings.penalty_scores * _penalty(scores, settings.l1_ratio)
        + households * settings.penalty_loadings * _penalty(loadings, settings.l1_ratio)
    )


def _penalty(entries: Matrix, l1_ratio: float) -> float:
    return float(l1_ratio * entries.sum() + 0.5 * (1 - l1_ratio) * np.square(entries).sum())


def _best_start(scaled: Matrix, settings: FactorSettings, seed: int) -> Matrix:
    """Loadings of the start that ends lowest; of starts that end the same, the first."""
    starts = [("nndsvd", seed), *(("random", seed + number) for number in range(settings.factor_starts))]
    fits = []
    for start, number in starts:
        model = _model(settings, start, number, SCREENING)
        scores = model.fit_transform(scaled)
        fits.append((penalised_loss(scaled, scores, model.components_, settings), scores, model.components_))
    lowest = min(loss for loss, *_ in fits)
    scores, loadings = next((scores, loadings) for loss, scores, loadings in fits if loss <= lowest * (1 + SAME_LOSS))
    model = _model(settings, "custom", seed, TOLERANCE)
    model.fit(scaled, W=scores, H=loadings)
    return model.components_


def _model(settings: FactorSettings, start: str, seed: int, tolerance: float) -> NMF:
    return NMF(
        settings.factors,
        init=start,
        alpha_W=settings.penalty_scores,
        alpha_H=settings.penalty_loadings,
        l1_ratio=settings.l1_ratio,
        random_state=seed,
        max_iter=MAX_ITERATIONS,
        tol=tolerance,
    )


def _unit(column: pd.Series) -> float:
    """In what unit a feature is logged: 1, and for money a share of the median of what is positive."""
    positive = column[column > 0]
    return float(UNIT * positive.median()) if str(column.name).startswith(MONEY) and len(positive) else 1.0


def _log_where(features: pd.DataFrame, logged: pd.Series, unit: pd.Series) -> pd.DataFrame:
    return features.apply(
        lambda column: np.log1p(column / unit[str(column.name)]) if logged[str(column.name)] else column.astype(float)
    )


def _floored(features: pd.DataFrame) -> pd.DataFrame:
    """The features with money below zero, of who brought back more than was bought, at zero: factors know no less."""
    return features.assign(**{name: features[name].clip(lower=0) for name in features if str(name).startswith(MONEY)})


def _varies(features: pd.DataFrame) -> NDArray[np.bool_]:
    """By feature, whether any household has another value than the first, or none where the first has one."""
    values = features.to_numpy(dtype=float)
    alike = (values == values[:1]) | (np.isnan(values) & np.isnan(values[:1]))
    return ~alike.all(axis=0)


def _or_one(values: Matrix) -> Matrix:
    """The values with 1 in place of 0, to divide by."""
    return np.where(values > 0, values, 1.0)


def _require_usable(features: pd.DataFrame) -> None:
    problems = {
        "missing values": features.columns[features.isna().any()],
        "negative values": features.columns[(features < 0).any()],
        "one value for all households": features.columns[~_varies(features)],
    }
    for problem, names in problems.items():
        if len(names):
            raise DataError(f"Features with {problem}: {', '.join(names)}. Leave them out of segmentation.features.")
