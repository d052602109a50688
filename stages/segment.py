"""Group households into segments by their factors, name them, say why and what to do with each.

Reads factors, profile and demographics; writes each household's segment, and the centres that assign any other household.
"""

import pandas as pd

from targeting.base.left_out import NO_TILLS, leave_out
from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.positioning import positioning_picture, positioning_words
from targeting.figures.segments import cluster_selection_chart, factors_by_segment, profile_heatmap, sizes_chart
from targeting.figures.vega import png
from targeting.segments.household_segments import household_segments
from targeting.sentences.segments import cluster_words
from targeting.words.money import sign, speak_in

OUTPUTS = {
    "metrics": "metrics/segment.json",
    "segments": "data/segments/segments.parquet",
    "centres": "data/segments/centres.parquet",
    "table": "plots/segments.csv",
    "selection": "plots/cluster_selection.csv",
    "differences": "plots/segment_differences.csv",
    "tiers": "plots/value_tiers.csv",
    "demographics": "plots/segment_demographics.csv",
    "profiles": "plots/segment_profiles.csv",
    "made_of": "plots/segment_factors.csv",
    "selection_picture": "plots/cluster_selection.png",
    "sizes_picture": "plots/segment_sizes.png",
    "profiles_picture": "plots/segment_profiles.png",
    "factors_picture": "plots/segment_factors.png",
    "positioning_picture": "plots/positioning.png",
}


def main() -> None:
    params = load_params("data", "segmentation", "sample", "seed")
    speak_in(params["data"]["currency"])
    section, checks = params["segmentation"], params["sample"]["checks"]
    profile, households = pd.read_parquet("data/profile/features.parquet"), pd.read_parquet("data/tables/households.parquet")
    factors, loadings = pd.read_parquet("data/segments/factors.parquet"), pd.read_parquet("data/segments/loadings.parquet")
    if profile.empty:
        leave_out("segment", NO_TILLS, OUTPUTS.values())
        return

    found = household_segments(profile, factors, loadings, households, section, checks, params["seed"])

    reason = cluster_words(found.choice, section["smallest_segment"], section["stable_segments"])
    results = {
        **vars(found),
        "metrics": {**found.metrics, "reason": reason},
        "selection_picture": cluster_selection_chart(found.selection, section["k"]),
        "sizes_picture": sizes_chart(found.table),
        "profiles_picture": profile_heatmap(found.profiles[found.profiles["feature"].isin(loadings.columns)]),
        "factors_picture": factors_by_segment(found.made_of),
        "positioning_picture": png(positioning_picture(found.table), *positioning_words(found.table), sign=sign()),
    }
    write_outputs({path: results[name] for name, path in OUTPUTS.items()})


if __name__ == "__main__":
    run("segment", main)
