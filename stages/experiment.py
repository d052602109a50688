"""Design the experiment that would settle what the campaign does, and say what mailing partly by lot would cost and teach.

Reads the panel, the nuisances, the next campaign's eligible households, the recommended policy's decisions and what values them;
writes the arms, drawn by lot, how large and how long the experiment must be and whether it pays, cost and gain by how much is
left to the lot, and successive campaigns in a made-up world with a known truth, with and without exploration.
"""

import json
from pathlib import Path

import pandas as pd

from targeting.base.columns import KEYS
from targeting.base.errors import DataError
from targeting.base.identifiers import next_campaign, own_identifiers
from targeting.base.outputs import write_csv, write_metrics, write_png
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.campaign.experiment import (
    arms_by_stratum,
    assign_arms,
    comparisons,
    experiment_metrics,
    power_table,
    sizes_by_trial,
    totals_shown,
)
from targeting.campaign.exploration import exploration_metrics, exploration_table, simulated_means
from targeting.campaign.pilot import best_pilot, in_pilot, pilot_metrics, stakes_of
from targeting.figures.experiment import power_spec, power_words
from targeting.figures.people import speak_of
from targeting.figures.vega import png
from targeting.nuisance.cross_fit import observed_arm
from targeting.policy.beliefs import Forecast
from targeting.policy.economics import Economics
from targeting.policy.posterior import level_prior
from targeting.sentences.experiment import experiment_words, pilot_words
from targeting.trials.panel import require_aligned
from targeting.words.money import amount, speak_in

IDENTIFIERS = Path("data/tables/identifiers.parquet")
CALENDAR = Path("data/tables/campaigns.parquet")
PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
ELIGIBLE = Path("data/score/eligible.parquet")
PREDICTIONS = Path("data/score/predictions.parquet")
ASSIGNMENTS = Path("data/policy/assignments.parquet")
EVIDENCE = Path("data/policy/evidence.parquet")
POLICY = Path("metrics/policy.json")
ARMS = Path("data/experiment/assignment.csv")
POWER = Path("plots/power.csv")
TRIALS = Path("plots/experiment_trials.csv")
STRATA = Path("plots/experiment_strata.csv")
PICTURE = Path("plots/power.png")
EXPLORATION = Path("plots/exploration.csv")
CAMPAIGNS = Path("plots/exploration_campaigns.csv")
METRICS = Path("metrics/experiment.json")


def main() -> None:
    params = load_params("data", "policy", "nuisance", "experiment", "seed")
    speak_in(params["data"]["currency"])
    speak_of(params["data"]["source"])
    settings, outcome, seed = params["experiment"], params["policy"]["outcome"], params["seed"]
    panel = pd.read_parquet(PANEL, columns=[*KEYS, "trial", "treated", outcome])
    nuisance, decided, evidence = (pd.read_parquet(path) for path in (NUISANCE, ASSIGNMENTS, EVIDENCE))
    for own, path in ((nuisance, NUISANCE), (decided, ASSIGNMENTS), (evidence, EVIDENCE)):
        require_aligned(panel, own, str(path))
    eligible = pd.read_parquet(ELIGIBLE)
    policy = json.loads(POLICY.read_text(encoding="utf-8"))
    effect, power = settings["effect"] or policy["breakeven"], settings["power"]
    if effect <= 0:
        raise DataError("Breakeven is 0 at no cost, and no experiment finds an effect of 0: set experiment.effect.")

    rows = panel.rename(columns={outcome: "outcome"})
    rows["predicted"] = observed_arm(panel["treated"], nuisance[f"mu0_{outcome}"], nuisance[f"mu1_{outcome}"])
    tests = comparisons(rows, settings["sd"], settings["alpha"])
    by_trial = sizes_by_trial(rows, settings["sd"], settings["alpha"], effect, power)
    forecast = Forecast.of(**policy["belief"]) if policy["belief"] else None
    prior = level_prior(rows["outcome"], params["policy"]["effect_spread"])
    predicted, ahead = pd.read_parquet(PREDICTIONS), (settings["campaigns"], tests[1].residual_sd, params["policy"]["prudence"])
    known = forecast, predicted, params["nuisance"]["overlap"], prior, (policy["cost"], policy["margin"])
    asked, stakes = stakes_of(*known, *ahead, seed)
    n, gain = best_pilot(stakes)
    drawn = eligible["household_id"].isin(in_pilot(stakes, n, asked)) if n and settings["households"] is None else slice(None)
    arms = assign_arms(eligible[drawn], settings["strata"], settings["households"], seed)
    n_mailed = (arms["arm"] == "treated").sum()
    metrics = experiment_metrics(tests, effect, power, len(eligible), len(arms), policy["cost"] * n_mailed)
    curve = power_table(*tests, effect, power, totals_shown(metrics["n_total"], len(arms)))

    explored = exploration_table(
        decided[policy["recommended"]],
        evidence["expected"].astype(float).fillna(0.0),  # as the list takes it where nothing is believed
        evidence["score"],
        panel["household_id"],
        evidence["overlap"].to_numpy(),
        Economics(evidence["cost"].to_numpy(), evidence["margin"].to_numpy()),
        float((rows["outcome"] - rows["predicted"]).std()),
        evidence["uncertainty"].astype(float),
        settings["floor"],
        settings["campaigns"],
    )
    campaigns = simulated_means(seed)
    worth = pilot_metrics(stakes, n, gain)
    metrics |= {"words": experiment_words(metrics, power, outcome), **worth}
    metrics["pilot_words"] = pilot_words(worth, outcome, prior if forecast is None else None)
    write_metrics({**metrics, "exploration": exploration_metrics(explored, campaigns)}, METRICS)
    key = pd.read_parquet(IDENTIFIERS)
    own = arms.assign(household_id=own_identifiers(arms["household_id"], "household", key))
    own.insert(0, "campaign_id", next_campaign(pd.read_parquet(CALENDAR)["campaign_id"], key))
    write_csv(own, ARMS)
    write_csv(curve, POWER)
    write_csv(by_trial, TRIALS)
    write_csv(arms_by_stratum(arms), STRATA)
    found = amount(effect, outcome)
    words = power_words(found, power, metrics["n_total_adjusted"], metrics["n_total"], len(arms))
    write_png(png(power_spec(curve, found, power), *words), PICTURE)
    write_csv(explored, EXPLORATION)
    write_csv(campaigns, CAMPAIGNS)


if __name__ == "__main__":
    run("experiment", main)
