"""Join the learners' effects: their plain average, and a stack whose weights come from the R-loss of other folds.

Reads the panel, the nuisances and every learner's effects; writes two more tables of effects, one row per row of the panel.
"""

from pathlib import Path

import pandas as pd

from targeting.base.columns import outcomes_of
from targeting.base.outputs import write_csv, write_figure, write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.learners import distribution_chart
from targeting.figures.people import speak_of
from targeting.learners.data import outcome_data
from targeting.learners.ensemble import CONSTANT, distributions, ensembles, usable
from targeting.words.money import speak_in

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
INNER = Path("data/trials/inner_nuisance.parquet")
EFFECTS = Path("data/cate")
AVERAGE = Path("data/ensemble/average.parquet")
STACK = Path("data/ensemble/stack.parquet")
WEIGHTS = Path("data/ensemble/weights.parquet")
WEIGHT_TABLE = Path("plots/stack_weights.csv")
DISTRIBUTIONS = Path("plots/cate_distributions.csv")
PICTURE = Path("plots/cate_distributions.png")
METRICS = Path("metrics/ensemble.json")


def main() -> None:
    params = load_params("data", "learners")
    speak_in(params["data"]["currency"])
    speak_of(params["data"]["source"])
    names = params["learners"]["names"]
    panel, nuisance, inner = (pd.read_parquet(path) for path in (PANEL, NUISANCE, INNER))
    outcomes = outcomes_of(panel.columns)
    data = {outcome: outcome_data(panel, nuisance, inner, outcome) for outcome in outcomes}
    tables = usable(panel, {name: pd.read_parquet(EFFECTS / f"{name}.parquet") for name in names})

    found = ensembles(panel, tables, data)
    weights, mean, stacked = found.weights, found.average, found.stack
    shown = {**tables, "average": mean, "stack": stacked}
    table = distributions(shown, outcomes)
    losses = {
        outcome: {
            f"{name}_loss": data[outcome].r_losses(own[f"cate_{outcome}"].to_numpy()).mean()
            for name, own in (("average", mean), ("stack", stacked))
        }
        for outcome in outcomes
    }
    failed = ", ".join(name for name in names if name not in tables) or "none"
    members = weights.groupby("learner", sort=False)["average"].max().drop(CONSTANT)
    metrics = {"n_learners": len(tables), "joined": ", ".join(members.index[members > 0]), "failed": failed} | losses
    write_metrics(metrics, METRICS)
    write_parquet(mean, AVERAGE)
    write_parquet(stacked, STACK)
    write_parquet(weights, WEIGHTS)
    write_csv(weights, WEIGHT_TABLE)
    write_csv(table, DISTRIBUTIONS)
    write_figure(distribution_chart(shown, outcomes), PICTURE)


if __name__ == "__main__":
    run("ensemble", main)
