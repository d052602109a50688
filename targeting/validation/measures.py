"""Every measure of a learner's effects on one outcome, and how far learners agree."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from targeting.stats.folds import CROSS_FITTED, levelled, rank_within
from targeting.validation.calibration import best_linear_predictor, calibration_r2, grouped_effects
from targeting.validation.ranking import autoc, qini
from targeting.validation.uplift import raw_auuc, raw_qini


def order_and_size(cate: ArrayLike, score: ArrayLike, household_id: ArrayLike, fold: ArrayLike) -> dict[str, float]:
    """AUTOC and the slope of scores on cross-fitted effects, within folds, with standard error and one-sided p: autoc*, blp_*."""
    area = autoc(rank_within(cate, fold), score, household_id, CROSS_FITTED)
    slope = best_linear_predictor(levelled(cate, fold), score, household_id, CROSS_FITTED)
    return {
        "autoc": area.estimate.value,
        "autoc_se": area.estimate.se,
        "autoc_p": area.p,
        "blp_slope": slope.estimate.value,
        "blp_se": slope.estimate.se,
        "blp_p": slope.p,
    }


def judge_learner(cate: pd.Series, score: NDArray[np.float64], panel: pd.DataFrame, outcome: str, seed: int) -> dict[str, float]:
    """One row of the table of learners: the effects' distribution, their ranking, their calibration, and the raw areas.

    Rows as in `panel`, which has the outcome, treated, household_id and fold. Effects are ranked, and their spread and slope
    taken, within folds, with errors that allow for cross-fitting; but the raw areas go over all rows, as they were published.
    P-values are one-sided and small where effects rank rightly; disorder_p and calibration_p are small where groups are in the
    wrong order, or off in size.
    """
    households, fold = panel["household_id"].to_numpy(), panel["fold"].to_numpy()
    spread = levelled(cate, fold)
    gain = qini(rank_within(cate, fold), score, households, CROSS_FITTED)
    groups = grouped_effects(cate, score, households, fold, seed, inflation=CROSS_FITTED)
    return {
        "mean": cate.mean(),
        "sd": np.std(spread, ddof=1) if np.ptp(spread) > 0 else 0.0,  # not the last bits of a mean
        "share_positive": (cate > 0).mean(),
        "auuc": raw_auuc(cate, panel[outcome], panel["treated"]),
        "raw_qini": raw_qini(cate, panel[outcome], panel["treated"]),
        "qini": gain.estimate.value,
        "qini_se": gain.estimate.se,
        "qini_p": gain.p,
        **order_and_size(cate, score, households, fold),
        "top_less_bottom": groups.top_less_bottom.estimate.value,
        "top_less_bottom_se": groups.top_less_bottom.estimate.se,
        "top_less_bottom_p": groups.top_less_bottom.p,
        "disorder_p": groups.disorder_p,
        "calibration_p": groups.calibration_p,
        "calibration_r2": calibration_r2(groups.table, float(np.mean(score))),
    }


def learner_table(
    cates: Mapping[str, Mapping[str, pd.Series]], scores: Mapping[str, NDArray[np.float64]], panel: pd.DataFrame, seed: int
) -> pd.DataFrame:
    """One row per outcome and learner of `cates` (outcome -> learner -> effects): outcome, learner and `judge_learner`."""
    return pd.DataFrame(
        [
            {"outcome": outcome, "learner": learner} | judge_learner(cate, scores[outcome], panel, outcome, seed)
            for outcome, by_learner in cates.items()
            for learner, cate in by_learner.items()
        ]
    )


def effect_correlations(effects: Mapping[str, pd.DataFrame], outcomes: Sequence[str]) -> pd.DataFrame:
    """Spearman's rank correlation of every two learners' effects: outcome, learner, other, correlation."""
    tables = []
    for outcome in outcomes:
        wide = pd.DataFrame({name: table[f"cate_{outcome}"] for name, table in effects.items()})
        long = wide.corr(method="spearman").rename_axis("learner").reset_index()
        tables.append(long.melt("learner", var_name="other", value_name="correlation").assign(outcome=outcome))
    return pd.concat(tables, ignore_index=True)[["outcome", "learner", "other", "correlation"]]
