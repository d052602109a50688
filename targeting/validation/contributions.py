"""Which way covariates push a predicted effect: Shapley values of a boosting model, by groups of alike covariates.

They describe the model's predictions, not the effects themselves. Source: Lundberg et al. (2020), From local explanations
to global understanding with explainable AI for trees, Nature Machine Intelligence 2, 56-67.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import shap
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

Vector = NDArray[np.float64]


def contributions(model: BaseEstimator, covariates: Vector) -> Vector:
    """What each covariate adds to a fitted tree model's prediction for each row, shape as `covariates` (n, p).

    A row's add up to its prediction less the mean prediction over the rows learned from. A covariate's value is weighed against
    the other ways that the trees' learning rows take at its questions (path-dependent Shapley values).
    """
    return shap.TreeExplainer(model).shap_values(covariates)


def direction_table(covariates: pd.DataFrame, shares: Vector, groups: Sequence[Sequence[str]]) -> pd.DataFrame:
    """One row per group of covariates, largest push first: group, leading, covariates, push, direction.

    `shares` (n, p) are the covariates' contributions; a group's is their sum, as alike covariates share theirs by chance. `push`
    is its mean size, in units of the effect. `leading` is the member with the largest contributions of its own, and `direction`
    the rank correlation of its values with the group's contributions: near 1 the effect rises with it, near -1 it falls, near 0
    it does neither throughout. Missing where values or contributions are all equal.
    """
    rows = []
    for group in groups:
        places = [covariates.columns.get_loc(name) for name in group]
        together = rounded_effects(shares[:, places].sum(axis=1))
        leading = group[int(np.argmax(np.abs(shares[:, places]).mean(axis=0).round(9)))]
        values = covariates[leading]
        varied = values.nunique() > 1 and np.ptp(together) > 0
        rows.append(
            {
                "group": group[0],
                "leading": leading,
                "covariates": ", ".join(group),
                "push": float(np.abs(together).mean()),
                "direction": float(values.corr(pd.Series(together, index=values.index), method="spearman")) if varied else np.nan,
            }
        )
    return pd.DataFrame(rows).sort_values("push", ascending=False, kind="stable", ignore_index=True)


def rounded_effects(effects: Vector) -> Vector:
    """Effects to four digits of their spread: where two tie, the last bits of a processor would choose between them."""
    spread = float(np.std(effects))
    if spread == 0:
        return np.asarray(effects, dtype=float)
    step = 10.0 ** (np.floor(np.log10(spread)) - 3)
    return np.round(np.asarray(effects, dtype=float) / step) * step
