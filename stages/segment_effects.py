"""The campaign's effect by segment, with segments as they could be known at time zero.

Reads the panel, the nuisances, the chosen effects and what assigns segments; writes each row's segment at time zero.
"""

from pathlib import Path

import pandas as pd

from targeting.factors import Factorisation, FactorSettings
from targeting.moderators import effects_by_segment, features_at_time_zero
from targeting.outputs import write_csv, write_metrics, write_parquet
from targeting.overlap import in_overlap
from targeting.panel import KEYS, OUTCOMES, require_aligned
from targeting.params import load_params
from targeting.scores import effect_scores
from targeting.segments import assign_segments
from targeting.stage import run

TRANSACTIONS = Path("data/tables/transactions.parquet")
PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
SELECTED = Path("data/validate/selected.parquet")
SCALING = Path("data/segments/scaling.parquet")
LOADINGS = Path("data/segments/loadings.parquet")
CENTRES = Path("data/segments/centres.parquet")
SEGMENTS = Path("data/segments/segments.parquet")
TIME_ZERO = Path("data/segments/time_zero.parquet")
EFFECTS = Path("plots/segment_effects.csv")
METRICS = Path("metrics/segment_effects.json")


def main() -> None:
    params = load_params("segmentation", "nuisance")
    panel, nuisance, selected = (pd.read_parquet(path) for path in (PANEL, NUISANCE, SELECTED))
    require_aligned(panel, nuisance, str(NUISANCE))
    require_aligned(panel, selected, str(SELECTED))
    days = pd.read_parquet(TRANSACTIONS, columns=["day"])["day"]

    scaling, loadings = pd.read_parquet(SCALING), pd.read_parquet(LOADINGS)
    centres = pd.read_parquet(CENTRES)
    whole_window = pd.read_parquet(SEGMENTS)
    names = scaling["feature"].tolist()
    factorisation = Factorisation.from_tables(scaling, loadings, FactorSettings.from_params(params["segmentation"]))
    features = features_at_time_zero(panel, names, days.min(), days.max())
    assigned = panel[KEYS].copy()
    assigned["segment"] = assign_segments(features, factorisation, centres[loadings["factor"]].to_numpy()) + 1
    assigned["name"] = assigned["segment"].map(whole_window.drop_duplicates("segment").set_index("segment")["name"])

    tables = []
    for outcome in OUTCOMES:
        rows = assigned.assign(
            treated=panel["treated"],
            overlap=in_overlap(nuisance["propensity"], params["nuisance"]["overlap"]),
            score=effect_scores(nuisance, outcome),
            cate=selected[f"cate_{outcome}"],
        )
        tables.append(effects_by_segment(rows).assign(outcome=outcome))
    effects = pd.concat(tables, ignore_index=True)
    later = panel[KEYS].merge(whole_window, on="household_id", validate="many_to_one")
    metrics = {
        "n_segments": assigned["segment"].nunique(),
        "same_as_whole_window": (later["segment"] == assigned["segment"]).mean(),
    }
    write_metrics(metrics, METRICS)
    write_parquet(assigned, TIME_ZERO)
    write_csv(effects, EFFECTS)


if __name__ == "__main__":
    run("segment_effects", main)
