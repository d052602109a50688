"""Fit what predicts the next campaign on all that was learned, and look back at the last one, whose outcome is known.

Reads the panel and what was chosen, and the candidates, among whom each of them stands; writes the fitted models, which
`predict` needs no row of the past for; the predictions for the last campaign's rows from the campaigns before it (`backtest`),
and for all rows from the same campaigns' other folds (`comparable`). The last two have no rows where there is one campaign.
"""

from pathlib import Path

import pandas as pd

from targeting.base.columns import outcomes_of
from targeting.base.outputs import read_batches, read_metrics, write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.campaign.prediction import BATCH, ChosenLearners, chosen_models, fit_campaign, look_back, same_households
from targeting.campaign.stored import write_models
from targeting.trials.panel import read_aligned

CANDIDATES = Path("data/score/candidates.parquet")
MODELS = Path("data/score/models.skops")
TUNING = Path("data/tuning")


def main() -> None:
    params = load_params("data", "design", "policy", "learners", "nuisance", "seed")
    policy, validation = params["policy"], read_metrics("metrics/validate.json")
    panel, weights = pd.read_parquet("data/trials/panel.parquet"), pd.read_parquet("data/ensemble/weights.parquet")
    nuisance = read_aligned(panel, "data/trials/nuisance.parquet")
    nuisance_models = pd.read_parquet("data/trials/nuisance_models.parquet")

    outcomes = outcomes_of(panel.columns)
    chosen = ChosenLearners.of(policy["learner"], validation, weights, outcomes, policy["outcome"])
    tuned = {name: read_metrics(str(TUNING / f"{name}.json")) for name in chosen.fitted}
    by_standing = same_households(panel, params["data"]["source"], params["design"]["eligible"])
    models = chosen_models(chosen, tuned, nuisance_models, params, by_standing)
    eligible = (batch[batch["eligible"]] for batch in read_batches(CANDIDATES, BATCH))
    fitted = fit_campaign(panel, nuisance, models, eligible)
    past = look_back(panel, nuisance, models)

    counts = {"n_rows": len(panel), "n_learners": len(chosen.fitted)}
    write_outputs(
        {
            "metrics/fit.json": {"learner": chosen.learner, "ranks": chosen.ranks, **counts},
            "data/score/backtest.parquet": past.backtest,
            "data/score/comparable.parquet": past.comparable,
        }
    )
    write_models(fitted, MODELS)


if __name__ == "__main__":
    run("fit", main)
