"""The source `mapped`: a retailer's files as they are, by names, dates and signs that data.mapping gives."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

import stages.factors
import stages.ingest
import stages.profile
import stages.segment
from targeting.base import mapping as mapped
from targeting.base.errors import DataError
from targeting.base.mapping import DataMapping
from targeting.base.params import load_params
from targeting.tables.schemas import SCHEMAS
from tests.conftest import ROOT
from tests.own_tables import DAYS, FRAMES, composed
from tests.own_tables import ingest as ingest_own

pytestmark = pytest.mark.slow  # each reads whole tables through the engine

FILE = "online_retail.csv"  # the public online retailer's, by conf/data/mapped.yaml
LINES = pd.DataFrame(
    [
        ("536365", "85123A", "HOLDER", 6, "12/1/2010 8:26", 2.55, "17850"),
        ("536365", "71053", "LANTERN", 6, "12/1/2010 8:26", 3.39, "17850"),
        ("536366", "85123A", "HOLDER", 2, "12/5/2010 9:00", 2.55, ""),
        ("536367", "POST", "POSTAGE", 1, "12/5/2010 10:03", 18.00, "13047"),
        ("C536379", "85123A", "damaged", -1, "12/6/2010 23:59", 2.55, "17850"),
        ("536400", "85123A", "", 4, "12/13/2010 11:00", 2.55, "13047"),
    ],
    columns=["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"],
)


def online_retailer(n_households: int, seed: int = 3) -> pd.DataFrame:
    """Lines as the public file has them: letters in invoices of returns and in stock codes, a fifth without a customer."""
    rng = np.random.default_rng(seed)
    codes = [f"{code}{'A' if code % 7 == 0 else ''}" for code in rng.choice(np.arange(10_000, 90_000), 60, replace=False)]
    prices = np.round(rng.gamma(2.0, 1.5, len(codes)) + 0.2, 2)
    rows, invoice = [], 536_365
    for household, rate in enumerate(rng.gamma(1.5, 0.03, n_households) + 0.01, start=12_346):
        for day in np.flatnonzero(rng.random(280) < rate):
            invoice += 1
            when = pd.Timestamp("2010-12-01 08:26") + pd.Timedelta(days=int(day), minutes=int(rng.integers(600)))
            sign, letter = (-1, "C") if rng.random() < 0.05 else (1, "")
            customer = household if rng.random() < 0.8 else None
            for item in rng.choice(len(codes), rng.integers(1, 9), replace=False):
                written = f"{when.month}/{when.day}/{when.year} {when.hour}:{when.minute:02}"
                own = (f"{letter}{invoice}", codes[item], f"ITEM {item}", sign * int(rng.integers(1, 25)), written, prices[item])
                rows.append((*own, customer, "United Kingdom"))
    return pd.DataFrame(rows, columns=[*LINES.columns, "Country"]).astype({"CustomerID": "Int64"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the six lines above as the public file writes them."""
    path = tmp_path / "own"
    path.mkdir()
    LINES.to_csv(path / FILE, index=False)
    return path


def ingest(project: Path, folder: Path, changes: dict[str, Any] | None = None, lines: dict[str, Any] | None = None) -> dict:
    """Run the stage by conf/data/mapped.yaml, some keys of its mapping, or of its transactions, changed; its metrics."""
    mapping = yaml.safe_load(composed("mapped"))["data"]["mapping"] | (changes or {})
    mapping["transactions"] |= lines or {}
    return ingest_own(project, folder, "mapped", mapping=mapping)


