"""Judge whether what was learned still holds: the last campaign as new data, the campaigns before it as training data.

Reads the panel, the nuisances, and what the earlier campaigns' rows say: propensities and effects of all households, for drift;
the last one's predicted effects, for what was promised. A later data drop with one more
campaign moves everything on by one.
"""

import pandas as pd

from targeting.base.outputs import read_metrics, write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.campaign.last_campaign import Earlier, judge_last_campaign
from targeting.campaign.monitoring import verdict_of
from targeting.policy.economics import economics_of_rows
from targeting.sentences.monitoring import monitoring_words
from targeting.trials.panel import in_last_trial, read_aligned
from targeting.trials.units import in_own_units
from targeting.words.money import speak_in

BACKTEST, COMPARABLE = "data/score/backtest.parquet", "data/score/comparable.parquet"


def main() -> None:
    params = load_params("data", "policy", "nuisance", "design", "seed")
    speak_in(params["data"]["currency"])
    panel, units = pd.read_parquet("data/trials/panel.parquet"), pd.read_parquet("data/trials/units.parquet")
    nuisance = read_aligned(panel, "data/trials/nuisance.parquet")
    evidence = read_aligned(panel, "data/policy/evidence.parquet")
    caused, key = pd.read_parquet("data/effects/discounts.parquet"), pd.read_parquet("data/tables/identifiers.parquet")
    if panel["trial"].nunique() > 1:
        backtest = read_aligned(panel[in_last_trial(panel)].reset_index(drop=True), BACKTEST)
        comparable = read_aligned(panel, COMPARABLE)
    else:  # neither has rows
        backtest, comparable = pd.read_parquet(BACKTEST), pd.read_parquet(COMPARABLE)
    recommended, economics = read_metrics("metrics/policy.json")["recommended"], economics_of_rows(params, caused, panel, key)

    after = read_aligned(panel, "data/effects/after.parquet")
    earlier = Earlier(backtest, comparable, evidence["ranking"].to_numpy(), after)
    found = judge_last_campaign(in_own_units(panel, units), nuisance, earlier, economics, recommended, params)
    verdict = verdict_of(found.drift, found.effects)

    metrics = {
        "verdict": verdict.advice,
        "why": monitoring_words(verdict, params["policy"]["outcome"]),
        "campaign": panel["campaign_id"].iloc[-1],
        "n_judged": found.n_judged,
        "n_features": verdict.n_features,
        "n_drifted": verdict.n_drifted,
        **{f"{row.group}_{name}": getattr(row, name) for row in found.effects.itertuples() for name in ("predicted", "realised")},
    }
    tables = {"plots/monitoring.csv": found.drift, "plots/monitoring_effects.csv": found.effects}
    write_outputs({"metrics/monitor.json": metrics, **tables})


if __name__ == "__main__":
    run("monitor", main)
