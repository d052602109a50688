"""Compare what the pipeline says with what is true, where the source is made up and its truth known.

Reads the truth and the other stages' results; writes one row per claim. No stage that estimates or decides reads the truth (the
game does, to show it beside a player's picks). For a real retailer the table is empty, and the metric says that nothing is known.
"""

import json
from pathlib import Path

import pandas as pd

from targeting.base.columns import KEYS
from targeting.base.outputs import write_csv, write_metrics
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.learners.tables import read_effects
from targeting.policy.contact_price import priced
from targeting.policy.economics import load_economics
from targeting.trials.panel import require_aligned
from targeting.validation.truth import (
    COLUMNS,
    estimand_weights,
    headline_truth,
    judge_effects,
    judge_learners,
    judge_policies,
    judge_propensities,
    judge_segments,
    truth_of_rows,
)

KNOWN = Path("data/truth/truth.parquet")
CAUSED = Path("data/effects/discounts.parquet")
IDENTIFIERS = Path("data/tables/identifiers.parquet")
PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
LEARNERS = Path("data/cate")
ENSEMBLES = Path("data/ensemble")
SELECTED = Path("data/validate/selected.parquet")
ASSIGNMENTS = Path("data/policy/assignments.parquet")
SEGMENTS = Path("data/segments/segments.parquet")
EFFECTS = Path("data/effects/ate.parquet")
POLICIES = Path("data/policy/values.parquet")
POLICY = Path("metrics/policy.json")
TABLE = Path("plots/truth.csv")
METRICS = Path("metrics/truth.json")


def main() -> None:
    params = load_params("design", "learners", "policy")
    settings = params["policy"]
    truth = pd.read_parquet(KNOWN)
    panel = pd.read_parquet(PANEL, columns=[*KEYS, "trial", "treated"])
    rows = truth_of_rows(panel, truth)
    if rows is None:
        write_metrics({"known": False}, METRICS)
        write_csv(pd.DataFrame(columns=COLUMNS), TABLE)
        return

    nuisance, assignments = pd.read_parquet(NUISANCE), pd.read_parquet(ASSIGNMENTS)
    # A learner that failed claims nothing.
    learners, _ = read_effects(params["learners"]["names"], LEARNERS, ENSEMBLES, panel)
    learners["selected"] = pd.read_parquet(SELECTED)
    for name, table in {str(NUISANCE): nuisance, str(ASSIGNMENTS): assignments, str(SELECTED): learners["selected"]}.items():
        require_aligned(panel, table, name)

    weights = estimand_weights(rows, by_design=params["design"]["name"] == "sequential_trials")
    economics = load_economics(
        priced(settings, pd.read_parquet(CAUSED)), panel[KEYS], params["design"]["campaign_type"], pd.read_parquet(IDENTIFIERS)
    )
    claims = [
        judge_effects(pd.read_parquet(EFFECTS), rows, weights),
        judge_learners(learners, rows),
        judge_policies(pd.read_parquet(POLICIES), assignments, rows, economics, settings["outcome"]),
    ]
    if "ATO" in weights:
        claims.append(judge_propensities(nuisance["propensity"], rows))
    table = pd.concat(claims, ignore_index=True)
    recommended = json.loads(POLICY.read_text(encoding="utf-8"))["recommended"]
    metrics = {"known": True, **headline_truth(table, settings["outcome"], recommended, settings["learner"])}
    metrics["segment_agreement"] = judge_segments(pd.read_parquet(SEGMENTS), truth)
    write_metrics(metrics, METRICS)
    write_csv(table, TABLE)


if __name__ == "__main__":
    run("truth", main)
