"""The campaign's effect by segment, with segments as they could be known at time zero.

Reads the panel, the nuisances, the best learner's effects and what assigns segments; writes each row's segment at time zero.
"""

from pathlib import Path

import pandas as pd

from targeting.base.columns import KEYS, outcomes_of
from targeting.base.lots import drawn_by_lot, evidence_kind
from targeting.base.outputs import write_csv, write_figure, write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.effects.by_segment import effects_by_segment
from targeting.effects.estimators import effect_data
from targeting.figures.people import speak_of
from targeting.figures.segment_effects import segments_compared_chart
from targeting.nuisance.overlap import comparable
from targeting.segments.stored import own_segments, segment_names, segment_numbers
from targeting.segments.time_zero import features_at_time_zero, window
from targeting.trials.panel import require_aligned
from targeting.words.money import speak_in

DAYS = Path("data/tables/days.parquet")
ELIGIBLE = Path("data/trials/eligible.parquet")
PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
PREDICTED = Path("data/validate/nested.parquet")
SCALING = Path("data/segments/scaling.parquet")
LOADINGS = Path("data/segments/loadings.parquet")
CENTRES = Path("data/segments/centres.parquet")
SEGMENTS = Path("data/segments/segments.parquet")
TIME_ZERO = Path("data/segments/time_zero.parquet")
EFFECTS = Path("plots/segment_effects.csv")
WHOLE_WINDOW = Path("plots/segment_effects_whole_window.csv")
PICTURE = Path("plots/segments_compared.png")
METRICS = Path("metrics/segment_effects.json")


def main() -> None:
    params = load_params("data", "segmentation", "nuisance")
    speak_in(params["data"]["currency"])
    speak_of(params["data"]["source"])
    panel, nuisance, predicted = (pd.read_parquet(path) for path in (PANEL, NUISANCE, PREDICTED))
    require_aligned(panel, nuisance, str(NUISANCE))
    require_aligned(panel, predicted, str(PREDICTED))
    eligible, whole_window = pd.read_parquet(ELIGIBLE), pd.read_parquet(SEGMENTS)
    if whole_window.empty:  # no tills: segments are the groups that the table of customers names
        assigned = own_segments(panel, eligible)
        later = assigned
    else:
        scaling, loadings, centres = (pd.read_parquet(path) for path in (SCALING, LOADINGS, CENTRES))
        features = features_at_time_zero(panel, eligible, scaling["feature"].tolist(), *window(DAYS))
        assigned = panel[KEYS].copy()
        assigned["segment"] = segment_numbers(features, scaling, loadings, centres, params["segmentation"])
        assigned["name"] = assigned["segment"].map(segment_names(whole_window))
        later = panel[KEYS].merge(whole_window, on="household_id", how="left", validate="many_to_one")
    names = segment_names(assigned if whole_window.empty else whole_window)

    drawn = pd.Series(drawn_by_lot(panel))
    overlap = comparable(panel, nuisance["propensity"], params["nuisance"]["overlap"])
    tables: dict[str, list[pd.DataFrame]] = {"time_zero": [], "whole_window": []}
    metrics: dict[str, object] = {
        "n_segments": assigned["segment"].nunique(),
        "same_as_whole_window": (later["segment"] == assigned["segment"]).mean(),
    }
    for outcome in outcomes_of(panel.columns):
        data, cate = effect_data(panel, nuisance, outcome), predicted[f"cate_{outcome}"]
        for kind, segments in (("time_zero", assigned), ("whole_window", later)):
            found = effects_by_segment(data, segments["segment"], cate, overlap)
            named = found.table.assign(outcome=outcome, name=found.table["segment"].map(names))
            named["evidence"] = named["segment"].map(drawn.groupby(segments["segment"]).agg(evidence_kind).astype(str))
            tables[kind].append(named[["outcome", "segment", "name", *found.table.columns.drop("segment"), "evidence"]])
            if kind == "time_zero":
                metrics[outcome] = found.summary()
    effects, not_causal = (pd.concat(tables[kind], ignore_index=True) for kind in ("time_zero", "whole_window"))
    write_metrics(metrics, METRICS)
    write_parquet(assigned, TIME_ZERO)
    write_csv(effects, EFFECTS)
    write_csv(not_causal, WHOLE_WINDOW)
    write_figure(segments_compared_chart(effects, not_causal), PICTURE)


if __name__ == "__main__":
    run("segment_effects", main)
