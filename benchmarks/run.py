"""Measure what users wait for and print a table: `make bench`, which fetches the packages to compare with.

The features over all lines of the default data, against a plain pandas computation in the same run, and over up to a hundred
times as many; the ROI curve of many households, beside other packages' curves; the whole pipeline from an empty cache in a clone
of the committed state, with the memory of all its processes together; each learner by itself, beside the same one in econml and
in causalml alone; a changed cost after it; all of the segmentation; and the report's sliders in a browser, where one is
installed.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.many_lines import AS_OF, ROOT, many_lines
from benchmarks.measure import Row, measured, median_seconds
from benchmarks.outside.curves import outside_curves
from benchmarks.outside.learners import OUTSIDE
from benchmarks.plain_learners import PLAIN
from benchmarks.what_if import slider_moves
from scripts.browser import NoBrowserError
from targeting.learners.registry import NAMES
from targeting.policy.curve import roi_curve
from targeting.policy.economics import Economics
from targeting.policy.policies import PolicyData
from targeting.policy.value import Evidence
from targeting.sources import canonical_tables
from targeting.tables.engine import connect
from targeting.tables.features import household_features
from targeting.tables.history import keep_days
from targeting.tables.returns import with_returns_negative
from tests.slow_features import slow_features
from tests.test_features import in_pandas

SEGMENTATION = ("profile", "factors", "segment", "stability")
ENGINE = {"name": "duckdb", "threads": 2, "memory_limit": "2GB"}


def features() -> list[Row]:
    """Seconds for the 33 features over all lines: the engine (median of five), and pandas."""
    with connect(ENGINE) as backend:
        source = canonical_tables(backend, {"source": "completejourney"})
        lines = backend.create_table("lines", with_returns_negative(source["transactions"]), temp=True)
        products = backend.create_table("products", source["products"], temp=True)
        fast = median_seconds(lambda: household_features(keep_days(backend, lines, products), [AS_OF]).execute())
        frames = in_pandas(lines), in_pandas(products)
    plain = median_seconds(lambda: slow_features(*frames, pd.Timestamp(AS_OF)), times=1)
    return [
        Row("33 features over all lines", fast),
        Row(f"the same in plain pandas ({plain / fast:.0f} times as long)", plain),
    ]


def curves(n: int = 1_000_000) -> list[Row]:
    """The order of contact and the ROI curve with pointwise intervals and uniform bands, beside other packages' curves."""
    rng = np.random.default_rng(0)
    effect, nothing, half, everybody = rng.normal(20, 30, n), np.zeros(n), np.full(n, 0.5), np.ones(n, dtype=bool)
    households, score = rng.permutation(n), effect + rng.normal(0, 300, n)
    evidence = Evidence(nothing, score, nothing, nothing, households, everybody, half, nothing, effect)
    economics = Economics(12.73, 0.30)

    def own() -> None:
        data = PolicyData(effect, everybody, nothing, economics.breakeven, households)
        roi_curve(data.order, effect, evidence, economics)

    rows = [Row(f"ROI curve with bands of {n:,} households", median_seconds(own))]
    # Two hundred half-samples take a minute: once is enough.
    outside = outside_curves(effect, score, seed=0)
    return rows + [Row(what, median_seconds(call, times=1 if "200" in what else 5)) for what, call in outside.items()]


def learners(project: Path) -> Iterator[Row]:
    """Out-of-fold effects of each learner on both outcomes, in a project that has run, beside the same learner called plainly."""
    for name in NAMES:
        yield measured(f"effects by {name}", project, "python", "-m", "stages.cate", "--learner", name)
        if name in PLAIN:
            what = f"the same in econml alone, nuisances inside: {name}"
            yield measured(what, project, "python", "-m", "benchmarks.plain_learners", name)
        if name in OUTSIDE:
            what = f"the same in causalml alone, nuisances for it: {name}"
            yield measured(what, project, "python", "-m", "benchmarks.outside.learners", name)


def pipeline() -> Iterator[Row]:
    """The whole pipeline, its report's sliders, its learners, a changed cost, and features to stable segments, in a clone."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(project)], check=True)
        yield measured("the whole pipeline from an empty cache", project, "dvc", "repro", "--force")
        with suppress(NoBrowserError):
            yield from (Row(what, seconds, used) for what, (seconds, used) in slider_moves(project).items())
        yield from learners(project)
        yield measured("a changed policy.cost", project, "dvc", "exp", "run", "-S", "policy.cost=10")
        segmentation = [measured(stage, project, sys.executable, "-m", f"stages.{stage}") for stage in SEGMENTATION]
    yield Row(
        "features, factors, segments and their resamples",
        sum(row.seconds for row in segmentation),
        sum(row.cpu for row in segmentation),
        max(row.peak for row in segmentation),
    )


def main() -> None:
    """Print the table, line by line as it is measured."""
    print(f"{'what':<66}{'seconds':>10}{'CPU s':>10}{'peak GB':>10}", flush=True)
    for part in (features, many_lines, curves, pipeline):
        for row in part():
            print(row, flush=True)


if __name__ == "__main__":
    main()
