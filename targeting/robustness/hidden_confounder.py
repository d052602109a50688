"""What an unmeasured confounder, or no assumption at all, would make of the average effect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from econml.validate.sensitivity_analysis import RV, dml_sensitivity_values, sensitivity_interval
from numpy.typing import ArrayLike, NDArray
from statsmodels.regression.linear_model import OLS
from statsmodels.tools.tools import add_constant

from targeting.nuisance.models import independent_columns, with_logs
from targeting.stats.estimates import CONFIDENCE, Estimate, cluster_sums

Vector = NDArray[np.float64]
DRAWS = 200


def manski_bounds(outcome: ArrayLike, treated: ArrayLike, low: float, high: float) -> tuple[float, float]:
    """The average effect if nothing is assumed but that every outcome, seen or not, lies in [low, high].

    Outcomes outside are brought to the nearer end first. The bounds are high - low apart, so they always include 0.
    Source: Manski (1990), American Economic Review 80(2), 319-323.
    """
    y, t = np.clip(np.asarray(outcome, dtype=float), low, high), np.asarray(treated, dtype=float)
    seen1, seen0, share = (y * t).mean(), (y * (1 - t)).mean(), t.mean()
    return float(seen1 + (1 - share) * low - seen0 - share * high), float(seen1 + (1 - share) * high - seen0 - share * low)


def e_value(effect: float, sd: float) -> float:
    """How strongly, as a risk ratio, a confounder must go with treatment and outcome to explain the effect away; 1: not at all.

    The effect (in the outcome's units, with its standard deviation) becomes the risk ratio exp(0.91 d), an approximation.
    Source: VanderWeele & Ding (2017), Annals of Internal Medicine 167, 268-274.
    """
    ratio = float(np.exp(0.91 * abs(effect) / sd))
    return ratio + float(np.sqrt(ratio * (ratio - 1)))


def e_value_of_interval(estimate: Estimate, sd: float) -> float:
    """The E-value of the end of the 95% interval nearest to no effect; 1 if the interval includes it."""
    if estimate.lower <= 0 <= estimate.upper:
        return 1.0
    return e_value(min(estimate.lower, estimate.upper, key=abs), sd)


@dataclass(frozen=True)
class OmittedVariable:
    """What econml's sensitivity analysis needs of a partially linear effect, its covariance (3, 3) clustered by household."""

    theta: float
    sigma: float
    nu: float
    covariance: NDArray[np.float64]

    def robustness_value(self, kind: str) -> float:
        """Share of the residual variance of treatment and outcome that would bring the estimate (theta) or interval (ci) to 0."""
        return float(RV(self.theta, self.sigma, self.nu, self.covariance, 1 - CONFIDENCE, interval_type=kind))

    def bounds(self, share_outcome: float, share_treatment: float, kind: str) -> tuple[float, float]:
        """The estimate, or its 95% interval, if a confounder explained these shares (partial R2) of what is left."""
        shares = {"c_y": share_outcome, "c_t": share_treatment, "rho": 1.0}
        lower, upper = sensitivity_interval(
            self.theta, self.sigma, self.nu, self.covariance, 1 - CONFIDENCE, **shares, interval_type=kind
        )
        return float(lower), float(upper)


def omitted_variable(treatment_residual: Vector, outcome_residual: Vector, household_id: ArrayLike) -> OmittedVariable:
    """From cross-fitted residuals T - e and Y - mean, shape (n,).

    Source: Chernozhukov, Cinelli, Newey, Sharma & Syrgkanis (2022), Long story short, NBER Working Paper 30302; econml's
    dml_sensitivity_values, whose covariance takes rows as independent and is replaced here by the clustered one.
    """
    values = dml_sensitivity_values(treatment_residual, outcome_residual)
    theta, sigma, nu = float(values.theta), float(values.sigma), float(values.nu)
    squares = np.square(treatment_residual)
    remainder = outcome_residual - theta * treatment_residual
    moments = np.column_stack([remainder * treatment_residual, np.square(remainder) - sigma, squares * nu - 1])
    # Of nu = 1 / E T^2, which falls as T^2 grows; with econml's sign its covariances with the others would be turned.
    slopes = np.array([squares.mean(), 1.0, -squares.mean()])
    sums = cluster_sums(moments / slopes, household_id) / len(squares)
    return OmittedVariable(theta, sigma, nu, sums.T @ sums * len(sums) / (len(sums) - 1))


def benchmark_shares(
    covariates: pd.DataFrame, outcome: ArrayLike, treated: ArrayLike, groups: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """How much of the residual variance groups of measured covariates explain: group, share_outcome, share_treatment.

    Partial R2 of the group, raw and logged, given all other covariates, in least squares of the outcome on them and
    treatment, and of treatment on them. A yardstick for a confounder that nobody measured.
    Source: Cinelli & Hazlett (2020), Journal of the Royal Statistical Society B 82, 39-67.
    """
    t = np.asarray(treated, dtype=float)
    rows = []
    for name, members in groups.items():
        rest = with_logs(covariates.drop(columns=list(members)).to_numpy(dtype=float))
        full = np.column_stack([rest, with_logs(covariates[list(members)].to_numpy(dtype=float))])
        with_treatment = [np.column_stack([design, t]) for design in (rest, full)]
        rows.append(
            {
                "group": name,
                "share_outcome": _partial_r2(np.asarray(outcome, dtype=float), *with_treatment),
                "share_treatment": _partial_r2(t, rest, full),
            }
        )
    return pd.DataFrame(rows)


def _partial_r2(response: Vector, small: Vector, large: Vector) -> float:
    unexplained = [OLS(response, add_constant(independent_columns(design))).fit().ssr for design in (small, large)]
    return float(max(0.0, 1 - unexplained[1] / unexplained[0]))


def extreme_mean(values: Vector, low: Vector, high: Vector, largest: bool) -> float:
    """The largest or smallest weighted mean of `values` with weights anywhere between `low` and `high`, shape (n,) each.

    At the optimum the largest values carry their high weight and the others their low one: every cut is tried.
    Source: Zhao, Small & Bhattacharya (2019), JRSS B 81, 735-761, proposition 2.
    """
    order = np.argsort(-values if largest else values, kind="stable")
    v, lo, hi = values[order], low[order], high[order]
    top = np.concatenate([[0.0], np.cumsum((hi - lo) * v)]) + (lo * v).sum()
    bottom = np.concatenate([[0.0], np.cumsum(hi - lo)]) + lo.sum()
    means = top / bottom
    return float(means.max() if largest else means.min())


def marginal_sensitivity_bounds(
    outcome: Vector, treated: Vector, propensity: Vector, mu0: Vector, mu1: Vector, strength: float, counts: Vector | None = None
) -> tuple[float, float]:
    """The average effect if the odds of treatment were up to `strength` times larger or smaller than the propensity says.

    Each arm's residuals Y - mu are averaged with normalised weights 1 / e or 1 / (1 - e), all odds anywhere in the range allowed,
    and added to the mean of mu1 - mu0; `counts` are how often each row is drawn (bootstrap). Valid whatever mu is, and the
    sharper the better it is.
    Source: Tan (2006), JASA 101, 1619-1637, for the model; Zhao, Small & Bhattacharya (2019) for the bounds.
    """
    drawn = np.ones(len(outcome)) if counts is None else counts
    ends = []
    for largest in (False, True):
        value = float(np.average(mu1 - mu0, weights=drawn))
        for arm, mean, odds, sign in (
            (treated == 1, mu1, (1 - propensity) / propensity, 1),
            (treated == 0, mu0, propensity / (1 - propensity), -1),
        ):
            rows = arm & (drawn > 0)
            low, high = (drawn[rows] * (1 + odds[rows] * factor) for factor in (1 / strength, strength))
            value += sign * extreme_mean((outcome - mean)[rows], low, high, largest=largest == (sign > 0))
        ends.append(value)
    return ends[0], ends[1]


def marginal_sensitivity_interval(
    data: tuple[Vector, Vector, Vector, Vector, Vector], household_id: ArrayLike, strength: float, seed: int
) -> tuple[float, float]:
    """A 95% interval for the effect under the model of `marginal_sensitivity_bounds`: percentiles over resampled households.

    `data` are its first five arguments. The nuisances are held, so what they are off by is not in the interval.
    """
    households, codes = np.unique(np.asarray(household_id), return_inverse=True)
    rng = np.random.default_rng(seed)
    ends = []
    for _ in range(DRAWS):
        counts = np.bincount(rng.integers(0, len(households), len(households)), minlength=len(households))
        ends.append(marginal_sensitivity_bounds(*data, strength, counts[codes].astype(float)))
    lower, upper = np.asarray(ends).T
    return float(np.quantile(lower, (1 - CONFIDENCE) / 2)), float(np.quantile(upper, (1 + CONFIDENCE) / 2))
