"""Would effects learned from past campaigns have ranked households in the next one? Train on earlier trials, test on the last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import KEYS, outcomes_of
from targeting.base.errors import DataError
from targeting.base.parallel import in_processes
from targeting.base.progress import track
from targeting.learners.data import outcome_data
from targeting.learners.registry import Learner, find_learner
from targeting.learners.rows import HeldOut, Rows
from targeting.nuisance.nested import inner_nuisances
from targeting.nuisance.overlap import comparable
from targeting.nuisance.scores import effect_scores
from targeting.stats.folds import in_sample
from targeting.trials.panel import covariate_matrix, covariate_names, household_covariates, in_last_trial
from targeting.validation.measures import order_and_size

Vector = NDArray[np.float64]
COLUMNS = ["outcome", "learner", "n", "mean_predicted", "mean_effect", "autoc", "autoc_se", "autoc_p"]
COLUMNS += ["blp_slope", "blp_se", "blp_p", "agreement"]
FEWEST = 2  # households: one cannot be ranked


class Obstacle(StrEnum):
    """Why nothing can be said."""

    ONE_TRIAL = auto()
    NO_LEARNER = auto()
    NO_OVERLAP = auto()  # in the last trial


@dataclass(frozen=True)
class Forward:
    """The table of `forward_table`, of how many rows of how many trials, or the obstacle and a table without rows."""

    table: pd.DataFrame
    n_trials: int
    n_judged: int
    obstacle: Obstacle | None = None


def judge_forward(
    panel: pd.DataFrame, nuisance: pd.DataFrame, out_of_fold: Mapping[str, pd.DataFrame], params: Mapping[str, Any]
) -> Forward:
    """How effects learned from the earlier trials rank the last one's households inside the overlap.

    `out_of_fold` has by learner its effects as learned from all trials, rows as in the panel; `params` the sections nuisance,
    learners and seed of params.yaml. Of the sample alone: the nuisances of households outside it have seen the last trial's
    outcomes.
    """
    sample, settings = in_sample(panel["fold"]), params["nuisance"]
    panel, nuisance = (rows[sample].reset_index(drop=True) for rows in (panel, nuisance))
    effects = {name: table[sample].reset_index(drop=True) for name, table in out_of_fold.items()}
    last, n_trials = in_last_trial(panel), panel["trial"].nunique()
    judged = last & comparable(panel, nuisance["propensity"], settings["overlap"])
    obstacle = _obstacle(last, list(effects), panel.loc[judged, "household_id"])
    if obstacle:
        return Forward(pd.DataFrame(columns=COLUMNS), n_trials, 0, obstacle)
    learners = {name: find_learner(name, params["learners"]["models"]) for name in effects}
    learned = forward_effects(panel, nuisance, learners, settings["models"], settings["clip"], params["seed"])
    table = forward_table(
        panel[KEYS].merge(learned, on=KEYS, how="left", validate="one_to_one")[judged].reset_index(drop=True),
        panel.loc[judged, "fold"].to_numpy(),
        {name: effect_scores(nuisance, name)[judged] for name in outcomes_of(panel.columns)},
        {name: own[judged].reset_index(drop=True) for name, own in effects.items()},
        list(effects),
    )
    return Forward(table[COLUMNS], n_trials, int(judged.sum()))


def _obstacle(last: NDArray[np.bool_], learners: Sequence[str], judged: pd.Series) -> Obstacle | None:
    if last.all():
        return Obstacle.ONE_TRIAL
    if not learners:
        return Obstacle.NO_LEARNER
    return Obstacle.NO_OVERLAP if judged.nunique() < FEWEST else None


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
