"""Targeted minimum loss estimation of the average effect: the outcome model is moved until its scores sum to zero."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM

from targeting.stats.estimates import Estimate, standard_error

Vector = NDArray[np.float64]
MARGIN = 0.001  # predictions on the unit scale stay this far from 0 and 1, where the logit ends


def targeted_estimate(
    outcome: ArrayLike, treated: ArrayLike, propensity: ArrayLike, mu0: ArrayLike, mu1: ArrayLike, household_id: ArrayLike
) -> Estimate:
    """Average effect over all rows, shape (n,) each; money in USD.

    The outcome is brought to [0, 1] by its own range; each arm's prediction is shifted on the logit scale by weighted
    logistic regression with weights 1 / e or 1 / (1 - e), so that no prediction leaves the range of what was seen. The standard
    error is that of the efficient influence function at the moved predictions, clustered. A constant outcome has effect 0.
    Source: Gruber & van der Laan (2010), The International Journal of Biostatistics 6(1), article 26.
    """
    y, t, e = (np.asarray(values, dtype=float) for values in (outcome, treated, propensity))
    low, width = y.min(), np.ptp(y)
    if width == 0:
        return Estimate(0.0, 0.0)
    unit = (y - low) / width
    moved = []
    for prediction, arm, weight in ((mu0, 1 - t, (1 - t) / (1 - e)), (mu1, t, t / e)):
        offset = logit(np.clip((np.asarray(prediction, dtype=float) - low) / width, MARGIN, 1 - MARGIN))
        moved.append(low + width * expit(offset + _shift(unit, offset, weight, arm == 1)))
    m0, m1 = moved
    score = m1 - m0 + t * (y - m1) / e - (1 - t) * (y - m0) / (1 - e)
    value = float((m1 - m0).mean())
    return Estimate(value, standard_error(score - score.mean(), household_id))


def _shift(unit: Vector, offset: Vector, weight: Vector, arm: NDArray[np.bool_]) -> float:
    """The intercept that fits the arm's outcomes beside the offset."""
    model = GLM(unit[arm], np.ones((arm.sum(), 1)), family=Binomial(), offset=offset[arm], var_weights=weight[arm])
    return float(model.fit(tol=1e-12, maxiter=100).params[0])
