"""Are predicted effects right in size, and in order, group by group? Judged by doubly robust scores of households not seen.

`cate` are out-of-fold effects, `score` the difference of doubly robust scores (treated less control), both shape (n,); why
variances have an `inflation` is in targeting.validation.ranking.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2
from statsmodels.regression.linear_model import OLS

from targeting.base.errors import DataError
from targeting.effects.pooling import joint_ratios
from targeting.stats.estimates import Estimate
from targeting.stats.joint import adjusted_p_values
from targeting.validation.ranking import NOTHING_SHOWN, OneSided, one_sided

GROUPS = 5


@dataclass(frozen=True)
class GroupedEffects:
    """Effects in groups by predicted effect (GATES), what the top group has over the bottom one, and two tests.

    `disorder_p` is small where some group has a larger effect than the next, whose predictions are higher: the order is wrong.
    `calibration_p` is small where the groups' mean predictions are not their effects.
    """

    table: pd.DataFrame
    top_less_bottom: OneSided
    disorder_p: float
    calibration_p: float


def best_linear_predictor(cate: ArrayLike, score: ArrayLike, household_id: ArrayLike, inflation: float = 1.0) -> OneSided:
    """Slope of the scores on the centred effects: 1 where effects are right on average, 0 where they say nothing.

    A constant effect has no slope: 0, with p = 1. Source: Chernozhukov, Demirer, Duflo & Fernandez-Val (2025), Econometrica 93,
    1121-1164.
    """
    effect = np.asarray(cate, dtype=float)
    if np.ptp(effect) == 0:
        return NOTHING_SHOWN
    design = np.column_stack([np.ones(len(effect)), effect - effect.mean()])
    fit = OLS(np.asarray(score, dtype=float), design).fit(cov_type="cluster", cov_kwds={"groups": np.asarray(household_id)})
    return one_sided(Estimate(float(fit.params[1]), float(np.sqrt(inflation) * fit.bse[1])))


def groups_within_fold(cate: ArrayLike, fold: ArrayLike, n_groups: int = GROUPS) -> NDArray[np.int64]:
    """The group (n,) of each row by its effect among those of its fold, 1 the lowest; equal numbers per fold.

    Folds are predicted by models of their own, whose effects need not be on one scale. Ties keep the rows' order.
    """
    effect, folds = np.asarray(cate, dtype=float), np.asarray(fold)
    group = np.empty(len(effect), dtype=np.int64)
    for number in np.unique(folds):
        rows = np.flatnonzero(folds == number)
        for place, members in enumerate(np.array_split(np.argsort(effect[rows], kind="stable"), n_groups), start=1):
            group[rows[members]] = place
    return group


def grouped_effects(
    cate: ArrayLike,
    score: ArrayLike,
    household_id: ArrayLike,
    fold: ArrayLike,
    seed: int,
    n_groups: int = GROUPS,
    inflation: float = 1.0,
) -> GroupedEffects:
    """Effects in `n_groups` groups by predicted effect, with the covariance of groups that share households.

    The table has group (1 is lowest), n, cate (mean prediction), gate (mean score), se, ci_lower, ci_upper. Effects that are
    constant in every fold order nobody: the top has nothing over the bottom, p = 1, and no order is wrong.
    Raises DataError where no fold has a row for every group.
    Source: Chernozhukov, Demirer, Duflo & Fernandez-Val (2025), Econometrica 93, 1121-1164.
    """
    effect, scores = np.asarray(cate, dtype=float), np.asarray(score, dtype=float)
    group = groups_within_fold(effect, fold, n_groups)
    if len(np.unique(group)) < n_groups:
        raise DataError(f"{len(effect)} rows cannot form {n_groups} groups by predicted effect: widen nuisance.overlap.")
    values, covariance = joint_ratios(scores, np.ones(len(scores)), group, household_id)
    covariance = inflation * covariance
    predicted = np.bincount(group, effect)[1:] / np.bincount(group)[1:]
    table = pd.DataFrame(
        [
            {
                "group": number,
                "n": int((group == number).sum()),
                "cate": predicted[number - 1],
                "gate": value,
                **Estimate(value, error).columns(),
            }
            for number, (value, error) in enumerate(zip(values, np.sqrt(np.diag(covariance)), strict=True), start=1)
        ]
    )
    missed = values - predicted
    calibration_p = float(chi2.sf(missed @ np.linalg.solve(covariance, missed), n_groups))
    if pd.Series(effect).groupby(np.asarray(fold)).nunique().max() == 1:
        return GroupedEffects(table, NOTHING_SHOWN, 1.0, calibration_p)

    ends = np.zeros(n_groups)
    ends[[0, -1]] = -1.0, 1.0
    gain = one_sided(Estimate(float(ends @ values), float(np.sqrt(ends @ covariance @ ends))))
    falls = np.eye(n_groups)[:-1] - np.eye(n_groups)[1:]  # each group less the next
    disorder = adjusted_p_values(falls @ values, falls @ covariance @ falls.T, seed)
    return GroupedEffects(table, gain, float(disorder.min()), calibration_p)


def calibration_r2(table: pd.DataFrame, ate: float) -> float:
    """1 - sum |gate - cate| / sum |gate - ate| over groups: 1 is perfect, 0 as good as the average effect, below 0 worse.

    As in econml's DRTester (Dwivedi et al. 2020), which weights groups by their size.
    """
    share = table["n"] / table["n"].sum()
    missed = (share * (table["gate"] - table["cate"]).abs()).sum()
    spread = (share * (table["gate"] - ate).abs()).sum()
    return float(1 - missed / spread)
