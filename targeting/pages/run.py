"""What the report reads of a run: which stages' metrics, which tables, and what the sliders look up."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from targeting.base.outputs import read_metrics
from targeting.policy.lookup import Lookup

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


@dataclass(frozen=True)
class RunResults:
    """Metrics by stage, tables by name, each row's arm with its propensity, and the policies' lookup."""

    metrics: dict[str, dict[str, Any]]
    tables: dict[str, pd.DataFrame]
    arms: pd.DataFrame
    lookup: Lookup


def read_run(metrics: Path, tables: Path, evidence: Path, lookup: Path) -> RunResults:
    """From the folders of metrics and of tables, the policies' evidence, and the folder of their lookup."""
    return RunResults(
        {name: read_metrics(str(metrics / f"{name}.json")) for name in SOURCES},
        {name: pd.read_csv(tables / f"{name}.csv") for name in PLOTTED},
        pd.read_parquet(evidence, columns=["treated", "propensity"]),
        Lookup(*(pd.read_parquet(lookup / f"{table.name}.parquet") for table in fields(Lookup))),
    )
