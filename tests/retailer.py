"""A tiny made-up retailer in the published CSV layout: enough variety for every stage, small enough for seconds."""

from pathlib import Path

import numpy as np
import pandas as pd

N_DAYS = 280
DEPARTMENTS = {
    "GROCERY": "CRACKERS",
    "PRODUCE": "APPLES",
    "MEAT": "BEEF",
    "PASTRY": "BREAD",
    "DRUG GM": "SHAMPOO",
    "SPIRITS": "WINE",
    "KIOSK-GAS": "GASOLINE-REG UNLEADED",
    "FLORAL": "ROSES",
}
FUEL = list(DEPARTMENTS).index("KIOSK-GAS")
CAMPAIGNS = [(1, "TypeB", 40, 70), (2, "TypeA", 80, 110), (3, "TypeC", 100, 150), (4, "TypeA", 150, 185), (5, "TypeA", 230, 300)]


def week_of(day: np.ndarray) -> np.ndarray:
    """The file's own weeks: a short first one, then seven days each."""
    return (day + 1) // 7 + 1


def frames(n_households: int = 160, seed: int = 7) -> dict[str, pd.DataFrame]:
    """The eight files by name. Households differ in visits, basket, taste and discounts; campaigns prefer the frequent ones."""
    rng = np.random.default_rng(seed)
    households = np.arange(1, n_households + 1)
    visits_a_day = rng.gamma(1.5, 0.08, n_households) + 0.02
    products = make_products()
    transactions = make_transactions(rng, households, visits_a_day, products)
    targets = make_targets(rng, households, visits_a_day)
    return {
        "transaction_data.csv": transactions,
        "product.csv": products,
        "hh_demographic.csv": make_demographics(rng, households[::3]),
        "campaign_table.csv": targets,
        "campaign_desc.csv": pd.DataFrame(CAMPAIGNS, columns=["CAMPAIGN", "DESCRIPTION", "START_DAY", "END_DAY"]),
        "coupon.csv": pd.DataFrame(
            [(9000 + 10 * campaign + item, 100 + item, campaign) for campaign, *_ in CAMPAIGNS for item in range(3)],
            columns=["COUPON_UPC", "PRODUCT_ID", "CAMPAIGN"],
        ),
        "coupon_redempt.csv": make_redemptions(targets),
        "causal_data.csv": make_promotions(rng, products),
    }


def make_products() -> pd.DataFrame:
    """Twelve products a department, every fourth of the retailer's own brand."""
    return pd.DataFrame(
        [
            (
                100 * number + item,
                number,
                department,
                "Private" if item % 4 == 0 else "National",
                f"{category} ALL",
                category,
                "1 LB",
            )
            for number, (department, category) in enumerate(DEPARTMENTS.items(), start=1)
            for item in range(12)
        ],
        columns=[
            "PRODUCT_ID",
            "MANUFACTURER",
            "DEPARTMENT",
            "BRAND",
            "COMMODITY_DESC",
            "SUB_COMMODITY_DESC",
            "CURR_SIZE_OF_PRODUCT",
        ],
    )


