"""Bootstrap resamples of rows, each with its own stream; and households by lot."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def resample(n: int, seed: int, number: int, at_most: int | None = None) -> NDArray[np.int64]:
    """Row numbers of bootstrap resample `number`; the same whatever other resamples are drawn.

    As many as there are rows, `n`, or `at_most` of them: a smaller resample (m out of n) moves what is fitted on it further, so
    that it errs on the side of caution.
    """
    return np.random.default_rng([seed, number]).integers(0, n, n if at_most is None else min(n, at_most))


def by_lot(household_id: ArrayLike, at_most: int | None, seed: int) -> NDArray[np.bool_]:
    """Which rows (n,) belong to `at_most` households drawn without replacement: all rows where there are no more, or it is None.

    The draw depends on the set of households and the seed, not on the order of rows.
    """
    rows = np.asarray(household_id)
    households = np.unique(rows)
    if at_most is None or len(households) <= at_most:
        return np.ones(len(rows), dtype=bool)
    return np.isin(rows, np.random.default_rng(seed).choice(households, at_most, replace=False))
