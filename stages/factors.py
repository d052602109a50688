"""Reduce the household features to a few non-negative factors, and name them.

Reads the profile; writes household factors, and what is needed to compute them for any other household.
"""

import sys

import pandas as pd

from targeting.base.left_out import NO_TILLS, leave_out
from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.segments import factor_selection_chart, loadings_heatmap
from targeting.segments.household_factors import household_factors
from targeting.sentences.segments import factor_words
from targeting.words.money import speak_in

OUTPUTS = {
    "metrics": "metrics/factors.json",
    "factors": "data/segments/factors.parquet",
    "loadings": "data/segments/loadings.parquet",
    "scaling": "data/segments/scaling.parquet",
    "table": "plots/factors.csv",
    "selection": "plots/factor_selection.csv",
    "explained": "plots/factor_features.csv",
    "loadings_picture": "plots/loadings.png",
    "selection_picture": "plots/factor_selection.png",
}


def main() -> None:
    params = load_params("data", "segmentation", "sample", "seed")
    speak_in(params["data"]["currency"])
    section = params["segmentation"]
    profile = pd.read_parquet("data/profile/features.parquet")
    if profile.empty:
        leave_out("factors", NO_TILLS, OUTPUTS.values())
        return

    found = household_factors(profile, section, params["sample"]["checks"], params["seed"])

    if found.left_out:
        print(f"factors: left out, since all households have the same value: {found.left_out}.", file=sys.stderr)
    reason = factor_words(found.choice, section["enough_explained"])
    results = {
        **vars(found),
        "metrics": {**found.metrics, "reason": reason, "left_out": found.left_out},
        "scaling": found.fitted.scaling,
        "loadings_picture": loadings_heatmap(found.fitted.directions, found.features, found.named),
        "selection_picture": factor_selection_chart(found.selection, found.metrics["n_factors"]),
    }
    write_outputs({path: results[name] for name, path in OUTPUTS.items()})


if __name__ == "__main__":
    run("factors", main)
