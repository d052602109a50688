"""Curves over the share treated: how much more effect the households ranked first have, with bands; and the raw curves beside.

`cate` are out-of-fold effects, `score` the difference of doubly robust scores (treated less control), both shape (n,).
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from targeting.stats.estimates import Z
from targeting.stats.joint import critical_value, joint_covariance
from targeting.validation.ranking import descending, level_by_rank, tie_averaged

Vector = NDArray[np.float64]


def toc_table(
    cate: ArrayLike, score: ArrayLike, household_id: ArrayLike, shares: ArrayLike, seed: int, inflation: float = 1.0
) -> pd.DataFrame:
    """TOC at some shares in (0, 1]: the mean score of the first share by rank less the mean of all.

    Columns: share, toc, se, ci_lower, ci_upper (95% at each share by itself), band_lower, band_upper (95% over all shares at
    once). Clustered by household. Households with equal effects share their places. As in AUTOC, the error includes that the
    effect which separates the first from the rest is itself estimated; `inflation` of the variance as there.
    """
    effect, scores = np.asarray(cate, dtype=float), np.asarray(score, dtype=float)
    n = len(scores)
    counts = np.maximum(1, np.round(np.asarray(shares, dtype=float) * n)).astype(int)
    order = descending(effect)
    ranked = scores[order]
    levels = level_by_rank(ranked, counts / n)
    values, influence = np.empty(len(counts)), np.zeros((n, len(counts)))
    for column, (count, level) in enumerate(zip(counts, levels, strict=True)):
        first = tie_averaged(effect[order], (np.arange(n) < count).astype(float))
        top = float(ranked @ first / count)
        values[column] = top - ranked.mean()
        # Everybody is no better than everybody, exactly; so is any share of equals.
        if np.ptp(first) > 0:
            influence[order, column] = (first * (ranked - level) * n / count - (top - level)) - (ranked - ranked.mean())
    covariance = inflation * joint_covariance(influence, household_id)
    errors = np.sqrt(np.diag(covariance))
    values[errors == 0] = 0.0
    wide = critical_value(covariance, seed)
    return pd.DataFrame(
        {
            "share": np.asarray(shares, dtype=float),
            "toc": values,
            "se": errors,
            "ci_lower": values - Z * errors,
            "ci_upper": values + Z * errors,
            "band_lower": values - wide * errors,
            "band_upper": values + wide * errors,
        }
    )


def uplift_table(toc: pd.DataFrame) -> pd.DataFrame:
    """The Qini curve, share times TOC: what treating the first share gains over treating as many at random, per row.

    Columns as in `toc_table`, with uplift in place of toc. A share is known, so the band over all shares carries over.
    """
    columns = ["toc", "se", "ci_lower", "ci_upper", "band_lower", "band_upper"]
    return toc.assign(**{name: toc[name] * toc["share"] for name in columns}).rename(columns={"toc": "uplift"})


def raw_auuc(cate: ArrayLike, outcome: ArrayLike, treated: ArrayLike) -> float:
    """The published study's area under the uplift curve, from raw group means: confounded wherever treatment was chosen.

    Mean over k of (mean outcome of treated less of controls among the first k by rank) times k/n; where an arm is still empty
    its mean is 0.
    """
    y, t = _ranked(cate, outcome, treated)
    n_treated, n_control = np.cumsum(t), np.cumsum(1 - t)
    mean_treated = np.cumsum(y * t) / np.maximum(n_treated, 1)
    mean_control = np.cumsum(y * (1 - t)) / np.maximum(n_control, 1)
    return float(np.mean((mean_treated - mean_control) * np.arange(1, len(y) + 1) / len(y)))


def raw_qini(cate: ArrayLike, outcome: ArrayLike, treated: ArrayLike) -> float:
    """The published study's Qini coefficient, from raw sums: confounded wherever treatment was chosen.

    Gain of the first k: outcomes of the treated less those of controls, these brought to the number of treated; per row. The
    coefficient is the mean over k of the gain less the line from nothing to the gain of all. Until a control has come, it is 0
    that the treated are compared with. Source: Radcliffe (2007), Direct Marketing Analytics Journal 1, 14-21.
    """
    y, t = _ranked(cate, outcome, treated)
    n_treated, n_control = np.cumsum(t), np.cumsum(1 - t)
    gain = (np.cumsum(y * t) - np.cumsum(y * (1 - t)) * n_treated / np.maximum(n_control, 1)) / len(y)
    return float(np.mean(gain - gain[-1] * np.arange(1, len(y) + 1) / len(y)))


def _ranked(cate: ArrayLike, outcome: ArrayLike, treated: ArrayLike) -> tuple[Vector, Vector]:
    order = descending(cate)
    return np.asarray(outcome, dtype=float)[order], np.asarray(treated, dtype=float)[order]
