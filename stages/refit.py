"""Ask how precise the effects are when the nuisances' own error counts: refit everything without some households.

Reads the panel and the nuisances; writes one row an outcome and estimator.
"""

from pathlib import Path

import pandas as pd

from targeting.base.columns import OUTCOMES
from targeting.base.outputs import write_csv, write_metrics
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.effects.estimators import ESTIMATORS, effect_data
from targeting.robustness.refit import refit_draws, refit_table
from targeting.trials.panel import require_aligned

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
REFIT = Path("plots/refit.csv")
METRICS = Path("metrics/refit.json")


def main() -> None:
    params = load_params("nuisance", "seed")
    settings = params["nuisance"]
    panel = pd.read_parquet(PANEL)
    nuisance = pd.read_parquet(NUISANCE)
    require_aligned(panel, nuisance, str(NUISANCE))

    tables, metrics = [], {}
    for outcome in OUTCOMES:
        draws = refit_draws(panel, outcome, settings["refits"], settings["folds"], settings["clip"], params["seed"])
        data = effect_data(panel, nuisance, outcome)
        table = refit_table(draws, {method: ESTIMATORS[method](data) for method in draws.columns})
        tables.append(table.assign(outcome=outcome))
        metrics[outcome] = {f"{row.method}_se_refit": row.se_refit for row in table.itertuples()}
    write_metrics(metrics, METRICS)
    write_csv(pd.concat(tables, ignore_index=True), REFIT)


if __name__ == "__main__":
    run("refit", main)
