"""How much of an outcome is noise, row by row: where spend is large, so is what no covariate explains of it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import GammaRegressor

from targeting.base.columns import outcomes_of
from targeting.nuisance.cross_fit import observed_arm
from targeting.stats.units import unit_of

Vector = NDArray[np.float64]
PENALTY = 1e-3  # on coefficients of standardised columns: enough for a unique solution, too little to see
# Of the mean squared residual: rows whose outcome is known, as of those that never buy, would have no noise and all the weight.
FLOOR = 1e-3


def outcome_variance(outcome: Vector, predicted: Vector, mean: Vector, learn: NDArray[np.bool_] | None = None) -> Vector:
    """Variance of the outcome given covariates and arm, shape (rows,), in squared units of the outcome.

    `predicted` is the outcome's mean given covariates and arm, `mean` the one whatever the arm, both by models that did not see
    the row; `learn` are the rows to learn from, all by default. A gamma regression with a logarithmic link of the squared
    residuals on the logarithm of the mean in units (see `unit_of`) and its square: right about the mean of the squares, whatever
    their own law. Source: Davidian & Carroll (1987), Variance function estimation, Journal of the American Statistical
    Association 82, 1079-1091.
    """
    rows = np.ones(len(outcome), dtype=bool) if learn is None else learn
    unit = unit_of(outcome[rows])
    squares = np.square((outcome - predicted) / unit)
    size = np.log1p(np.maximum(mean / unit, 0.0))
    columns = np.column_stack([size, np.square(size)])
    centre, spread, least = columns[rows].mean(axis=0), columns[rows].std(axis=0), FLOOR * squares[rows].mean()
    if least == 0:
        return np.ones(len(outcome))  # all is known, and no row better than another
    standard = (columns - centre) / np.where(spread > 0, spread, 1.0)
    model = GammaRegressor(alpha=PENALTY, tol=1e-9, max_iter=1000)
    model.fit(standard[rows], np.maximum(squares[rows], least))
    return np.maximum(model.predict(standard), least) * unit**2


def score_precision(panel: pd.DataFrame, nuisance: pd.DataFrame, outcome: str) -> Vector:
    """One over the variance of each row's doubly robust score of the effect (rows,), given covariates; cross-fitted by fold.

    The score's is variance / (e (1 - e)) where both arms are as noisy. A weight that depends on covariates alone leaves the mean
    of scores given covariates as it is, and this one makes the most of them.
    """
    treated, fold, e = (table[name].to_numpy() for table, name in ((panel, "treated"), (panel, "fold"), (nuisance, "propensity")))
    predicted = observed_arm(treated, nuisance[f"mu0_{outcome}"], nuisance[f"mu1_{outcome}"])
    arrays = panel[outcome].to_numpy(dtype=float), predicted, nuisance[f"mean_{outcome}"].to_numpy(dtype=float)
    variance = np.empty(len(panel))
    for number in np.unique(fold):
        variance[fold == number] = outcome_variance(*arrays, learn=fold != number)[fold == number]
    return e * (1 - e) / variance


def with_precision(panel: pd.DataFrame, nuisance: pd.DataFrame, outcomes: Sequence[str] | None = None) -> pd.DataFrame:
    """The nuisances with a column precision_* per outcome, by which to average its scores (see `score_precision`).

    `outcomes` are all of the panel's by default.
    """
    names = outcomes_of(panel.columns) if outcomes is None else outcomes
    return nuisance.assign(**{f"precision_{outcome}": score_precision(panel, nuisance, outcome) for outcome in names})
