"""Join the learners' effects: their plain average, and a stack whose weights come from the R-loss of other folds.

Reads the panel, the nuisances and every learner's effects; writes two more tables of effects, one row per row of the panel.
"""

from pathlib import Path

import pandas as pd

from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.learners import distribution_chart
from targeting.figures.people import speak_of
from targeting.learners.data import data_by_outcome
from targeting.learners.ensemble import distributions, ensemble_metrics, ensembles, usable
from targeting.words.money import speak_in

EFFECTS = Path("data/cate")


def main() -> None:
    params = load_params("data", "learners")
    speak_in(params["data"]["currency"])
    speak_of(params["data"]["source"])
    panel, names = pd.read_parquet("data/trials/panel.parquet"), params["learners"]["names"]
    nuisance, inner = pd.read_parquet("data/trials/nuisance.parquet"), pd.read_parquet("data/trials/inner_nuisance.parquet")
    data = data_by_outcome(panel, nuisance, inner)
    tables = usable(panel, {name: pd.read_parquet(EFFECTS / f"{name}.parquet") for name in names})

    found = ensembles(panel, tables, data)

    shown, outcomes = {**tables, "average": found.average, "stack": found.stack}, tuple(data)
    write_outputs(
        {
            "metrics/ensemble.json": ensemble_metrics(found, tables, data, names),
            "data/ensemble/average.parquet": found.average,
            "data/ensemble/stack.parquet": found.stack,
            "data/ensemble/weights.parquet": found.weights,
            "plots/stack_weights.csv": found.weights,
            "plots/cate_distributions.csv": distributions(shown, outcomes),
            "plots/cate_distributions.png": distribution_chart(shown, outcomes),
        }
    )


if __name__ == "__main__":
    run("ensemble", main)
