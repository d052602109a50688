"""Set the two designs side by side on the same data: positivity, effects, and how far the estimators lie apart.

Reads every eligible row; writes one row a design.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from targeting.base.outputs import write_csv, write_metrics
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.nuisance.cross_fit import Task, cross_fit
from targeting.robustness.design_comparison import compare_designs

ELIGIBLE = Path("data/trials/eligible.parquet")
DESIGNS = Path("plots/designs.csv")
METRICS = Path("metrics/designs.json")


def main() -> None:
    params = load_params("nuisance", "policy", "seed")
    settings, seed = params["nuisance"], params["seed"]
    eligible = pd.read_parquet(ELIGIBLE)

    def predict(tasks: Sequence[Task], rows: pd.DataFrame) -> Mapping[str, np.ndarray]:
        # One split: the same for both designs, and enough to tell them apart.
        return cross_fit(tasks, rows, settings["models"], settings["folds"], repeats=1, seed=seed)[0]

    rules = (params["policy"]["outcome"], settings["overlap"], settings["clip"], settings["folds"], seed)
    table = compare_designs(eligible, predict, *rules)

    names = ["propensity_auc", "overlap_share", "max_smd", "ato", "range"]
    metrics = {design: row[names].to_dict() for design, row in table.set_index("design").iterrows()}
    write_metrics(metrics, METRICS)
    write_csv(table, DESIGNS)


if __name__ == "__main__":
    run("designs", main)
