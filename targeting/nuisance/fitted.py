"""The nuisances that all later stages share, and what they say of how far the arms compare."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score

from targeting.base.columns import discounts_of, outcomes_of
from targeting.base.lots import known_propensities
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


@dataclass(frozen=True)
class Comparability:
    """How far the arms compare: by campaign, the propensities' histogram and calibration, balance by covariate, and metrics."""

    by_campaign: pd.DataFrame
    histogram: pd.DataFrame
    calibration: pd.DataFrame
    balance: pd.DataFrame
    metrics: dict[str, Any]


def fitted_nuisances(panel: pd.DataFrame, settings: Mapping[str, Any], seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row per row of the panel as `nuisance_table` has it, with precisions; and which models they were averaged from.

    `settings` is the section `nuisance` of params.yaml. What coupons take off has an effect like any outcome, though nobody
    learns whom it differs for.
    """
    measured = (*outcomes_of(panel.columns), *discounts_of(panel.columns))
    tasks = nuisance_tasks(panel, measured)
    predictions, models = cross_fit(tasks, panel, settings["models"], settings["folds"], settings["repeats"], seed)
    return with_precision(panel, nuisance_table(panel, predictions, settings["clip"], measured)), models


def comparability(panel: pd.DataFrame, table: pd.DataFrame, settings: Mapping[str, Any], seed: int) -> Comparability:
    """How far the arms of the panel compare, by its nuisances `table`; `settings` as of `fitted_nuisances`."""
    treated, propensity = panel["treated"].to_numpy(), table["propensity"].to_numpy()
    observed, covariates = np.isnan(known_propensities(panel)), panel[covariate_names(panel)]
    by_campaign = positivity_table(panel, covariates, propensity, settings["overlap"], seed, table["fitted_propensity"])
    calibration = calibration_of_propensity(propensity, treated)
    first = outcomes_of(panel.columns)[0]
    predicted = observed_arm(treated, table[f"mu0_{first}"], table[f"mu1_{first}"])
    pooled = by_campaign.iloc[0].drop(["campaign_id", "n", "n_treated"]).to_dict()
    metrics = {
        **pooled,
        "clipped_share": clipped_share(propensity[observed], treated[observed], settings["clip"]),
        "calibration_error": calibration_error(calibration),
        "n_covariates": covariates.shape[1],
        "outcome_r2": r2_score(panel[first], predicted),
        "answers": overlap_verdict(pooled),
    }
    if not observed.any():  # a declared experiment: were the lots kept?
        metrics["balance_p"] = balance_p_value(with_logs(covariates), treated, propensity, seed)
        metrics["answers"] = overlap_verdict({**pooled, "balance_p": metrics["balance_p"]})
    elif not observed.all():  # beside observed campaigns: would the lots do alone?
        own = covariates[~observed], treated[~observed], propensity[~observed]
        metrics["answers_by_lot"] = answers_by_lot(*own, settings["overlap"], seed)
    return Comparability(
        by_campaign,
        propensity_histogram(propensity, treated),
        calibration,
        balance_table(covariates, treated, propensity),
        metrics,
    )
