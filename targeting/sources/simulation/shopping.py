"""Visits and what is bought on them: frames of baskets (household, shopper, day) and of their lines, in whole cents.

`household` is a household's row among the shoppers; `shopper` is the row whose habits fill the basket.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.sources.simulation.catalogue import DEPARTMENTS, FUEL, FUEL_STEP, FUEL_STEPS, N_STORES, Catalogue
from targeting.sources.simulation.shoppers import Shoppers

Vector = NDArray[np.float64]

BURSTINESS = 1.5  # shape of the gamma variable that multiplies a visit's expected lines: some are top-ups, some big shops
ELSEWHERE = 0.1  # share of visits to another store than the household's own


def own_visits(shoppers: Shoppers, first: int, last: int, rng: np.random.Generator) -> pd.DataFrame:
    """Visits from day `first` to day `last`, both inclusive, that no campaign causes: Poisson by day, busier in some weeks."""
    rates = shoppers.rates[:, first : last + 1]
    week = np.arange(first, last + 1) // 7
    shape = shoppers.steadiness[:, None]
    busy = rng.gamma(shape, 1 / shape, (shoppers.n, week[-1] - week[0] + 1))
    counts = rng.poisson(rates * busy[:, week - week[0]])
    household, day = np.nonzero(counts)
    times = counts[household, day]
    household, day = np.repeat(household, times), np.repeat(day, times) + first
    return pd.DataFrame({"household": household, "shopper": household, "day": day})


def campaign_trips(expected: Vector, first: int, last: int, rng: np.random.Generator) -> pd.DataFrame:
    """Extra visits on days `first` to `last`: for each household Poisson with its mean in `expected` (n,), on days by lot."""
    household = np.repeat(np.arange(len(expected)), rng.poisson(expected))
    day = rng.integers(first, last + 1, size=len(household))
    return pd.DataFrame({"household": household, "shopper": len(expected), "day": day})


def fill(baskets: pd.DataFrame, shoppers: Shoppers, catalogue: Catalogue, rng: np.random.Generator) -> pd.DataFrame:
    """Lines of all baskets: basket (its row), product, quantity, sales and loyalty discount in cents."""
    habits = baskets["shopper"].to_numpy()
    busy = rng.gamma(BURSTINESS, 1 / BURSTINESS, len(habits))
    n_lines = 1 + rng.poisson((shoppers.lines[habits] - 1) * busy)
    basket = np.repeat(np.arange(len(habits)), n_lines)
    shopper = habits[basket]
    uniform = rng.random(len(basket))
    ends = np.cumsum(shoppers.tastes, axis=1)
    department = np.zeros(len(basket), dtype=np.int64)
    for number in range(len(DEPARTMENTS) - 1):
        department += uniform > ends[shopper, number]
    private = rng.random(len(basket)) < shoppers.private[shopper]
    product = catalogue.draw(2 * department + private, rng.random(len(basket)))
    items = 1 + rng.poisson(shoppers.items[shopper])
    fuel = department == FUEL
    items[fuel] = rng.integers(FUEL_STEPS[0], FUEL_STEPS[1] + 1, size=fuel.sum())
    deal = np.where(rng.random(len(basket)) < shoppers.deals[shopper], catalogue.deal[product], 0)
    return pd.DataFrame(
        {
            "basket": basket,
            "product": product,
            "quantity": np.where(fuel, items * FUEL_STEP, items),
            "sales": items * (catalogue.price[product] - deal),
            "discount": items * deal,
        }
    )


def with_totals(baskets: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """The baskets with their spend in cents, lines, and lines with a loyalty discount."""
    basket, n = lines["basket"].to_numpy(), len(baskets)
    return baskets.assign(
        spend=np.bincount(basket, weights=lines["sales"], minlength=n).astype(np.int64),
        n_lines=np.bincount(basket, minlength=n),
        n_deals=np.bincount(basket, weights=lines["discount"] > 0, minlength=n).astype(np.int64),
    )


def stores(baskets: pd.DataFrame, shoppers: Shoppers, rng: np.random.Generator) -> NDArray[np.int64]:
    """The store of each basket, (baskets,): mostly the household's own."""
    own = shoppers.store[baskets["household"].to_numpy()]
    return np.where(rng.random(len(own)) < ELSEWHERE, rng.integers(N_STORES, size=len(own)), own)
