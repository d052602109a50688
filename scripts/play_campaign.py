"""A made-up retailer, one campaign at a time: `python -m scripts.play_campaign FOLDER [LIST ...]`.

Writes the eight canonical tables to FOLDER as they are on the day before its third campaign of type A. Each LIST, a mailing list
or an experiment of the pipeline, is that campaign, or the one after it: its households are mailed, what they buy is simulated,
and the tables go on until the day before the next campaign. Prints what mailing truly added on average, which no real retailer
knows.
"""

import sys
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path

import pandas as pd

from targeting.sources.simulation.world import Retailer, RetailerSettings, known_before, simulate

SETTINGS = RetailerSettings(households=800, weeks=72, overlap="good", effect="constant", seed=1, first_day=date(2016, 1, 4))
SEEN = 2  # campaigns of type A before the first list
MONEY = ["sales", "loyalty_discount", "coupon_discount", "coupon_match_discount"]


def mailed_by(path: Path) -> tuple[int, list[int]]:
    """The campaign of a list, and the households that it mails."""
    table = pd.read_csv(path)
    mailed = table["arm"] == "treated" if "arm" in table else table["mail"] == 1
    return int(table["campaign_id"].iloc[0]), table.loc[mailed, "household_id"].tolist()


def until(world: Retailer, n_campaigns: int) -> dict[str, pd.DataFrame]:
    """The tables after so many campaigns of type A, as they are on the day before the next one, or at the end of the data."""
    campaigns, last = world.tables["campaigns"], world.tables["transactions"]["day"].max()
    starts = campaigns.loc[campaigns["campaign_type"] == "A", "start_day"].sort_values().tolist()
    tables = known_before(world.tables, starts[n_campaigns] if n_campaigns < len(starts) else last + pd.Timedelta(days=1))
    lines = tables["transactions"]
    return {**tables, "transactions": lines.assign(**lines[MONEY] / 100)}


def play(folder: Path, lists: Mapping[int, Collection[int]], settings: RetailerSettings = SETTINGS) -> Retailer:
    """Write the tables after these lists to `folder`, days as dates; the world with its truth."""
    world = simulate(settings, lists)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in until(world, SEEN + len(lists)).items():
        days = {column: table[column].dt.date for column in table if str(table[column].dtype).startswith("datetime")}
        table.assign(**days).to_csv(folder / f"{name}.csv", index=False)
    return world


if __name__ == "__main__":
    listed = dict(mailed_by(Path(name)) for name in sys.argv[2:])
    played = play(Path(sys.argv[1]), listed)
    for number in listed:
        own = played.truth[played.truth["campaign_id"] == number]
        print(f"Campaign {number}: mailing a household adds {own['effect_purchase_amount'].mean():.2f} of sales, in truth.")
