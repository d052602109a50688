"""The league's ten campaigns of one retailer in every cell by every strategy, and what each truly earned."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from study.league_retailer import (
    CAMPAIGNS,
    PAST,
    Mask,
    Params,
    Played,
    campaigns_of,
    first_seen,
    next_seen,
    observed_past,
    oracle,
    retailer_settings,
    true_profit,
)
from study.league_strategies import LEARNING, FromTrials, learn, next_list, predictions
from targeting.campaign.exploration import draw
from targeting.sources.simulation.campaigns import Campaign
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
History = tuple[str, ...]  # what a strategy has seen so far: its cell, and a digest of each of its lists
Row = dict[str, Any]


def retailer_seed(number: int) -> int:
    """The same retailer of this number in every cell: its habits and luck are alike, and cells differ in what mailings do."""
    return int(np.random.SeedSequence([SEED, number]).generate_state(1)[0])


def play_retailer(
    number: int,
    cells: Sequence[str],
    strategies: Sequence[str],
    households: int,
    params: Params,
    campaigns: int = CAMPAIGNS,
) -> list[dict[str, Any]]:
    """Retailer `number` in each of the cells by each of the strategies: a row per cell, strategy and campaign.

    Columns: cell, retailer, strategy, campaign (from 1), profit (what the list truly earns per household of the retailer, in USD,
    against mailing nobody), mailed (the share of households) and by_lot (of these on whom a lot decided).
    """
    settings = {cell: retailer_settings(CELLS[cell], households, retailer_seed(number), campaigns) for cell in cells}
    shops = {cell: observed_past(own) for cell, own in settings.items()}
    rows = {(cell, name): _by_rule(name, shops[cell], params) for cell in cells for name in strategies if name not in LEARNING}
    rows |= _by_learning([name for name in strategies if name in LEARNING], shops, params)
    return [
        {"cell": cell, "retailer": number, "strategy": name, "campaign": place + 1, **row}
        for cell in cells
        for name in strategies
        for place, row in enumerate(rows[cell, name])
    ]


def _by_rule(strategy: str, shop: Shop, params: Params) -> list[Row]:
    """What a strategy that learns nothing earns in each campaign; who has a history can be mailed."""
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
        rows.append(_row(ahead, chosen, known if strategy == LOT else known & False, params))
        shop = shop.after(ahead, chosen)
    return rows


def _by_learning(strategies: Sequence[str], shops: Mapping[str, Shop], params: Params) -> dict[tuple[str, str], list[Row]]:
    """By cell and strategy what those that learn earn in each campaign, from each cell's shop on.

    What two reckon alike, having done the same so far, is reckoned once.
    """
    players = [(cell, name) for cell in shops for name in strategies]
    if not players:
        return {}
    one = next(iter(shops.values()))
    campaigns, n = campaigns_of(one)[PAST:], one.shoppers.n
    rows: dict[tuple[str, str], list[Row]] = {player: [] for player in players}
    own, history = {player: shops[player[0]] for player in players}, {player: History(player[:1]) for player in players}
    before_all = first_seen([(shop, shop.ahead(campaigns[0])) for shop in shops.values()], params)
    from_trials: dict[str, FromTrials] = {}
    seen = {History((cell,)): found for cell, found in zip(shops, before_all, strict=True)}
    for place, campaign in enumerate(campaigns):
        left = len(campaigns) - place
        learned: dict[History, tuple[FromTrials, pd.DataFrame]] = {}
        played: dict[History, Played] = {}
        for player in players:
            then, ahead = history[player], own[player].ahead(campaign)
            before = seen[then]
            if then not in learned:
                # Campaigns that mailed nobody, or all, are no trials: what was learned before them stands.
                trials = before.rows[in_both_arms(before.rows)]
                if (digest := _digest(trials)) not in from_trials:
                    from_trials[digest] = learn(trials, params)
                learned[then] = from_trials[digest], predictions(from_trials[digest], before, params)
            table = next_list(player[1], before, *learned[then], left, params, _seed(params, place))
            chosen, by_lot = (_marked(table, column, n) for column in ("mail", "by_lot"))
            rows[player].append(_row(ahead, chosen, by_lot, params))
            own[player] = after = own[player].after(ahead, chosen)
            history[player] = now = (*then, _digest(table[["household_id", "mail", "by_lot", "propensity"]]))
            if left > 1 and now not in played:
                played[now] = Played(after, after.ahead(campaigns[place + 1]), before, _listed(table, campaign))
        if played:
            seen = dict(zip(played, next_seen(list(played.values()), params), strict=True))
    return rows


def _listed(table: pd.DataFrame, campaign: Campaign) -> pd.DataFrame | None:
    """The list as the retailer gives it back, if lots decided on anybody."""
    if not table["by_lot"].any():
        return None
    listed = table[["household_id", "in_overlap", "mail", "propensity"]].assign(campaign_id=campaign.campaign_id)
    listed.loc[table["by_lot"] == 0, "in_overlap"] = pd.NA  # on these no lot decided
    return listed


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
