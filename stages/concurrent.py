"""Count what else was mailed while the trials ran, and estimate the effect with and without it.

Reads the panel and the nuisances; writes counts by trial and arm, and the effects side by side.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from targeting.base.outputs import write_csv, write_metrics
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.nuisance.cross_fit import Task, cross_fit
from targeting.robustness.other_mailings import concurrent_effects, mailing_table
from targeting.trials.panel import require_aligned

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
MAILINGS = Path("plots/concurrent.csv")
EFFECTS = Path("plots/concurrent_effects.csv")
METRICS = Path("metrics/concurrent.json")


def main() -> None:
    params = load_params("nuisance", "seed")
    settings = params["nuisance"]
    panel = pd.read_parquet(PANEL)
    nuisance = pd.read_parquet(NUISANCE)
    require_aligned(panel, nuisance, str(NUISANCE))

    def predict(tasks: Sequence[Task], rows: pd.DataFrame) -> Mapping[str, np.ndarray]:
        # One split: this is a side question, and repeats would cost more than they steady it.
        return cross_fit(tasks, rows, settings["models"], settings["folds"], repeats=1, seed=params["seed"])[0]

    mailings = mailing_table(panel)
    effects = concurrent_effects(panel, nuisance, predict, settings["clip"])

    after = panel["mailed_after"] > 0
    metrics: dict[str, object] = {
        f"share_{name}": after[panel["treated"] == arm].mean() for arm, name in ((1, "treated"), (0, "control"))
    }
    for outcome, table in effects[effects["method"] == "ato"].groupby("outcome"):
        metrics[str(outcome)] = {row.effect: row.estimate for row in table.itertuples()}
    write_metrics(metrics, METRICS)
    write_csv(mailings, MAILINGS)
    write_csv(effects, EFFECTS)


if __name__ == "__main__":
    run("concurrent", main)
