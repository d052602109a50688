"""Values far from all others: how much a single household may say about who is mailed, and about balance."""

import numpy as np
from numpy.typing import NDArray

# Standard deviations from the mean. The largest customers are often five away in what they spend, and that tells who is mailed;
# a ratio of two small sums can be fifty away, and then one household bends the whole propensity to fit itself, and by its
# weight makes the arms differ.
FARTHEST = 10.0


def pulled_in(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns (n, p) with what lies beyond FARTHEST standard deviations of a column's mean drawn in to there, else as is."""
    mean, reach = values.mean(axis=0), FARTHEST * values.std(axis=0)
    return np.where(reach > 0, np.clip(values, mean - reach, mean + reach), values)
