"""Cross-fit propensities and outcome models by household, and form the doubly robust scores that all later stages share.

Reads the panel; writes one row per row of the panel.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score

from targeting.base.columns import discounts_of, outcomes_of
from targeting.base.lots import known_propensities
from targeting.base.outputs import write_csv, write_metrics, write_parquet, write_png
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.nuisance import love_spec, love_words, propensity_picture, propensity_table, propensity_words
from targeting.figures.vega import png
from targeting.nuisance.cross_fit import cross_fit, nuisance_table, nuisance_tasks, observed_arm
from targeting.nuisance.lots import answers_by_lot, balance_p_value
from targeting.nuisance.models import with_logs
from targeting.nuisance.noise import with_precision
from targeting.nuisance.overlap import (
    balance_table,
    calibration_error,
    calibration_of_propensity,
    overlap_verdict,
    positivity_table,
    propensity_histogram,
)
from targeting.nuisance.scores import clipped_share
from targeting.trials.panel import covariate_names
from targeting.words.features import covariate_words

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
MODELS = Path("data/trials/nuisance_models.parquet")
MODEL_TABLE = Path("plots/nuisance_models.csv")
PROPENSITY = Path("plots/propensity.csv")
BALANCE = Path("plots/balance.csv")
CALIBRATION = Path("plots/propensity_calibration.csv")
OVERLAP = Path("plots/overlap.csv")
PROPENSITY_PICTURE = Path("plots/propensity.png")
BALANCE_PICTURE = Path("plots/balance.png")
METRICS = Path("metrics/nuisance.json")


def main() -> None:
    params = load_params("nuisance", "seed")
    settings = params["nuisance"]
    panel = pd.read_parquet(PANEL)
    treated = panel["treated"].to_numpy()

    rules = (settings["models"], settings["folds"], settings["repeats"], params["seed"])
    # What coupons take off has an effect like any outcome, though nobody learns whom it differs for.
    measured = (*outcomes_of(panel.columns), *discounts_of(panel.columns))
    predictions, models = cross_fit(nuisance_tasks(panel, measured), panel, *rules)
    table = with_precision(panel, nuisance_table(panel, predictions, settings["clip"], measured))

    propensity, observed = table["propensity"].to_numpy(), np.isnan(known_propensities(panel))
    covariates = panel[covariate_names(panel)]
    overlap = positivity_table(panel, covariates, propensity, settings["overlap"], params["seed"], table["fitted_propensity"])
    histogram = propensity_histogram(propensity, treated)
    calibration = calibration_of_propensity(propensity, treated)
    balance = balance_table(covariates, treated, propensity)
    first = outcomes_of(panel.columns)[0]
    predicted = observed_arm(treated, table[f"mu0_{first}"], table[f"mu1_{first}"])
    pooled = overlap.iloc[0].drop(["campaign_id", "n", "n_treated"]).to_dict()
    metrics = {
        **pooled,
        "clipped_share": clipped_share(propensity[observed], treated[observed], settings["clip"]),
        "calibration_error": calibration_error(calibration),
        "n_covariates": covariates.shape[1],
        "outcome_r2": r2_score(panel[first], predicted),
        "answers": overlap_verdict(pooled),
    }
    if not observed.any():  # a declared experiment: were the lots kept?
        metrics["balance_p"] = balance_p_value(with_logs(covariates), treated, propensity, params["seed"])
        metrics["answers"] = overlap_verdict({**pooled, "balance_p": metrics["balance_p"]})
    elif not observed.all():  # beside observed campaigns: would the lots do alone?
        own = covariates[~observed], treated[~observed], propensity[~observed]
        metrics["answers_by_lot"] = answers_by_lot(*own, settings["overlap"], params["seed"])
    write_metrics(metrics, METRICS)
    write_parquet(table, NUISANCE)
    write_parquet(models, MODELS)
    write_csv(models, MODEL_TABLE)
    write_csv(histogram, PROPENSITY)
    write_csv(calibration, CALIBRATION)
    write_csv(balance.assign(in_words=balance["covariate"].map(covariate_words)), BALANCE)
    write_csv(overlap, OVERLAP)
    drawn = propensity_picture(propensity_table(treated, propensity), calibration)
    write_png(png(drawn, *propensity_words(pooled["overlap_share"], settings["overlap"])), PROPENSITY_PICTURE)
    write_png(png(love_spec(balance), *love_words(balance)), BALANCE_PICTURE)


if __name__ == "__main__":
    run("nuisance", main)
