"""docs/data.md: its eight tables are one retailer, which the source `canonical` reads; a broken copy is refused."""

import ast
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import ibis
import pandas as pd
import pyarrow.parquet as pq
import pytest

import stages.ingest
from scripts.compose_params import compose
from targeting.base.errors import DataError
from targeting.base.identifiers import own_identifiers
from targeting.sources.canonical import ABOUT_CAMPAIGNS
from targeting.tables.history import FUEL_DEPARTMENTS, MACRO_CATEGORIES
from targeting.tables.origins import IDENTIFIERS
from targeting.tables.schemas import OPTIONAL, SCHEMAS
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # each reads whole tables through the engine

PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^### (\w+)\n+```csv\n(.*?)```$", PAGE, re.DOTALL | re.MULTILINE))
FRAMES = {name: pd.read_csv(io.StringIO(text), dtype={"kids": str, "household_size": str}) for name, text in EXAMPLES.items()}
DAYS = {"transactions": ["day"], "campaigns": ["start_day", "end_day"], "redemptions": ["day"]}


def as_stored(name: str) -> pd.DataFrame:
    """The example with real dates, as a Parquet file would have it."""
    frame = FRAMES[name]
    return frame.assign(**{column: pd.to_datetime(frame[column]).dt.date for column in DAYS.get(name, [])})


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with the page's eight examples as CSV files."""
    folder = tmp_path / "own"
    folder.mkdir()
    for name, text in EXAMPLES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def ingest(project: Path, folder: Path) -> dict[str, float]:
    """Run the stage on the folder, as `-S data=canonical -S data.path=FOLDER` does; its metrics."""
    compose(project / "params.yaml", ["data=canonical", f"data.path={folder}"])
    stages.ingest.main()
    return json.loads((project / "metrics" / "ingest.json").read_text())


def written(project: Path) -> dict[str, dict[str, list]]:
    """What `ingest` wrote, values alone: bytes differ by how the source stored them."""
    return {name: pq.read_table(project / "data" / "tables" / f"{name}.parquet").to_pydict() for name in SCHEMAS}


def test_every_table_has_an_example_of_ten_rows_at_most():
    assert list(EXAMPLES) == list(SCHEMAS)
    for name, frame in FRAMES.items():
        assert list(frame.columns) == list(SCHEMAS[name].columns)
        assert 1 <= len(frame) <= 10


def test_the_examples_are_one_retailer():
    lines, products, promotions, redemptions = (
        FRAMES[name] for name in ("transactions", "products", "promotions", "redemptions")
    )
    assert set(lines["product_id"]) == set(products["product_id"]) >= set(FRAMES["coupons"]["product_id"])
    assert set(FRAMES["households"]["household_id"]) <= set(lines["household_id"])
    # A redeemed coupon is one of a campaign that the household was sent, and lowered a line of that day.
    used = redemptions.merge(FRAMES["campaign_targets"]).merge(FRAMES["coupons"]).merge(lines)
    assert len(used) == len(redemptions)
    assert (used["coupon_discount"] > 0).all()
    assert len(lines[lines["coupon_discount"] > 0]) == len(used)
    assert len(promotions.merge(lines[["product_id", "store_id", "week"]].drop_duplicates())) == len(promotions)


def test_ingest_takes_the_examples_and_counts_what_they_hold(project_folder, files):
    assert ingest(project_folder, files) == {
        "n_transactions": 10,
        "n_households": 4,
        "n_baskets": 7,
        "n_days": 59,
        "n_returns": 0,
        "n_dropped": 0,
        "n_campaigns_by_lot": 0,
        "n_lots": 0,
        "n_lots_unknown_chance": 0,
        "sales": 69.33,
        "returned_sales": 0,
        "dropped_sales": 0,
        "dropped_discounts": 0,
        "n_targets_without_purchase": 1,  # household 5
        "n_campaigns_outside": 0,
        "n_campaigns_cut": 1,  # campaign 1 ends after the last line
        "n_redemptions_outside": 0,
        "n_unknown_product": 0,
        "n_baskets_past_midnight": 0,
        "n_repeated_lines": 0,
        "guest_cards": {},
        "n_coupons_above_sales": 0,
        "n_redemptions_not_mailed": 0,
        "n_held_out": 0,
    }
    for name in SCHEMAS:
        came = pd.read_parquet(project_folder / "data" / "tables" / f"{name}.parquet")
        if name == "transactions":
            came = came.astype({"quantity": int})  # whole ones, as the page has them
        text = came.to_csv(index=False, float_format="%.2f").replace("True", "true").replace("False", "false")
        rows = [re.sub(r"(\.\d\d)00\b", r"\1", row) for row in text.splitlines()]
        assert sorted(rows) == sorted(EXAMPLES[name].splitlines())


