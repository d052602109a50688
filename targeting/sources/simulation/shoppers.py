"""Who shops at the made-up retailer: kinds of households, their habits, when they shop, and what a visit of theirs is worth."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.sources.simulation.catalogue import DEPARTMENTS, FUEL, FUEL_STEPS, N_STORES, Catalogue

Whole = NDArray[np.int64]
Vector = NDArray[np.float64]

FRESH = ("PRODUCE", "MEAT", "MEAT-PCKGD", "DELI", "SEAFOOD-PCKGD")
BEAUTY = ("DRUG GM", "NUTRITION", "COSMETICS")
STAPLES = ("GROCERY", "FROZEN GROCERY")

LAPSING, JOINING = 0.12, 0.08  # shares of households that stop coming, and that start after the first day
LAPSED_RATE = 0.03  # what remains of the visits of a household that has stopped
WEEKDAYS = np.array([0.85, 0.85, 0.9, 0.95, 1.1, 1.25, 1.1])  # Monday to Sunday, mean 1


@dataclass(frozen=True)
class ShopperKind:
    """A kind of household: its share, visits per week, lines per visit, items beyond one per line, deals and own brands taken.

    `steadiness` is the shape of a gamma variable of mean 1 that multiplies each week's visits: the larger, the more regular.
    `tastes` multiplies departments' shares.
    """

    name: str
    share: float
    visits: float
    lines: float
    items: float
    deals: float
    private: float
    steadiness: float
    tastes: Mapping[str, float] = field(default_factory=dict)


KINDS = (
    ShopperKind("Heavy shopper", 0.12, 3.2, 8.5, 0.30, 0.45, 0.25, 10.0),
    ShopperKind("Regular", 0.20, 1.7, 8.0, 0.25, 0.45, 0.28, 10.0),
    ShopperKind("Bulk buyer", 0.14, 0.7, 19.0, 0.55, 0.45, 0.30, 4.0, dict.fromkeys(STAPLES, 1.5)),
    ShopperKind("Fresh lover", 0.14, 1.0, 7.0, 0.20, 0.35, 0.15, 3.0, dict.fromkeys(FRESH, 4.0)),
    ShopperKind("Deal seeker", 0.14, 1.1, 8.5, 0.40, 0.80, 0.50, 3.0, dict.fromkeys(STAPLES, 1.3)),
    ShopperKind("Health and beauty", 0.10, 0.9, 5.5, 0.15, 0.40, 0.20, 3.0, dict.fromkeys(BEAUTY, 4.0)),
    ShopperKind("Light shopper", 0.16, 0.35, 6.0, 0.15, 0.40, 0.28, 1.0),
)
# What a campaign brings people in for: the same baskets for everybody, so that an effect in visits is one in USD.
CAMPAIGN_TRIP = ShopperKind("Campaign trip", 0.0, 0.0, 7.0, 0.30, 0.60, 0.28, 1.0)
LAPSED = "Lapsed"


@dataclass(frozen=True)
class Shoppers:
    """Habits (n + 1, ...), the last row being the campaign trip's; rates (n, days) of expected visits; kinds (n,) by name."""

    kind: NDArray[np.str_]
    store: Whole
    lines: Vector
    items: Vector
    deals: Vector
    private: Vector
    tastes: Vector
    steadiness: Vector
    rates: Vector

    @property
    def n(self) -> int:
        """Number of households."""
        return len(self.kind)


def make_shoppers(n: int, first_day: date, n_days: int, rng: np.random.Generator) -> Shoppers:
    """Households of all kinds, each with habits of its own around its kind's."""
    number = rng.choice(len(KINDS), size=n, p=[kind.share for kind in KINDS])
    kinds = [KINDS[index] for index in number]
    trips = [*kinds, CAMPAIGN_TRIP]

    def habit(name: str, spread: float) -> Vector:
        """Log-normal around the kind's value; the campaign trip's own is exact."""
        values = np.array([getattr(kind, name) for kind in trips])
        return values * np.exp(np.append(spread * rng.standard_normal(n) - spread**2 / 2, 0.0))

    def chance(name: str, spread: float) -> Vector:
        values = np.array([getattr(kind, name) for kind in trips])
        return 1 / (1 + (1 / values - 1) * np.exp(np.append(spread * rng.standard_normal(n), 0.0)))

    visits = habit("visits", 0.30)[:n]
    base = np.array([department.share for department in DEPARTMENTS])
    tilt = np.array([[kind.tastes.get(department.name, 1.0) for department in DEPARTMENTS] for kind in trips])
    own = np.vstack([rng.gamma(6.0, 1 / 6.0, (n, len(base))), np.ones(len(base))])
    weights = base * tilt * own
    active, stopped = _activity(n, n_days, rng)
    season = WEEKDAYS[(first_day.weekday() + np.arange(n_days)) % 7] * _season(first_day, n_days)
    return Shoppers(
        kind=np.where(stopped, LAPSED, np.array([kind.name for kind in kinds])),
        store=np.append(rng.integers(N_STORES, size=n), 0),
        lines=np.maximum(habit("lines", 0.25), 1.5),
        items=habit("items", 0.2),
        deals=chance("deals", 0.35),
        private=chance("private", 0.35),
        tastes=weights / weights.sum(axis=1, keepdims=True),
        steadiness=np.array([kind.steadiness for kind in kinds]),
        rates=(visits / 7)[:, None] * season * active,
    )


