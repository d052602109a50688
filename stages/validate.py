"""Judge every learner's effects by doubly robust scores of households it never saw, and choose one, or none.

Reads the panel, the nuisances and every learner's effects; writes the effects that are used, and those of the best learner
whether or not they mean anything, one row per row of the panel.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from targeting.base.columns import OUTCOMES
from targeting.base.errors import DataError
from targeting.base.outputs import write_csv, write_figure, write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.validation import agreement_chart, calibration_chart, toc_chart
from targeting.learners.tables import read_effects
from targeting.nuisance.overlap import in_overlap
from targeting.nuisance.scores import effect_scores
from targeting.stats.folds import rank_within
from targeting.trials.panel import require_aligned
from targeting.validation.calibration import grouped_effects
from targeting.validation.measures import effect_correlations, learner_table
from targeting.validation.ranking import CROSS_FITTED
from targeting.validation.selection import (
    AVERAGE_EFFECT,
    NESTED,
    USED,
    Evidence,
    average_effects,
    choose,
    effects_by_fold,
    heterogeneity_verdict,
    with_choice,
)
from targeting.validation.uplift import toc_table, uplift_table

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
EFFECTS = Path("data/cate")
ENSEMBLES = Path("data/ensemble")
SELECTED = Path("data/validate/selected.parquet")
NESTED_EFFECTS = Path("data/validate/nested.parquet")
LEARNERS = Path("plots/learners.csv")
TOC = Path("plots/toc.csv")
UPLIFT = Path("plots/uplift.csv")
CALIBRATION = Path("plots/calibration.csv")
AGREEMENT = Path("plots/agreement.csv")
TOC_PICTURE = Path("plots/toc.png")
CALIBRATION_PICTURE = Path("plots/calibration.png")
AGREEMENT_PICTURE = Path("plots/agreement.png")
METRICS = Path("metrics/validate.json")
SHARES = np.linspace(0.05, 1.0, 20)


def curves(cates: Mapping[str, pd.Series], evidence: Evidence, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The TOC and the grouped effects of every learner, and of what the rule gives for each fold."""
    toc, groups = [], []
    for name, cate in cates.items():
        ranks = rank_within(cate, evidence.fold)
        table = toc_table(ranks, evidence.score, evidence.household_id, SHARES, seed, CROSS_FITTED)
        toc.append(table.assign(learner=name))
        grouped = grouped_effects(cate, evidence.score, evidence.household_id, evidence.fold, seed, inflation=CROSS_FITTED)
        groups.append(grouped.table.assign(learner=name))
    return pd.concat(toc, ignore_index=True), pd.concat(groups, ignore_index=True)


def main() -> None:
    params = load_params("learners", "policy", "nuisance", "seed")
    outcome, seed = params["policy"]["outcome"], params["seed"]
    panel = pd.read_parquet(PANEL)
    nuisance = pd.read_parquet(NUISANCE)
    require_aligned(panel, nuisance, str(NUISANCE))
    effects, left_out = read_effects(params["learners"]["names"], EFFECTS, ENSEMBLES, panel)

    # Outside the overlap a score is little more than the outcome models' difference, which a learner of the same models agrees
    # with: only rows that could have gone either way can judge.
    inside = in_overlap(nuisance["propensity"], params["nuisance"]["overlap"])
    if not inside.any():
        raise DataError(
            f"No propensity lies inside nuisance.overlap {params['nuisance']['overlap']}: nothing can judge the learners."
        )
    judged = panel[inside]
    scores = {name: effect_scores(nuisance, name)[inside] for name in OUTCOMES}
    evidence = Evidence(
        scores[outcome],
        judged[outcome].to_numpy(dtype=float),
        judged["household_id"].to_numpy(),
        judged["fold"].to_numpy(),
    )
    own = {name: table.loc[inside, f"cate_{outcome}"].to_numpy() for name, table in effects.items()}
    choice = choose(own, evidence, sorted(panel["fold"].unique()), seed)
    tables = effects | {AVERAGE_EFFECT: average_effects(panel, nuisance)}
    nested = effects_by_fold(tables, {number: decision.learner for number, decision in choice.by_fold.items()}, panel)
    selected = effects_by_fold(tables, {number: decision.used for number, decision in choice.by_fold.items()}, panel)

    cates = {
        name: {
            learner: table.loc[inside, f"cate_{name}"] for learner, table in (effects | {NESTED: nested, USED: selected}).items()
        }
        for name in OUTCOMES
    }
    learners = with_choice(learner_table(cates, scores, judged, seed), choice, outcome, left_out)
    shown = {name: cate for name, cate in cates[outcome].items() if name != USED}
    toc, calibration = curves(shown, evidence, seed)
    alike = effect_correlations({name: table[inside] for name, table in effects.items()}, OUTCOMES)

    honest = learners[(learners["outcome"] == outcome) & (learners["learner"] == NESTED)].iloc[0]
    names = ["autoc", "autoc_se", "autoc_p", "blp_p", "calibration_r2", "top_less_bottom_p"]
    metrics = {
        **heterogeneity_verdict(choice),
        "n_judged": inside.sum(),
        "n_learners": len(effects),
        "n_left_out": len(left_out),
        "average_share": (selected["learner"] == AVERAGE_EFFECT).mean(),
        **honest[names].to_dict(),
    }
    write_metrics(metrics, METRICS)
    write_parquet(selected, SELECTED)
    write_parquet(nested, NESTED_EFFECTS)
    write_csv(learners, LEARNERS)
    write_csv(toc, TOC)
    write_csv(uplift_table(toc), UPLIFT)
    write_csv(calibration, CALIBRATION)
    write_csv(alike, AGREEMENT)
    write_figure(toc_chart(toc, uplift_table(toc), NESTED), TOC_PICTURE)
    write_figure(calibration_chart(calibration), CALIBRATION_PICTURE)
    write_figure(agreement_chart(alike), AGREEMENT_PICTURE)


if __name__ == "__main__":
    run("validate", main)
