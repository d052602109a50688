"""Build a page on who the customers are, without need of campaigns; it says what these would add and how to bring them.

Reads the canonical tables' numbers of rows and what the segments are; writes plots/report/segments.html.
"""

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from targeting.base.left_out import NO_TILLS, leave_out
from targeting.base.outputs import write_metrics, write_text
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.pages.segments import segments_page
from targeting.sentences.segments_page import ADDS
from targeting.words.money import speak_in

TABLES = Path("data/tables")
INGEST = Path("metrics/ingest.json")
SEGMENT = Path("metrics/segment.json")
STABILITY = Path("metrics/stability.json")
SEGMENTS = Path("plots/segments.csv")
TRANSITIONS = Path("plots/segment_transitions.csv")
PICTURES = (Path("plots/positioning.png"), Path("plots/segment_profiles.png"))
PAGE = Path("plots/report/segments.html")
METRICS = Path("metrics/segments_report.json")


def main() -> None:
    data = load_params("data")["data"]
    speak_in(data["currency"])
    paths = {"ingest": INGEST, "segment": SEGMENT, "stability": STABILITY}
    metrics = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items()}
    rows = {name: pq.read_metadata(TABLES / f"{name}.parquet").num_rows for name in ADDS}
    segments = pd.read_csv(SEGMENTS)
    if segments.empty:
        leave_out("segments_report", NO_TILLS, [PAGE, METRICS])
        return
    pictures = [path.read_bytes() for path in PICTURES]

    write_metrics({"n_campaigns": rows["campaigns"], "n_targets": rows["campaign_targets"]}, METRICS)
    write_text(segments_page(data["source"], metrics, rows, segments, pd.read_csv(TRANSITIONS), pictures), PAGE)


if __name__ == "__main__":
    run("segments_report", main)
