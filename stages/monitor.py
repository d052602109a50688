"""Judge whether what was learned still holds: the last campaign as new data, the campaigns before it as training data.

Reads the panel, the nuisances, and what the earlier campaigns' rows say: propensities and effects of all households, for drift;
the last one's predicted effects, for what was promised. A later data drop with one more
campaign moves everything on by one.
"""

import json
from pathlib import Path

import pandas as pd

from targeting.base.columns import KEYS
from targeting.base.outputs import write_csv, write_metrics
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.campaign.last_campaign import Earlier, judge_last_campaign
from targeting.campaign.monitoring import verdict_of
from targeting.policy.contact_price import priced
from targeting.policy.economics import load_economics
from targeting.sentences.monitoring import monitoring_words
from targeting.trials.panel import in_last_trial, require_aligned
from targeting.trials.units import in_own_units
from targeting.words.money import speak_in

CAUSED = Path("data/effects/discounts.parquet")
IDENTIFIERS = Path("data/tables/identifiers.parquet")
PANEL = Path("data/trials/panel.parquet")
UNITS = Path("data/trials/units.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
BACKTEST = Path("data/score/backtest.parquet")
COMPARABLE = Path("data/score/comparable.parquet")
EVIDENCE = Path("data/policy/evidence.parquet")
POLICY = Path("metrics/policy.json")
DRIFT_TABLE = Path("plots/monitoring.csv")
EFFECTS = Path("plots/monitoring_effects.csv")
METRICS = Path("metrics/monitor.json")


def main() -> None:
    params = load_params("data", "policy", "nuisance", "design", "seed")
    speak_in(params["data"]["currency"])
    panel, nuisance, evidence = (pd.read_parquet(path) for path in (PANEL, NUISANCE, EVIDENCE))
    backtest, comparable = (pd.read_parquet(path) for path in (BACKTEST, COMPARABLE))
    require_aligned(panel, nuisance, str(NUISANCE))
    require_aligned(panel, evidence, str(EVIDENCE))
    if panel["trial"].nunique() > 1:
        require_aligned(panel[in_last_trial(panel)].reset_index(drop=True), backtest, str(BACKTEST))
        require_aligned(panel, comparable, str(COMPARABLE))
    recommended = json.loads(POLICY.read_text(encoding="utf-8"))["recommended"]
    economics = load_economics(
        priced(params["policy"], pd.read_parquet(CAUSED)),
        panel[KEYS],
        params["design"]["campaign_type"],
        pd.read_parquet(IDENTIFIERS),
    )

    earlier = Earlier(backtest, comparable, evidence["ranking"].to_numpy())
    own = in_own_units(panel, pd.read_parquet(UNITS))
    found = judge_last_campaign(own, nuisance, earlier, economics, recommended, params)
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
    write_metrics(metrics, METRICS)
    write_csv(found.drift, DRIFT_TABLE)
    write_csv(found.effects, EFFECTS)


if __name__ == "__main__":
    run("monitor", main)
