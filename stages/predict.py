"""Predict the next campaign's effect on every eligible household, by the stored models.

Reads the candidates and the models; writes effects and propensities of the eligible candidates. Nothing is fitted.
"""

import sys
from pathlib import Path

from targeting.base.outputs import read_batches, read_metrics, write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.campaign.prediction import BATCH, predict_next, prediction_metrics
from targeting.campaign.stored import read_models

CANDIDATES = Path("data/score/candidates.parquet")
MODELS = Path("data/score/models.skops")


def main() -> None:
    outcome = load_params("policy")["policy"]["outcome"]
    fitted = read_metrics("metrics/fit.json")

    predictions = predict_next(read_batches(CANDIDATES, BATCH), read_models(MODELS))

    if predictions.empty:
        print("predict: no household is left for a next campaign: one of this type mailed all that have bought.", file=sys.stderr)
    metrics = {"learner": fitted["learner"], "ranks": fitted["ranks"], **prediction_metrics(predictions, outcome)}
    write_outputs({"metrics/predict.json": metrics, "data/score/predictions.parquet": predictions})


if __name__ == "__main__":
    run("predict", main)
