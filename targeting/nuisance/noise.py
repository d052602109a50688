"""How much of an outcome is noise, row by row: where spend is large, so is what no covariate explains of it."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import GammaRegressor

Vector = NDArray[np.float64]
PENALTY = 1e-3  # on coefficients of standardised columns: enough for a unique solution, too little to see
# Of the mean squared residual: rows whose outcome is known, as of those that never buy, would have no noise and all the weight.
FLOOR = 1e-3


def outcome_variance(panel: pd.DataFrame, nuisance: pd.DataFrame, outcome: str) -> Vector:
    """Variance of the outcome given covariates and arm, shape (rows,), in squared units of the outcome; cross-fitted by fold.

    A gamma regression with a logarithmic link of the squared residuals on the logarithm of the predicted outcome and its square:
    it is right about the mean of the squares, whatever their own law. Source: Davidian & Carroll (1987), Variance function
    estimation, Journal of the American Statistical Association 82, 1079-1091.
    """
    treated, fold = panel["treated"].to_numpy(), panel["fold"].to_numpy()
    predicted = np.where(treated == 1, nuisance[f"mu1_{outcome}"], nuisance[f"mu0_{outcome}"])
    squares = np.square(panel[outcome].to_numpy(dtype=float) - predicted)
    size = np.log1p(np.maximum(nuisance[f"mean_{outcome}"].to_numpy(dtype=float), 0.0))
    columns = np.column_stack([size, np.square(size)])
    variance = np.empty(len(panel))
    for number in np.unique(fold):
        learn = fold != number
        centre, spread, least = columns[learn].mean(axis=0), columns[learn].std(axis=0), FLOOR * squares[learn].mean()
        standard = (columns - centre) / np.where(spread > 0, spread, 1.0)
        model = GammaRegressor(alpha=PENALTY, solver="newton-cholesky")
        model.fit(standard[learn], np.maximum(squares[learn], least))
        variance[~learn] = np.maximum(model.predict(standard[~learn]), least)
    return variance


def precision(propensity: Vector, variance: Vector) -> Vector:
    """One over the variance of each row's doubly robust score of the effect (rows,), from the outcome's given covariates.

    The score's is variance / (e (1 - e)) where both arms are as noisy. A weight that depends on covariates alone leaves the mean
    of scores given covariates as it is, and this one makes the most of them.
    """
    return propensity * (1 - propensity) / variance
