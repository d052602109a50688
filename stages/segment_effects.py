"""The campaign's effect by segment, with segments as they could be known at time zero.

Reads the panel, the nuisances, the best learner's effects and what assigns segments; writes each row's segment at time zero.
"""

from pathlib import Path

import pandas as pd

from targeting.base.columns import KEYS
from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.effects.segment_tables import effects_by_outcome, segment_effects_table
from targeting.figures.people import speak_of
from targeting.figures.segment_effects import segments_compared_chart
from targeting.segments.stored import StoredSegments
from targeting.segments.time_zero import window
from targeting.trials.panel import read_aligned
from targeting.words.money import speak_in

DAYS = Path("data/tables/days.parquet")


def main() -> None:
    params = load_params("data", "segmentation", "nuisance")
    speak_in(params["data"]["currency"])
    speak_of(params["data"]["source"])
    panel, eligible = pd.read_parquet("data/trials/panel.parquet"), pd.read_parquet("data/trials/eligible.parquet")
    nuisance = read_aligned(panel, "data/trials/nuisance.parquet")
    predicted, bounds = read_aligned(panel, "data/validate/nested.parquet"), params["nuisance"]["overlap"]
    stored = StoredSegments.read(
        "data/segments/scaling.parquet",
        "data/segments/loadings.parquet",
        "data/segments/centres.parquet",
        "data/segments/segments.parquet",
        params["segmentation"],
    )

    assigned = later = stored.at_time_zero(panel, eligible, window(DAYS) if stored.features else None)
    if stored.features:
        later = panel[KEYS].merge(stored.households, on="household_id", how="left", validate="many_to_one")
    by_time_zero, by_whole_window = effects_by_outcome(panel, nuisance, predicted, bounds, assigned["segment"], later["segment"])
    effects, not_causal = (
        segment_effects_table(panel, assigned, by_time_zero),
        segment_effects_table(panel, later, by_whole_window),
    )

    metrics = {
        "n_segments": assigned["segment"].nunique(),
        "same_as_whole_window": (later["segment"] == assigned["segment"]).mean(),
        **{outcome: found.summary() for outcome, found in by_time_zero.items()},
    }
    write_outputs(
        {
            "metrics/segment_effects.json": metrics,
            "data/segments/time_zero.parquet": assigned,
            "plots/segment_effects.csv": effects,
            "plots/segment_effects_whole_window.csv": not_causal,
            "plots/segments_compared.png": segments_compared_chart(effects, not_causal),
        }
    )


if __name__ == "__main__":
    run("segment_effects", main)
