"""Profit by share contacted, in closed form: the curve, its covariance clustered by household, its bands and its maximum.

Contacting the first k rows of an order earns the sum of their profits, so a curve is a cumulative sum, and the covariance of its
points follows from what each household adds between one share and the next. No resampling: one sparse product.
Source: Sverdrup, Wu, Athey & Wager (2025), Qini curves for multi-armed treatment rules, Journal of Computational and Graphical
Statistics, whose curve (gain by spend, one arm) is this one's gain before its cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from targeting.policy.economics import Economics
from targeting.policy.value import Evidence, profits
from targeting.stats.estimates import CONFIDENCE, Estimate, Z
from targeting.stats.joint import critical_value, normal_errors

Vector = NDArray[np.float64]
Order = NDArray[np.int64]
SHARES = np.round(np.linspace(0.0, 1.0, 101), 2)
# Two orders that have contacted the same rows differ by nothing; what their variances leave of each other is rounding.
ROUNDING = 1e-10
DRAWS = 4000  # of a whole curve: leaves 0.02 of simulation error in how many standard errors its band reaches
PEAK = ("share", "share_lower", "share_upper", "value", "value_lower", "value_upper")
SMALLEST = 0.05  # below this share an ROI rests on a handful of contacts, and its maximum would sit there by chance


@dataclass(frozen=True)
class Cumulative:
    """Means over all rows of what the first share of each order adds up to, shape (curves, shares), and their covariance.

    The covariance has shape (curves, shares, curves, shares).
    """

    shares: Vector
    means: Vector
    covariance: Vector

    def block(self, first: int, second: int) -> Vector:
        """Covariance (shares, shares) of two curves' points."""
        return self.covariance[first, :, second, :]


def cumulative(
    values: Sequence[Vector], orders: Sequence[Order], household_id: NDArray[np.int64], shares: Vector = SHARES
) -> Cumulative:
    """For each of `values` (rows,), the mean over all rows of its sum over the first share of its order, at every share.

    A share is rounded to whole rows. Clustered by household as in targeting.stats.estimates: (C / (C - 1)) sum of households'
    squared deviations / n^2, for the order as given. Source: Liang & Zeger (1986).
    """
    n, n_shares = len(household_id), len(shares)
    households, codes = np.unique(household_id, return_inverse=True)
    counts = np.rint(shares * n).astype(np.int64)
    columns = []
    for number, order in enumerate(orders):
        rank = np.empty(n, dtype=np.int64)
        rank[order] = np.arange(n)
        # The first share that includes the row; rows beyond the last share get a column of their own, dropped below.
        columns.append(np.searchsorted(counts, rank, side="right") + number * (n_shares + 1))
    entries = (np.concatenate(list(values)), (np.tile(codes, len(orders)), np.concatenate(columns)))
    added = csr_array(entries, shape=(len(households), len(orders) * (n_shares + 1)))

    def accumulate(sums: Vector, axis: int) -> Vector:
        return np.cumsum(np.delete(sums, n_shares, axis=axis), axis=axis)

    form = (len(orders), n_shares + 1)
    size = np.bincount(codes).astype(float)
    totals = accumulate(np.asarray(added.sum(axis=0)).reshape(form), 1)
    crossed = accumulate((added.T @ size).reshape(form), 1)
    squares = accumulate(accumulate((added.T @ added).toarray().reshape(form * 2), 1), 3)
    means = totals / n
    both = np.multiply.outer(means, crossed)
    centred = squares - both - both.transpose(2, 3, 0, 1) + np.multiply.outer(means, means) * np.square(size).sum()
    return Cumulative(shares, means, centred * len(size) / (len(size) - 1) / n**2)


def profit_and_spend(order: Order, evidence: Evidence, economics: Economics, shares: Vector = SHARES) -> Cumulative:
    """The curves of off-policy profit (first) and of what the contacts cost (second), in USD per row."""
    everybody = np.ones(len(order))
    cost = everybody * economics.cost
    return cumulative([profits(everybody, evidence.score, economics), cost], [order, order], evidence.household_id, shares)


def _standard_errors(covariance: Vector) -> Vector:
    return np.sqrt(np.clip(np.diag(covariance), 0.0, None))


def roi_curve(
    order: Order, promised: Vector, evidence: Evidence, economics: Economics, seed: int = 0, shares: Vector = SHARES
) -> pd.DataFrame:
    """Profit per row by share contacted in this order, at every whole percent.

    `promised` are the effects that made the order. Columns: share, profit, profit_ci_lower, profit_ci_upper (pointwise 95%),
    profit_band_lower, profit_band_upper (uniform: 95% for the whole curve), profit_plugin, roi with its interval (missing at
    share 0 or where nothing is spent), and share_outside: which part of the contacts lies outside the overlap, where profits are
    extrapolated.
    """
    curves = profit_and_spend(order, evidence, economics, shares)
    profit, se = curves.means[0], _standard_errors(curves.block(0, 0))
    roi, roi_covariance = roi_of(curves)
    roi_se = _standard_errors(roi_covariance)
    critical = critical_value(curves.block(0, 0), seed, DRAWS)
    counts = np.rint(shares * len(order)).astype(int)
    plugin = np.concatenate([[0.0], np.cumsum(profits(np.ones(len(order)), promised, economics)[order])])[counts] / len(order)
    outside = np.concatenate([[0], np.cumsum(~evidence.overlap[order])])[counts]
    return pd.DataFrame(
        {
            "share": shares,
            "profit": profit,
            "profit_ci_lower": profit - Z * se,
            "profit_ci_upper": profit + Z * se,
            "profit_plugin": plugin,
            "roi": roi,
            "share_outside": outside / np.maximum(counts, 1),
            "profit_band_lower": profit - critical * se,
            "profit_band_upper": profit + critical * se,
            "roi_ci_lower": roi - Z * roi_se,
            "roi_ci_upper": roi + Z * roi_se,
        }
    )


