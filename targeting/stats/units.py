"""How large an outcome and its effects are: the unit to reckon in, so that dollars or thousands of them are alike, and bounds."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

DECIMALS = 2  # of a unit: cents, where the outcome's spread is some dollars or some hundreds


def unit_of(outcome: ArrayLike) -> float:
    """The largest power of a thousand that is not above the standard deviation of an outcome (n,); 1 where it has none."""
    spread = float(np.std(np.asarray(outcome, dtype=float)))
    return float(1000.0 ** np.floor(np.log10(spread) / 3)) if spread > 0 else 1.0


def rounded(values: ArrayLike, unit: float) -> NDArray[np.float64]:
    """Amounts (n,) to DECIMALS of their unit."""
    return np.round(np.asarray(values, dtype=float) / unit, DECIMALS) * unit


def widest_effects(outcome: ArrayLike, treated: ArrayLike) -> float:
    """The largest standard deviation that effects by row can have, by the outcome's in both arms; inputs (n,).

    The effect is the difference of two conditional means, and neither spreads more than the outcome of its arm: sd(mu1 - mu0) <=
    sd(mu1) + sd(mu0) <= sd(Y | T = 1) + sd(Y | T = 0). The outcome of all rows is no bound: where those who would have most
    without gain least from treatment, effects vary more than it does.
    """
    y, t = np.asarray(outcome, dtype=float), np.asarray(treated) == 1
    return float(y[t].std() + y[~t].std())
