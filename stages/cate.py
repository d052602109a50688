"""Estimate each household's effect of a campaign with one learner, out of fold.

Reads the panel, the nuisances and the learner's settings; writes one row per row of the panel: effects on every outcome, with an
interval where the learner has one. A learner that fails leaves a table without rows, and the reason in its metrics.
"""

import argparse
import json
import sys
from pathlib import Path

import pandas as pd

from targeting.base.columns import outcomes_of
from targeting.base.outputs import write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.learners.cross_fit import LearnerError, cross_fit_effects, no_effects, settings_by_fold
from targeting.learners.data import outcome_data
from targeting.learners.registry import find_learner

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
INNER = Path("data/trials/inner_nuisance.parquet")
SETTINGS = "data/tuning/{learner}.json"
EFFECTS = "data/cate/{learner}.parquet"
METRICS = "metrics/cate_{learner}.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learner", required=True, help="a name in learners.names")
    name = parser.parse_args().learner
    params = load_params("learners", "seed")
    learner = find_learner(name, params["learners"]["models"])
    panel, nuisance, inner = (pd.read_parquet(path) for path in (PANEL, NUISANCE, INNER))
    outcomes = outcomes_of(panel.columns)
    data = {outcome: outcome_data(panel, nuisance, inner, outcome) for outcome in outcomes}
    found = json.loads(Path(SETTINGS.format(learner=name)).read_text(encoding="utf-8"))
    settings = {outcome: settings_by_fold(found[outcome]["settings"]) for outcome in outcomes}

    try:
        effects = cross_fit_effects(panel, data, learner, settings, params["seed"])
    except LearnerError as error:
        print(f"cate: learner {name} is left out: {error}.", file=sys.stderr)
        effects, metrics = no_effects(outcomes), {"failed": True, "reason": str(error)}
    else:
        cates = {outcome: effects[f"cate_{outcome}"] for outcome in outcomes}
        metrics = {"failed": False} | {
            outcome: {"mean": cate.mean(), "sd": cate.std(), "share_positive": (cate > 0).mean()}
            for outcome, cate in cates.items()
        }
    write_metrics(metrics, Path(METRICS.format(learner=name)))
    write_parquet(effects, Path(EFFECTS.format(learner=name)))


if __name__ == "__main__":
    run("cate", main)
