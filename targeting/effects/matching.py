"""Matching on the propensity within trials, with replacement, corrected by the outcome model."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logit

from targeting.stats.estimates import Estimate, standard_error

Vector = NDArray[np.float64]
CALIPER = 0.2  # in standard deviations of the logit propensity (Austin 2011, Pharmaceutical Statistics 10, 150-161)
DECIMALS = 9  # of a logit: propensities closer than that tie on every processor


def matched_weights(treated: ArrayLike, propensity: ArrayLike, trial: ArrayLike) -> tuple[Vector, NDArray[np.bool_]]:
    """How often each control is used, and which treated found one; shape (n,) each.

    A treated row takes the nearest controls of its trial by logit propensity; those equally near share it, as Abadie & Imbens
    (2006) treat ties. Treated rows with no control inside the caliper stay out.
    """
    t, trials = np.asarray(treated) == 1, np.asarray(trial)
    x = logit(np.asarray(propensity, dtype=float)).round(DECIMALS)
    reach = CALIPER * x.std()
    weights, found = np.zeros(len(x)), np.zeros(len(x), dtype=bool)
    for number in np.unique(trials):
        rows, pool = np.flatnonzero(t & (trials == number)), np.flatnonzero(~t & (trials == number))
        if not len(pool):
            continue
        values, place, counts = np.unique(x[pool], return_inverse=True, return_counts=True)
        above = np.searchsorted(values, x[rows]).clip(max=len(values) - 1)
        below = (above - 1).clip(min=0)
        distance = np.abs(values[np.stack([below, above])] - x[rows]).round(DECIMALS)
        nearest = distance.min(axis=0)
        inside = nearest <= reach
        found[rows] = inside
        # Where below and above are one value, it counts once.
        chosen = (distance == nearest) & inside & np.stack([np.ones(len(rows), dtype=bool), above != below])
        shared = (chosen * counts[np.stack([below, above])]).sum(axis=0)
        use = np.zeros(len(values))
        for side, position in enumerate((below, above)):
            np.add.at(use, position[chosen[side]], 1 / shared[chosen[side]])
        weights[pool] = use[place]
    return weights, found


def match_on_propensity(
    outcome: ArrayLike, treated: ArrayLike, propensity: ArrayLike, mu0: ArrayLike, trial: ArrayLike, household_id: ArrayLike
) -> Estimate:
    """Average effect on the treated with a match, each compared with controls of the nearest propensity in its trial.

    The comparison is between residuals Y - mu0, so that what a control differs in is taken out (Abadie & Imbens 2011, Journal of
    Business & Economic Statistics 29, 1-11). The standard error is that of their martingale representation (2012, Journal of
    the American Statistical Association 107, 833-843), clustered; a bootstrap is not valid here. NaN if nobody has a match.
    """
    y, m0 = np.asarray(outcome, dtype=float), np.asarray(mu0, dtype=float)
    weights, found = matched_weights(treated, propensity, trial)
    if not found.any():
        return Estimate(np.nan, np.nan)
    contribution = (found - weights) * (y - m0)
    value = contribution.sum() / found.sum()
    influence = (contribution - value * found) / found.mean()
    return Estimate(float(value), standard_error(influence, household_id))
