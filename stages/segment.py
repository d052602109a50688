"""Group households into segments by their factors, name them and say what to do with each.

Reads factors and profile; writes each household's segment, and the centres that assign any other household.
"""

from pathlib import Path

import pandas as pd

from targeting.factors import FactorSettings
from targeting.figures import positioning_chart
from targeting.outputs import write_csv, write_figure, write_metrics, write_parquet
from targeting.params import load_params
from targeting.segment_table import segment_table
from targeting.segments import bootstrap_ari, bootstrap_ari_all, fit_kmeans, order_by, select_clusters, separation
from targeting.stage import run

PROFILE = Path("data/profile/features.parquet")
FACTORS = Path("data/segments/factors.parquet")
LOADINGS = Path("data/segments/loadings.parquet")
SEGMENTS = Path("data/segments/segments.parquet")
CENTRES = Path("data/segments/centres.parquet")
TABLE = Path("plots/segments.csv")
SELECTION = Path("plots/cluster_selection.csv")
PICTURE = Path("plots/positioning.png")
METRICS = Path("metrics/segment.json")


def main() -> None:
    params = load_params("segmentation", "seed")
    settings, seed = params["segmentation"], params["seed"]
    k, restarts, bootstraps = settings["k"], settings["restarts"], settings["bootstraps"]
    profile, factors = pd.read_parquet(PROFILE), pd.read_parquet(FACTORS)
    loadings = pd.read_parquet(LOADINGS)
    scores = factors[loadings["factor"]].to_numpy()

    model = fit_kmeans(scores, k, restarts, seed)
    numbers = order_by(profile["monetary_sales"].to_numpy(), model.labels_)
    segments = numbers[model.labels_]
    centres = pd.DataFrame(model.cluster_centers_, columns=loadings["factor"]).assign(segment=numbers + 1)
    table = segment_table(profile, segments, scores, loadings["name"].tolist())

    lowest, highest = settings["selection"]
    selection = select_clusters(scores, range(lowest, highest + 1), restarts, settings["selection_bootstraps"], seed)
    agreement = bootstrap_ari(scores, segments, k, restarts, bootstraps, seed)
    features = profile[settings["features"]]
    agreement_all = bootstrap_ari_all(features, FactorSettings.from_params(settings), segments, k, restarts, bootstraps, seed)
    metrics = {
        "k": k,
        **vars(separation(scores, segments)),
        "ari_mean": agreement.mean(),
        "ari_std": agreement.std(),
        "ari_all_mean": agreement_all.mean(),
        "ari_all_std": agreement_all.std(),
    }
    assigned = pd.DataFrame({"household_id": profile["household_id"], "segment": segments + 1})
    write_metrics(metrics, METRICS)
    write_parquet(assigned.assign(name=table["name"].to_numpy()[segments]), SEGMENTS)
    write_parquet(centres.sort_values("segment", ignore_index=True), CENTRES)
    write_csv(table, TABLE)
    write_csv(selection, SELECTION)
    write_figure(positioning_chart(table), PICTURE)


if __name__ == "__main__":
    run("segment", main)
