"""Lots against what they gave: whether known chances of being treated leave as many treated as there are."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import chdtrc, expit, logit, ndtr

SINGULAR = 1.0  # a count that is less than this off its mean is nothing odd, and the formula divides by how far off it is


def sample_ratio_p(mailed: ArrayLike, propensity: ArrayLike) -> float:
    """How likely lots with these chances (n,) leave at least as odd a number of mailed (n,); NaN where a chance is not known.

    (sum T - sum e)^2 / sum e (1 - e) is chi-squared with one degree of freedom; with one chance for all it is Pearson's test of
    the two counts. A draw that balances arms within strata comes nearer than this on purpose.
    Source: Fabijan et al. (2019), Diagnosing sample ratio mismatch in online controlled experiments, KDD.
    """
    t, e = np.asarray(mailed, dtype=float), np.asarray(propensity, dtype=float)
    if np.isnan(e).any():
        return float("nan")
    return float(chdtrc(1, (t.sum() - e.sum()) ** 2 / (e * (1 - e)).sum()))


def rare_count_p(treated: ArrayLike, chance: ArrayLike) -> float:
    """As `sample_ratio_p`, for the far tail: twice the chance of a count that is as far off on its side; inputs (n,), all known.

    What refuses a table must hold where chances are small too: of 1,000 lots with a chance of 1 in 1,000 six or more are drawn
    once in 1,700 times, which the normal law above takes for once in two million. This is the saddlepoint approximation of the
    sum's tail, within a tenth of the exact one; where all or none are treated it is exact.
    Source: Lugannani & Rice (1980), Advances in Applied Probability 12, 475-490; Daniels (1987), International Statistical
    Review 55, 37-48, for counts (his first continuity correction).
    """
    t, e = np.asarray(treated, dtype=float), np.asarray(chance, dtype=float)
    if t.sum() < e.sum():
        t, e = 1 - t, 1 - e
    count, (values, times) = t.sum(), np.unique(e, return_counts=True)
    if count == len(e):
        return float(min(1.0, 2 * np.exp(times @ np.log(values))))
    if count - e.sum() < SINGULAR:
        return 1.0
    odds = logit(values)
    # Even the smallest chance, tilted to count / n, gives the count, so that the root lies before that.
    most = logit(count / len(e)) - odds.min() + 1
    tilt = float(brentq(lambda by: times @ expit(odds + by) - count, 0.0, most, xtol=1e-12))
    tilted = expit(odds + tilt)
    w = np.sqrt(2 * max(tilt * count - times @ np.log1p(values * np.expm1(tilt)), 0.0))
    u = -np.expm1(-tilt) * np.sqrt(times @ (tilted * (1 - tilted)))
    tail = ndtr(-w) + np.exp(-w * w / 2) / np.sqrt(2 * np.pi) * (1 / u - 1 / w)
    return float(min(1.0, 2 * tail))
