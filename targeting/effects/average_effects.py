"""The average effects of the campaigns on every outcome: over all trials, in each, pooled, trimmed, and by earlier mailings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from targeting.base.columns import outcomes_of
from targeting.effects.discounts import discount_effects
from targeting.effects.estimators import ADJUSTED, effect_data, effect_table, evidence_by_trial
from targeting.effects.learning import SPLITS, compared_rows, learning, with_learning
from targeting.effects.pooling import pooling_table
from targeting.effects.trimming import trimming_table
from targeting.effects.wear_out import wear_out_metrics, wear_out_table
from targeting.nuisance.halves import half_nuisances
from targeting.nuisance.overlap import crump_threshold

ERRORS = ("se", "se_sampling", "se_learning")
WITH_ERRORS = ("aipw", "ato", "owate")  # the methods whose errors stand among the metrics


@dataclass(frozen=True)
class AverageEffects:
    """Tables of effects, each with a column outcome.

    effects: by outcome, trial (a campaign's number, or all) and method. pooling, trimming, wear_out: as the functions of their
    modules have them. shifts: what halves of a sample disagree by, see `learning`. caused: discounts that a mailing causes.
    metrics: by outcome the effects over all trials with errors and the range of adjusted ones; and caused.
    """

    effects: pd.DataFrame
    pooling: pd.DataFrame
    trimming: pd.DataFrame
    wear_out: pd.DataFrame
    shifts: pd.DataFrame
    caused: pd.DataFrame
    metrics: dict[str, Any]


def all_average_effects(
    panel: pd.DataFrame, nuisance: pd.DataFrame, models: pd.DataFrame, params: Mapping[str, Any]
) -> AverageEffects:
    """The effects on all outcomes of the panel; `models` are those that the nuisances were averaged from.

    `params` has the sections nuisance, sample and seed of params.yaml. Where a sample was learned from, standard errors count
    that too.
    """
    outcomes = outcomes_of(panel.columns)
    crump = crump_threshold(nuisance["fitted_propensity"])
    tables, pooled, trimmed, worn = [], [], [], []
    for outcome in outcomes:
        data = effect_data(panel, nuisance, outcome)
        tables.append(effect_table(data, panel["campaign_id"].to_numpy(), outcome))
        pooled.append(pooling_table(data, outcome))
        trimmed.append(trimming_table(data, outcome, crump))
        worn.append(wear_out_table(data, panel["earlier_mailings"], outcome))
    kept = compared_rows(panel, params["sample"]["checks"], params["seed"])
    halves = half_nuisances(panel[kept], models, params["nuisance"]["clip"], SPLITS, params["seed"], outcomes)
    found = learning(panel[kept], nuisance[kept], halves)
    effects = with_learning(pd.concat(tables, ignore_index=True), found.errors)
    effects["evidence"] = effects["trial"].map(evidence_by_trial(panel))
    caused = discount_effects(panel, nuisance)
    metrics = {outcome: _metrics(effects, outcome, own) for outcome, own in zip(outcomes, worn, strict=True)}
    return AverageEffects(
        effects,
        pd.concat(pooled, ignore_index=True),
        pd.concat(trimmed, ignore_index=True),
        pd.concat(worn, ignore_index=True),
        found.shifts,
        caused,
        metrics | {"caused": dict(zip(caused["discount"], caused["estimate"], strict=True))},
    )


def _metrics(effects: pd.DataFrame, outcome: str, worn: pd.DataFrame) -> dict[str, float]:
    """The effects on one outcome over all trials, and how far those of it differ that adjust for covariates."""
    overall = effects[(effects["outcome"] == outcome) & (effects["trial"] == "all")].set_index("method")
    known = overall["estimate"].dropna()  # an estimator with too few rows is missing in the table, and says nothing here
    errors = [name for name in ERRORS if name in effects]
    return {
        **known.to_dict(),
        **{f"{method}_{name}": overall.loc[method, name] for name in errors for method in WITH_ERRORS},
        **wear_out_metrics(worn),
        "range": np.ptp(known[known.index.isin(ADJUSTED)]),
    }
