"""Strategies against each other on made-up retailers: `python -m study.league [--retailers N]`; `make league` runs this.

Hours of it are kept in study/league_played.csv, retailer by retailer: a run that was stopped goes on where it stopped, in another
clone too, as long as a stored retailer that is played again earns what the table says.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from study.league_play import CELLS, STRATEGIES, play_retailer
from study.league_retailer import CAMPAIGNS
from study.league_strategies import SHOWN, TEST_AND_ROLL, THOMPSON
from targeting.base.errors import DataError
from targeting.base.outputs import write_csv
from targeting.base.parallel import in_processes
from targeting.base.params import load_params
from targeting.base.progress import track

RETAILERS, HOUSEHOLDS = 30, 800
FIRST = 208  # by number: no choice of method was settled on these retailers
# What of params.yaml decides a retailer's result.
SECTIONS = ("engine", "design", "nuisance", "policy", "experiment", "seed")
PLAYED = Path("study/league_played.csv")
KEY = ["cell", "retailer"]
Job = tuple[int, list[str], tuple[str, ...]]  # a retailer's number, cells and strategies
DECIMALS = 5  # of USD per household, and of shares
AGAIN = (SHOWN, THOMPSON, TEST_AND_ROLL)  # strategies by which all that decides a list shows: beliefs, policies, pilots, lots
SAME = 0.005  # USD per household and campaign; another processor's last digits may turn a household or two


def main() -> None:
    """Play as many retailers of every cell as RETAILERS says, or fewer."""
    parser = argparse.ArgumentParser(description="Play ten campaigns of made-up retailers by every strategy.")
    parser.add_argument("--retailers", type=int, default=RETAILERS, help="retailers of each cell (default: %(default)s)")
    n_retailers = parser.parse_args().retailers
    run(PLAYED, tuple(CELLS), n_retailers, HOUSEHOLDS, CAMPAIGNS, light(load_params(*SECTIONS)))


def light(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters with one thread, as retailers are played side by side."""
    return {**params, "engine": {**params["engine"], "threads": 1}}


def run(path: Path, cells: Sequence[str], n_retailers: int, households: int, campaigns: int, params: dict[str, Any]) -> None:
    """Add to the table what it lacks: a row per cell, retailer, strategy and campaign, as `play_retailer` has them.

    Raises DataError where other code or parameters played what is stored.
    """
    play = partial(play_retailer, households=households, params=params, campaigns=campaigns)
    stored = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=KEY)
    known = set(stored[KEY].itertuples(index=False, name=None))
    again: list[Job] = []
    new: list[Job] = []
    for number in range(FIRST, FIRST + n_retailers):
        has, lacks = ([cell for cell in cells if ((cell, number) in known) == wanted] for wanted in (True, False))
        if has and not again:  # the first that is stored
            again.append((number, has, AGAIN))
        if lacks:
            new.append((number, lacks, STRATEGIES))
    played = track(in_processes(play, [*again, *new]), "Playing retailers", len(again) + len(new))
    for job, rows in zip([*again, *new], played, strict=True):
        if job in again:
            _compare(stored, pd.DataFrame(rows), path)
            continue
        stored = pd.concat([stored, pd.DataFrame(rows).round(DECIMALS)], ignore_index=True)
        write_csv(stored.sort_values([*KEY, "strategy", "campaign"], ignore_index=True), path)


def _compare(stored: pd.DataFrame, now: pd.DataFrame, path: Path) -> None:
    """Hold stored rows against those of a retailer that was played again."""
    by = [*KEY, "strategy"]
    both = now.groupby(by)["profit"].mean().to_frame("now").join(stored.groupby(by)["profit"].mean().rename("before"))
    for cell, number, strategy, earned, before in both.reset_index().itertuples(index=False):
        if not abs(before - earned) <= SAME:
            raise DataError(
                f"{path}: retailer {number} of {cell} earned {before:.4f} USD per household and campaign by {strategy}, and "
                f"earns {earned:.4f} now. Other code or parameters played it: remove the file to play all again."
            )


if __name__ == "__main__":
    main()
