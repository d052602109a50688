"""What the made-up retailer sells: products by department, category and brand, their prices and deals in whole cents."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Vector = NDArray[np.float64]

FIRST_PRODUCT, FIRST_STORE = 800_001, 301
N_STORES = 20
PRIVATE_SHARE, PRIVATE_PRICE = 0.25, 0.75  # of a department's products, and of the price of a national brand
PRICE_SPREAD = 0.45  # of log prices within a department
DEAL = (0.15, 0.40)  # smallest and largest deal, as a share of the price
PROMOTED = 0.03  # chance that a product is promoted in a store and week
# Fuel is sold in thousandths of a gallon; a step of two gallons costs whole cents.
FUEL_STEP, FUEL_CENTS, FUEL_STEPS = 2000, 498, (2, 7)


@dataclass(frozen=True)
class Department:
    """A department: its share of an average household's lines, median price in cents, number of products, and categories."""

    name: str
    share: float
    price: int
    n_products: int
    categories: tuple[str, ...]


DEPARTMENTS = (
    Department("GROCERY", 0.42, 215, 500, ("SOFT DRINKS", "CEREAL", "BAG SNACKS", "CANNED SOUP", "PASTA", "COFFEE", "CHEESE")),
    Department("FROZEN GROCERY", 0.06, 280, 100, ("FROZEN PIZZA", "ICE CREAM", "FROZEN VEGETABLES")),
    Department("GRO BAKERY", 0.04, 230, 60, ("BREAD", "BUNS")),
    Department("PRODUCE", 0.13, 190, 140, ("APPLES", "BANANAS", "SALAD MIX", "TOMATOES", "BERRIES")),
    Department("MEAT", 0.045, 520, 60, ("BEEF", "CHICKEN", "PORK CHOPS")),
    Department("MEAT-PCKGD", 0.045, 340, 60, ("LUNCHMEAT", "BACON", "HOT DOGS")),
    Department("DELI", 0.03, 420, 50, ("DELI MEATS", "PREPARED FOOD")),
    Department("SEAFOOD-PCKGD", 0.01, 560, 20, ("SHRIMP", "FISH FILLETS")),
    Department("PASTRY", 0.03, 290, 60, ("CAKES", "DONUTS", "COOKIES")),
    Department("DRUG GM", 0.12, 330, 250, ("SHAMPOO", "SOAP", "PAPER TOWELS", "MAGAZINE", "CANDY")),
    Department("NUTRITION", 0.025, 310, 60, ("VITAMINS", "HEALTH FOODS")),
    Department("COSMETICS", 0.01, 480, 60, ("MAKEUP", "SKIN CARE")),
    Department("SPIRITS", 0.015, 950, 40, ("WINE", "BEER")),
    Department("FLORAL", 0.01, 680, 20, ("ROSES", "POTTED PLANTS")),
    Department("KIOSK-GAS", 0.01, FUEL_CENTS, 2, ("GASOLINE",)),
)
FUEL = len(DEPARTMENTS) - 1


@dataclass(frozen=True)
class Catalogue:
    """Products in groups: group 2 d + b holds those of department d that are national (b = 0) or the retailer's own (b = 1).

    Arrays (products,) are sorted by group: price and deal in cents, popularity summing to 1 within a group.
    """

    table: pd.DataFrame
    group: Whole
    price: Whole
    deal: Whole
    popularity: Vector

    def draw(self, group: Whole, uniform: Vector) -> Whole:
        """A product number for each entry of `group` (n,), by popularity; `uniform` (n,) lies in [0, 1)."""
        # Shares within a group run from the group's number to the next: one search serves all groups.
        ends = np.cumsum(self.popularity)
        ends[np.flatnonzero(np.diff(self.group, append=len(DEPARTMENTS) * 2))] = np.arange(1, len(DEPARTMENTS) * 2 + 1)
        return np.searchsorted(ends, group + uniform)

    def group_means(self, values: Whole) -> Vector:
        """Expected value of a product drawn from each group, (groups,), of `values` (products,)."""
        return np.bincount(self.group, weights=self.popularity * values, minlength=2 * len(DEPARTMENTS)).astype(float)


def make_catalogue(rng: np.random.Generator) -> Catalogue:
    """Products of all departments; a few in each sell most."""
    parts = []
    for number, department in enumerate(DEPARTMENTS):
        n = department.n_products
        private = np.arange(n) >= n - max(1, round(PRIVATE_SHARE * n))
        price = department.price * np.exp(PRICE_SPREAD * rng.standard_normal(n)) * np.where(private, PRIVATE_PRICE, 1.0)
        share = rng.uniform(*DEAL, n)
        category = rng.integers(len(department.categories), size=n)
        popularity = rng.pareto(1.3, n) + 0.3
        if number == FUEL:
            price, share = np.full(n, float(FUEL_CENTS)), np.zeros(n)
        cents = np.maximum(np.rint(price), 20).astype(np.int64)
        names = np.array(department.categories)[category]
        kind = np.where(private, "STORE BRAND", "BRANDED")
        parts.append(
            pd.DataFrame(
                {
                    "department": department.name,
                    "category": names,
                    "subcategory": [f"{name}-{word}" for name, word in zip(names, kind, strict=True)],
                    "brand": np.where(private, "Private", "National"),
                    "group": 2 * number + private,
                    "price": cents,
                    "deal": np.rint(cents * share).astype(np.int64),
                    "popularity": popularity,
                }
            )
        )
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "product_id", FIRST_PRODUCT + np.arange(len(table)))
    popularity = table["popularity"] / table.groupby("group")["popularity"].transform("sum")
    return Catalogue(
        table[["product_id", "department", "category", "subcategory", "brand"]],
        group=table["group"].to_numpy(),
        price=table["price"].to_numpy(),
        deal=table["deal"].to_numpy(),
        popularity=popularity.to_numpy(),
    )


def make_promotions(n_products: int, weeks: int, rng: np.random.Generator) -> pd.DataFrame:
    """What stood on display or in the mailer, by product, store and week; it moves no purchase."""
    product, store, week = np.nonzero(rng.random((n_products, N_STORES, weeks)) < PROMOTED)
    display = rng.random(len(product)) < 0.6
    return pd.DataFrame(
        {
            "product_id": FIRST_PRODUCT + product,
            "store_id": FIRST_STORE + store,
            "week": 1 + week,
            "display": display,
            "mailer": ~display | (rng.random(len(product)) < 0.3),
        }
    )
