"""Predictions block by block: what models make of their rows on the way, such as logarithms, never has more than a block's."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
BLOCK = 50_000  # rows: with a hundred covariates some 40 MB a copy


def blocks(n: int, size: int = BLOCK) -> Iterator[slice]:
    """Slices of at most `size` rows that cover n rows in their order; one, and empty, for no rows."""
    return (slice(first, min(first + size, n)) for first in range(0, max(n, 1), size))


def in_blocks(predict: Callable[[Vector], Vector], rows: Vector) -> Vector:
    """What `predict` gives for each of the rows (n, p), row by row by itself: shape (n, ...)."""
    return np.concatenate([predict(rows[block]) for block in blocks(len(rows))])
