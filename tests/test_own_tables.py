"""docs/data.md: its eight tables are one retailer, which the source `canonical` reads."""

import ast
import re
from pathlib import Path

import ibis
import pandas as pd
import pyarrow.parquet as pq
import pytest

from targeting.base.errors import DataError
from targeting.base.identifiers import own_identifiers
from targeting.sources.canonical import ABOUT_CAMPAIGNS
from targeting.tables.history import FUEL_DEPARTMENTS, MACRO_CATEGORIES
from targeting.tables.origins import IDENTIFIERS
from targeting.tables.schemas import OPTIONAL, SCHEMAS
from tests.conftest import ROOT
from tests.own_tables import EXAMPLES, FRAMES, PAGE, add, as_stored, change, ingest, store, write_examples, written

pytestmark = pytest.mark.slow  # each reads whole tables through the engine


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The page's eight examples as CSV files."""
    return write_examples(tmp_path / "own")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list]]:
    """What `ingest` writes of the examples as the page has them."""
    folder = tmp_path_factory.mktemp("expected")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        ingest(folder, write_examples(folder / "own"))
    return written(folder)


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
def test_parquet_files_give_what_csv_files_give(project_folder, files, expected):
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
def test_order_case_and_further_columns_do_not_matter(project_folder, files, expected):
    for name, frame in FRAMES.items():
        other = frame.iloc[::-1, ::-1].assign(note="x").rename(columns=str.upper)
        (files / f"{name}.csv").unlink()
        other.to_csv(files / f"{name.title()}.CSV", index=False)
    ingest(project_folder, files)
    assert written(project_folder) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OPTIONAL if name not in ("campaigns", "campaign_targets")])
def test_an_optional_table_may_lack_rows_or_be_absent(name, project_folder, files, expected):
    without = expected | {name: {key: [] for key in expected[name]}}
    header = FRAMES[name].head(0)
    header.to_csv(files / f"{name}.csv", index=False)
    ingest(project_folder, files)
    assert written(project_folder) == without
    (files / f"{name}.csv").unlink()
    ingest(project_folder, files)
    assert written(project_folder) == without
    assert pq.read_schema(project_folder / "data" / "tables" / f"{name}.parquet").names == list(header)


@pytest.mark.parametrize("way", ["absent", "empty"])
def test_a_retailer_may_have_no_campaigns(way, project_folder, files):
    for name in ABOUT_CAMPAIGNS:
        if way == "absent":
            (files / f"{name}.csv").unlink()
        else:
            FRAMES[name].head(0).to_csv(files / f"{name}.csv", index=False)
    assert ingest(project_folder, files)["n_households"] == 4
    assert all(not any(written(project_folder)[name].values()) for name in ABOUT_CAMPAIGNS)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_flag_beside_the_targets_sets_the_held_out_apart(kind, project_folder, files, expected, capsys):
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


TEXTS = {
    "household_id": lambda number: f"b04965e6-{number:04}-A",
    "basket_id": lambda number: f"A{number}",
    "product_id": lambda number: f"{number}B" if number % 2 else number,  # both, as at many retailers
    "store_id": lambda number: f"{number:05}",
    "campaign_id": lambda number: {1: "Spring", 2: "winter sale"}[number],
    "coupon_upc": lambda number: f"{number}00000000000000000000",
}


@pytest.mark.parametrize("columns", [["household_id"], list(TEXTS)], ids=["households", "all"])
def test_identifiers_that_are_text_are_numbered_alike_in_every_table_and_kept(columns, project_folder, files, expected):
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


@pytest.mark.slow
def test_a_day_with_a_time_keeps_its_day(project_folder, files, expected):
    late = pd.to_datetime(FRAMES["redemptions"]["day"]) + pd.Timedelta(hours=23)
    store("redemptions", day=late)(files)
    ingest(project_folder, files)
    assert written(project_folder) == expected


@pytest.mark.slow
def test_views_of_a_warehouse_are_exported_as_the_page_says(project_folder, files, expected, tmp_path):
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
