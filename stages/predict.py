"""Predict the next campaign's effect on every eligible household, and try the same on the last campaign, whose outcome is known.

Reads the panel, the candidates and what was chosen; writes effects and propensities of the eligible candidates, those of the last
campaign's rows from the campaigns before it (`backtest`), and those of all rows from the same campaigns' other folds
(`comparable`). The last two have no rows where there is one campaign.
"""

import json
import sys
from pathlib import Path

import pandas as pd

from targeting.base.columns import outcomes_of
from targeting.base.outputs import write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.campaign.prediction import blend_of, chosen_models, predict_campaigns, prediction_metrics
from targeting.learners.ensemble import CONSTANT
from targeting.trials.panel import require_aligned

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


def main() -> None:
    params = load_params("policy", "learners", "nuisance", "seed")
    policy, learners = params["policy"], params["learners"]
    panel, nuisance, candidates = (pd.read_parquet(path) for path in (PANEL, NUISANCE, CANDIDATES))
    require_aligned(panel, nuisance, str(NUISANCE))
    validation, outcome = json.loads(VALIDATION.read_text(encoding="utf-8")), policy["outcome"]
    learner, ranks = policy["learner"], policy["learner"]
    if learner == "selected":
        learner, ranks = validation["selected"], validation["best"]
    weights = pd.read_parquet(STACK_WEIGHTS)
    blends = {name: blend_of(learner, weights, name) for name in outcomes_of(panel.columns)}
    ranking = blend_of(ranks, weights, outcome)
    behind = {name for blend in (*blends.values(), ranking) for name in blend} - {CONSTANT}
    tuned = {name: json.loads((TUNING / f"{name}.json").read_text(encoding="utf-8")) for name in sorted(behind)}

    nuisance_models, clip = pd.read_parquet(MODELS), params["nuisance"]["clip"]
    models = chosen_models(outcome, ranking, blends, tuned, learners["models"], nuisance_models, clip, params["seed"])
    found = predict_campaigns(panel, nuisance, candidates, models)

    if found.predictions.empty:
        print("predict: no household is left for a next campaign: one of this type mailed all that have bought.", file=sys.stderr)
    metrics = {"learner": learner, "ranks": ranks, **prediction_metrics(found.predictions, outcome)}
    write_metrics(metrics, METRICS)
    write_parquet(found.predictions, PREDICTIONS)
    write_parquet(found.backtest, BACKTEST)
    write_parquet(found.comparable, COMPARABLE)


if __name__ == "__main__":
    run("predict", main)