@pytest.mark.slow
def test_parquet_files_give_what_csv_files_give(project_folder, files):
    ingest(project_folder, files)
    expected = written(project_folder)
    for number, name in enumerate(SCHEMAS):
        (files / f"{name}.csv").unlink()
        if number % 2:
            as_stored(name).to_parquet(files / f"{name}.parquet", index=False)
            continue
        parts = files / f"{name}.parquet"  # as distributed engines write it, in no order
        parts.mkdir()
        (parts / "_SUCCESS").touch()
        for part, row in as_stored(name)[::-1].groupby(lambda i: i % 3):
            row.to_parquet(parts / f"part-{part}.parquet", index=False)
    ingest(project_folder, files)
    assert written(project_folder) == expected


@pytest.mark.slow
def test_order_case_and_further_columns_do_not_matter(project_folder, files):
    ingest(project_folder, files)
    expected = written(project_folder)
    for name, frame in FRAMES.items():
        other = frame.iloc[::-1, ::-1].assign(note="x").rename(columns=str.upper)
        (files / f"{name}.csv").unlink()
        other.to_csv(files / f"{name.title()}.CSV", index=False)
    ingest(project_folder, files)
    assert written(project_folder) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OPTIONAL if name not in ("campaigns", "campaign_targets")])
def test_an_optional_table_may_lack_rows_or_be_absent(name, project_folder, files):
    ingest(project_folder, files)
    expected = written(project_folder)
    expected[name] = {key: [] for key in expected[name]}
    header = FRAMES[name].head(0)
    header.to_csv(files / f"{name}.csv", index=False)
    ingest(project_folder, files)
    assert written(project_folder) == expected
    (files / f"{name}.csv").unlink()
    ingest(project_folder, files)
    assert written(project_folder) == expected
    assert pq.read_schema(project_folder / "data" / "tables" / f"{name}.parquet").names == list(header)


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name not in OPTIONAL])
def test_the_other_tables_need_rows(name, project_folder, files):
    FRAMES[name].head(0).to_csv(files / f"{name}.csv", index=False)
    with pytest.raises(DataError, match=rf"^{name}.csv is empty: it needs at least one row"):
        ingest(project_folder, files)
    (files / f"{name}.csv").unlink()
    with pytest.raises(DataError, match=rf"has no file {name}.csv or {name}.parquet"):
        ingest(project_folder, files)


@pytest.mark.parametrize("way", ["absent", "empty"])
def test_a_retailer_may_have_no_campaigns(way, project_folder, files):
    for name in ABOUT_CAMPAIGNS:
        if way == "absent":
            (files / f"{name}.csv").unlink()
        else:
            FRAMES[name].head(0).to_csv(files / f"{name}.csv", index=False)
    assert ingest(project_folder, files)["n_households"] == 4
    assert all(not any(written(project_folder)[name].values()) for name in ABOUT_CAMPAIGNS)


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


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_flag_beside_the_targets_sets_the_held_out_apart(kind, project_folder, files, capsys):
    ingest(project_folder, files)
    expected = written(project_folder)
    flagged = FRAMES["campaign_targets"].assign(note="x", arm="mailed")
    flagged.loc[len(flagged)] = [1, 4, "x", "control"]
    (files / "campaign_targets.csv").unlink()
    path = files / f"campaign_targets.{kind}"
    flagged.to_csv(path, index=False) if kind == "csv" else flagged.to_parquet(path, index=False)
    assert ingest(project_folder, files)["n_held_out"] == 1
    assert "1 of the targets are flagged as held out. They do not count as mailed" in capsys.readouterr().err
    assert written(project_folder) == expected
    held_out = pq.read_table(project_folder / "data" / "tables" / "held_out.parquet").to_pylist()
    assert held_out == [{"campaign_id": 1, "household_id": 4}]


