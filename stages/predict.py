"""Predict the next campaign's effect on every eligible household, and try the same on the last campaign, whose outcome is known.

Reads the panel, the nuisances, the candidates and what was chosen; writes effects and propensities of the eligible candidates,
and those of the last campaign's rows from the campaigns before it (`backtest`), which has no rows where there is one campaign.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from targeting.errors import DataError
from targeting.inner_nuisance import inner_nuisances
from targeting.learners.data import outcome_data
from targeting.learners.registry import find_learner
from targeting.learners.rows import Effects
from targeting.outputs import write_metrics, write_parquet
from targeting.panel import KEYS, require_aligned
from targeting.params import load_params
from targeting.prediction import (
    Judged,
    Settings,
    average_effect,
    in_each_trial,
    outside_range,
    predict_effects,
    predict_propensity,
    recipe,
)
from targeting.selection import AVERAGE_EFFECT
from targeting.stage import run

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
INNER = Path("data/trials/inner_nuisance.parquet")
SELECTED = Path("data/validate/selected.parquet")
CANDIDATES = Path("data/score/candidates.parquet")
TUNING = Path("data/tuning")
MODELS = Path("plots/nuisance_models.csv")
STACK = Path("plots/stack_weights.csv")
PREDICTIONS = Path("data/score/predictions.parquet")
BACKTEST = Path("data/score/backtest.parquet")
METRICS = Path("metrics/predict.json")


def learners_used(panel: pd.DataFrame, learner: str) -> dict[int, str]:
    """The learner whose effects are used for each held-out fold."""
    folds = sorted(panel["fold"].unique())
    if learner != "selected":
        return dict.fromkeys(folds, learner)
    selected = pd.read_parquet(SELECTED)
    require_aligned(panel, selected, str(SELECTED))
    return {number: selected.loc[panel["fold"] == number, "learner"].iloc[0] for number in folds}


def tuned(name: str, outcome: str) -> Settings:
    """A learner's settings by held-out fold."""
    found = json.loads((TUNING / f"{name}.json").read_text(encoding="utf-8"))[outcome]["settings"]
    return {int(number): own for number, own in found.items()}


def table_of(propensity: np.ndarray, shares: np.ndarray, effects: Effects) -> dict[str, np.ndarray | None]:
    """The columns of predictions."""
    return {"propensity": (shares @ propensity).round(4), "cate": effects.cate, "lower": effects.lower, "upper": effects.upper}


def main() -> None:
    params = load_params("learners", "policy", "nuisance", "seed")
    outcome, seed = params["policy"]["outcome"], params["seed"]
    models, clip = params["nuisance"]["models"], params["nuisance"]["clip"]
    panel, nuisance, candidates = (pd.read_parquet(path) for path in (PANEL, NUISANCE, CANDIDATES))
    require_aligned(panel, nuisance, str(NUISANCE))
    used, stack = learners_used(panel, params["policy"]["learner"]), pd.read_csv(STACK)
    parts = recipe(used, stack[stack["outcome"] == outcome])
    names = sorted({name for own in parts.values() for name in own} - {AVERAGE_EFFECT, "constant"})
    learners = {name: find_learner(name, params["learners"]["models"]) for name in names}
    weights = pd.read_csv(MODELS).query("nuisance == 'propensity'")

    def predict(rows: pd.Series, inner: pd.DataFrame | None, settings: dict[str, Any], new: pd.DataFrame) -> dict[str, Any]:
        """The columns of predictions for `new`, learned from some rows of the panel."""
        learn, known = panel[rows].reset_index(drop=True), nuisance[rows].reset_index(drop=True)
        data = None if inner is None else outcome_data(learn, known, inner, outcome)
        judged = Judged(data, parts, learners, settings, average_effect(learn, known, outcome))
        propensity = predict_propensity(learn, new, weights["model"].tolist(), weights["weight"].tolist(), clip, seed)
        return table_of(propensity, in_each_trial(learn, new)[0], predict_effects(learn, new, propensity, judged, seed))

    eligible = candidates[candidates["has_history"] & ~candidates["targeted_before"]].reset_index(drop=True)
    if eligible.empty:
        raise DataError("No household is eligible for a next campaign: every one was targeted before, or has no purchase.")
    everything = pd.Series(True, index=panel.index)
    inner = pd.read_parquet(INNER) if names else None
    found = predict(everything, inner, {name: tuned(name, outcome) for name in names}, eligible)
    predictions = eligible[["household_id"]].assign(outside_range=outside_range(panel, eligible), **found)

    last = panel["trial"] == panel["trial"].max()
    backtest = panel.loc[last & (panel["trial"] > panel["trial"].min()), KEYS]
    if len(backtest):
        # Tuned settings saw the last campaign: here learners have their own.
        earlier = panel[~last].reset_index(drop=True)
        own = {name: dict.fromkeys(parts, learner.settings) for name, learner in learners.items()}
        inside = inner_nuisances(earlier, models, clip, seed) if names else None
        backtest = backtest.assign(**predict(~last, inside, own, panel[last]))

    metrics = {
        "learner": ", ".join(dict.fromkeys(used.values())),
        "n": len(predictions),
        "n_outside_range": (predictions["outside_range"] != "").sum(),
        "mean_cate": predictions["cate"].mean(),
        "min_cate": predictions["cate"].min(),
        "max_cate": predictions["cate"].max(),
    }
    write_metrics(metrics, METRICS)
    write_parquet(predictions, PREDICTIONS)
    write_parquet(backtest.reset_index(drop=True), BACKTEST)


if __name__ == "__main__":
    run("predict", main)
