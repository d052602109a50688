"""Estimate each household's effect of a campaign with one learner, out of fold.

Reads the panel; writes one row a row of the panel: effects on both outcomes, with an interval where the learner has one.
"""

import argparse
from pathlib import Path

import pandas as pd

from targeting.cate import cross_fit_effects
from targeting.outputs import write_metrics, write_parquet
from targeting.panel import OUTCOMES
from targeting.params import load_params
from targeting.stage import run

PANEL = Path("data/trials/panel.parquet")
EFFECTS = "data/cate/{learner}.parquet"
METRICS = "metrics/cate_{learner}.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("learner", help="a name in learners.names")
    learner = parser.parse_args().learner
    params = load_params("seed")

    effects = cross_fit_effects(pd.read_parquet(PANEL), learner, params["seed"])

    metrics = {}
    for outcome in OUTCOMES:
        cate = effects[f"cate_{outcome}"]
        metrics[outcome] = {"mean": cate.mean(), "sd": cate.std(), "share_positive": (cate > 0).mean()}
    write_metrics(metrics, Path(METRICS.format(learner=learner)))
    write_parquet(effects, Path(EFFECTS.format(learner=learner)))


if __name__ == "__main__":
    run("cate", main)
