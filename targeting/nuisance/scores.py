"""Doubly robust scores: per row, unbiased for each arm's outcome if either nuisance is right."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from targeting.base.lots import known_propensities

# Of the rarer arm's share: where one row in thirty is mailed, 1% is a propensity like another, and thousands raised to it throw
# overlap-weighted arms out of balance. At this bound all that are raised weigh at most a twentieth of what the rarer arm does.
CLIP_SHARE = 0.05
LOWEST_CLIP = 0.001


def dr_scores(
    outcome: ArrayLike, treated: ArrayLike, propensity: ArrayLike, mu0: ArrayLike, mu1: ArrayLike
) -> NDArray[np.float64]:
    """Augmented inverse propensity scores of both arms; their column means estimate E[Y(0)] and E[Y(1)].

    All inputs have shape (n,), money in USD. `propensity` is P(treated = 1 | X), strictly inside (0, 1). The nuisances must be
    cross-fitted: a row's predictions come from models that did not see its household.
    Returns shape (n, 2): column 0 as control, column 1 as treated.
    Raises ValueError for a propensity of 0 or 1.
    Source: Robins, Rotnitzky & Zhao (1994), Journal of the American Statistical Association 89, 846-866.
    """
    y, t, e = (np.asarray(values, dtype=float) for values in (outcome, treated, propensity))
    m0, m1 = np.asarray(mu0, dtype=float), np.asarray(mu1, dtype=float)
    if not ((e > 0) & (e < 1)).all():
        raise ValueError("Propensities of 0 or 1: clip them (nuisance.clip), or keep to the overlap population.")
    return np.column_stack([m0 + (1 - t) * (y - m0) / (1 - e), m1 + t * (y - m1) / e])


def clip_bound(treated: ArrayLike, clip: float) -> float:
    """How near to 0 and 1 a propensity may come: `clip`, at most a twentieth of the rarer arm's share (no less than 0.001)."""
    share = float(np.asarray(treated, dtype=float).mean())
    return min(clip, max(LOWEST_CLIP, CLIP_SHARE * min(share, 1 - share)))


def clipped(propensity: ArrayLike, treated: ArrayLike, clip: float) -> NDArray[np.float64]:
    """Propensities (n,) kept inside the bound that `clip` and the arms of the rows they were learned from give."""
    bound = clip_bound(treated, clip)
    return np.clip(np.asarray(propensity, dtype=float), bound, 1 - bound)


def clipped_share(propensity: ArrayLike, treated: ArrayLike, clip: float) -> float:
    """The share of estimated propensities (n,) that `clipped` brought to its bound; 0 where none is estimated."""
    e = np.asarray(propensity, dtype=float)
    if not len(e):
        return 0.0
    bound = clip_bound(treated, clip)
    return float(((e <= bound) | (e >= 1 - bound)).mean())


def propensities(panel: pd.DataFrame, estimated: ArrayLike | None, clip: float) -> NDArray[np.float64]:
    """Each row's propensity (rows,): as drawn where lots have a known chance, untouched; elsewhere `estimated` (rows,), clipped.

    `estimated` may be None where all chances are known.
    """
    result = known_propensities(panel)
    observed = np.isnan(result)
    if observed.any():
        result[observed] = clipped(np.asarray(estimated, dtype=float)[observed], panel["treated"].to_numpy()[observed], clip)
    return result


def effect_scores(nuisance: pd.DataFrame, outcome: str) -> NDArray[np.float64]:
    """Each row's doubly robust score of the effect on `outcome`, treated less control, shape (rows,)."""
    return (nuisance[f"score1_{outcome}"] - nuisance[f"score0_{outcome}"]).to_numpy(dtype=float)
