"""The experiment that is advised: who takes part, what it finds, costs and is worth, and what leaving some to the lot would."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from targeting.base.errors import DataError
from targeting.campaign.experiment import (
    arms_by_stratum,
    assign_arms,
    comparisons,
    experiment_metrics,
    power_table,
    sizes_by_trial,
    totals_shown,
)
from targeting.campaign.exploration import exploration_table
from targeting.campaign.pilot import best_pilot, in_pilot, pilot_metrics, stakes_of
from targeting.nuisance.cross_fit import observed_arm
from targeting.policy.beliefs import Forecast
from targeting.policy.economics import Economics
from targeting.policy.posterior import Belief, level_prior


@dataclass(frozen=True)
class ExperimentPlan:
    """What is advised.

    effect: to find, in units of the outcome. arms: as `assign_arms` draws them. needs: as of `experiment_metrics`. worth: as of
    `pilot_metrics`. curve, by_trial, strata: the tables of `power_table`, `sizes_by_trial`, `arms_by_stratum`. prior: what is
    believed of everybody's effect where no observed campaign compares, else None.
    """

    effect: float
    arms: pd.DataFrame
    needs: dict[str, Any]
    worth: dict[str, float]
    curve: pd.DataFrame
    by_trial: pd.DataFrame
    strata: pd.DataFrame
    prior: Belief | None


def past_rows(panel: pd.DataFrame, nuisance: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """The panel's rows with the outcome under its plain name, and predicted: what the models expect of each row's own arm."""
    predicted = observed_arm(panel["treated"], nuisance[f"mu0_{outcome}"], nuisance[f"mu1_{outcome}"])
    return panel.rename(columns={outcome: "outcome"}).assign(predicted=predicted)


def plan_experiment(
    rows: pd.DataFrame, eligible: pd.DataFrame, predicted: pd.DataFrame, policy: Mapping[str, Any], params: Mapping[str, Any]
) -> ExperimentPlan:
    """The experiment among those `eligible` next (household_id, segment, propensity), whose effects are `predicted`.

    `rows` are as of `past_rows`; `policy` has breakeven, cost, margin and belief of metrics/policy.json; `params` the sections
    experiment, policy, nuisance and seed of params.yaml. Raises DataError where there is no effect to find.
    """
    settings, seed = params["experiment"], params["seed"]
    effect, power, n = settings["effect"] or policy["breakeven"], settings["power"], settings["households"]
    if effect <= 0:
        raise DataError("Breakeven is 0 at no cost, and no experiment finds an effect of 0: set experiment.effect.")
    tests = comparisons(rows, settings["sd"], settings["alpha"])
    forecast = Forecast.of(**policy["belief"]) if policy["belief"] else None
    prior = level_prior(rows["outcome"], params["policy"]["effect_spread"])
    asked, stakes = stakes_of(
        forecast,
        predicted,
        params["nuisance"]["overlap"],
        prior,
        (policy["cost"], policy["margin"]),
        settings["campaigns"],
        tests[1].residual_sd,
        params["policy"]["prudence"],
        seed,
    )
    size, gain = best_pilot(stakes)
    taking_part = eligible["household_id"].isin(in_pilot(stakes, size, asked)) if size and n is None else slice(None)
    arms = assign_arms(eligible[taking_part], settings["strata"], n, seed)
    spent = policy["cost"] * int((arms["arm"] == "treated").sum())
    needs = experiment_metrics(tests, effect, power, len(eligible), len(arms), spent)
    return ExperimentPlan(
        effect=effect,
        arms=arms,
        needs=needs,
        worth=pilot_metrics(stakes, size, gain),
        curve=power_table(*tests, effect, power, totals_shown(needs["n_total"], len(arms))),
        by_trial=sizes_by_trial(rows, settings["sd"], settings["alpha"], effect, power),
        strata=arms_by_stratum(arms),
        prior=prior if forecast is None else None,
    )


def explore(rows: pd.DataFrame, decided: pd.Series, evidence: pd.DataFrame, floor: float, campaigns: int) -> pd.DataFrame:
    """What leaving some of what is `decided` (rows,) to the lot costs and buys, as `exploration_table` has it.

    `rows` are as of `past_rows`, `evidence` is data/policy/evidence.parquet; `floor` and `campaigns` are of the section
    experiment of params.yaml.
    """
    return exploration_table(
        decided,
        evidence["expected"].astype(float).fillna(0.0),  # as the list takes it where nothing is believed
        evidence["score"],
        rows["household_id"],
        evidence["overlap"].to_numpy(),
        Economics(evidence["cost"].to_numpy(), evidence["margin"].to_numpy()),
        float((rows["outcome"] - rows["predicted"]).std()),
        evidence["uncertainty"].astype(float),
        floor,
        campaigns,
    )
