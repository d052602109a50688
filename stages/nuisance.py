"""Cross-fit propensities and outcome models by household, and form the doubly robust scores that all later stages share.

Reads the panel; writes one row per row of the panel.
"""

import pandas as pd

from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.nuisance import love_spec, love_words, propensity_picture, propensity_table, propensity_words
from targeting.figures.vega import png
from targeting.nuisance.fitted import comparability, fitted_nuisances
from targeting.words.features import covariate_words


def main() -> None:
    params = load_params("nuisance", "seed")
    settings, seed = params["nuisance"], params["seed"]
    panel = pd.read_parquet("data/trials/panel.parquet")

    table, models = fitted_nuisances(panel, settings, seed)
    found = comparability(panel, table, settings, seed)

    shown = propensity_table(panel["treated"].to_numpy(), table["propensity"].to_numpy())
    propensities = propensity_picture(shown, found.calibration)
    overlapping = propensity_words(found.metrics["overlap_share"], settings["overlap"])
    write_outputs(
        {
            "metrics/nuisance.json": found.metrics,
            "data/trials/nuisance.parquet": table,
            "data/trials/nuisance_models.parquet": models,
            "plots/nuisance_models.csv": models,
            "plots/propensity.csv": found.histogram,
            "plots/propensity_calibration.csv": found.calibration,
            "plots/balance.csv": found.balance.assign(in_words=found.balance["covariate"].map(covariate_words)),
            "plots/overlap.csv": found.by_campaign,
            "plots/propensity.png": png(propensities, *overlapping),
            "plots/balance.png": png(love_spec(found.balance), *love_words(found.balance)),
        }
    )


if __name__ == "__main__":
    run("nuisance", main)
