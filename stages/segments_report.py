"""Build a page on who the customers are, without need of campaigns; it says what these would add and how to bring them.

Reads the canonical tables' numbers of rows and what the segments are; writes plots/report/segments.html.
"""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from targeting.base.left_out import NO_TILLS, leave_out
from targeting.base.outputs import read_metrics, write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.pages.segments import segments_page
from targeting.sentences.segments_page import ADDS
from targeting.words.money import speak_in

TABLES = Path("data/tables")
FOUND = {"ingest": "metrics/ingest.json", "segment": "metrics/segment.json", "stability": "metrics/stability.json"}
PICTURES = ("plots/positioning.png", "plots/segment_profiles.png")
METRICS, PAGE = "metrics/segments_report.json", "plots/report/segments.html"


def main() -> None:
    data = load_params("data")["data"]
    speak_in(data["currency"])
    found = {name: read_metrics(path) for name, path in FOUND.items()}
    segments, moves = pd.read_csv("plots/segments.csv"), pd.read_csv("plots/segment_transitions.csv")
    if segments.empty:
        leave_out("segments_report", NO_TILLS, [METRICS, PAGE])
        return
    rows = {name: pq.read_metadata(TABLES / f"{name}.parquet").num_rows for name in ADDS}
    pictures = [Path(path).read_bytes() for path in PICTURES]

    page = segments_page(data["source"], found, rows, segments, moves, pictures)
    write_outputs({METRICS: {"n_campaigns": rows["campaigns"], "n_targets": rows["campaign_targets"]}, PAGE: page})


if __name__ == "__main__":
    run("segments_report", main)