def test_held_out_households_keep_their_own_names(project_folder, files):
    for name in ("transactions", "households", "redemptions", "campaign_targets"):
        frame = FRAMES[name].assign(household_id=lambda rows: "H" + rows["household_id"].astype(str))
        if name == "campaign_targets":
            frame["holdout"] = [0, 0, 0, 1]
        frame.to_csv(files / f"{name}.csv", index=False)
    assert ingest(project_folder, files)["n_held_out"] == 1
    tables = project_folder / "data" / "tables"
    held_out, key = (pd.read_parquet(tables / f"{name}.parquet") for name in ("held_out", "identifiers"))
    assert own_identifiers(held_out["household_id"], "household", key).tolist() == ["H5"]
    twice = pd.read_csv(files / "campaign_targets.csv").assign(Holdout=[1, 0, 0, 1])
    twice.to_csv(files / "campaign_targets.csv", index=False)
    with pytest.raises(DataError, match=r"two columns say the opposite of it, for example campaign_id=1, household_id=H2"):
        ingest(project_folder, files)


def add(name: str, row: str) -> Callable[[Path], None]:
    """A further row in a CSV file."""

    def change(folder: Path) -> None:
        with (folder / f"{name}.csv").open("a", encoding="utf-8") as file:
            file.write(row + "\n")

    return change


def store(name: str, **changed: object) -> Callable[[Path], None]:
    """The table as Parquet in place of CSV, with these columns changed."""

    def change(folder: Path) -> None:
        (folder / f"{name}.csv").unlink()
        as_stored(name).assign(**changed).to_parquet(folder / f"{name}.parquet", index=False)

    return change


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


@pytest.mark.parametrize("problem", BROKEN)
def test_a_broken_copy_is_refused_and_nothing_is_written(problem, project_folder, files):
    change, message = BROKEN[problem]
    change(files)
    with pytest.raises(DataError, match=message):
        ingest(project_folder, files)
    assert not (project_folder / "data" / "tables").exists()


TEXTS = {
    "household_id": lambda number: f"b04965e6-{number:04}-A",
    "basket_id": lambda number: f"A{number}",
    "product_id": lambda number: f"{number}B" if number % 2 else number,  # both, as at many retailers
    "store_id": lambda number: f"{number:05}",
    "campaign_id": lambda number: {1: "Spring", 2: "winter sale"}[number],
    "coupon_upc": lambda number: f"{number}00000000000000000000",
}


@pytest.mark.parametrize("columns", [["household_id"], list(TEXTS)], ids=["households", "all"])
def test_identifiers_that_are_text_are_numbered_alike_in_every_table_and_kept(columns, project_folder, files):
    ingest(project_folder, files)
    expected = written(project_folder)
    for name, frame in FRAMES.items():
        own = {column: frame[column].map(TEXTS[column]) for column in columns if column in frame}
        frame.assign(**own).to_csv(files / f"{name}.csv", index=False)
    ingest(project_folder, files)
    key = pd.read_parquet(project_folder / "data" / "tables" / "identifiers.parquet")
    for name, table in written(project_folder).items():
        frame = pd.DataFrame(table)
        for column in set(columns) & set(frame):
            frame[column] = own_identifiers(frame[column], IDENTIFIERS[column].name, key)
        original = pd.DataFrame(expected[name])
        for column in set(columns) & set(frame):
            original[column] = original[column].map(TEXTS[column]).astype(str)
        assert sorted(map(tuple, frame.astype(str).to_numpy())) == sorted(map(tuple, original.astype(str).to_numpy()))
    if "campaign_id" in columns:  # in the order of their first days
        assert key.loc[key["kind"] == "campaign", "text"].tolist() == ["winter sale", "Spring"]


