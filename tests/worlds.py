"""Made-up effects and scores whose truth is known."""

import numpy as np
from scipy.stats import norm


def world(n: int = 1000, seed: int = 0, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Effects, scores and households: the score is 2 + effect + noise; two rows per household share part of the noise."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(size=n)
    noise = rng.normal(0, 2, n) + np.repeat(rng.normal(0, 1, n // 2), 2)
    return effect, 2 + spread * effect + noise, np.repeat(np.arange(n // 2), 2)


def slow_toc(cate: np.ndarray, score: np.ndarray) -> list[float]:
    ranked = [value for _, value in sorted(zip(cate, score, strict=True), key=lambda pair: -pair[0])]
    return [np.mean(ranked[:k]) - np.mean(ranked) for k in range(1, len(ranked) + 1)]


def mean_of_largest(shares: np.ndarray) -> np.ndarray:
    """Mean of the largest `shares` of a standard normal: density at the quantile over the share."""
    return norm.pdf(norm.isf(shares)) / shares
