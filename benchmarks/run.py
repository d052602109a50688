"""Measure what users wait for and print a table: `python -m benchmarks.run`.

The features over all lines of the default data, against a plain pandas computation in the same run; the ROI curve of many
households; the whole pipeline from an empty cache in a clone of the committed state, with the memory of all its processes
together; each learner by itself, beside the same one in econml alone; a changed cost after it; and all of the segmentation.
"""

import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from benchmarks.plain_learners import PLAIN
from targeting.economics import Economics
from targeting.engine import connect
from targeting.features import household_features
from targeting.ingest import sold
from targeting.learners.registry import NAMES
from targeting.policies import PolicyData
from targeting.policy_value import Evidence
from targeting.roi_curve import roi_curve
from targeting.sources import canonical_tables
from tests.slow_features import slow_features
from tests.test_features import in_pandas

ROOT = Path(__file__).resolve().parent.parent
AS_OF = date(2018, 1, 1)
SEGMENTATION = ("profile", "factors", "segment", "stability")
ENGINE = {"name": "duckdb", "threads": 2, "memory_limit": "2GB"}


def features() -> list[tuple[str, float, float | None]]:
    """Seconds for the 33 features over all lines: the engine (median of five, the first start not counted), and pandas."""
    with connect(ENGINE) as backend:
        source = canonical_tables(backend, {"source": "completejourney"})
        lines = backend.create_table("lines", sold(source["transactions"]), temp=True)
        products = backend.create_table("products", source["products"], temp=True)
        seconds = []
        for _ in range(6):
            start = time.perf_counter()
            household_features(lines, products, AS_OF).execute()
            seconds.append(time.perf_counter() - start)
        frames = in_pandas(lines), in_pandas(products)
    start = time.perf_counter()
    slow_features(*frames, pd.Timestamp(AS_OF))
    plain = time.perf_counter() - start
    fast = sorted(seconds[1:])[2]
    return [
        ("33 features over all lines", fast, None),
        (f"the same in plain pandas ({plain / fast:.0f} times as long)", plain, None),
    ]


def curve(n: int = 1_000_000) -> list[tuple[str, float, float | None]]:
    """Seconds for the order of contact and the ROI curve with pointwise intervals and uniform bands (median of five)."""
    rng = np.random.default_rng(0)
    effect, nothing, half, everybody = rng.normal(20, 30, n), np.zeros(n), np.full(n, 0.5), np.ones(n, dtype=bool)
    households, score = rng.permutation(n), effect + rng.normal(0, 300, n)
    evidence = Evidence(nothing, score, nothing, nothing, households, everybody, half, nothing, effect)
    economics = Economics(12.73, 0.30)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        data = PolicyData(effect, everybody, nothing, economics.breakeven, households)
        roi_curve(data.order, effect, evidence, economics)
        seconds.append(time.perf_counter() - start)
    return [(f"ROI curve with bands of {n:,} households", sorted(seconds)[2], None)]


def measured(project: Path, *command: str) -> tuple[float, float]:
    """Seconds, and the peak of the resident memory of all processes together in GB, of a command in the project."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    start, peak = time.perf_counter(), 0
    process = psutil.Popen(command, cwd=project, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, _resident(process))
        time.sleep(0.1)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed in {project}")
    return time.perf_counter() - start, peak / 1e9


def _resident(process: psutil.Process) -> int:
    total = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:  # it ended between being listed and being asked
            continue
    return total


def learners(project: Path) -> list[tuple[str, float, float | None]]:
    """Out-of-fold effects of each learner on both outcomes, in a project that has run, beside the same learner called plainly."""
    rows: list[tuple[str, float, float | None]] = []
    for name in NAMES:
        rows.append((f"effects by {name}", *measured(project, "python", "-m", "stages.cate", name)))
        if name in PLAIN:
            plain = measured(project, "python", "-m", "benchmarks.plain_learners", name)
            rows.append((f"the same in econml alone, nuisances inside: {name}", *plain))
    return rows


def pipeline() -> list[tuple[str, float, float | None]]:
    """The whole pipeline, its learners, a changed cost, and the stages from features to stable segments, in a clone."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(project)], check=True)
        whole = measured(project, "dvc", "repro", "--force")
        single = learners(project)
        changed = measured(project, "dvc", "exp", "run", "-S", "policy.cost=10")
        segmentation = [measured(project, sys.executable, "-m", f"stages.{stage}") for stage in SEGMENTATION]
    return [
        ("the whole pipeline from an empty cache", *whole),
        ("a changed policy.cost", *changed),
        (
            "factors, segments, 100 resamples of each number",
            sum(row[0] for row in segmentation),
            max(row[1] for row in segmentation),
        ),
        *single,
    ]


def main() -> None:
    """Print the table."""
    print(f"{'what':<60}{'seconds':>10}{'peak GB':>10}")
    for name, seconds, memory in [*features(), *curve(), *pipeline()]:
        print(f"{name:<60}{seconds:>10.2f}{memory:>10.2f}" if memory else f"{name:<60}{seconds:>10.2f}{'':>10}")


if __name__ == "__main__":
    main()
