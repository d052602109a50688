"""Positivity and balance: can treated and controls be compared, before and after weighting."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float64]
BALANCED = 0.1  # an absolute standardised mean difference below this counts as balanced (Austin 2009)


def in_overlap(propensity: ArrayLike, bounds: Sequence[float]) -> NDArray[np.bool_]:
    """Rows, shape (n,), whose propensity lies inside `bounds`, ends included."""
    e = np.asarray(propensity, dtype=float)
    return (e >= bounds[0]) & (e <= bounds[1])


def inverse_propensity_weights(treated: ArrayLike, propensity: ArrayLike) -> Vector:
    """1 / e for the treated, 1 / (1 - e) for controls: both arms stand for everybody. Shape (n,)."""
    t, e = np.asarray(treated, dtype=float), np.asarray(propensity, dtype=float)
    return t / e + (1 - t) / (1 - e)


def overlap_weights(treated: ArrayLike, propensity: ArrayLike) -> Vector:
    """1 - e for the treated, e for controls: both arms stand for those who could have gone either way. Shape (n,)."""
    t, e = np.asarray(treated, dtype=float), np.asarray(propensity, dtype=float)
    return t * (1 - e) + (1 - t) * e


def effective_sample_size(weights: ArrayLike) -> float:
    """Kish's (sum w)^2 / sum w^2: how many equally weighted rows would be as precise."""
    w = np.asarray(weights, dtype=float)
    return float(w.sum() ** 2 / np.square(w).sum())


def standardised_mean_differences(covariates: Vector, treated: ArrayLike, weights: ArrayLike | None = None) -> Vector:
    """Weighted mean of the treated less that of controls, in units of the unweighted spread, shape (p,) for (n, p) covariates.

    The spread is sqrt((var1 + var0) / 2) of the two arms without weights, so that weighting cannot shrink a difference by
    inflating it. A covariate that is constant in both arms has difference 0 if the constants agree, else infinity.
    Source: Austin (2009), Statistics in Medicine 28, 3083-3107.
    """
    t = np.asarray(treated) == 1
    w = np.ones(len(t)) if weights is None else np.asarray(weights, dtype=float)
    difference = np.average(covariates[t], axis=0, weights=w[t]) - np.average(covariates[~t], axis=0, weights=w[~t])
    spread = np.sqrt((covariates[t].var(axis=0, ddof=1) + covariates[~t].var(axis=0, ddof=1)) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference == 0, 0.0, difference / spread)


def balance_table(covariates: pd.DataFrame, treated: ArrayLike, propensity: ArrayLike) -> pd.DataFrame:
    """A love plot's data, one row a covariate: covariate, smd, smd_ipw, smd_overlap; largest absolute difference first."""
    values = covariates.to_numpy(dtype=float)
    table = pd.DataFrame(
        {
            "covariate": covariates.columns,
            "smd": standardised_mean_differences(values, treated),
            "smd_ipw": standardised_mean_differences(values, treated, inverse_propensity_weights(treated, propensity)),
            "smd_overlap": standardised_mean_differences(values, treated, overlap_weights(treated, propensity)),
        }
    )
    return table.sort_values("smd", key=np.abs, ascending=False, kind="stable", ignore_index=True)


def propensity_histogram(propensity: ArrayLike, treated: ArrayLike, n_bins: int = 20) -> pd.DataFrame:
    """Share of each arm's rows by propensity, in equal bins of [0, 1]: propensity (mid of the bin), arm, share."""
    e, t = np.asarray(propensity, dtype=float), np.asarray(treated)
    edges = np.linspace(0, 1, n_bins + 1)
    tables = []
    for arm, name in ((1, "treated"), (0, "control")):
        counts, _ = np.histogram(e[t == arm], bins=edges)
        tables.append(pd.DataFrame({"propensity": (edges[:-1] + edges[1:]) / 2, "arm": name, "share": counts / counts.sum()}))
    return pd.concat(tables, ignore_index=True)


def overlap_by_trial(panel: pd.DataFrame, propensity: pd.Series, bounds: Sequence[float]) -> pd.DataFrame:
    """One row a trial: campaign_id, n, n_treated, overlap_share, rows of `panel` and `propensity` alike."""
    rows = panel[["trial", "campaign_id", "treated"]].assign(inside=in_overlap(propensity, bounds))
    groups = rows.groupby(["trial", "campaign_id"])
    return groups.agg(n=("treated", "size"), n_treated=("treated", "sum"), overlap_share=("inside", "mean")).reset_index()
