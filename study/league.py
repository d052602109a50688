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

from study.league_play import CELLS, play_retailer
from study.league_retailer import CAMPAIGNS
from study.league_strategies import SHOWN, TEST_AND_ROLL, THOMPSON
from targeting.base.errors import DataError
from targeting.base.outputs import write_csv
from targeting.base.parallel import in_processes
from targeting.base.params import load_params
from targeting.base.progress import track

RETAILERS, HOUSEHOLDS = 30, 800
FIRST = 101  # by number: no choice of method was settled on these retailers
# What of params.yaml decides a retailer's result.
SECTIONS = ("engine", "design", "nuisance", "policy", "experiment", "seed")
PLAYED = Path("study/league_played.csv")
KEY = ["cell", "retailer"]
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
    # Retailer by retailer over all cells, so that a run that was stopped shows something of each.
    jobs = [(cell, number) for number in range(FIRST, FIRST + n_retailers) for cell in cells]
    if again := [job for job in jobs if job in known][: len(cells)]:
        _compare(stored, again, in_processes(partial(play, strategies=AGAIN), again), path)
    new = [job for job in jobs if job not in known]
    for rows in track(in_processes(play, new), "Playing retailers", len(new)):
        stored = pd.concat([stored, pd.DataFrame(rows).round(DECIMALS)], ignore_index=True)
        write_csv(stored.sort_values([*KEY, "strategy", "campaign"], ignore_index=True), path)


def _compare(stored: pd.DataFrame, again: Sequence[tuple[str, int]], played: Any, path: Path) -> None:
    """Hold the stored rows of these retailers against those of AGAIN, played again."""
    then = stored.groupby([*KEY, "strategy"])["profit"].mean()
    for (cell, number), rows in zip(again, track(played, "Playing stored retailers again", len(again)), strict=True):
        for strategy, now in pd.DataFrame(rows).groupby("strategy")["profit"].mean().items():
            before = then[cell, number, strategy]
            if not abs(before - now) <= SAME:
                raise DataError(
                    f"{path}: retailer {number} of {cell} earned {before:.4f} USD per household and campaign by {strategy}, and "
                    f"earns {now:.4f} now. Other code or parameters played it: remove the file to play all again."
                )


if __name__ == "__main__":
    main()
