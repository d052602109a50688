"""Whether an imbalance that weighting leaves is more than the chance of who was mailed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from targeting.nuisance.extremes import pulled_in

Vector = NDArray[np.float64]
DRAWS = 999
BATCH = 50  # draws at a time, so that a large table's fit into memory


@dataclass(frozen=True)
class Imbalance:
    """Studentised differences of covariates under overlap weights, shape (p,), and the bound that chance keeps them all to."""

    t: Vector
    critical: float

    @property
    def beyond_chance(self) -> NDArray[np.bool_]:
        """Covariates whose difference is larger than the largest of all would be in 99% of the draws."""
        return self.t > self.critical


def imbalance_test(
    covariates: Vector, treated: ArrayLike, propensity: ArrayLike, seed: int, level: float = 0.01, draws: int = DRAWS
) -> Imbalance:
    """Differences under overlap weights against those of draws in which `propensity` alone decides who is treated.

    Even the true propensity leaves differences: treatment is drawn once. Each draw treats every row anew with its propensity and
    keeps the largest difference of all covariates, in standard deviations of that covariate's own draws (max-t: Westfall & Young
    1993; for balance, Hansen & Bowers 2008, Statistical Science 23, 219-236). `covariates` (n, p); the others (n,), propensities
    inside (0, 1). A covariate that no draw moves has t = 0 if the arms agree on it, else infinity; where hardly
    a draw has both arms, chance explains everything. Covariates are drawn in, as the propensity sees them.
    """
    e = np.asarray(propensity, dtype=float)
    # Centred and scaled: sums of large numbers would lose the digits of small differences.
    values = pulled_in(covariates)
    values = values - values.mean(axis=0)
    values = values / np.where(values.std(axis=0) > 0, values.std(axis=0), 1)
    rng, parts = np.random.default_rng(seed), []
    for first in range(0, draws, BATCH):
        drawn = (rng.random((min(BATCH, draws - first), len(e))) < e).astype(float)
        parts.append(_differences(values, drawn[(drawn.min(axis=1) == 0) & (drawn.max(axis=1) == 1)], e))
    null = np.vstack(parts)
    if len(null) < draws / 2:
        return Imbalance(np.zeros(values.shape[1]), np.inf)
    observed = np.abs(_differences(values, np.asarray(treated, dtype=float)[None], e)[0])
    spread = null.std(axis=0)
    moves = spread > 1e-12
    scale = np.where(moves, spread, 1.0)
    t = np.where(moves, observed / scale, np.where(observed > 1e-12, np.inf, 0.0))
    largest = (np.abs(null) / scale).max(axis=1, where=moves, initial=0.0)
    return Imbalance(t, float(np.quantile(largest, 1 - level, method="higher")))


def _differences(values: Vector, treated: Vector, e: Vector) -> Vector:
    """Overlap-weighted mean of the treated less that of controls, shape (draws, p), for treated (draws, n)."""
    above, below = treated * (1 - e), (1 - treated) * e
    return (above @ values) / above.sum(axis=1, keepdims=True) - (below @ values) / below.sum(axis=1, keepdims=True)
