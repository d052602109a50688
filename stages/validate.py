"""Judge every learner's effects by doubly robust scores of households it never saw, and choose one.

Reads the panel, the nuisances and every learner's effects; writes the chosen effects, one row a row of the panel.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from targeting.outputs import write_csv, write_metrics, write_parquet
from targeting.panel import OUTCOMES, require_aligned
from targeting.params import load_params
from targeting.ranking import autoc, best_linear_predictor, calibration_r2, calibration_table, qini, raw_auuc, toc_table
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
    params = load_params("learners", "policy")
    outcome = params["policy"]["outcome"]
    panel = pd.read_parquet(PANEL)
    nuisance = pd.read_parquet(NUISANCE)
    require_aligned(panel, nuisance, str(NUISANCE))
    effects = {learner: pd.read_parquet(EFFECTS / f"{learner}.parquet") for learner in params["learners"]["names"]}
    for learner, table in effects.items():
        require_aligned(panel, table, f"the effects of {learner}")
    scores = {name: (nuisance[f"score1_{name}"] - nuisance[f"score0_{name}"]).to_numpy() for name in OUTCOMES}

    choice = choose_learner(effects, scores[outcome], panel, outcome)
    selected = selected_effects(effects, choice, panel)

    candidates = effects | {"selected": selected}
    learners = pd.DataFrame(
        [
            {"outcome": name, "learner": learner} | judge(table[f"cate_{name}"], scores[name], panel, name)
            for name in OUTCOMES
            for learner, table in candidates.items()
        ]
    )
    judged = learners[(learners["outcome"] == outcome) & (learners["learner"] != "selected")]
    words = dict(zip(judged["learner"], reasons(judged, choice), strict=True))
    words["selected"] = "for each fold the learner that the other folds chose"
    learners["reason"] = learners["learner"].map(words)

    households = panel["household_id"].to_numpy()
    toc = [
        toc_table(table[f"cate_{outcome}"], scores[outcome], households, SHARES).assign(learner=name)
        for name, table in candidates.items()
    ]
    calibration = [
        calibration_table(table[f"cate_{outcome}"], scores[outcome], households).assign(learner=name)
        for name, table in candidates.items()
    ]

    honest = learners[(learners["outcome"] == outcome) & (learners["learner"] == "selected")].iloc[0]
    write_parquet(selected, SELECTED)
    write_csv(learners, LEARNERS)
    write_csv(pd.concat(toc, ignore_index=True), TOC)
    write_csv(pd.concat(calibration, ignore_index=True), CALIBRATION)
    names = ["autoc", "autoc_se", "autoc_p", "blp_p", "calibration_r2"]
    write_metrics({"selected": choice.overall} | honest[names].to_dict(), METRICS)


if __name__ == "__main__":
    run("validate", main)