def roi_of(curves: Cumulative) -> tuple[Vector, Vector]:
    """Profit per USD spent at each share, and its covariance by the delta method; NaN and 0 where nothing is spent."""
    profit, spend = curves.means
    some = spend > 0
    roi = np.divide(profit, spend, out=np.full(len(profit), np.nan), where=some)
    ratio, scale = np.where(some, roi, 0.0), np.divide(1.0, spend, out=np.zeros(len(spend)), where=some)
    mixed = curves.block(0, 1) * ratio  # covariance of profit at the row's share with roi times spend at the column's
    covariance = curves.block(0, 0) - mixed - mixed.T + curves.block(1, 1) * np.outer(ratio, ratio)
    return roi, covariance * np.outer(scale, scale)


def peak(shares: Vector, values: Vector, covariance: Vector, seed: int) -> dict[str, float]:
    """Where a curve is highest, by the keys of PEAK.

    The share's interval holds the middle 95% of the shares at which curves drawn around this one (normal, with its covariance)
    peak; the value's is the uniform band's at the peak, which holds although the peak was chosen by looking. Of equals the
    smallest share.
    """
    best = int(np.argmax(values))
    peaks = shares[np.argmax(values + normal_errors(covariance, seed, DRAWS), axis=1)]
    lower, upper = np.quantile(peaks, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], method="closest_observation")
    reach = critical_value(covariance, seed, DRAWS) * _standard_errors(covariance)[best]
    found = (shares[best], lower, upper, values[best], values[best] - reach, values[best] + reach)
    return dict(zip(PEAK, map(float, found), strict=True))


def peaks(curves: Cumulative, seed: int) -> dict[str, float]:
    """The maximum of the profit curve (profit_*) and of the ROI curve from 5% of rows on (roi_*, missing where nothing costs)."""
    found = {f"profit_peak_{key}": value for key, value in peak(curves.shares, curves.means[0], curves.block(0, 0), seed).items()}
    roi, covariance = roi_of(curves)
    rest = (curves.shares >= SMALLEST) & np.isfinite(roi)
    if not rest.any():
        return found | {f"roi_peak_{key}": np.nan for key in PEAK}
    best = peak(curves.shares[rest], roi[rest], covariance[rest][:, rest], seed)
    return found | {f"roi_peak_{key}": value for key, value in best.items()}


def linear(weights: Vector, values: Vector, covariance: Vector) -> Estimate:
    """The weighted sum of a curve's points, with its standard error."""
    return Estimate(float(weights @ values), float(np.sqrt(np.clip(weights @ covariance @ weights, 0.0, None))))


def trapezoid_weights(x: Vector) -> Vector:
    """Weights (m,) that make a sum of values at `x` (m,) the area under the line through them."""
    widths = np.diff(x)
    return (np.append(widths, 0.0) + np.append(0.0, widths)) / 2


def area_under_cost_curve(order: Order, evidence: Evidence, economics: Economics, shares: Vector = SHARES) -> dict[str, Estimate]:
    """AUCC: the area under gain (margin times effect, before cost) by share of the money spent, and how far it beats chance.

    `aucc` is in USD per row; `over_random` is aucc less half the gain from contacting everybody, the area under the straight line
    of a random order. Dividing by that gain gives the published measure, 0.5 for a random order; it is left undivided, since
    the gain may be anything about zero. The shares spent are taken as known, and where nothing costs they are shares of rows.
    Source: Du, Lee & Ghaffarizadeh (2019), Improve user retention with causal learning, PMLR 104, 34-49.
    """
    everybody = np.ones(len(order))
    cost = everybody * economics.cost
    spend = cost if cost.any() else everybody
    curves = cumulative([everybody * economics.margin * evidence.score, spend], [order, order], evidence.household_id, shares)
    weights = trapezoid_weights(curves.means[1] / curves.means[1, -1])
    chance = np.zeros(len(shares))
    chance[-1] = 0.5
    covariance = curves.block(0, 0)
    return {
        "aucc": linear(weights, curves.means[0], covariance),
        "over_random": linear(weights - chance, curves.means[0], covariance),
    }


def curve_difference(
    first: Order, second: Order, evidence: Evidence, economics: Economics, seed: int = 0, shares: Vector = SHARES
) -> tuple[pd.DataFrame, Estimate]:
    """Profit by the first order less profit by the second: at every share, and on average over all shares; paired.

    The table has share, difference, se, ci_lower, ci_upper (pointwise), band_lower, band_upper (uniform). The average is the area
    between the curves. Both orders are valued on the same rows, so what they share cancels.
    """
    each = profits(np.ones(len(first)), evidence.score, economics)
    curves = cumulative([each, each], [first, second], evidence.household_id, shares)
    difference = curves.means[0] - curves.means[1]
    covariance = curves.block(0, 0) - curves.block(0, 1) - curves.block(1, 0) + curves.block(1, 1)
    differs = np.diag(covariance) > ROUNDING * np.diag(curves.block(0, 0) + curves.block(1, 1))
    covariance = np.where(np.outer(differs, differs), covariance, 0.0)
    se, critical = _standard_errors(covariance), critical_value(covariance, seed, DRAWS)
    table = pd.DataFrame({"share": shares, "difference": difference, "se": se})
    for name, reach in (("ci", Z), ("band", critical)):
        table[f"{name}_lower"], table[f"{name}_upper"] = difference - reach * se, difference + reach * se
    return table, linear(trapezoid_weights(shares), difference, covariance)
