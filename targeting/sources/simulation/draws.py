"""Random numbers of the made-up retailer: one stream a purpose, so that worlds of one seed share all that can be the same."""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What random numbers are for."""

    CATALOGUE = 1
    PROMOTIONS = 2
    SHOPPERS = 3
    DEMOGRAPHICS = 4
    VISITS = 5
    BASKETS = 6
    LOTS = 7
    TRIPS = 8
    STAYING_AWAY = 9
    COUPONS = 10
    REDEMPTIONS = 11


def stream(seed: int, purpose: Purpose, number: int = 0, town: int = 0) -> np.random.Generator:
    """The generator of one purpose, of one campaign where `number` is its id, and of the households of one town."""
    return np.random.default_rng([seed, int(purpose), number, town])
