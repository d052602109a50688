"""Try to refute the average effects, by what they are where the answer is known, or where it should hardly change.

Reads every repeat's estimate; writes one verdict per check, outcome and estimator. Nothing is fitted: a changed limit or word
costs seconds.
"""

import pandas as pd

from targeting.base.outputs import read_metrics, write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.people import speak_of
from targeting.figures.refutation import refutation_chart
from targeting.robustness.refutation import with_campaigns
from targeting.robustness.refutation_verdicts import refutation_table, tally
from targeting.words.money import speak_in


def main() -> None:
    params = load_params("data", "refute")
    speak_in(params["data"]["currency"])
    speak_of(params["data"]["source"])
    estimated, key = pd.read_parquet("data/perturb/draws.parquet"), pd.read_parquet("data/tables/identifiers.parquet")
    unadjusted, control = pd.read_parquet("data/perturb/unadjusted.parquet"), read_metrics("metrics/perturb.json")

    draws = with_campaigns(estimated, key)
    table = refutation_table(draws, params["refute"], unadjusted)

    write_outputs(
        {
            "metrics/refute.json": {**tally(table), "negative_control": control["negative_control"]},
            "plots/refutation.csv": table,
            "plots/refutation_draws.csv": draws,
            "plots/refutation.png": refutation_chart(draws, table),
        }
    )


if __name__ == "__main__":
    run("refute", main)
