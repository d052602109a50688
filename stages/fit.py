"""Fit what predicts the next campaign on all that was learned, and look back at the last one, whose outcome is known.

Reads the panel and what was chosen, and the candidates, among whom each of them stands; writes the fitted models, which
`predict` needs no row of the past for; the predictions for the last campaign's rows from the campaigns before it (`backtest`),
and for all rows from the same campaigns' other folds (`comparable`). The last two have no rows where there is one campaign.
"""

import json
from pathlib import Path

import pandas as pd

from targeting.base.columns import outcomes_of
from targeting.base.outputs import read_batches, write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.campaign.prediction import blend_of, chosen_models, fit_campaign, look_back, same_households
from targeting.campaign.stored import write_models
from targeting.learners.ensemble import CONSTANT
from targeting.trials.panel import require_aligned

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
TUNING = Path("data/tuning")
STACK_WEIGHTS = Path("data/ensemble/weights.parquet")
NUISANCE_MODELS = Path("data/trials/nuisance_models.parquet")
VALIDATION = Path("metrics/validate.json")
CANDIDATES = Path("data/score/candidates.parquet")
MODELS = Path("data/score/models.skops")
BACKTEST = Path("data/score/backtest.parquet")
COMPARABLE = Path("data/score/comparable.parquet")
METRICS = Path("metrics/fit.json")
BATCH = 10_000  # households


def main() -> None:
    params = load_params("data", "design", "policy", "learners", "nuisance", "seed")
    policy, learners = params["policy"], params["learners"]
    panel, nuisance = pd.read_parquet(PANEL), pd.read_parquet(NUISANCE)
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

    nuisance_models, clip = pd.read_parquet(NUISANCE_MODELS), params["nuisance"]["clip"]
    by_standing = same_households(panel, params["data"]["source"], params["design"]["eligible"])
    models = chosen_models(
        outcome, ranking, blends, tuned, learners["models"], nuisance_models, clip, params["seed"], by_standing
    )
    eligible = (batch[batch["eligible"]] for batch in read_batches(CANDIDATES, BATCH))
    fitted = fit_campaign(panel, nuisance, models, eligible)
    past = look_back(panel, nuisance, models)

    write_metrics({"learner": learner, "ranks": ranks, "n_rows": len(panel), "n_learners": len(behind)}, METRICS)
    write_models(fitted, MODELS)
    write_parquet(past.backtest, BACKTEST)
    write_parquet(past.comparable, COMPARABLE)


if __name__ == "__main__":
    run("fit", main)
