"""Gather the headline numbers of a run, and build what people look at: two pictures and one page.

Reads the other stages' metrics and tables, the propensities and what the sliders look up; writes metrics/summary.json and
plots/report/index.html.
"""

from pathlib import Path

from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.people import speak_of
from targeting.pages.report import pictures, report_context, report_page
from targeting.pages.revision import code_revision, versions
from targeting.pages.run import read_run
from targeting.pages.summary import summary_numbers
from targeting.words.money import speak_in

METRICS, TABLES = Path("metrics"), Path("plots")
EVIDENCE, LOOKUP = Path("data/policy/evidence.parquet"), Path("data/policy/lookup")


def main() -> None:
    params = load_params(
        "data", "engine", "design", "segmentation", "nuisance", "refute", "sample", "learners", "policy", "experiment", "seed"
    )
    speak_in(params["data"]["currency"])
    speak_of(params["data"]["source"])
    found = read_run(METRICS, TABLES, EVIDENCE, LOOKUP)

    by_share, by_segment = pictures(found.metrics, found.tables, params["policy"]["outcome"])
    context = report_context(found.metrics, found.tables, found.arms, found.lookup, params, code_revision(Path()), versions())

    write_outputs(
        {
            "metrics/summary.json": summary_numbers(found.metrics),
            "plots/roi_curve.png": by_share,
            "plots/segment_effects.png": by_segment,
            "plots/report/index.html": report_page(context),
        }
    )


if __name__ == "__main__":
    run("report", main)
