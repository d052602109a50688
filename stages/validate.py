"""Judge every learner's effects by doubly robust scores of households it never saw, and choose one.

Reads the panel, the nuisances and every learner's effects; writes the chosen effects, one row a row of the panel.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from targeting.errors import DataError
from targeting.outputs import write_csv, write_metrics, write_parquet
from targeting.overlap import in_overlap
from targeting.panel import OUTCOMES, require_aligned
from targeting.params import load_params
from targeting.ranking import autoc, best_linear_predictor, calibration_r2, calibration_table, qini, raw_auuc, toc_table
from targeting.scores import effect_scores
from targeting.selection import choose_learner, reasons, selected_effects
from targeting.stage import run

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
EFFECTS = Path("data/cate")
SELECTED = Path("data/validate/selected.parquet")
LEARNERS = Path("plots/learners.csv")
TOC = Path("plots/toc.csv")
CALIBRATION = Path("plots/calibration.csv")
METRICS = Path("metrics/validate.json")
SHARES = np.linspace(0.05, 1.0, 20)


def judge(cate: pd.Series, score: np.ndarray, panel: pd.DataFrame, outcome: str) -> dict[str, float]:
    """Every measure of one learner's effects on one outcome."""
    households = panel["household_id"].to_numpy()
    area, blp = autoc(cate, score, households), best_linear_predictor(cate, score, households)
    return {
        "mean": cate.mean(),
        "sd": cate.std(),
        "share_positive": (cate > 0).mean(),
        "auuc": raw_auuc(cate, panel[outcome], panel["treated"]),
        "qini": qini(cate, score, households).estimate.value,
        "autoc": area.estimate.value,
        "autoc_se": area.estimate.se,
        "autoc_p": area.p,
        "blp_slope": blp.estimate.value,
        "blp_p": blp.p,
        "calibration_r2": calibration_r2(calibration_table(cate, score, households), float(score.mean())),
    }


def main() -> None:
    params = load_params("learners", "policy", "nuisance")
    outcome = params["policy"]["outcome"]
    panel = pd.read_parquet(PANEL)
    nuisance = pd.read_parquet(NUISANCE)
    require_aligned(panel, nuisance, str(NUISANCE))
    effects = {learner: pd.read_parquet(EFFECTS / f"{learner}.parquet") for learner in params["learners"]["names"]}
    for learner, table in effects.items():
        require_aligned(panel, table, f"the effects of {learner}")

    # Outside the overlap a score is little more than the outcome models' difference, which a learner of the same models agrees
    # with: only rows that could have gone either way can judge.
    inside = in_overlap(nuisance["propensity"], params["nuisance"]["overlap"])
    if not inside.any():
        raise DataError(
            f"No propensity lies inside nuisance.overlap {params['nuisance']['overlap']}: nothing can judge the learners."
        )
    judged = panel[inside]
    scores = {name: effect_scores(nuisance, name)[inside] for name in OUTCOMES}
    choice = choose_learner({name: table[inside] for name, table in effects.items()}, scores[outcome], judged, outcome)
    selected = selected_effects(effects, choice, panel)

    candidates = {name: table[inside] for name, table in (effects | {"selected": selected}).items()}
    learners = pd.DataFrame(
        [
            {"outcome": name, "learner": learner} | judge(table[f"cate_{name}"], scores[name], judged, name)
            for name in OUTCOMES
            for learner, table in candidates.items()
        ]
    )
    compared = learners[(learners["outcome"] == outcome) & (learners["learner"] != "selected")]
    words = dict(zip(compared["learner"], reasons(compared, choice), strict=True))
    words["selected"] = "for each fold the learner that the other folds chose"
    # The choice was made on one outcome; on the other there is no reason to give.
    learners["reason"] = learners["learner"].map(words).where(learners["outcome"] == outcome, "")

    households = judged["household_id"].to_numpy()
    cates = {name: table[f"cate_{outcome}"] for name, table in candidates.items()}
    toc = [toc_table(cate, scores[outcome], households, SHARES).assign(learner=name) for name, cate in cates.items()]
    calibration = [calibration_table(cate, scores[outcome], households).assign(learner=name) for name, cate in cates.items()]

    honest = learners[(learners["outcome"] == outcome) & (learners["learner"] == "selected")].iloc[0]
    names = ["autoc", "autoc_se", "autoc_p", "blp_p", "calibration_r2"]
    write_metrics({"selected": choice.overall, "n_judged": inside.sum()} | honest[names].to_dict(), METRICS)
    write_parquet(selected, SELECTED)
    write_csv(learners, LEARNERS)
    write_csv(pd.concat(toc, ignore_index=True), TOC)
    write_csv(pd.concat(calibration, ignore_index=True), CALIBRATION)


if __name__ == "__main__":
    run("validate", main)
