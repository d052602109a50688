"""Whole made-up retailers through the project's own code: `python -m study.retailers [--worlds N]`; `make study` runs this.

Each retailer's result is kept as those of `study.run` are.
"""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from study.retailer import SECTIONS, judge_retailer
from study.run import FOLDER, side_by_side
from study.worlds import OVERLAPS
from targeting.base.outputs import write_parquet
from targeting.base.params import load_params

WEEKS = 60  # room for four campaigns of type A, as in conf/data/simulated.yaml


class Cell(NamedTuple):
    """How many retailers of one effect, and how many households each has."""

    n_retailers: int
    households: int


# Where nothing is there to find, many retailers show how often something is claimed, and a small one misleads more easily. What
# there is to find shows in panels of some 4,700 rows, half as many as the default data's.
CELLS = {"none": Cell(24, 500), "heterogeneous": Cell(12, 1200), "constant": Cell(12, 1200)}


def main() -> None:
    """Judge the retailers of every overlap and effect, as many of each as CELLS says or fewer."""
    parser = argparse.ArgumentParser(description="Judge whole made-up retailers whose truth is known.")
    parser.add_argument("--worlds", type=int, help="at most so many retailers of each overlap and effect")
    most = parser.parse_args().worlds
    cells = (
        CELLS if most is None else {effect: Cell(min(most, cell.n_retailers), cell.households) for effect, cell in CELLS.items()}
    )
    run(FOLDER, cells, WEEKS, load_params(*SECTIONS))


def run(folder: Path, cells: dict[str, Cell], weeks: int, params: dict[str, Any]) -> None:
    """Write four tables to the folder, all with overlap, effect and world.

    A row per retailer (retailers.parquet), a retailer and learner (retailer_learners), an estimate (retailer_estimates), a true
    average effect (retailer_truth).
    """
    jobs = [
        (overlap, effect, number, cell.households, weeks, params)
        for number in range(max(cell.n_retailers for cell in cells.values()))
        for effect, cell in cells.items()
        if number < cell.n_retailers
        for overlap in OVERLAPS
    ]
    judged = side_by_side(judge_retailer, jobs, folder, "Judging retailers")
    write_parquet(pd.DataFrame([one.facts for one in judged]), folder / "retailers.parquet")
    for name in ("learners", "estimates", "truth"):
        rows = [row for one in judged for row in getattr(one, name)]
        write_parquet(pd.DataFrame(rows), folder / f"retailer_{name}.parquet")


if __name__ == "__main__":
    main()
