"""Strategies against each other on made-up retailers: `python -m study.league [--retailers N]`; `make league` runs this.

Each retailer's result is kept as those of `study.run` are: a run that was stopped goes on where it stopped.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from study.league_play import CELLS, STRATEGIES, play_retailer
from study.league_retailer import CAMPAIGNS
from study.run import FOLDER, side_by_side
from targeting.base.outputs import write_parquet
from targeting.base.params import load_params

RETAILERS, HOUSEHOLDS = 30, 800
FIRST = 100  # by number: no choice of method was settled on these retailers
# What of params.yaml decides a retailer's result.
SECTIONS = ("engine", "design", "nuisance", "policy", "experiment", "seed")


def main() -> None:
    """Play as many retailers of every cell as RETAILERS says, or fewer."""
    parser = argparse.ArgumentParser(description="Play ten campaigns of made-up retailers by every strategy.")
    parser.add_argument("--retailers", type=int, default=RETAILERS, help="retailers of each cell (default: %(default)s)")
    n_retailers = parser.parse_args().retailers
    run(FOLDER, tuple(CELLS), n_retailers, HOUSEHOLDS, CAMPAIGNS, light(load_params(*SECTIONS)))


def light(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters with one thread, as retailers are played side by side."""
    return {**params, "engine": {**params["engine"], "threads": 1}}


def run(folder: Path, cells: Sequence[str], n_retailers: int, households: int, campaigns: int, params: dict[str, Any]) -> None:
    """Write league.parquet to the folder: a row per cell, retailer, strategy and campaign, as `play_retailer` has them."""
    # Retailer by retailer over all cells, so that a run that was stopped shows something of each.
    jobs = [
        (cell, number, households, params, STRATEGIES, campaigns)
        for number in range(FIRST, FIRST + n_retailers)
        for cell in cells
    ]
    played = side_by_side(play_retailer, jobs, folder, "Playing retailers")
    write_parquet(pd.DataFrame([row for rows in played for row in rows]), folder / "league.parquet")


if __name__ == "__main__":
    main()
