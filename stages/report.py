"""Gather the headline numbers of a run, and draw the picture that they tell.

Reads the other stages' metrics and the ROI curve; writes metrics/summary.json.
"""

import json
from pathlib import Path

import pandas as pd

from targeting.figures import roi_chart
from targeting.outputs import write_figure, write_metrics
from targeting.stage import run
from targeting.summary import headline
from targeting.validation_figures import effects_by_segment_chart

METRICS = Path("metrics")
SOURCES = ("ingest", "segment", "nuisance", "ate", "validate", "policy")
CURVE = Path("plots/roi_curve.csv")
SEGMENT_EFFECTS = Path("plots/segment_effects.csv")
ROI_PICTURE = Path("plots/roi_curve.png")
SEGMENT_PICTURE = Path("plots/segment_effects.png")
SUMMARY = Path("metrics/summary.json")


def main() -> None:
    metrics = {name: json.loads((METRICS / f"{name}.json").read_text(encoding="utf-8")) for name in SOURCES}
    policy = metrics["policy"]
    write_metrics(headline(metrics), SUMMARY)
    write_figure(
        roi_chart(pd.read_csv(CURVE), policy["margin"], policy["cost"], metrics["nuisance"]["overlap_share"]), ROI_PICTURE
    )
    write_figure(effects_by_segment_chart(pd.read_csv(SEGMENT_EFFECTS), policy["breakeven"]), SEGMENT_PICTURE)


if __name__ == "__main__":
    run("report", main)