def make_transactions(
    rng: np.random.Generator, households: np.ndarray, visits_a_day: np.ndarray, products: pd.DataFrame
) -> pd.DataFrame:
    """Every household's lines, with two voids and two surcharges among them."""
    basket_size = rng.gamma(3.0, 1.5, len(households)) + 1
    taste = rng.dirichlet([4, 2, 1.5, 0.7, 1.5, 0.4, 0.4, 0.3], len(households))
    by_department = products.groupby("DEPARTMENT", sort=False)["PRODUCT_ID"].apply(list)
    lines = []
    basket = 10_000
    for household, rate, size, mix in zip(households, visits_a_day, basket_size, taste, strict=True):
        days = np.flatnonzero(rng.random(N_DAYS) < rate) + 1
        for day in days if len(days) else [int(rng.integers(1, N_DAYS))]:
            basket += 1
            for department in rng.choice(len(DEPARTMENTS), size=rng.poisson(size) + 1, p=mix):
                product = int(rng.choice(by_department.iloc[department]))
                price = round(float(rng.gamma(2.0, 1.8)) + 0.3, 2)
                loyalty = -round(0.2 * price, 2) if rng.random() < 0.4 else 0.0
                coupon = -round(0.3 * price, 2) if rng.random() < 0.03 else 0.0
                quantity = int(rng.integers(5000, 15000)) if department == FUEL else int(rng.integers(1, 4))
                lines.append((household, basket, day, product, quantity, price, 300 + household % 3, loyalty, 1200, coupon, 0.0))
    columns = [
        "household_key",
        "BASKET_ID",
        "DAY",
        "PRODUCT_ID",
        "QUANTITY",
        "SALES_VALUE",
        "STORE_ID",
        "RETAIL_DISC",
        "TRANS_TIME",
    ]
    transactions = pd.DataFrame(lines, columns=[*columns, "COUPON_DISC", "COUPON_MATCH_DISC"])
    transactions = transactions.drop_duplicates(["BASKET_ID", "PRODUCT_ID"], ignore_index=True)
    transactions.insert(9, "WEEK_NO", week_of(transactions["DAY"].to_numpy()))
    transactions.loc[[3, 30], "QUANTITY"] = 0
    transactions.loc[[5, 50], "RETAIL_DISC"] = 0.5
    return transactions


def make_targets(rng: np.random.Generator, households: np.ndarray, visits_a_day: np.ndarray) -> pd.DataFrame:
    """Whom each campaign was mailed to: the more likely, the more often a household comes."""
    chance = 0.15 + 0.5 * visits_a_day / visits_a_day.max()
    return pd.DataFrame(
        [
            (kind, household, campaign)
            for campaign, kind, _, _ in CAMPAIGNS
            for household in households[rng.random(len(households)) < chance]
        ],
        columns=["DESCRIPTION", "household_key", "CAMPAIGN"],
    )


def make_redemptions(targets: pd.DataFrame) -> pd.DataFrame:
    """Every ninth target redeems, five days after the campaign's start."""
    starts = {campaign: start for campaign, _, start, _ in CAMPAIGNS}
    redeemed = targets.iloc[::9]
    return pd.DataFrame(
        {
            "household_key": redeemed["household_key"],
            "DAY": redeemed["CAMPAIGN"].map(starts) + 5,
            "COUPON_UPC": 9000 + 10 * redeemed["CAMPAIGN"],
            "CAMPAIGN": redeemed["CAMPAIGN"],
        }
    )


def make_demographics(rng: np.random.Generator, known: np.ndarray) -> pd.DataFrame:
    """Demographics of the known households, some of them unknown all the same."""
    return pd.DataFrame(
        {
            "AGE_DESC": rng.choice(["19-24", "35-44", "65+"], len(known)),
            "MARITAL_STATUS_CODE": rng.choice(["A", "B", "U"], len(known)),
            "INCOME_DESC": rng.choice(["Under 15K", "35-49K", "250K+"], len(known)),
            "HOMEOWNER_DESC": rng.choice(["Homeowner", "Unknown"], len(known)),
            "HH_COMP_DESC": "1 Adult Kids",
            "HOUSEHOLD_SIZE_DESC": rng.choice(["1", "3", "5+"], len(known)),
            "KID_CATEGORY_DESC": rng.choice(["None/Unknown", "2"], len(known)),
            "household_key": known,
        }
    )


def make_promotions(rng: np.random.Generator, products: pd.DataFrame) -> pd.DataFrame:
    """Every sixth product in every store and week: displayed or not, in the mailer or not."""
    weeks = np.arange(1, week_of(np.array([N_DAYS]))[0] + 1)
    return pd.DataFrame(
        [
            (product, store, week, rng.choice(["0", "3", "A"]), rng.choice(["0", "D"]))
            for product in products["PRODUCT_ID"][::6]
            for store in (300, 301, 302)
            for week in weeks
        ],
        columns=["PRODUCT_ID", "STORE_ID", "WEEK_NO", "display", "mailer"],
    )


def write(folder: Path, files: dict[str, pd.DataFrame]) -> Path:
    """Write the files to `folder` and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in files.items():
        frame.to_csv(folder / name, index=False)
    return folder
