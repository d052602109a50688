"""A copy of the eight tables of docs/data.md that is broken, or cannot be, is refused, and nothing is written."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from targeting.base.errors import DataError
from targeting.sources.canonical import ABOUT_CAMPAIGNS
from targeting.tables.schemas import OPTIONAL, SCHEMAS
from tests.own_tables import FRAMES, add, change, ingest, store, write_examples

pytestmark = pytest.mark.slow  # each reads whole tables through the engine


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The page's eight examples as CSV files."""
    return write_examples(tmp_path / "own")


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name not in OPTIONAL])
def test_the_other_tables_need_rows(name, project_folder, files):
    FRAMES[name].head(0).to_csv(files / f"{name}.csv", index=False)
    with pytest.raises(DataError, match=rf"^{name}.csv is empty: it needs at least one row"):
        ingest(project_folder, files)
    (files / f"{name}.csv").unlink()
    with pytest.raises(DataError, match=rf"has no file {name}.csv or {name}.parquet"):
        ingest(project_folder, files)


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        (ABOUT_CAMPAIGNS[1:], r"^campaigns.csv has 2 campaigns, and campaign_targets.csv no row, or is not there"),
        (("campaigns",), r"^campaign_targets.csv names campaigns in 4 rows, and campaigns.csv has no row, or is not there"),
        (("campaigns", "campaign_targets"), r"^coupons.csv names campaigns in 4 rows, and campaigns.csv has no row"),
    ],
)
def test_campaigns_come_whole_or_not_at_all(gone, message, project_folder, files):
    for name in gone:
        (files / f"{name}.csv").unlink()
    with pytest.raises(DataError, match=message):
        ingest(project_folder, files)


def make_folder(name: str) -> Callable[[Path], None]:
    """A folder, without files, in place of the coupons."""

    def change(folder: Path) -> None:
        (folder / "coupons.csv").unlink()
        (folder / name).mkdir()

    return change


BROKEN = {
    "a target of an undescribed campaign": (
        add("campaign_targets", "3,2"),
        r"campaign_targets, column campaign_id: 1 row: no such campaign in campaigns, .*campaign_id=3",
    ),
    "a coupon of an undescribed campaign": (add("coupons", "3,54,1025"), r"coupons, column campaign_id: 1 row: no such campaign"),
    "a redemption of an undescribed campaign": (
        add("redemptions", "2,3,51,2017-02-14"),
        r"redemptions, column campaign_id: 1 row: no such campaign",
    ),
    "a household mailed twice": (add("campaign_targets", "1,2"), r"campaign_targets, column campaign_id, household_id: 1 key"),
    "a day in another order": (
        add("redemptions", "2,1,51,14/02/2017"),
        r"redemptions.csv, column day: 1 of 3 rows cannot be read as a date such as 2017-01-31, for example '14/02/2017'",
    ),
    "a word for yes": (add("promotions", "1025,381,2,front,true"), r"promotions.csv, column display: .*true or false.*'front'"),
    "a household that is no number": (
        add("campaign_targets", "1,anna"),
        r"campaign_targets, column household_id: 1 row is no whole number, as all are in transactions, .*'anna'",
    ),
    "a missing file": (
        lambda folder: (folder / "products.csv").unlink(),
        r"has no file products.csv or products.parquet; it has campaign_targets.csv, .*correct data.path",
    ),
    "nothing sold": (
        lambda folder: FRAMES["transactions"].assign(quantity=0).to_csv(folder / "transactions.csv", index=False),
        r"^transactions has no row that counts: lines need a quantity above 0",
    ),
    "a missing column": (
        lambda folder: FRAMES["products"].drop(columns="brand").to_csv(folder / "products.csv", index=False),
        r"products.csv has no column brand; it has product_id",
    ),
    "a missing column of Parquet": (
        lambda folder: (
            (folder / "products.csv").unlink(),
            FRAMES["products"].drop(columns="brand").to_parquet(folder / "products.parquet"),
        ),
        r"products.parquet has no column brand; it has product_id",
    ),
    "a table in both formats": (
        lambda folder: FRAMES["products"].to_parquet(folder / "products.parquet"),
        r"has products.csv and products.parquet, and it is not said which one holds",
    ),
    "a fraction in Parquet": (
        store("transactions", week=1.5),
        r"transactions.parquet, column week: 10 of 10 rows cannot be read as a whole number, for example '1.5'",
    ),
    "an instant of a time zone": (
        store("redemptions", day=pd.Timestamp("2017-02-14 23:00", tz="UTC")),
        r"redemptions.parquet, column day: the values are instants with a time zone, .*Store dates",
    ),
    "a folder without parts": (make_folder("coupons.parquet"), r"coupons.parquet is a folder without a .parquet file"),
    "a folder in place of a CSV file": (make_folder("coupons.csv"), r"coupons.csv is a folder: make it one CSV file"),
    "text that is called Parquet": (
        lambda folder: (folder / "coupons.csv").rename(folder / "coupons.parquet"),
        r"coupons.parquet cannot be read as Parquet: ",
    ),
}


