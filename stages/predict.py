"""Predict the next campaign's effect on every eligible household, by the stored models.

Reads the candidates and the models; writes effects and propensities of the eligible candidates. Nothing is fitted.
"""

import json
import sys
from pathlib import Path

from targeting.base.outputs import read_batches, write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.campaign.prediction import predict_next, prediction_metrics
from targeting.campaign.stored import read_models

CANDIDATES = Path("data/score/candidates.parquet")
MODELS = Path("data/score/models.skops")
FITTED = Path("metrics/fit.json")
PREDICTIONS = Path("data/score/predictions.parquet")
METRICS = Path("metrics/predict.json")
BATCH = 10_000  # households: some 100 MB a process, with as many trials as a year has


def main() -> None:
    outcome = load_params("policy")["policy"]["outcome"]
    fitted = json.loads(FITTED.read_text(encoding="utf-8"))

    predictions = predict_next(read_batches(CANDIDATES, BATCH), read_models(MODELS))

    if predictions.empty:
        print("predict: no household is left for a next campaign: one of this type mailed all that have bought.", file=sys.stderr)
    metrics = {"learner": fitted["learner"], "ranks": fitted["ranks"], **prediction_metrics(predictions, outcome)}
    write_metrics(metrics, METRICS)
    write_parquet(predictions, PREDICTIONS)


if __name__ == "__main__":
    run("predict", main)
