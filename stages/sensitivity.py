"""Ask how strong a confounder that nobody measured would have to be to explain the effect away.

Reads the panel and the nuisances; writes the analyses with readings in words, the contour of the omitted-variable analysis, and
what confounders as strong as measured covariates would make of the estimate.
"""

import pandas as pd

from targeting.base.columns import outcomes_of
from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.effects import contour_chart
from targeting.robustness.sensitivity_table import all_sensitivities, confounders
from targeting.sentences.sensitivity import with_readings
from targeting.trials.panel import read_aligned
from targeting.words.money import speak_in


def main() -> None:
    params = load_params("data", "nuisance", "sample", "seed")
    speak_in(params["data"]["currency"])
    panel = pd.read_parquet("data/trials/panel.parquet")
    nuisance = read_aligned(panel, "data/trials/nuisance.parquet")

    found = all_sensitivities(panel, nuisance, params["nuisance"]["overlap"], params["sample"]["checks"], params["seed"])

    first = outcomes_of(panel.columns)[0]
    contour, yardsticks = (table[table["outcome"] == first] for table in (found.contours, found.benchmarks))
    write_outputs(
        {
            "metrics/sensitivity.json": found.metrics,
            "data/sensitivity/confounders.csv": confounders(found.table),
            "plots/sensitivity.csv": with_readings(found.table),
            "plots/sensitivity_benchmarks.csv": found.benchmarks,
            "plots/sensitivity_contour.csv": found.contours,
            "plots/sensitivity.png": contour_chart(contour, yardsticks, first),
        }
    )


if __name__ == "__main__":
    run("sensitivity", main)