def test_weighed_goods_and_orders_without_a_store_are_read(project_folder, files):
    lines = FRAMES["transactions"].astype({"quantity": float, "store_id": object})
    lines.loc[[1, 4], "quantity"], lines.loc[3, "store_id"] = 0.453, None
    lines.to_csv(files / "transactions.csv", index=False)
    ingest(project_folder, files)
    came = pd.DataFrame(written(project_folder)["transactions"])
    assert came["quantity"].astype(float).sum() == pytest.approx(lines["quantity"].sum())
    assert came["store_id"].isna().sum() == 1


def change(name: str, **changed: object) -> Callable[[Path], None]:
    """The table with these columns changed, as CSV."""
    return lambda folder: FRAMES[name].assign(**changed).to_csv(folder / f"{name}.csv", index=False)


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


@pytest.mark.parametrize("problem", IMPLAUSIBLE)
def test_what_cannot_be_is_refused(problem, project_folder, files):
    distort, message = IMPLAUSIBLE[problem]
    distort(files)
    with pytest.raises(DataError, match=message):
        ingest(project_folder, files)
    assert not (project_folder / "data" / "tables").exists()


def test_few_of_these_are_counted(project_folder, files):
    lines = FRAMES["transactions"]
    change("transactions", coupon_discount=lines["coupon_discount"].where(lines.index != 7, 5.0))(files)
    add("redemptions", "4,1,51,2017-02-14")(files)
    counts = ingest(project_folder, files)
    assert (counts["n_coupons_above_sales"], counts["n_redemptions_not_mailed"]) == (1, 1)


def test_identifiers_are_given_back_where_they_were_text():
    key = pd.DataFrame({"kind": ["household", "household"], "number": [1, 2], "text": ["00017", "A"]})
    assert own_identifiers(pd.Series([2, 1, 2]), "household", key).tolist() == ["A", "00017", "A"]
    assert own_identifiers(pd.Series(["all", "7"]), "campaign", key).tolist() == ["all", "7"]
    assert own_identifiers(pd.Series(["all", "2"]), "household", key).tolist() == ["all", "A"]
    with pytest.raises(KeyError, match="No household has the number 3"):
        own_identifiers(pd.Series([3]), "household", key)


def test_a_missing_folder_is_named(project_folder, tmp_path):
    with pytest.raises(DataError, match=r"data.path is '.*nowhere', which is no folder: .*the eight tables"):
        ingest(project_folder, tmp_path / "nowhere")


@pytest.mark.slow
def test_a_day_with_a_time_keeps_its_day(project_folder, files):
    ingest(project_folder, files)
    expected = written(project_folder)
    late = pd.to_datetime(FRAMES["redemptions"]["day"]) + pd.Timedelta(hours=23)
    store("redemptions", day=late)(files)
    ingest(project_folder, files)
    assert written(project_folder) == expected


@pytest.mark.slow
def test_views_of_a_warehouse_are_exported_as_the_page_says(project_folder, files, tmp_path):
    ingest(project_folder, files)
    expected = written(project_folder)
    database = ibis.duckdb.connect(tmp_path / "warehouse.duckdb")
    for name in SCHEMAS:
        database.create_table(name, ibis.memtable(as_stored(name)))
    database.disconnect()
    (tmp_path / "export").mkdir()
    [code] = re.findall(r"^ *```python\n(.*?)```$", PAGE, re.DOTALL | re.MULTILINE)
    code = re.sub("^   ", "", code, flags=re.MULTILINE).replace("/path/to/", f"{tmp_path}/")
    exec(compile(ast.parse(code), "docs/data.md", "exec"), {})  # noqa: S102 - the page's own code
    ingest(project_folder, tmp_path / "export")
    assert written(project_folder) == expected


def test_the_page_says_which_engines_there_are():
    assert {path.stem for path in (ROOT / "conf" / "engine").iterdir()} == {"duckdb", "spark"}
    assert "`engine=duckdb`" in PAGE
    assert "`engine=spark`" in PAGE


def test_the_page_has_every_department_that_means_something():
    table = re.findall(r"^\| (\w+) \| (`[A-Z].*) \|$", PAGE, re.MULTILINE)
    assert {share: tuple(re.findall(r"`(.*?)`", names)) for share, names in table} == MACRO_CATEGORIES
    assert f"department {' or '.join(f'`{name}`' for name in FUEL_DEPARTMENTS)}" in PAGE
