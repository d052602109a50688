"""Whether the segments hold when everything is refitted, and how households move between them from half to half of the weeks.

Reads the lines, the profile, the segments and what assigns them; writes agreements, recovery by segment and transitions.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from ibis.backends import BaseBackend
from sklearn.metrics import adjusted_rand_score

from targeting.base.left_out import NO_TILLS, leave_out
from targeting.base.outputs import write_csv, write_figure, write_metrics
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.segments import transitions_chart
from targeting.segments.factors import Factorisation, FactorSettings
from targeting.segments.stability import (
    FittedSegments,
    Recipe,
    agreement,
    agreement_table,
    halves,
    of_these_alone,
    recovery,
    refitted_on_resamples,
    refitted_with_other_seeds,
    refitted_without_a_tenth,
    separation_without_groups,
    transitions,
)
from targeting.segments.stored import segment_names
from targeting.segments.time_zero import to_window_length
from targeting.sentences.halves import people_move
from targeting.stats.resampling import by_lot
from targeting.tables.engine import connect, read_tables
from targeting.tables.features import household_features
from targeting.tables.history import keep_days
from targeting.words.money import speak_in

TABLES = Path("data/tables")
PROFILE = Path("data/profile/features.parquet")
SCALING = Path("data/segments/scaling.parquet")
LOADINGS = Path("data/segments/loadings.parquet")
CENTRES = Path("data/segments/centres.parquet")
SEGMENTS = Path("data/segments/segments.parquet")
STABILITY = Path("plots/segment_stability.csv")
RECOVERY = Path("plots/segment_recovery.csv")
TRANSITIONS = Path("plots/segment_transitions.csv")
PICTURE = Path("plots/segment_transitions.png")
METRICS = Path("metrics/stability.json")


def features_by_half(backend: BaseBackend, names: list[str]) -> list[pd.DataFrame]:
    """Features of who bought in the earlier and in the later half of the weeks, totals brought to the window's length."""
    lines, products, days = read_tables(backend, TABLES, "transactions", "products", "days")
    calendar = days.group_by("day").agg(week=days.first_week.min()).order_by("day").execute()
    parts = halves(calendar)
    window_days = (parts[1].as_of - parts[0].first_day).days
    # What is new to a household in the later half need not be new: of the earlier half, `days` says it.
    later = keep_days(backend, lines.filter(lines.day >= parts[1].first_day), products)
    frames = []
    for half, own in zip(parts, (days, later), strict=True):
        frame = household_features(own, [half.as_of]).order_by("household_id").execute().set_index("household_id")
        frames.append(to_window_length(frame[names], (half.as_of - half.first_day).days, window_days))
    return frames


def main() -> None:
    params = load_params("data", "engine", "segmentation", "sample", "seed")
    speak_in(params["data"]["currency"])
    section, seed = params["segmentation"], params["seed"]
    assigned, loadings, scaling = (pd.read_parquet(path) for path in (SEGMENTS, LOADINGS, SCALING))
    if assigned.empty:
        leave_out("stability", NO_TILLS, [STABILITY, RECOVERY, TRANSITIONS, PICTURE, METRICS])
        return
    # Where features were left out, there may be fewer factors than asked for.
    settings = replace(FactorSettings.from_params(section), factors=len(loadings))
    recipe = Recipe(settings, section["k"], section["restarts"], seed)
    features = pd.read_parquet(PROFILE)[scaling["feature"].tolist()]
    factorisation = Factorisation.from_tables(scaling, loadings, recipe.settings)
    stored = FittedSegments(factorisation, pd.read_parquet(CENTRES)[loadings["factor"]].to_numpy())
    segments = assigned["segment"].to_numpy() - 1
    names = segment_names(assigned).tolist()

    with connect(params["engine"]) as backend:
        earlier, later = features_by_half(backend, list(features))
    known = [pd.Series(stored.assign(half), index=half.index) for half in (earlier, later)]
    both = earlier.index.intersection(later.index)
    refitted = [recipe.fit(half).assign(half.loc[both]) for half in (earlier, later)]
    moves = transitions(known[0], known[1], names)

    drawn = by_lot(np.arange(len(features)), params["sample"]["checks"], seed)
    resampled = refitted_on_resamples(features, recipe, section["bootstraps"], drawn)
    checked, original = features[drawn], of_these_alone(features, segments, drawn, recipe)
    checks = {
        "resamples of the households": agreement(segments[drawn], resampled),
        "without a tenth of the households": agreement(original, refitted_without_a_tenth(checked, recipe)),
        "other seeds": agreement(original, refitted_with_other_seeds(checked, recipe)),
    }
    table = agreement_table(checks)
    found = recovery(segments[drawn], resampled).mean(axis=0)
    without = separation_without_groups(checked, recipe).mean()
    metrics = {
        "ari_all_mean": table["ari_mean"][0],
        "ari_all_std": table["ari_std"][0],
        "ari_left_out": table["ari_mean"][1],
        "ari_seeds": table["ari_mean"][2],
        "recovery_worst": found.min(),
        "silhouette_ungrouped": without["silhouette"],
        "davies_bouldin_ungrouped": without["davies_bouldin"],
        "halves_ari": adjusted_rand_score(known[0].loc[both], known[1].loc[both]),
        "halves_ari_refitted": adjusted_rand_score(*refitted),
        "halves_same": (known[0].loc[both] == known[1].loc[both]).mean(),
        "n_halves": len(both),
    }
    write_metrics(metrics, METRICS)
    write_csv(table, STABILITY)
    write_csv(pd.DataFrame({"segment": range(1, len(names) + 1), "name": names, "jaccard": found}), RECOVERY)
    write_csv(moves, TRANSITIONS)
    write_figure(transitions_chart(moves, people_move(moves, metrics["halves_same"])), PICTURE)


if __name__ == "__main__":
    run("stability", main)