def written(project: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(project / "data" / "tables" / f"{name}.parquet")


def test_lines_come_in_by_the_mapping_alone(project_folder, folder, capsys):
    counts = ingest(project_folder, folder)
    # 6 x 2.55 + 6 x 3.39 + 18 + 4 x 2.55 less 2.55 given back; 2 x 2.55 of nobody.
    assert (counts["sales"], counts["returned_sales"], counts["n_returns"]) == (61.29, 2.55, 1)
    assert (counts["n_without_household"], counts["sales_without_household"]) == (1, 5.10)
    assert "ingest: 1 lines name no household and are left out, with 5.10 GBP of sales net of returns." in capsys.readouterr().err

    lines, key = written(project_folder, "transactions"), written(project_folder, "identifiers")
    own = {kind: rows.set_index("number")["text"] for kind, rows in key.groupby("kind")}
    assert set(own) == {"basket", "product"}  # households are numbers, stores there are none
    assert lines["basket_id"].map(own["basket"]).tolist() == ["536367", "536400", "536365", "536365", "C536379"]
    assert lines["product_id"].map(own["product"]).tolist() == ["POST", "85123A", "71053", "85123A", "85123A"]
    assert lines["household_id"].tolist() == [13047, 13047, 17850, 17850, 17850]
    # 1 December 2010 was a Wednesday: its week began on 29 November.
    assert dict(zip(lines["day"].astype(str), lines["week"], strict=True)) == {
        "2010-12-01": 1,
        "2010-12-05": 1,
        "2010-12-06": 2,
        "2010-12-13": 3,
    }
    assert lines["store_id"].isna().all()
    assert not lines[["loyalty_discount", "coupon_discount", "coupon_match_discount"]].astype(float).to_numpy().any()


def test_a_product_is_described_as_most_of_its_lines_do(project_folder, folder):
    again = LINES.assign(InvoiceNo="9" + LINES["InvoiceNo"].str[-5:], CustomerID="17850", Quantity=1)
    again.loc[again["StockCode"] == "71053", "Description"] = ""  # told by the other line
    pd.concat([LINES, again]).to_csv(folder / FILE, index=False)
    ingest(project_folder, folder)
    products, key = written(project_folder, "products"), written(project_folder, "identifiers")
    names = key[key["kind"] == "product"].set_index("number")["text"]
    assert dict(zip(products["product_id"].map(names), products["subcategory"], strict=True)) == {
        "71053": "LANTERN",
        "85123A": "HOLDER",
        "POST": "POSTAGE",
    }
    assert products[["department", "category", "brand"]].isna().all(axis=None)


def test_what_is_left_out_is_filled_in(project_folder, folder):
    bare = {"basket_id": None, "quantity": None, "sales": "UnitPrice"}
    ingest(project_folder, folder, {"products": None}, bare)
    lines = written(project_folder, "transactions")
    assert (lines["quantity"] == 1).all()
    assert lines.groupby(["household_id", "day"])["basket_id"].nunique().tolist() == [1, 1, 1, 1]
    assert lines["basket_id"].nunique() == 4
    assert len(written(project_folder, "products")) == 3
    for name in ("households", "campaigns", "campaign_targets", "coupons", "redemptions", "promotions"):
        assert len(written(project_folder, name)) == 0
        assert pq.read_schema(project_folder / "data" / "tables" / f"{name}.parquet").names == list(SCHEMAS[name].columns)


def test_signs_and_marks_are_the_files_own(project_folder, folder):
    marked = LINES.assign(
        Quantity=LINES["Quantity"].abs(), Kind=np.where(LINES["Quantity"] < 0, "REFUND", "SALE"), Off=[-0.5, 0, 0, -1, 0, 0]
    )
    marked.to_csv(folder / FILE, index=False)
    own = {"loyalty_discount": "Off", "returns": {"column": "Kind", "values": ["REFUND", "VOID"]}, "no_household": ["13047"]}
    counts = ingest(project_folder, folder, {"discounts": "negative"}, own)
    lines = written(project_folder, "transactions")
    assert (counts["returned_sales"], counts["n_returns"]) == (2.55, 1)
    assert sorted(lines["loyalty_discount"].astype(float)) == [0.0, 0.0, 0.5]
    assert (counts["n_without_household"], counts["sales_without_household"]) == (3, pytest.approx(5.10 + 18 + 4 * 2.55))


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("MM/DD/YYYY", "12/5/2010 9:00"),
        ("DD.MM.YYYY", "05.12.2010"),
        ("DD.MM.YYYY", "5.12.2010 11:00:59.5"),
        ("DD/MM/YYYY", "05/12/2010 9:00 PM"),
        ("YYYY-MM-DD", "2010-12-05 8:26:00"),
        ("YYYY-MM-DD", "2010-12-05T08:26"),
        ("DD-MM-YYYY", "05-12-2010"),
        ("YYYYMMDD", "20101205"),
    ],
)
def test_days_are_read_in_their_form(form, text, project_folder, folder):
    LINES.head(2).assign(InvoiceDate=text).to_csv(folder / FILE, index=False)
    ingest(project_folder, folder, {"dates": form})
    assert written(project_folder, "transactions")["day"].astype(str).tolist() == ["2010-12-05"] * 2


