"""Would effects learned from past campaigns have ranked households in the next one? Train on earlier trials, test on the last."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray

from targeting.cate import LEARNERS, Rows
from targeting.errors import DataError
from targeting.judging import order_and_size
from targeting.panel import KEYS, OUTCOMES, PREFIX, covariate_names
from targeting.progress import track

Vector = NDArray[np.float64]


def forward_effects(panel: pd.DataFrame, learners: Sequence[str], seed: int) -> pd.DataFrame:
    """Effects in the last trial by learners that saw only earlier trials, and of those only other folds' households.

    A household is in several trials, and what sets it apart stays with it: without the folds a learner would recognise it.
    Which trial a row is from is no covariate here, since the next trial is a new one. Returns one row a row of the last trial:
    keys, and cate_OUTCOME_LEARNER. Raises DataError for a single trial, for an unknown learner, and for effects that are not
    finite.
    """
    unknown = [name for name in learners if name not in LEARNERS]
    if unknown:
        raise DataError(f"Unknown learners in learners.forward: {', '.join(unknown)}; known: {', '.join(LEARNERS)}.")
    if panel["trial"].nunique() < 2:
        raise DataError("Forward validation needs two trials or more: this panel has one.")
    last = (panel["trial"] == panel["trial"].max()).to_numpy()
    fold = panel["fold"].to_numpy()
    names = [name for name in covariate_names(panel) if not name.startswith(f"{PREFIX}trial_")]
    covariates = panel[names].to_numpy(dtype=float)
    jobs = [(learner, outcome, number) for learner in learners for outcome in OUTCOMES for number in np.unique(fold[last])]
    results = Parallel(n_jobs=-1, return_as="generator")(
        delayed(_fit)(panel, covariates, ~last & (fold != number), last & (fold == number), learner, outcome, seed)
        for learner, outcome, number in jobs
    )
    table = panel[KEYS].copy()
    for (learner, outcome, number), cate in zip(jobs, track(results, "Fitting on earlier trials", len(jobs)), strict=True):
        if not np.isfinite(cate).all():
            raise DataError(f"Learner {learner} gave effects on {outcome} that are not finite: take it out of learners.forward.")
        table.loc[last & (fold == number), f"cate_{outcome}_{learner}"] = cate
    return table[last].reset_index(drop=True)


def forward_table(
    forward: pd.DataFrame, scores: dict[str, Vector], out_of_fold: dict[str, pd.DataFrame], learners: Sequence[str]
) -> pd.DataFrame:
    """One row an outcome and learner, judged by `scores` (outcome -> scores of the same rows).

    Columns: outcome, learner, n, mean_predicted, mean_effect, autoc, autoc_se, autoc_p, blp_slope, blp_se, blp_p, and agreement:
    the rank correlation with the same learner's effects when the last trial, too, is there to learn from (`out_of_fold`).
    """
    households = forward["household_id"].to_numpy()
    rows = []
    for outcome in OUTCOMES:
        for learner in learners:
            cate = forward[f"cate_{outcome}_{learner}"]
            rows.append(
                {
                    "outcome": outcome,
                    "learner": learner,
                    "n": len(cate),
                    "mean_predicted": cate.mean(),
                    "mean_effect": float(np.mean(scores[outcome])),
                    **order_and_size(cate, scores[outcome], households),
                    "agreement": cate.corr(out_of_fold[learner][f"cate_{outcome}"], method="spearman"),
                }
            )
    return pd.DataFrame(rows)


def _fit(
    panel: pd.DataFrame,
    covariates: Vector,
    learn: NDArray[np.bool_],
    predict: NDArray[np.bool_],
    learner: str,
    outcome: str,
    seed: int,
) -> Vector:
    rows = Rows(
        covariates[learn],
        panel["treated"].to_numpy()[learn],
        panel[outcome].to_numpy(dtype=float)[learn],
        panel["household_id"].to_numpy()[learn],
    )
    return LEARNERS[learner](rows, covariates[predict], seed).cate
