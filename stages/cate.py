"""Estimate each household's effect of a campaign with one learner, out of fold.

Reads the panel, the nuisances and the learner's settings; writes one row per row of the panel: effects on every outcome, with an
interval where the learner has one. A learner that fails leaves a table without rows, and the reason in its metrics.
"""

import argparse
import sys

import pandas as pd

from targeting.base.outputs import read_metrics, write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.learners.cross_fit import LearnerError, cross_fit_effects, no_effects, settings_by_fold
from targeting.learners.data import data_by_outcome
from targeting.learners.registry import find_learner

SETTINGS = "data/tuning/{learner}.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learner", required=True, help="a name in learners.names")
    name = parser.parse_args().learner
    params = load_params("learners", "seed")
    learner, panel = find_learner(name, params["learners"]["models"]), pd.read_parquet("data/trials/panel.parquet")
    nuisance, inner = pd.read_parquet("data/trials/nuisance.parquet"), pd.read_parquet("data/trials/inner_nuisance.parquet")
    data = data_by_outcome(panel, nuisance, inner)
    found = read_metrics(SETTINGS.format(learner=name))
    settings = {outcome: settings_by_fold(found[outcome]["settings"]) for outcome in data}

    try:
        effects = cross_fit_effects(panel, data, learner, settings, params["seed"])
    except LearnerError as error:
        print(f"cate: learner {name} is left out: {error}.", file=sys.stderr)
        effects, metrics = no_effects(tuple(data)), {"failed": True, "reason": str(error)}
    else:
        cates = {outcome: effects[f"cate_{outcome}"] for outcome in data}
        metrics = {"failed": False} | {
            outcome: {"mean": cate.mean(), "sd": cate.std(), "share_positive": (cate > 0).mean()}
            for outcome, cate in cates.items()
        }
    outputs = {"metrics/cate_{learner}.json": metrics, "data/cate/{learner}.parquet": effects}
    write_outputs({path.format(learner=name): output for path, output in outputs.items()})


if __name__ == "__main__":
    run("cate", main)
