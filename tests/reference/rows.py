"""Made-up rows for comparing with packages that the tests do without: drawn and computed, nothing fitted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from targeting.learners.rows import HeldOut, Rows

N_LEARN = 300
PENALTY = 30.0
SETTINGS = {"model": "linear", "penalty": PENALTY}


@dataclass(frozen=True)
class Given:
    """Rows to learn from, rows held out, and an effect by which the first ones are ranked (no two alike)."""

    learn: Rows
    held_out: HeldOut
    rank: NDArray[np.float64]


def rows() -> Given:
    """The effect rises with one covariate; treatment and outcome rise with another; nuisances are near the truth, not on it."""
    rng = np.random.default_rng(11)
    covariates = rng.random((400, 4)) * np.array([1, 10, 100, 1000])
    propensity = 0.2 + 0.6 * covariates[:, 1] / 10
    treated = (rng.random(400) < propensity).astype(int)
    # The two ranked first: packages differ in what they say of a share with one arm, and of no purchase all say 0.
    treated[:2] = 1, 0
    effect = 20 * covariates[:, 0]
    base = 3 * covariates[:, 1] + covariates[:, 2] / 10
    outcome = np.round(base + effect * treated + rng.normal(0, 5, 400), 2)
    outcome[0] = 0.0
    mu0, mu1 = 0.9 * base, 0.9 * base + 0.8 * effect + 1
    mean = propensity * mu1 + (1 - propensity) * mu0
    first, rest = slice(None, N_LEARN), slice(N_LEARN, None)
    learn = Rows(*(values[first] for values in (covariates, treated, outcome, propensity, mean, mu0, mu1)))
    rank = (effect + rng.normal(0, 5, 400))[first]
    rank[:2] = 1000, 999
    return Given(learn, HeldOut(covariates[rest], propensity[rest]), rank)
