"""Gather the headline numbers of a run, and draw the picture that they tell.

Reads the other stages' metrics and the ROI curves; writes metrics/summary.json.
"""

import json
from pathlib import Path

import pandas as pd

from targeting.figures import roi_chart
from targeting.outputs import write_figure, write_metrics
from targeting.stage import run
from targeting.summary import headline, order_shown
from targeting.validation_figures import effects_by_segment_chart

METRICS = Path("metrics")
SOURCES = ("ingest", "segment", "nuisance", "ate", "validate", "policy")
CURVES = Path("plots/roi_curve_learners.csv")
ORDERS = Path("plots/roi_learners.csv")
SEGMENT_EFFECTS = Path("plots/segment_effects.csv")
ROI_PICTURE = Path("plots/roi_curve.png")
SEGMENT_PICTURE = Path("plots/segment_effects.png")
SUMMARY = Path("metrics/summary.json")


def main() -> None:
    metrics = {name: json.loads((METRICS / f"{name}.json").read_text(encoding="utf-8")) for name in SOURCES}
    policy = metrics["policy"]
    orders, curves = pd.read_csv(ORDERS), pd.read_csv(CURVES)
    order = order_shown(orders.loc[orders["chosen"], "learner"].iloc[0], metrics["validate"], set(orders["learner"]))
    write_metrics(headline(metrics) | {"order_shown": order}, SUMMARY)
    shown = curves[curves["learner"] == order]
    write_figure(roi_chart(shown, order, policy["margin"], policy["cost"], metrics["nuisance"]["overlap_share"]), ROI_PICTURE)
    write_figure(effects_by_segment_chart(pd.read_csv(SEGMENT_EFFECTS), policy["breakeven"]), SEGMENT_PICTURE)


if __name__ == "__main__":
    run("report", main)
