"""Gather the headline numbers of a run, and build what people look at: two pictures and one page.

Reads the other stages' metrics and tables, the propensities and what the sliders look up; writes metrics/summary.json and
plots/report/index.html.
"""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

from targeting.base.outputs import write_metrics, write_png, write_text
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.people import speak_of
from targeting.figures.policy import roi_spec, roi_words
from targeting.figures.segment_effects import segment_effects_spec, segment_effects_words
from targeting.figures.vega import png
from targeting.pages.report import drawn_curve, report_context, report_page
from targeting.pages.revision import code_revision, versions
from targeting.pages.summary import summary_numbers
from targeting.policy.lookup import Lookup
from targeting.sentences.heterogeneity import ranked_by
from targeting.words.money import margin_words, sign, speak_in

METRICS = Path("metrics")
TABLES = Path("plots")
SOURCES = (
    "ingest",
    "segment",
    "stability",
    "trials",
    "nuisance",
    "ate",
    "validate",
    "segment_effects",
    "policy",
    "score",
    "experiment",
    "readout",
    "truth",
)
PLOTTED = (
    "segments",
    "segment_transitions",
    "balance",
    "ate",
    "trials",
    "event_time",
    "refutation",
    "concurrent_effects",
    "segment_effects",
    "breakeven",
    "policies",
    "roi_curve_learners",
    "roi_learners",
    "power",
    "truth",
)
EVIDENCE = Path("data/policy/evidence.parquet")
LOOKUP = Path("data/policy/lookup")
ROI_PICTURE = Path("plots/roi_curve.png")
SEGMENT_PICTURE = Path("plots/segment_effects.png")
PAGE = Path("plots/report/index.html")
SUMMARY = Path("metrics/summary.json")


def read_run(project: Path = Path()) -> tuple[dict[str, dict[str, Any]], dict[str, pd.DataFrame], pd.DataFrame, Lookup]:
    """Metrics by stage, tables by name, arms with propensities and the policies' lookup of the run in a project's folder."""
    metrics = {name: json.loads((project / METRICS / f"{name}.json").read_text(encoding="utf-8")) for name in SOURCES}
    tables = {name: pd.read_csv(project / TABLES / f"{name}.csv") for name in PLOTTED}
    arms = pd.read_parquet(project / EVIDENCE, columns=["treated", "propensity"])
    lookup = Lookup(*(pd.read_parquet(project / LOOKUP / f"{table.name}.parquet") for table in fields(Lookup)))
    return metrics, tables, arms, lookup


def main() -> None:
    params = load_params(
        "data", "engine", "design", "segmentation", "nuisance", "refute", "sample", "learners", "policy", "experiment", "seed"
    )
    speak_in(params["data"]["currency"])
    speak_of(params["data"]["source"])
    metrics, tables, arms, lookup = read_run()
    policy = metrics["policy"]
    write_metrics(summary_numbers(metrics), SUMMARY)
    order, curves = policy["order_shown"], tables["roi_curve_learners"]
    shown = drawn_curve(curves, order)
    outcome = params["policy"]["outcome"]
    margin = margin_words(policy["margin"], outcome)
    curve = roi_spec(shown, metrics["nuisance"]["overlap_share"])
    write_png(png(curve, *roi_words(shown, ranked_by(order), margin, policy["cost"]), sign=sign()), ROI_PICTURE)
    effects = tables["segment_effects"].query("outcome == @outcome")
    by_segment = segment_effects_spec(effects, outcome, policy["breakeven"])
    write_png(png(by_segment, *segment_effects_words(effects, outcome, policy["breakeven"]), sign=sign()), SEGMENT_PICTURE)
    context = report_context(metrics, tables, arms, lookup, params, code_revision(Path()), versions())
    write_text(report_page(context), PAGE)


if __name__ == "__main__":
    run("report", main)
