"""The league's ten campaigns of one retailer by every strategy, and what each truly earned."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from study.league_retailer import (
    CAMPAIGNS,
    PAST,
    Mask,
    Params,
    Seen,
    campaigns_of,
    first_seen,
    next_seen,
    observed_past,
    oracle,
    retailer_settings,
    true_profit,
)
from study.league_strategies import LEARNING, learn, next_list, predictions
from targeting.base.outputs import write_csv
from targeting.campaign.exploration import draw
from targeting.sources.simulation.world import Ahead, Shop
from targeting.trials.panel import in_both_arms

NOBODY, ALL, LOT, ORACLE = "nobody", "all", "lot", "oracle"
STRATEGIES = (NOBODY, ALL, LOT, *LEARNING, ORACLE)
# By name what a mailing does and how the retailer chose before.
CELLS: dict[str, dict[str, Any]] = {
    "none": {"effect": "none"},
    "constant": {"effect": "constant"},
    "heterogeneous": {"effect": "heterogeneous"},
    "wear_out": {"effect": "heterogeneous", "wear_out": 0.1},
    "hidden": {"effect": "heterogeneous", "hidden": 0.3},
}
SEED = 20260101


def retailer_seed(number: int) -> int:
    """The same retailer of this number in every cell: its habits and luck are alike, and cells differ in what mailings do."""
    return int(np.random.SeedSequence([SEED, number]).generate_state(1)[0])


def play_retailer(
    cell: str, number: int, households: int, params: Params, strategies: tuple[str, ...] = STRATEGIES, campaigns: int = CAMPAIGNS
) -> list[dict[str, Any]]:
    """Retailer `number` of a cell by every strategy: a row per strategy and campaign.

    Columns: cell, retailer, strategy, campaign (from 1), profit (what the list truly earns per household of the retailer, in USD,
    against mailing nobody), mailed (the share of households) and by_lot (of these on whom a lot decided).
    """
    shop = observed_past(retailer_settings(CELLS[cell], households, retailer_seed(number), campaigns))
    start = first_seen(shop, shop.ahead(campaigns_of(shop)[PAST]), params)
    kept: dict[tuple[Any, ...], Any] = {}
    rows = []
    for strategy in strategies:
        played = (
            _by_rule(strategy, shop, params) if strategy not in LEARNING else _by_learning(strategy, shop, start, params, kept)
        )
        rows += [{"cell": cell, "retailer": number, "strategy": strategy, "campaign": place + 1, **row} for place, row in played]
    return rows


def _by_rule(strategy: str, shop: Shop, params: Params) -> list[tuple[int, dict[str, Any]]]:
    """The strategies that learn nothing; who has a history can be mailed."""
    n, rows = shop.shoppers.n, []
    for place, campaign in enumerate(campaigns_of(shop)[PAST:]):
        ahead = shop.ahead(campaign)
        known = np.zeros(n, dtype=bool)
        known[ahead.households] = True
        chance = {NOBODY: 0.0, ALL: 1.0, LOT: 0.5}.get(strategy, np.nan)
        if strategy == ORACLE:
            chosen = oracle(ahead, n, params["policy"]["cost"], params["policy"]["margin"])
        else:
            chosen = known & (draw(np.full(n, chance), np.arange(n), _seed(params, place)) == 1)
        rows.append((place, _row(ahead, chosen, known if strategy == LOT else known & False, params)))
        shop = shop.after(ahead, chosen)
    return rows


def _by_learning(
    strategy: str, shop: Shop, seen: Seen, params: Params, kept: dict[tuple[Any, ...], Any]
) -> list[tuple[int, dict[str, Any]]]:
    """The strategies that learn. What two of them reckon alike, having done the same so far, is reckoned once (`kept`)."""
    rows, campaigns = [], campaigns_of(shop)[PAST:]
    history: tuple[str, ...] = ()
    for place, campaign in enumerate(campaigns):
        ahead, left = shop.ahead(campaign), len(campaigns) - place
        teaches = seen.rows[in_both_arms(seen.rows)]
        digest = _digest(teaches)
        learned = _once(kept, ("learned", digest), partial(learn, teaches, params))
        found = _once(kept, ("predicted", digest, _digest(seen.candidates)), partial(predictions, learned, seen, params))
        table = next_list(strategy, learned, seen, found, left, params, _seed(params, place))
        chosen, by_lot = (_marked(table, column, shop.shoppers.n) for column in ("mail", "by_lot"))
        rows.append((place, _row(ahead, chosen, by_lot, params)))
        shop, history = shop.after(ahead, chosen), (*history, _digest(table[["household_id", "mail", "by_lot", "propensity"]]))
        if left > 1:
            upcoming = shop.ahead(campaigns[place + 1])
            given = table.assign(campaign_id=campaign.campaign_id)
            seen = _once(kept, ("seen", *history), partial(_given_back, shop, upcoming, seen, given, params))
    return rows


def _given_back(shop: Shop, ahead: Ahead, before: Seen, table: pd.DataFrame, params: Params) -> Seen:
    """What the retailer has next, after it gave back the last campaign's list, if lots decided on anybody."""
    if not table["by_lot"].any():
        return next_seen(shop, ahead, before, None, params)
    listed = table[["campaign_id", "household_id", "in_overlap", "mail", "propensity"]].copy()
    listed.loc[table["by_lot"] == 0, "in_overlap"] = pd.NA  # on these no lot decided
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mailing_list.csv"
        write_csv(listed, path)
        return next_seen(shop, ahead, before, path, params)


def _row(ahead: Ahead, chosen: Mask, by_lot: Mask, params: Params) -> dict[str, Any]:
    profit = true_profit(ahead, chosen, params["policy"]["cost"], params["policy"]["margin"])
    return {"profit": profit, "mailed": float(chosen.mean()), "by_lot": float(by_lot.mean())}


def _marked(table: pd.DataFrame, column: str, n: int) -> Mask:
    marked = np.zeros(n, dtype=bool)
    marked[table.loc[table[column] == 1, "household_id"].to_numpy() - 1] = True
    return marked


def _seed(params: Params, place: int) -> int:
    """Of the lots of one campaign."""
    return int(params["seed"]) + place


def _digest(table: pd.DataFrame) -> str:
    return hashlib.sha256(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes()).hexdigest()


def _once(kept: dict[tuple[Any, ...], Any], key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
    if key not in kept:
        kept[key] = make()
    return kept[key]
