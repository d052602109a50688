"""One effect from lots and from observed campaigns: lots correct what observation may have got wrong.

Lots say what mailing did to those who took part, without bias and with few households; observed campaigns say it precisely, and
wrong by a bias that nobody knows: a hidden reason, other households, another season. The bias is taken as normal around nothing
with an unknown spread, and the spread as half-Cauchy: what is learned of it is how far the two estimates lie apart, measured by
what chance alone would do. Where they agree, most of the weight goes to the more precise; where they do not, to the lots.

In between the posterior is skewed, with a tail towards the lots: its interval ends at the quantiles, where the mean and 1.96
standard deviations would hold the truth less often.

Sources: Rosenman, Basse, Owen & Baiocchi (2023), Combining observational and experimental datasets using shrinkage estimators,
Biometrics 79, 2961-2973, for shrinking one towards the other by how far they lie apart; Polson & Scott (2012), On the
half-Cauchy prior for a global scale parameter, Bayesian Analysis 7, 887-902, for the spread.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from targeting.stats.estimates import CONFIDENCE, SkewedEstimate

Vector = NDArray[np.float64]
# The half-Cauchy's scale where an interval is to hold whatever the bias, in standard errors of the difference. A smaller one
# trusts observed campaigns more, and is wrong more often where their bias is two or three standard errors of the lots, too small
# to be seen: at 3 its intervals hold there 91% of the time, at 8 93%.
SCALE = 8.0
FAR = 9.0  # standard deviations: beyond them lies nothing
# Spreads of the bias that are weighed, beside none: from this part of the scale to so many standard errors of the difference.
LEAST, MOST, STEPS = 0.0025, 200.0, 120


@dataclass(frozen=True)
class Joined:
    """The joined estimate (posterior mean, standard deviation and quantiles), and the observed campaigns' share in it, 0 to 1."""

    estimate: SkewedEstimate
    observed: float


def join(lots: float, observed: float, covariance: ArrayLike, scale: float | None = None, most: float = np.inf) -> Joined:
    """Both estimates in one, of the effect on those whom lots decided on.

    `covariance` (2, 2) is that of the two, in this order: they share households. `scale` is the half-Cauchy's, by default SCALE,
    and `most` the largest spread of the bias, both in the estimates' unit: what is held for likely before lots speak. Raises
    ValueError unless the covariance is positive.
    """
    (v, c), (_, o) = np.asarray(covariance, dtype=float)
    apart = v + o - 2 * c  # variance of the difference
    if not (v > 0 and apart > 0):
        raise ValueError("Lots and observed campaigns need standard errors above 0, and cannot be the same rows.")
    unit = SCALE * np.sqrt(apart) if scale is None else scale
    spread, prior = bias_prior(float(np.sqrt(apart)), float(unit), most)
    total = apart + np.square(spread)
    likelihood = -0.5 * (np.log(total) + (observed - lots) ** 2 / total)
    weight = prior * np.exp(likelihood - likelihood.max())
    weight = weight / weight.sum()
    # Given the spread: the weights of least variance, and the variance that they leave.
    share = (v - c) / total
    means, variances = lots + share * (observed - lots), v - np.square(v - c) / total
    mean = float(weight @ means)
    sd = float(np.sqrt(weight @ (variances + np.square(means - mean))))
    lower, upper = (_quantile(level, weight, means, np.sqrt(variances)) for level in (0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2))
    return Joined(SkewedEstimate(mean, sd, (lower, upper)), float(weight @ share))


def bias_prior(apart: float, scale: float, most: float = np.inf) -> tuple[Vector, Vector]:
    """Spreads of the observed estimate's bias (m,), ascending from 0, and their weights (m,) by a half-Cauchy of this `scale`.

    `apart` is the standard error of the difference of the two estimates, `most` the largest spread, all in the estimates' unit.
    """
    grid = np.concatenate([[0.0], np.geomspace(LEAST, min(MOST * apart, most) / scale, STEPS)])
    steps = np.diff(grid, prepend=0.0, append=grid[-1])
    weight = (steps[:-1] + steps[1:]) / (1 + np.square(grid))  # by trapezoids
    return grid * scale, weight


def _quantile(level: float, weight: Vector, means: Vector, sds: Vector) -> float:
    """Of a mixture of normal distributions (m,)."""
    from scipy.optimize import brentq  # here, as beliefs need no quantile where no lots came back, and most stages have beliefs

    far = FAR * sds.max()
    return float(brentq(lambda x: weight @ ndtr((x - means) / sds) - level, means.min() - far, means.max() + far))
