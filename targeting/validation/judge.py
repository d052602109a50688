"""Every learner judged by scores of households that it never saw, and the choice among them: one path for stage and study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import outcomes_of
from targeting.base.errors import DataError
from targeting.nuisance.overlap import comparable
from targeting.nuisance.scores import effect_scores
from targeting.stats.folds import CROSS_FITTED, rank_within
from targeting.validation.calibration import grouped_effects
from targeting.validation.measures import effect_correlations, learner_table
from targeting.validation.selection import (
    AVERAGE_EFFECT,
    NESTED,
    USED,
    Choice,
    ScoredRows,
    average_effects,
    choose,
    effects_by_fold,
)
from targeting.validation.uplift import toc_table, uplift_table

SHARES = np.linspace(0.05, 1.0, 20)
# Of the effects that the rule gives for each fold: measures that the metrics hold.
MEASURES = ["autoc", "autoc_se", "autoc_p", "blp_p", "calibration_r2", "top_less_bottom_p"]


@dataclass(frozen=True)
class Chosen:
    """The choice, and the effects that follow from it, tables of keys, cate_*, lower_*, upper_*, learner per row of the panel.

    `nested` has for each fold the effects of the learner that the other folds put first, `selected` these where they show
    heterogeneity and else the average effect. `first` is the table of the learner put first on all rows. `inside` (rows,) are the
    rows inside the overlap, which alone judge.
    """

    choice: Choice
    inside: NDArray[np.bool_]
    first: pd.DataFrame
    nested: pd.DataFrame
    selected: pd.DataFrame


@dataclass(frozen=True)
class Judged:
    """What the stage `validate` says of a choice: metrics (but for the verdict), measures by learner, curves, groups, likeness.

    learners: see `learner_table`. toc and uplift: curves by learner. calibration: groups by predicted effect, by learner.
    correlations: of every two learners' effects.
    """

    metrics: dict[str, Any]
    learners: pd.DataFrame
    toc: pd.DataFrame
    uplift: pd.DataFrame
    calibration: pd.DataFrame
    correlations: pd.DataFrame


def choose_effects(
    panel: pd.DataFrame,
    nuisance: pd.DataFrame,
    effects: Mapping[str, pd.DataFrame],
    outcome: str,
    bounds: Sequence[float],
    seed: int,
) -> Chosen:
    """Choose by the written rule among `effects`, tables by learner with the panel's rows; raises DataError without an overlap.

    Outside the overlap a score is little more than the outcome models' difference, which a learner of the same models agrees
    with: only rows that could have gone either way, a propensity inside `bounds`, can judge.
    """
    inside = comparable(panel, nuisance["propensity"], bounds)
    if not inside.any():
        raise DataError(f"No propensity lies inside nuisance.overlap {bounds}: nothing can judge the learners.")
    own = {name: table.loc[inside, f"cate_{outcome}"].to_numpy() for name, table in effects.items()}
    evidence = _evidence(panel, nuisance, outcome, inside)
    choice = choose(own, evidence, sorted(panel["fold"].unique()), seed)
    tables = {**effects, AVERAGE_EFFECT: average_effects(panel, nuisance)}
    return Chosen(
        choice=choice,
        inside=inside,
        first=tables[choice.overall.learner],
        nested=effects_by_fold(tables, {number: decision.learner for number, decision in choice.by_fold.items()}, panel),
        selected=effects_by_fold(tables, {number: decision.used for number, decision in choice.by_fold.items()}, panel),
    )


def judge(
    panel: pd.DataFrame,
    nuisance: pd.DataFrame,
    effects: Mapping[str, pd.DataFrame],
    chosen: Chosen,
    outcome: str,
    seed: int,
) -> Judged:
    """All measures of the learners, and of what the rule gives for each fold, on the rows inside the overlap.

    Curves and groups are those of effects on `outcome`, of every learner and of what the rule puts first for each fold.
    """
    inside = chosen.inside
    rows = panel[inside]
    outcomes = outcomes_of(panel.columns)
    scores = {name: effect_scores(nuisance, name)[inside] for name in outcomes}
    tables = {**effects, NESTED: chosen.nested, USED: chosen.selected}
    cates = {name: {learner: table.loc[inside, f"cate_{name}"] for learner, table in tables.items()} for name in outcomes}
    learners = learner_table(cates, scores, rows, seed)
    shown = {name: cate for name, cate in cates[outcome].items() if name != USED}
    toc, calibration = _curves(shown, _evidence(panel, nuisance, outcome, inside), seed)
    honest = learners[(learners["outcome"] == outcome) & (learners["learner"] == NESTED)].iloc[0]
    metrics = {
        "average_share": (chosen.selected["learner"] == AVERAGE_EFFECT).mean(),
        **honest[MEASURES].to_dict(),
    }
    correlations = effect_correlations({name: table[inside] for name, table in effects.items()}, outcomes)
    return Judged(metrics, learners, toc, uplift_table(toc), calibration, correlations)


def _evidence(panel: pd.DataFrame, nuisance: pd.DataFrame, outcome: str, inside: NDArray[np.bool_]) -> ScoredRows:
    rows = panel[inside]
    return ScoredRows(
        score=effect_scores(nuisance, outcome)[inside],
        outcome=rows[outcome].to_numpy(dtype=float),
        treated=rows["treated"].to_numpy(),
        household_id=rows["household_id"].to_numpy(),
        fold=rows["fold"].to_numpy(),
    )


def _curves(cates: Mapping[str, pd.Series], evidence: ScoredRows, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The TOC and the grouped effects of every learner, and of what the rule gives for each fold."""
    toc, groups = [], []
    for name, cate in cates.items():
        ranks = rank_within(cate, evidence.fold)
        table = toc_table(ranks, evidence.score, evidence.household_id, SHARES, seed, CROSS_FITTED)
        toc.append(table.assign(learner=name))
        grouped = grouped_effects(cate, evidence.score, evidence.household_id, evidence.fold, seed, inflation=CROSS_FITTED)
        groups.append(grouped.table.assign(learner=name))
    return pd.concat(toc, ignore_index=True), pd.concat(groups, ignore_index=True)