@pytest.mark.parametrize(
    ("form", "text", "reason"),
    [
        (
            "DD/MM/YYYY",
            "12/31/2010",
            r"such as 31/01/2017, for example '12/31/2010': data.mapping.dates is DD/MM/YYYY, .*give there",
        ),
        ("MM/DD/YYYY", "2/30/2010", r"'2/30/2010': data.mapping.dates is MM/DD/YYYY, and this is no such day"),
        ("MM/DD/YYYY", "12/1/10", r"'12/1/10': data.mapping.dates is"),
        ("MM/DD/YYYY", "2010-12-05", r"'2010-12-05': data.mapping.dates is"),
        ("MM/DD/YYYY", "12/1/2010 25:00", r"'12/1/2010 25:00': data.mapping.dates is"),
        ("MM/DD/YYYY", "12/1/1889", r"between 1990 and 2100"),
        ("MM/DD/YYYY", "12/1/2010 8:26+01:00", r"it has a time zone"),
        ("YYYYMMDD", "2010125", r"such as 20170131, for example '2010125'"),
    ],
)
def test_days_of_another_form_are_refused(form, text, reason, project_folder, folder):
    LINES.assign(InvoiceDate=text).to_csv(folder / FILE, index=False)
    with pytest.raises(
        DataError, match=r"online_retail.csv, column InvoiceDate: 6 of 6 rows cannot be read as a date .*" + reason
    ):
        ingest(project_folder, folder, {"dates": form})


def test_an_encoding_is_named_and_never_guessed(project_folder, folder):
    french = LINES.assign(Description="CAFÉ")
    french.to_csv(folder / FILE, index=False, encoding="windows-1252")
    with pytest.raises(DataError, match=r"is not UTF-8: .*near '.*CAFÉ.*or name its encoding in data.mapping.encoding"):
        ingest(project_folder, folder)
    ingest(project_folder, folder, {"encoding": "windows-1252"})
    assert set(written(project_folder, "products")["subcategory"]) == {"CAFÉ"}
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        french.to_csv(folder / FILE, index=False, encoding=encoding)
        if encoding == "utf-8":
            with pytest.raises(DataError, match=r"online_retail.csv is UTF-8, and data.mapping.encoding says windows-1252"):
                ingest(project_folder, folder, {"encoding": "windows-1252"})
        else:  # a mark at the begin tells it whatever is named
            ingest(project_folder, folder, {"encoding": "windows-1252"})
            assert set(written(project_folder, "products")["subcategory"]) == {"CAFÉ"}


