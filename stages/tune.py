"""Search for one learner's settings, by the R-loss of out-of-fold effects, and say whether the search beats the defaults.

Reads the panel and the nuisances; writes the settings of every outcome and held-out fold. A search that was interrupted goes on
where it stopped: its finished trials are in a folder of its own, which is no output and may be deleted at any time. Where the
sample has more than sample.tuning households, it searches on so many of them, and the settings serve all.
"""

import argparse
from pathlib import Path

import pandas as pd

from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.tuning import tuning_chart
from targeting.learners.registry import find_learner
from targeting.learners.search import data_to_tune_on, tune_learner

STUDIES = Path(".studies")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learner", required=True, help="a name in learners.names")
    name = parser.parse_args().learner
    params = load_params("learners", "sample", "seed")
    learners, seed = params["learners"], params["seed"]
    learner, panel = find_learner(name, learners["models"]), pd.read_parquet("data/trials/panel.parquet")
    nuisance, inner = pd.read_parquet("data/trials/nuisance.parquet"), pd.read_parquet("data/trials/inner_nuisance.parquet")
    data = data_to_tune_on(panel, nuisance, inner, params["sample"]["tuning"], seed)

    found = tune_learner(name, learner, data, learners["trials"], seed, STUDIES)

    outputs = {
        "metrics/tune_{learner}.json": found.summaries,
        "data/tuning/{learner}.json": found.settings,
        "plots/tuning_{learner}.csv": found.history,
        "plots/tuning_importance_{learner}.csv": found.importance,
        "plots/tuning_{learner}.png": tuning_chart(found.history, found.importance, found.summaries, name),
    }
    write_outputs({path.format(learner=name): output for path, output in outputs.items()})


if __name__ == "__main__":
    run("tune", main)