IMPLAUSIBLE = {
    "one line ten years later": (
        change("transactions", day=[*FRAMES["transactions"]["day"][:-1], "2027-03-01"]),
        r"transactions, column day: 1 row: the days lie [0-9,]+ days from all others, for example day=2027-03-01",
    ),
    "one line long before": (
        change("transactions", day=["1999-12-31", *FRAMES["transactions"]["day"][1:]]),
        r"transactions, column day: 1 row: the days lie [0-9,]+ days from all others, for example day=1999-12-31",
    ),
    "a sale of a hundred millions": (
        change("transactions", sales=[1e8, *FRAMES["transactions"]["sales"][1:]]),
        r"transactions, column sales: 1 of the lines exceed a million times the middle line of .*100000000.00",
    ),
    "a quantity that nobody carries": (
        change("transactions", quantity=[9 * 10**18, *FRAMES["transactions"]["quantity"][1:]]),
        r"transactions.csv, column quantity: 1 of 10 rows .*'9000000000000000000': it is beyond 1,000,000",
    ),
    "coupons above all sales": (
        change("transactions", coupon_discount=FRAMES["transactions"]["coupon_discount"] * 100),
        r"transactions, column coupon_discount: in 2 of 2 lines with a coupon it takes off more than sales holds",
    ),
    "redemptions by others": (
        change("redemptions", household_id=4),
        r"redemptions, column household_id: 2 of 2 redemptions are by households that the campaign was not mailed to",
    ),
    "leading zeros lost in one file": (
        lambda folder: [
            FRAMES[name]
            .assign(household_id=FRAMES[name]["household_id"].map("{:05}".format))
            .to_csv(folder / f"{name}.csv", index=False)
            for name in ("transactions", "households", "redemptions")
        ],
        r"campaign_targets, column household_id: 3 rows are written otherwise .* '1' here and '00001' there",
    ),
    "capitals lost in one file": (
        lambda folder: [
            FRAMES[name]
            .assign(household_id=FRAMES[name]["household_id"].map(f"{letter}{{}}".format))
            .to_csv(folder / f"{name}.csv", index=False)
            for name, letter in {"transactions": "A", "households": "A", "redemptions": "A", "campaign_targets": "a"}.items()
        ],
        r"campaign_targets, column household_id: 3 rows are written otherwise .* 'a1' here and 'A1' there",
    ),
    "an undescribed campaign of another name": (
        lambda folder: (
            [
                FRAMES[name]
                .assign(campaign_id=["Spring"] + ["Winter"] * (len(FRAMES[name]) - 1))
                .to_csv(folder / f"{name}.csv", index=False)
                for name in ("campaigns", "campaign_targets", "coupons")
            ]
            + [FRAMES["redemptions"].assign(campaign_id="Autumn").to_csv(folder / "redemptions.csv", index=False)]
        ),
        r"redemptions, column campaign_id: 2 rows: no such campaign in campaigns, .*campaign_id=Autumn",
    ),
    "a workbook under its own name": (
        lambda folder: (folder / "products.csv").rename(folder / "Products.xlsx"),
        r"has no file products.csv or products.parquet; it has .*Save Products.xlsx as products.csv or products.parquet",
    ),
    "a workbook": (
        lambda folder: (folder / "coupons.csv").write_bytes(b"PK\x03\x04"),
        r"coupons.csv is an Excel workbook",
    ),
}


REFUSED = BROKEN | IMPLAUSIBLE


@pytest.mark.parametrize("problem", REFUSED)
def test_what_is_broken_or_cannot_be_is_refused_and_nothing_is_written(problem, project_folder, files):
    distort, message = REFUSED[problem]
    distort(files)
    with pytest.raises(DataError, match=message):
        ingest(project_folder, files)
    assert not (project_folder / "data" / "tables").exists()


def test_a_missing_folder_is_named(project_folder, tmp_path):
    with pytest.raises(DataError, match=r"data.path is '.*nowhere', which is no folder: .*the eight tables"):
        ingest(project_folder, tmp_path / "nowhere")