WRONG = {
    "another column": (
        LINES.rename(columns={"CustomerID": "Customer ID"}),
        {},
        r"online_retail.csv has no column CustomerID; it has InvoiceNo, .*Customer ID",
    ),
    "a price with a sign": (LINES.assign(UnitPrice="£2.55"), {}, r"column UnitPrice: 6 of 6 rows .*'£2.55'"),
    "a price of underscores": (LINES.assign(UnitPrice="1_000"), {}, r"column UnitPrice: 6 of 6 .*'1_000': it has underscores"),
    "nobody at all": (LINES.assign(CustomerID=""), {}, r"online_retail.csv, column CustomerID: no line names a household"),
    "too much": (
        LINES.assign(Quantity=900_000, UnitPrice=5_000),
        {},
        r"column Quantity x UnitPrice: 6 rows exceed 1,000,000,000, for example 900000.0000 x 5000.0000",
    ),
    "marks that no line has": (
        LINES.assign(Kind="sale"),
        {"returns": {"column": "Kind", "values": ["R"]}},
        r"column Kind: no line has 'R'; it has 'sale'. Name the values of returns",
    ),
    "a discount of the other sign": (
        LINES.assign(Off=[0.5, -1, 0, 0, 0, 0]),
        {"coupon_discount": "Off"},
        r"column Off: 1 discount above zero, for example 0.5000, where data.mapping.discounts says negative",
    ),
    "a receipt of two households": (
        LINES.assign(InvoiceNo="1"),
        {},
        r"online_retail.csv, column InvoiceNo: 1 basket: the basket belongs to several households",
    ),
}


@pytest.mark.parametrize("slip", WRONG)
def test_what_cannot_be_used_is_named(slip, project_folder, folder):
    lines, own, message = WRONG[slip]
    lines.to_csv(folder / FILE, index=False)
    with pytest.raises(DataError, match=message):
        ingest(project_folder, folder, {"discounts": "negative" if "Off" in lines else "positive"}, own)


