"""Whether the segments hold when everything is refitted, and how households move between them from half to half of the weeks.

Reads the lines, the profile, the segments and what assigns them; writes agreements, recovery by segment and transitions.
"""

from pathlib import Path

import pandas as pd

from targeting.base.left_out import NO_TILLS, leave_out
from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.segments import transitions_chart
from targeting.segments.halves import features_by_half
from targeting.segments.stability_checks import stability_checks
from targeting.segments.stored import StoredSegments
from targeting.sentences.halves import people_move
from targeting.tables.engine import connect, read_tables
from targeting.words.money import speak_in

TABLES = Path("data/tables")
OUTPUTS = {
    "metrics": "metrics/stability.json",
    "agreement": "plots/segment_stability.csv",
    "recovery": "plots/segment_recovery.csv",
    "moves": "plots/segment_transitions.csv",
    "picture": "plots/segment_transitions.png",
}


def main() -> None:
    params = load_params("data", "engine", "segmentation", "sample", "seed")
    speak_in(params["data"]["currency"])
    stored = StoredSegments.read(
        "data/segments/scaling.parquet",
        "data/segments/loadings.parquet",
        "data/segments/centres.parquet",
        "data/segments/segments.parquet",
        params["segmentation"],
    )
    if stored.households.empty:
        leave_out("stability", NO_TILLS, OUTPUTS.values())
        return
    features = pd.read_parquet("data/profile/features.parquet", columns=stored.features)
    with connect(params["engine"]) as backend:
        lines, products, days = read_tables(backend, TABLES, "transactions", "products", "days")
        by_half = features_by_half(backend, lines, products, days, stored.features)

    found = stability_checks(stored, features, by_half, params["sample"]["checks"], params["seed"])

    picture = transitions_chart(found.moves, people_move(found.moves, found.metrics["halves_same"]))
    results = {**vars(found), "picture": picture}
    write_outputs({path: results[name] for name, path in OUTPUTS.items()})


if __name__ == "__main__":
    run("stability", main)
