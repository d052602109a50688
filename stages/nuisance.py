"""Cross-fit propensities and outcome models by household, and form the doubly robust scores that all later stages share.

Reads the panel; writes one row a row of the panel.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score, roc_auc_score

from targeting.nuisance import cross_fit, nuisance_table, observed_arm
from targeting.outputs import write_csv, write_metrics, write_parquet
from targeting.overlap import (
    BALANCED,
    balance_table,
    effective_sample_size,
    in_overlap,
    inverse_propensity_weights,
    overlap_by_trial,
    propensity_histogram,
)
from targeting.panel import covariate_names
from targeting.params import load_params
from targeting.stage import run

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
MODELS = Path("plots/nuisance_models.csv")
PROPENSITY = Path("plots/propensity.csv")
BALANCE = Path("plots/balance.csv")
OVERLAP = Path("plots/overlap.csv")
METRICS = Path("metrics/nuisance.json")


def main() -> None:
    params = load_params("nuisance", "seed")
    settings = params["nuisance"]
    panel = pd.read_parquet(PANEL)
    treated = panel["treated"].to_numpy()

    predictions, models = cross_fit(panel, settings["models"], settings["folds"], settings["repeats"], params["seed"])
    table = nuisance_table(panel, predictions, settings["clip"])

    propensity = table["propensity"].to_numpy()
    balance = balance_table(panel[covariate_names(panel)], treated, propensity)
    predicted = observed_arm(treated, table["mu0_purchase_amount"], table["mu1_purchase_amount"])
    weights = inverse_propensity_weights(treated, propensity)
    metrics = {
        "propensity_auc": roc_auc_score(treated, propensity),
        "overlap_share": in_overlap(propensity, settings["overlap"]).mean(),
        "clipped_share": (np.abs(propensity - 0.5) >= 0.5 - settings["clip"]).mean(),
        "ess_treated": effective_sample_size(weights[treated == 1]),
        "ess_control": effective_sample_size(weights[treated == 0]),
        "n_covariates": len(balance),
        "n_balanced": (balance["smd"].abs() < BALANCED).sum(),
        "n_balanced_weighted": (balance["smd_overlap"].abs() < BALANCED).sum(),
        "max_smd": balance["smd"].abs().max(),
        "max_smd_weighted": balance["smd_overlap"].abs().max(),
        "outcome_r2": r2_score(panel["purchase_amount"], predicted),
    }
    write_metrics(metrics, METRICS)
    write_parquet(table, NUISANCE)
    write_csv(models, MODELS)
    write_csv(propensity_histogram(propensity, treated), PROPENSITY)
    write_csv(balance, BALANCE)
    write_csv(overlap_by_trial(panel, table["propensity"], settings["overlap"]), OVERLAP)


if __name__ == "__main__":
    run("nuisance", main)