def _activity(n: int, n_days: int, rng: np.random.Generator) -> tuple[Vector, NDArray[np.bool_]]:
    """Factors (n, days) of a household's visits: none before it joins, few after it stops; and who stopped for good to see."""
    day = np.arange(n_days)
    joins = np.where(rng.random(n) < JOINING, rng.integers(n_days // 2, size=n), 0)
    stops = np.where(rng.random(n) < LAPSING, rng.integers(n_days // 5, n_days, size=n), n_days)
    active = np.where(day < joins[:, None], 0.0, np.where(day < np.maximum(stops, joins)[:, None], 1.0, LAPSED_RATE))
    return active, stops < n_days - 28


def _season(first_day: date, n_days: int) -> Vector:
    """Factor (days,): a wave over the year, and the weeks before Christmas."""
    of_year = (pd.Timestamp(first_day) + pd.to_timedelta(np.arange(n_days), unit="D")).day_of_year.to_numpy()
    return 1 + 0.06 * np.sin(2 * np.pi * (of_year - 100) / 365.25) + 0.20 * ((of_year >= 335) & (of_year <= 358))


def basket_value(shoppers: Shoppers, catalogue: Catalogue) -> Vector:
    """Expected sales of a visit in USD, (n + 1,), the last a campaign trip's: lines per visit times a line's expected sales."""
    price, deal = (catalogue.group_means(values).reshape(-1, 2) for values in (catalogue.price, catalogue.deal))
    paid = price - shoppers.deals[:, None, None] * deal
    brand = np.column_stack([1 - shoppers.private, shoppers.private])
    quantity = np.repeat(1 + shoppers.items[:, None], len(DEPARTMENTS), axis=1)
    quantity[:, FUEL] = np.mean(FUEL_STEPS)
    line = (shoppers.tastes * quantity * (paid * brand[:, None, :]).sum(axis=2)).sum(axis=1)
    return shoppers.lines * line / 100


def make_demographics(shoppers: Shoppers, first_household: int, rng: np.random.Generator) -> pd.DataFrame:
    """Demographics of a third of the households, some of them incomplete; bigger baskets are bigger families'."""
    known = np.flatnonzero(rng.random(shoppers.n) < 1 / 3)
    adults = 1 + (rng.random(len(known)) < 0.6)
    kids = rng.binomial(3, np.clip(shoppers.lines[known] / 40, 0.05, 0.8))
    size = np.minimum(adults + kids, 5)

    def band(names: tuple[str, ...], position: Vector) -> NDArray[np.str_]:
        return np.array(names)[np.clip((position * len(names)).astype(int), 0, len(names) - 1)]

    def partly(values: NDArray[np.str_], share: float) -> NDArray[np.object_]:
        missing = rng.random(len(known)) < share
        return np.where(missing, np.array(None), values.astype(object))

    ages = ("19-24", "25-34", "35-44", "45-54", "55-64", "65+")
    incomes = ("Under 15K", "15-24K", "25-34K", "35-49K", "50-74K", "75-99K", "100-124K", "125-149K", "150-174K", "250K+")
    wealth = rng.beta(2, 2.5, len(known))
    married = np.where(adults == 2, "Married", "Unmarried")
    owner = np.where(rng.random(len(known)) < 0.3 + 0.5 * wealth, "Homeowner", "Renter")
    children = np.where(kids > 0, "Kids", "No Kids")
    return pd.DataFrame(
        {
            "household_id": first_household + known,
            "age": band(ages, rng.beta(2.5, 2, len(known))),
            "income": band(incomes, wealth),
            "home_ownership": partly(owner, 0.25),
            "marital_status": partly(married, 0.2),
            "household_size": np.where(size == 5, "5+", size.astype(str)),
            "household_composition": [
                f"{n} Adult{'s' if n > 1 else ''} {word}" for n, word in zip(adults, children, strict=True)
            ],
            "kids": np.where(kids >= 3, "3+", kids.astype(str)),
        }
    )
