"""Predict the next campaign's effect on every eligible household, and try the same on the last campaign, whose outcome is known.

Reads the panel, the candidates and what was chosen; writes effects and propensities of the eligible candidates, those of the last
campaign's rows from the campaigns before it (`backtest`), and those of all rows from the same campaigns' other folds
(`comparable`). The last two have no rows where there is one campaign.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from targeting.base.columns import KEYS, OUTCOMES
from targeting.base.errors import DataError
from targeting.base.outputs import write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.campaign.prediction import (
    Training,
    blend_of,
    by_other_folds,
    outside_range,
    predict_effects,
    predict_propensity,
    usual_settings,
)
from targeting.learners.ensemble import CONSTANT
from targeting.learners.registry import Learner, find_learner
from targeting.trials.panel import in_last_trial, require_aligned

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
TUNING = Path("data/tuning")
STACK_WEIGHTS = Path("data/ensemble/weights.parquet")
CANDIDATES = Path("data/score/candidates.parquet")
MODELS = Path("data/trials/nuisance_models.parquet")
VALIDATION = Path("metrics/validate.json")
PREDICTIONS = Path("data/score/predictions.parquet")
BACKTEST = Path("data/score/backtest.parquet")
COMPARABLE = Path("data/score/comparable.parquet")
METRICS = Path("metrics/predict.json")


def learners_of(names: list[str], models: dict[str, str], outcome: str) -> dict[str, Learner]:
    """Every learner, with the settings that tuning gave most folds."""
    learners = {}
    for name in names:
        tuned = json.loads((TUNING / f"{name}.json").read_text(encoding="utf-8"))[outcome]["settings"]
        learners[name] = replace(find_learner(name, models), settings=usual_settings(tuned))
    return learners


def main() -> None:
    params = load_params("policy", "learners", "nuisance", "seed")
    panel, nuisance, candidates = (pd.read_parquet(path) for path in (PANEL, NUISANCE, CANDIDATES))
    require_aligned(panel, nuisance, str(NUISANCE))
    chosen = json.loads(VALIDATION.read_text(encoding="utf-8"))["selected"]
    learner = chosen if params["policy"]["learner"] == "selected" else params["policy"]["learner"]
    weights = pd.read_parquet(MODELS).query("nuisance == 'propensity'")
    stack = (weights["model"].tolist(), weights["weight"].tolist(), params["nuisance"]["clip"], params["seed"])
    stack_weights = pd.read_parquet(STACK_WEIGHTS)
    usable = [name for name in params["learners"]["names"] if name in set(stack_weights["learner"])]

    everything = np.ones(len(panel), dtype=bool)

    def predict(learn: np.ndarray, households: pd.DataFrame, outcomes: Sequence[str] = OUTCOMES) -> pd.DataFrame:
        table = pd.DataFrame({"propensity": predict_propensity(panel[learn], households, *stack)}, index=households.index)
        for outcome in outcomes:
            blend = blend_of(learner, usable, stack_weights, outcome)
            models = learners_of([name for name in blend if name != CONSTANT], params["learners"]["models"], outcome)
            training = Training(panel, nuisance, models).rows(learn)
            effects = predict_effects(training, households, table["propensity"].to_numpy(), blend, outcome, params["seed"])
            ends = {"cate": effects.cate, "lower": effects.lower, "upper": effects.upper}
            for name, values in ends.items():
                table[f"{name}_{outcome}"] = np.nan if values is None else values
        return table

    eligible = candidates[candidates["has_history"] & ~candidates["targeted_before"]].reset_index(drop=True)
    if eligible.empty:
        raise DataError("No household is eligible for a next campaign: all were targeted before, or have no purchase.")
    predictions = eligible[["household_id"]].assign(outside_range=outside_range(panel, eligible))
    predictions = pd.concat([predictions, predict(everything, eligible)], axis=1)
    last = in_last_trial(panel)
    backtest, comparable = panel.loc[last, KEYS].head(0), panel[KEYS].head(0)
    if not last.all():
        # The earlier rows' nuisances have seen the last campaign's other households; `forward` fits them without.
        backtest = pd.concat([panel.loc[last, KEYS], predict(~last, panel[last])], axis=1)
        wanted, fold = [params["policy"]["outcome"]], panel["fold"].to_numpy()
        alike = by_other_folds(fold, ~last, lambda learn, rows: predict(learn, panel[rows], wanted))
        comparable = pd.concat([panel[KEYS], alike], axis=1)

    metrics = {
        "learner": learner,
        "n": len(predictions),
        "n_outside_range": (predictions["outside_range"] != "").sum(),
        **{f"{name}_cate": getattr(predictions["cate_purchase_amount"], name)() for name in ("mean", "min", "max")},
    }
    write_metrics(metrics, METRICS)
    write_parquet(predictions, PREDICTIONS)
    write_parquet(backtest.reset_index(drop=True), BACKTEST)
    write_parquet(comparable, COMPARABLE)


if __name__ == "__main__":
    run("predict", main)
