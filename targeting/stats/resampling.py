"""Bootstrap resamples of rows, each with its own stream."""

import numpy as np
from numpy.typing import NDArray


def resample(n: int, seed: int, number: int) -> NDArray[np.int64]:
    """Row numbers of bootstrap resample `number`, shape (n,); the same whatever other resamples are drawn."""
    return np.random.default_rng([seed, number]).integers(0, n, n)
