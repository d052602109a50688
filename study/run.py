"""Estimate all worlds of the study: `python -m study.run [--worlds N]`; `make study` runs this, then the report.

Each world's result is kept as soon as it is there, under its settings and the sources that made it: a run that was stopped goes
on where it stopped, and one whose sources changed starts anew.
"""

import argparse
import hashlib
import itertools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import Memory

from study.estimate import StudySettings, estimate_world
from study.worlds import EFFECTS, OVERLAPS, population_effects
from targeting.base.outputs import write_parquet
from targeting.base.parallel import in_processes
from targeting.base.params import load_params
from targeting.base.progress import track

FOLDER = Path("data/study")
LOCK = Path("requirements.lock")
N_WORLDS = 200  # a cell: a coverage of 95% is then known to 1.5 percentage points (one standard error)
N_HOUSEHOLDS = 1000  # about 2,200 rows, a quarter of the default data's
POPULATION = 400_000  # households behind the true effects: they are off by less than 0.1 USD


def main() -> None:
    parser = argparse.ArgumentParser(description="Estimate worlds whose truth is known.")
    parser.add_argument("--worlds", type=int, default=N_WORLDS, help="worlds of each overlap and effect (default: %(default)s)")
    n_worlds = parser.parse_args().worlds
    params = load_params("nuisance", "policy")
    nuisance, policy = params["nuisance"], params["policy"]
    settings = StudySettings(
        N_HOUSEHOLDS, nuisance["folds"], 1, nuisance["clip"], tuple(nuisance["overlap"]), policy["cost"], policy["margin"]
    )
    run(FOLDER, n_worlds, settings, POPULATION)


def run(folder: Path, n_worlds: int, settings: StudySettings, population: int) -> None:
    """Write three tables to the folder: a row per world (worlds.parquet), an estimate (estimates), a true effect (truth)."""
    cells = list(itertools.product(OVERLAPS, EFFECTS))
    # World by world over all cells, so that a run that was stopped shows something of each.
    keys = [(overlap, effect, number) for number in range(n_worlds) for overlap, effect in cells]
    worlds = side_by_side(estimate_world, [(*key, settings) for key in keys], folder, "Estimating worlds")
    effects = _memory(folder).cache(population_effects)
    truth = [
        {"overlap": overlap, "effect": effect, "outcome": outcome, "estimand": estimand, "truth": value}
        for overlap, effect in track(cells, "Drawing populations")
        for outcome, values in effects(overlap, effect, population, 0).items()
        for estimand, value in values.items()
    ]
    write_parquet(pd.DataFrame([facts for facts, _ in worlds]), folder / "worlds.parquet")
    write_parquet(pd.DataFrame([row for _, rows in worlds for row in rows]), folder / "estimates.parquet")
    write_parquet(pd.DataFrame(truth), folder / "truth.parquet")


def side_by_side(function: Callable[..., Any], jobs: Sequence[tuple[Any, ...]], folder: Path, description: str) -> list[Any]:
    """The function's result for the arguments of each job, in their order: each in a process of its own thread, and kept."""
    kept = _memory(folder).cache(function)
    return list(track(in_processes(kept, jobs), description, len(jobs)))


def _memory(folder: Path) -> Memory:
    return Memory(folder / "kept" / sources_fingerprint(), verbose=0)


def sources_fingerprint() -> str:
    """Of the project's modules that are loaded, this one aside, and of the locked packages: what a world's result depends on."""
    names = sorted(name for name in sys.modules if name.split(".")[0] in ("study", "targeting") and name != __name__)
    content = hashlib.sha256()
    for path in [*(Path(str(sys.modules[name].__file__)) for name in names), LOCK]:
        content.update(path.read_bytes())
    return content.hexdigest()[:16]


if __name__ == "__main__":
    main()
