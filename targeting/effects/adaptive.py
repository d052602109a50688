"""One average effect over several campaigns by lot, whose chances may follow what earlier ones showed."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from targeting.stats.estimates import Estimate, ratio_estimate

Vector = NDArray[np.float64]


def stable_weights(propensity: ArrayLike, campaign: ArrayLike) -> Vector:
    """What each row, shape (n,), counts: by campaign 1 / sqrt(mean of 1 / (e (1 - e))) over its rows, by the logged chances.

    That is about one over the standard deviation of the campaign's scores, and is known before the campaign is: a weight that
    follows its outcomes would not leave the average in place. Weights of one over the variance are narrower, and count campaigns
    most whose chances had become uneven for what chance had shown: then too few intervals hold the truth.
    Source: Zhan, Hadad, Hirshberg & Athey (2021), Off-policy evaluation via adaptive weighting with data from contextual bandits,
    KDD '21, weights StableVar, after Hadad, Hirshberg, Zhan, Wager & Athey (2021), PNAS 118(15), section on variance
    stabilisation.
    """
    e, own = np.asarray(propensity, dtype=float), np.asarray(campaign)
    _, codes = np.unique(own, return_inverse=True)
    spread = np.bincount(codes, 1 / (e * (1 - e))) / np.bincount(codes)
    return 1 / np.sqrt(spread[codes])


def over_campaigns(score: ArrayLike, weights: ArrayLike, household_id: ArrayLike) -> Estimate:
    """The mean of the doubly robust scores, shape (n,), by `stable_weights`, with its standard error clustered by household.

    Where effects differ between campaigns it is their mean by these weights.
    """
    w = np.asarray(weights, dtype=float)
    return ratio_estimate(w * np.asarray(score, dtype=float), w, household_id)
