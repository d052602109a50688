"""Compare what the pipeline says with what is true, where the source is made up and its truth known.

Reads the truth and the other stages' results; writes one row per claim. No stage that estimates or decides reads the truth (the
game does, to show it beside a player's picks). For a real retailer the table is empty, and the metric says that nothing is known.
"""

from pathlib import Path

import pandas as pd

from targeting.base.columns import KEYS
from targeting.base.outputs import read_metrics, write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.learners.tables import read_effects
from targeting.policy.economics import economics_of_rows
from targeting.trials.designs import SEQUENTIAL
from targeting.trials.panel import read_aligned
from targeting.validation.truth import COLUMNS, Said, headline_truth, judge_run, judge_segments, truth_of_rows

METRICS, TABLE = "metrics/truth.json", "plots/truth.csv"
LEARNERS, ENSEMBLES = Path("data/cate"), Path("data/ensemble")


def main() -> None:
    params = load_params("design", "learners", "policy")
    settings, truth = params["policy"], pd.read_parquet("data/truth/truth.parquet")
    panel = pd.read_parquet("data/trials/panel.parquet", columns=[*KEYS, "trial", "treated"])
    rows = truth_of_rows(panel, truth)
    if rows is None:
        write_outputs({METRICS: {"known": False}, TABLE: pd.DataFrame(columns=COLUMNS)})
        return

    learners, _ = read_effects(params["learners"]["names"], LEARNERS, ENSEMBLES, panel)  # one that failed claims nothing
    said = Said(
        effects=pd.read_parquet("data/effects/ate.parquet"),
        learners={**learners, "selected": read_aligned(panel, "data/validate/selected.parquet")},
        policies=pd.read_parquet("data/policy/values.parquet"),
        assignments=read_aligned(panel, "data/policy/assignments.parquet"),
        propensity=read_aligned(panel, "data/trials/nuisance.parquet")["propensity"],
    )
    caused, key = pd.read_parquet("data/effects/discounts.parquet"), pd.read_parquet("data/tables/identifiers.parquet")
    economics, by_design = economics_of_rows(params, caused, panel, key), params["design"]["name"] == SEQUENTIAL
    table = judge_run(said, rows, economics, settings["outcome"], by_design)

    segments = pd.read_parquet("data/segments/segments.parquet")
    recommended = read_metrics("metrics/policy.json")["recommended"]
    metrics = {"known": True, **headline_truth(table, settings["outcome"], recommended, settings["learner"])}
    write_outputs({METRICS: {**metrics, "segment_agreement": judge_segments(segments, truth)}, TABLE: table})


if __name__ == "__main__":
    run("truth", main)
