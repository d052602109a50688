"""Design the experiment that would settle what the campaign does, and say what mailing partly by lot would cost and teach.

Reads the panel, the nuisances, the next campaign's eligible households, the recommended policy's decisions and what values them;
writes the arms, drawn by lot, how large and how long the experiment must be and whether it pays, cost and gain by how much is
left to the lot, and successive campaigns in a made-up world with a known truth, with and without exploration.
"""

import pandas as pd

from targeting.base.columns import KEYS
from targeting.base.identifiers import as_listed
from targeting.base.outputs import read_metrics, write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.campaign.experiment_plan import explore, past_rows, plan_experiment
from targeting.campaign.exploration import exploration_metrics, simulated_means
from targeting.figures.experiment import power_spec, power_words
from targeting.figures.people import speak_of
from targeting.figures.vega import png
from targeting.sentences.experiment import experiment_words, pilot_words
from targeting.trials.panel import read_aligned
from targeting.words.money import amount, speak_in


def main() -> None:
    params = load_params("data", "policy", "nuisance", "experiment", "seed")
    speak_in(params["data"]["currency"])
    speak_of(params["data"]["source"])
    settings, outcome = params["experiment"], params["policy"]["outcome"]
    panel = pd.read_parquet("data/trials/panel.parquet", columns=[*KEYS, "trial", "treated", outcome])
    nuisance = read_aligned(panel, "data/trials/nuisance.parquet")
    decided, evidence = (
        read_aligned(panel, path) for path in ("data/policy/assignments.parquet", "data/policy/evidence.parquet")
    )
    eligible, predicted = pd.read_parquet("data/score/eligible.parquet"), pd.read_parquet("data/score/predictions.parquet")
    calendar, key = pd.read_parquet("data/tables/campaigns.parquet"), pd.read_parquet("data/tables/identifiers.parquet")
    policy = read_metrics("metrics/policy.json")

    rows = past_rows(panel, nuisance, outcome)
    plan = plan_experiment(rows, eligible, predicted, policy, params)
    explored = explore(rows, decided[policy["recommended"]], evidence, settings["floor"], settings["campaigns"])
    campaigns = simulated_means(params["seed"])

    words = {"words": experiment_words(plan.needs, settings["power"], outcome)}
    worth = {**plan.worth, "pilot_words": pilot_words(plan.worth, outcome, plan.prior)}
    found, needed = amount(plan.effect, outcome), (plan.needs["n_total_adjusted"], plan.needs["n_total"])
    title = power_words(found, settings["power"], *needed, len(plan.arms))
    exploration = {"exploration": exploration_metrics(explored, campaigns)}
    write_outputs(
        {
            "metrics/experiment.json": {**plan.needs, **words, **worth, **exploration},
            "data/experiment/assignment.csv": as_listed(plan.arms, calendar, key),
            "plots/power.csv": plan.curve,
            "plots/experiment_trials.csv": plan.by_trial,
            "plots/experiment_strata.csv": plan.strata,
            "plots/power.png": png(power_spec(plan.curve, found, settings["power"]), *title),
            "plots/exploration.csv": explored,
            "plots/exploration_campaigns.csv": campaigns,
        }
    )


if __name__ == "__main__":
    run("experiment", main)
