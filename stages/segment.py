"""Group households into segments by their factors, name them, say why and what to do with each.

Reads factors, profile and demographics; writes each household's segment, and the centres that assign any other household.
"""

from pathlib import Path

import pandas as pd

from targeting.base.left_out import NO_TILLS, leave_out
from targeting.base.outputs import write_csv, write_figure, write_metrics, write_parquet, write_png
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.positioning import positioning_picture, positioning_words
from targeting.figures.segments import (
    cluster_selection_chart,
    factors_by_segment,
    profile_heatmap,
    sizes_chart,
)
from targeting.figures.vega import png
from targeting.segments.factors import factor_shares
from targeting.segments.grouping import fit_kmeans, order_by, recommend_clusters, select_clusters, separation
from targeting.segments.profile import demographics, feature_differences, value_tiers
from targeting.segments.table import factor_table_by_segment, profile_table, segment_table
from targeting.sentences.segments import cluster_words
from targeting.words.money import sign, speak_in

HOUSEHOLDS = Path("data/tables/households.parquet")
PROFILE = Path("data/profile/features.parquet")
FACTORS = Path("data/segments/factors.parquet")
LOADINGS = Path("data/segments/loadings.parquet")
SEGMENTS = Path("data/segments/segments.parquet")
CENTRES = Path("data/segments/centres.parquet")
TABLE = Path("plots/segments.csv")
SELECTION = Path("plots/cluster_selection.csv")
DIFFERENCES = Path("plots/segment_differences.csv")
TIERS = Path("plots/value_tiers.csv")
DEMOGRAPHICS = Path("plots/segment_demographics.csv")
PROFILES = Path("plots/segment_profiles.csv")
MADE_OF = Path("plots/segment_factors.csv")
SELECTION_PICTURE = Path("plots/cluster_selection.png")
SIZES_PICTURE = Path("plots/segment_sizes.png")
PROFILE_PICTURE = Path("plots/segment_profiles.png")
FACTORS_PICTURE = Path("plots/segment_factors.png")
POSITIONING_PICTURE = Path("plots/positioning.png")
METRICS = Path("metrics/segment.json")
TABLES = (SEGMENTS, CENTRES, TABLE, SELECTION, DIFFERENCES, TIERS, DEMOGRAPHICS, PROFILES, MADE_OF)
PICTURES = (SELECTION_PICTURE, SIZES_PICTURE, PROFILE_PICTURE, FACTORS_PICTURE, POSITIONING_PICTURE)
OUTPUTS = (*TABLES, *PICTURES, METRICS)


def main() -> None:
    params = load_params("data", "segmentation", "sample", "seed")
    speak_in(params["data"]["currency"])
    section, seed, k = params["segmentation"], params["seed"], params["segmentation"]["k"]
    profile, factors, loadings = (pd.read_parquet(path) for path in (PROFILE, FACTORS, LOADINGS))
    if profile.empty:
        leave_out("segment", NO_TILLS, OUTPUTS)
        return
    features = profile.drop(columns="household_id")
    shares = factor_shares(factors[loadings["factor"]].to_numpy())

    model = fit_kmeans(shares, k, section["restarts"], seed)
    numbers = order_by(profile["monetary_sales"].to_numpy(), model.labels_)
    segments = numbers[model.labels_]
    centres = pd.DataFrame(model.cluster_centers_, columns=loadings["factor"]).assign(segment=numbers + 1)
    table = segment_table(profile, segments, shares, loadings["name"].tolist())
    names = table["name"].tolist()
    assigned = profile[["household_id"]].assign(segment=segments + 1, name=table["name"].to_numpy()[segments])

    lowest, highest = section["selection"]
    compared = sorted({*range(lowest, highest + 1), k})
    selection = select_clusters(shares, compared, section["restarts"], section["bootstraps"], seed, params["sample"]["checks"])
    choice = recommend_clusters(selection, k, section["smallest_segment"], section["stable_segments"])
    profiles = profile_table(features, segments, names)
    factor_names = (loadings["factor"] + " " + loadings["name"]).tolist()
    made_of = factor_table_by_segment(shares, segments, names, factor_names)
    metrics = {
        "k": k,
        **vars(separation(shares, segments, seed)),
        "ari_mean": choice.used["ari_mean"],
        "ari_std": choice.used["ari_std"],
        "recommended_method": choice.method,
        "recommended_k": choice.k,
        "reason": cluster_words(choice, section["smallest_segment"], section["stable_segments"]),
    }
    write_metrics(metrics, METRICS)
    write_parquet(assigned, SEGMENTS)
    write_parquet(centres.sort_values("segment", ignore_index=True), CENTRES)
    write_csv(table, TABLE)
    write_csv(selection, SELECTION)
    write_csv(profiles, PROFILES)
    write_csv(made_of, MADE_OF)
    write_csv(feature_differences(features, segments), DIFFERENCES)
    write_csv(value_tiers(profile["monetary_sales"], segments, names), TIERS)
    write_csv(demographics(pd.read_parquet(HOUSEHOLDS), assigned), DEMOGRAPHICS)
    write_figure(cluster_selection_chart(selection, k), SELECTION_PICTURE)
    write_figure(sizes_chart(table), SIZES_PICTURE)
    write_figure(profile_heatmap(profiles[profiles["feature"].isin(loadings.columns)]), PROFILE_PICTURE)
    write_figure(factors_by_segment(made_of), FACTORS_PICTURE)
    write_png(png(positioning_picture(table), *positioning_words(table), sign=sign()), POSITIONING_PICTURE)


if __name__ == "__main__":
    run("segment", main)