def test_a_workbook_is_refused_by_name(project_folder, folder):
    (folder / "Tills.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match=r"Tills.xlsx is an Excel workbook .* save the table as CSV UTF-8"):
        ingest(project_folder, folder, lines={"file": "Tills.xlsx"})
    with pytest.raises(DataError, match=r"has no file nowhere.csv; it has Tills.xlsx, online_retail.csv"):
        ingest(project_folder, folder, lines={"file": "nowhere.csv"})


LINE_KEYS = {"file": "a.csv", "household_id": "h", "product_id": "p", "day": "d", "sales": "s"}
SLIPS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"colour": 1}, r"data.mapping: colour is none of its keys, which are encoding, dates"),
    "unknown column": (
        {"transactions": LINE_KEYS | {"customer": "x"}},
        r"data.mapping.transactions: customer is none of its keys, which are file, household_id",
    ),
    "no sales": (
        {"transactions": {key: name for key, name in LINE_KEYS.items() if key != "sales"}},
        r"data.mapping.transactions.sales: Field required",
    ),
    "half a product": (
        {"transactions": LINE_KEYS | {"sales": {"quantity": "q"}}},
        r"data.mapping.transactions.sales.product.times: Field required",
    ),
    "a number for a name": ({"transactions": LINE_KEYS | {"day": 5}}, r"transactions.day is 5; it should be a valid string"),
    "form of dates": ({"dates": "%d/%m/%Y"}, r"data.mapping.dates: it is '%d/%m/%Y'; write YYYY, MM and DD"),
    "no month": ({"dates": "DD/YYYY"}, r"data.mapping.dates: it is 'DD/YYYY'"),
    "digits run together": ({"dates": "DDMMYYYY"}, r"data.mapping.dates: it is 'DDMMYYYY'"),
    "encoding": ({"encoding": "ansi"}, r"data.mapping.encoding: 'ansi' is unknown.*; it can be utf-8"),
    "sign": ({"discounts": "minus"}, r"data.mapping.discounts: 'minus' is unknown; it can be positive, negative"),
    "campaigns alone": (
        {"campaigns": {"file": "c.csv", "campaign_id": "c", "start_day": "s", "end_day": "e"}},
        r"campaigns and campaign_targets come together",
    ),
    "a file without its key": ({"products": {"file": "p.csv"}}, r"data.mapping.products: give both file and product_id"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_in_the_mapping_is_named_by_its_key(slip, project_folder):
    change, message = SLIPS[slip]
    params = yaml.safe_load(composed("mapped"))
    params["data"]["mapping"] |= change
    Path("params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(DataError, match=message):
        load_params("data")


@pytest.mark.parametrize(("source", "own"), [("mapped", None), ("canonical", {"transactions": LINE_KEYS})])
def test_a_mapping_belongs_to_its_source(source, own, project_folder):
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["data"] |= {"source": source, "mapping": own}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(DataError, match="the source mapped needs a mapping, and no other source has one"):
        load_params("data")


def test_every_canonical_column_can_be_mapped():
    fields = DataMapping.model_fields
    assert [name for name in fields if name in SCHEMAS] == list(SCHEMAS)
    for name, schema in SCHEMAS.items():
        table = {"transactions": "Transactions", "campaign_targets": "Targets"}.get(name, name.title())
        assert set(schema.columns) <= set(getattr(mapped, f"Mapped{table}").model_fields)


@pytest.mark.slow
def test_all_eight_tables_under_other_names_are_what_canonical_reads(project_folder, tmp_path):
    folders = {name: tmp_path / name for name in ("here", "own")}
    settings: dict[str, Any] = {"encoding": "utf-8", "dates": "DD.MM.YYYY", "discounts": "negative"}
    for folder in folders.values():
        folder.mkdir()
    for name, frame in FRAMES.items():
        frame.to_csv(folders["here"] / f"{name}.csv", index=False)
        names = {column: f"Spalte {place}" for place, column in enumerate(frame.columns)}
        discounts = [column for column in frame if "discount" in column]
        days = {column: pd.to_datetime(frame[column]).dt.strftime("%d.%m.%Y") for column in DAYS.get(name, [])}
        own = frame.assign(**days, **{column: -frame[column] for column in discounts})
        own.rename(columns=names).to_csv(folders["own"] / f"{name.title()}.csv", index=False, sep=";")
        settings[name] = {"file": f"{name.title()}.csv", **names}
    ingest_own(project_folder, folders["here"])
    expected = {name: written(project_folder, name) for name in SCHEMAS}
    ingest(project_folder, folders["own"], settings)
    for name, table in expected.items():
        pd.testing.assert_frame_equal(written(project_folder, name), table)


@pytest.mark.slow
def test_an_online_retailers_file_runs_up_to_its_segments(project_folder, tmp_path):
    lines = online_retailer(300)
    (tmp_path / "own").mkdir()
    lines.to_csv(tmp_path / "own" / FILE, index=False)
    counts = ingest(project_folder, tmp_path / "own")
    known = lines[lines["CustomerID"].notna()]
    money = (known["Quantity"] * known["UnitPrice"]).round(4)
    assert counts["n_households"] == known.loc[known["Quantity"] > 0, "CustomerID"].nunique()
    assert (counts["sales"], counts["returned_sales"]) == (pytest.approx(money.sum()), pytest.approx(-money[money < 0].sum()))
    assert counts["n_without_household"] == len(lines) - len(known)

    params = yaml.safe_load(Path("params.yaml").read_text())
    params["segmentation"] |= {"k": 3, "factors": 3, "selection": [2, 3], "factor_resamples": 2, "bootstraps": 3, "restarts": 2}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    for stage in (stages.profile, stages.factors, stages.segment):
        stage.main()
    features = pd.read_parquet("data/profile/features.parquet").set_index("household_id")
    pd.testing.assert_series_equal(
        features["monetary_sales"],
        money.groupby(known["CustomerID"]).sum().astype(float).reindex(features.index),
        check_names=False,
        check_index_type=False,
    )
    segments = pd.read_parquet("data/segments/segments.parquet")
    assert set(segments["household_id"]) == set(features.index)
    assert segments["segment"].nunique() == 3


def test_the_page_walks_through_the_mapping_as_it_is():
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    shown = re.findall(r"^   ```yaml\n(.*?)^   ```$", page, re.DOTALL | re.MULTILINE)
    own = (ROOT / "conf" / "data" / "mapped.yaml").read_text(encoding="utf-8")
    assert own in [re.sub("^   ", "", block, flags=re.MULTILINE) for block in shown]
