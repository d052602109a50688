"""Would effects learned from past campaigns have ranked households in the next one? Train on earlier trials, test on the last."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import KEYS, outcomes_of
from targeting.base.errors import DataError
from targeting.base.parallel import in_processes
from targeting.base.progress import track
from targeting.learners.data import outcome_data
from targeting.learners.registry import Learner
from targeting.learners.rows import HeldOut, Rows
from targeting.nuisance.nested import inner_nuisances
from targeting.trials.panel import covariate_matrix, covariate_names, household_covariates, in_last_trial
from targeting.validation.measures import order_and_size

Vector = NDArray[np.float64]


def forward_effects(
    panel: pd.DataFrame, nuisance: pd.DataFrame, learners: Mapping[str, Learner], models: Sequence[str], clip: float, seed: int
) -> pd.DataFrame:
    """Effects in the last trial by learners that saw only earlier trials, and of those only other folds' households.

    A household is in several trials, and what sets it apart stays with it: without the folds a learner would recognise it.
    Which trial a row is from is no covariate here, since the next trial is a new one. What learners learn from, nuisances
    included, is fitted on the earlier trials alone; settings are the learners' own, as tuning saw the last trial. The last rows'
    propensities (of `nuisance`, rows as in the panel), with which some learners blend, know of no outcome. Returns one row per
    row of the last trial: keys, and cate_OUTCOME_LEARNER.
    Raises DataError for a single trial and for effects that are not finite.
    """
    if panel["trial"].nunique() < 2:
        raise DataError("Forward validation needs two trials or more: this panel has one.")
    last = in_last_trial(panel)
    indicators = set(covariate_names(panel)) - set(household_covariates(panel))
    earlier, latest = (panel[rows].drop(columns=indicators).reset_index(drop=True) for rows in (~last, last))
    inner = inner_nuisances(earlier, models, clip, seed)
    known = nuisance[~last].reset_index(drop=True)
    outcomes = outcomes_of(panel.columns)
    data = {outcome: outcome_data(earlier, known, inner, outcome) for outcome in outcomes}
    fold, propensity = latest["fold"].to_numpy(), nuisance.loc[last, "propensity"].to_numpy()
    covariates = covariate_matrix(latest)
    jobs = [(name, outcome, number) for name in learners for outcome in outcomes for number in np.unique(fold)]
    results = in_processes(
        partial(_fit, seed),
        (
            (learners[name], data[outcome].learn(number), HeldOut(covariates[fold == number], propensity[fold == number]))
            for name, outcome, number in jobs
        ),
    )
    table = latest[KEYS].copy()
    for (name, outcome, number), cate in zip(jobs, track(results, "Fitting on earlier trials", len(jobs)), strict=True):
        if not np.isfinite(cate).all():
            raise DataError(f"Learner {name} gave effects on {outcome} that are not finite: take it out of learners.forward.")
        table.loc[fold == number, f"cate_{outcome}_{name}"] = cate
    return table


def forward_table(
    forward: pd.DataFrame,
    fold: Vector,
    scores: dict[str, Vector],
    out_of_fold: dict[str, pd.DataFrame],
    learners: Sequence[str],
) -> pd.DataFrame:
    """One row per outcome and learner, judged within `fold` (rows,) by `scores` (outcome -> scores of the same rows).

    Columns: outcome, learner, n, mean_predicted, mean_effect, autoc, autoc_se, autoc_p, blp_slope, blp_se, blp_p, and agreement:
    the rank correlation with the same learner's effects when the last trial, too, is there to learn from (`out_of_fold`).
    """
    households = forward["household_id"].to_numpy()
    rows = []
    for outcome, score in scores.items():
        for learner in learners:
            cate = forward[f"cate_{outcome}_{learner}"]
            rows.append(
                {
                    "outcome": outcome,
                    "learner": learner,
                    "n": len(cate),
                    "mean_predicted": cate.mean(),
                    "mean_effect": float(np.mean(score)),
                    **order_and_size(cate, score, households, fold),
                    "agreement": cate.corr(out_of_fold[learner][f"cate_{outcome}"], method="spearman"),
                }
            )
    return pd.DataFrame(rows)


def _fit(seed: int, learner: Learner, learn: Rows, held_out: HeldOut) -> Vector:
    return learner.learned(learn, learner.settings, seed).effects(held_out).cate
