"""Sources: the same canonical tables whatever the files look like, and a clear error for what cannot be used."""

import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import yaml
from ibis.backends import BaseBackend

from targeting.base.errors import DataError
from targeting.sources import ADAPTERS, canonical_tables, origins
from targeting.tables.checks import cross_check
from targeting.tables.schemas import SCHEMAS, first_and_last_day, validate
from targeting.tables.write import write_tables
from tests import retailer
from tests.conftest import ROOT, dunnhumby

pytestmark = pytest.mark.slow  # each reads whole tables through the engine

FIRST_DAY = pd.Timestamp("2016-03-23")


def ingest(backend: BaseBackend, folder: Path, target: Path) -> dict[str, int]:
    write_tables(backend, canonical_tables(backend, dunnhumby(folder)), target)
    tables = {name: backend.read_parquet(target / f"{name}.parquet") for name in SCHEMAS}
    for name, table in tables.items():
        validate(name, table, origins({"source": "dunnhumby"}))
    return cross_check(tables, origins({"source": "dunnhumby"}))


def read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(folder / f"{name}.parquet")


def test_lines_keep_their_meaning(files, tables_folder):
    raw = files["transaction_data.csv"]
    sold = raw[raw["QUANTITY"] > 0].sort_values(["household_key", "BASKET_ID", "PRODUCT_ID"], ignore_index=True)
    lines = read(tables_folder, "transactions")
    assert list(lines.columns) == list(SCHEMAS["transactions"].columns)
    assert lines["household_id"].tolist() == sold["household_key"].tolist()
    assert lines["product_id"].tolist() == sold["PRODUCT_ID"].tolist()
    assert [float(value) for value in lines["sales"]] == sold["SALES_VALUE"].tolist()
    # Stored negative, wanted positive; a stored surcharge is no discount.
    assert [float(value) for value in lines["loyalty_discount"]] == (-sold["RETAIL_DISC"]).clip(lower=0).tolist()
    assert (pd.to_datetime(lines["day"]) - FIRST_DAY).dt.days.add(1).tolist() == sold["DAY"].tolist()
    assert lines["week"].tolist() == sold["WEEK_NO"].tolist()


def test_surcharges_are_in_the_made_up_data(files):
    assert (files["transaction_data.csv"]["RETAIL_DISC"] > 0).any()


def test_campaigns_lose_the_word_type(files, tables_folder):
    campaigns = read(tables_folder, "campaigns").set_index("campaign_id")
    raw = files["campaign_desc.csv"].set_index("CAMPAIGN")
    assert campaigns["campaign_type"].to_dict() == raw["DESCRIPTION"].str[-1].to_dict()
    assert (pd.to_datetime(campaigns["start_day"]) - FIRST_DAY).dt.days.add(1).to_dict() == raw["START_DAY"].to_dict()


def test_unknown_demographics_are_missing(tables_folder, files):
    homes = read(tables_folder, "households").set_index("household_id")
    raw = files["hh_demographic.csv"].set_index("household_key")
    assert homes["home_ownership"].isna().sum() == (raw["HOMEOWNER_DESC"] == "Unknown").sum()
    assert homes["marital_status"].isna().sum() == (raw["MARITAL_STATUS_CODE"] == "U").sum()
    assert set(homes["kids"]) == {"0", "2"}


@pytest.mark.slow
@pytest.mark.parametrize("change", ["lower", "upper"])
def test_case_of_headers_and_files_does_not_matter(change, files, tables_folder, backend, tmp_path):
    convert = str.lower if change == "lower" else str.upper
    other = {convert(name.removesuffix(".csv")) + ".csv": frame.rename(columns=convert) for name, frame in files.items()}
    ingest(backend, retailer.write(tmp_path / "files", other), tmp_path / "tables")
    for name in SCHEMAS:
        pd.testing.assert_frame_equal(read(tmp_path / "tables", name), read(tables_folder, name))


@pytest.mark.slow
def test_order_of_rows_does_not_matter(files, tables_folder, backend, tmp_path):
    shuffled = {name: frame.sample(frac=1, random_state=3) for name, frame in files.items()}
    ingest(backend, retailer.write(tmp_path / "files", shuffled), tmp_path / "tables")
    for name in SCHEMAS:
        assert (tmp_path / "tables" / f"{name}.parquet").read_bytes() == (tables_folder / f"{name}.parquet").read_bytes()


@pytest.mark.slow
def test_promotions_may_be_absent(files, backend, tmp_path):
    some = {name: frame for name, frame in files.items() if name != "causal_data.csv"}
    ingest(backend, retailer.write(tmp_path / "files", some), tmp_path / "tables")
    assert len(read(tmp_path / "tables", "promotions")) == 0


@pytest.mark.slow
def test_a_product_in_two_places_is_one_promotion(files, backend, tmp_path):
    causal = files["causal_data.csv"].head(1).assign(display="0", mailer="0")
    twice = pd.concat([causal, causal.assign(display="7")])
    ingest(backend, retailer.write(tmp_path / "files", files | {"causal_data.csv": twice}), tmp_path / "tables")
    promotions = read(tmp_path / "tables", "promotions")
    assert promotions[["display", "mailer"]].to_numpy().tolist() == [[True, False]]


def set_value(column: str, value: object):
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        changed = frame.copy()
        changed[column] = changed[column].astype(object)
        changed.loc[changed.index[4], column] = value
        return changed

    return change


def repeat_row(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame.head(2)])


ERRORS = {
    "a missing column": (
        "product.csv",
        lambda frame: frame.drop(columns="BRAND"),
        r"product.csv has no column BRAND; it has .*Add the column",
    ),
    "text where a number belongs": (
        "transaction_data.csv",
        set_value("SALES_VALUE", "free"),
        r"transaction_data.csv, column SALES_VALUE: 1 of [\d,]+ rows .* 'free': correct the values where the file",
    ),
    "a day that is no day": (
        "transaction_data.csv",
        set_value("DAY", "Monday"),
        r"column DAY: 1 of .* cannot be read as a whole number",
    ),
    "a fraction where a number counts": (
        "campaign_table.csv",
        set_value("household_key", "1.5"),
        r"campaign_table.csv, column household_key: 1 of .* a whole number, as the others are, for example '1.5'",
    ),
    "discounts of the other sign": (
        "transaction_data.csv",
        lambda frame: frame.assign(RETAIL_DISC=-frame["RETAIL_DISC"]),
        r"transaction_data.csv, column RETAIL_DISC: [\d,]+ discounts are positive and [\d,]+ negative; .*Turn the sign",
    ),
    "a day far outside": (
        "transaction_data.csv",
        set_value("DAY", "100000000"),
        r"transaction_data.csv, column DAY: 1 of .*'100000000': it is beyond 36,525",
    ),
    "a missing household": (
        "transaction_data.csv",
        set_value("household_key", ""),
        r"transaction_data.csv, column household_key: 1 row: the value is missing",
    ),
    "a day before the data": (
        "transaction_data.csv",
        set_value("DAY", "0"),
        r"transaction_data.csv, column DAY: 1 rows lie outside the data",
    ),
    "an unknown campaign": (
        "campaign_table.csv",
        set_value("CAMPAIGN", "99"),
        r"campaign_table.csv, column CAMPAIGN: 1 row: no such campaign in campaign_desc.csv, .*CAMPAIGN=99",
    ),
    "an unknown campaign redeemed": (
        "coupon_redempt.csv",
        set_value("CAMPAIGN", "98"),
        r"coupon_redempt.csv, column CAMPAIGN: 1 row: no such campaign",
    ),
    "a campaign of another type": (
        "campaign_desc.csv",
        set_value("DESCRIPTION", "TypeD"),
        r"campaign_desc.csv, column DESCRIPTION: 1 row: must be A, B or C, .*D",
    ),
    "a campaign that ends before it starts": (
        "campaign_desc.csv",
        set_value("END_DAY", "3"),
        r"campaign_desc.csv, column START_DAY, END_DAY: 1 row: the campaign ends before it starts",
    ),
    "a household described twice": (
        "hh_demographic.csv",
        repeat_row,
        r"hh_demographic.csv, column household_key: 2 keys: the key occurs more than once",
    ),
    "a product described twice": (
        "product.csv",
        repeat_row,
        r"product.csv, column PRODUCT_ID: 2 keys: the key occurs more than once, for example PRODUCT_ID=100",
    ),
    "a household targeted twice": (
        "campaign_table.csv",
        repeat_row,
        r"campaign_table.csv, column CAMPAIGN, household_key: 2 keys",
    ),
    "a basket of two households": (
        "transaction_data.csv",
        lambda frame: frame.assign(BASKET_ID=1),
        r"transaction_data.csv, column BASKET_ID: 1 basket: the basket belongs to several",
    ),
    "an empty table": ("coupon.csv", lambda frame: frame.head(0), r"coupon.csv is empty: it needs at least one row"),
}


@pytest.mark.parametrize("problem", ERRORS)
def test_bad_input_is_named(problem, files, backend, tmp_path):
    file, change, message = ERRORS[problem]
    folder = retailer.write(tmp_path / "files", files | {file: change(files[file])})
    with pytest.raises(DataError, match=message):
        ingest(backend, folder, tmp_path / "tables")


def rewrite(folder: Path, file: str, change) -> None:
    path = folder / file
    path.write_bytes(change(path.read_bytes()))


BROKEN_FILES = {
    "a line with too many fields": (
        lambda text: text.replace(b"\n", b",9,9\n", 3).replace(b",9,9\n", b"\n", 1),
        r"product.csv, line 2: 9 fields, where the header names 7 columns.*Give every line as many fields",
    ),
    "another encoding": (
        lambda text: text.replace(b"National", "Nätional".encode("latin-1"), 2),
        r"product.csv is not UTF-8: .*Nätional.*Save it as CSV UTF-8",
    ),
    "nothing at all": (lambda _: b"", r"product.csv is empty: it needs a header line"),
}


@pytest.mark.parametrize("problem", BROKEN_FILES)
def test_a_broken_file_is_named(problem, folder, backend, tmp_path):
    change, message = BROKEN_FILES[problem]
    own = shutil.copytree(folder, tmp_path / "files")
    rewrite(own, "product.csv", change)
    with pytest.raises(DataError, match=message):
        ingest(backend, own, tmp_path / "tables")


@pytest.mark.slow
def test_a_mark_of_unicode_at_the_start_does_not_matter(folder, backend, tmp_path, tables_folder):
    own = shutil.copytree(folder, tmp_path / "files")
    rewrite(own, "product.csv", lambda text: b"\xef\xbb\xbf" + text)
    ingest(backend, own, tmp_path / "tables")
    pd.testing.assert_frame_equal(read(tmp_path / "tables", "products"), read(tables_folder, "products"))


def test_a_missing_file_is_named(files, backend, tmp_path):
    folder = retailer.write(tmp_path, {name: frame for name, frame in files.items() if name != "coupon.csv"})
    with pytest.raises(DataError, match=r"has no file coupon.csv; it has campaign_desc.csv, .*correct data.path"):
        canonical_tables(backend, dunnhumby(folder))


def test_a_missing_folder_is_named(backend, tmp_path):
    with pytest.raises(DataError, match=r"data.path is '.*nowhere', which is no folder"):
        canonical_tables(backend, dunnhumby(tmp_path / "nowhere"))


def test_origins_name_every_column_of_every_table():
    mapping = yaml.safe_load((ROOT / "conf" / "data" / "mapped.yaml").read_text(encoding="utf-8"))["mapping"]
    for source in ADAPTERS:
        for name, schema in SCHEMAS.items():
            assert set(origins({"source": source, "mapping": mapping})[name].columns) == set(schema.columns)


def test_an_unknown_source_is_named(backend):
    with pytest.raises(DataError, match=r"data.source is 'tills'; known sources: canonical, completejourney, dunnhumby"):
        canonical_tables(backend, {"source": "tills"})


@pytest.mark.slow
def test_what_is_normal_is_counted(files, backend, tmp_path):
    targets = files["campaign_table.csv"]
    stranger = targets.head(1).assign(household_key=77_777)
    late = files["coupon_redempt.csv"].head(3).assign(DAY=9_999)
    products = files["product.csv"].iloc[1:]
    changed = files | {
        "campaign_table.csv": pd.concat([targets, stranger]),
        "coupon_redempt.csv": pd.concat([files["coupon_redempt.csv"], late]),
        "product.csv": products,
    }
    lines = files["transaction_data.csv"].query("QUANTITY > 0")
    assert ingest(backend, retailer.write(tmp_path / "files", changed), tmp_path / "tables") == {
        "n_baskets_past_midnight": 0,
        "n_repeated_lines": 0,
        "n_targets_without_purchase": 1,
        "n_campaigns_outside": 0,
        "n_campaigns_cut": 1,  # the last one ends on day 300 of 280
        "n_redemptions_outside": 3,
        "n_unknown_product": int((lines["PRODUCT_ID"] == 100).sum()),
    }


@pytest.mark.slow
def test_completejourney_days_lie_in_the_retailers_weeks(backend):
    lines = canonical_tables(backend, {"source": "completejourney"})["transactions"]
    weeks = lines.group_by("day").agg(weeks=lines.week.nunique())
    assert weeks.aggregate(days=weeks.count(), most=weeks.weeks.max()).to_pyarrow().to_pylist() == [{"days": 364, "most": 1}]
    assert lines.count().execute() == 1_469_307
    assert lines.household_id.nunique().execute() == 2_469


@pytest.mark.slow
def test_a_late_evening_belongs_to_the_local_day(backend):
    lines = canonical_tables(backend, {"source": "completejourney"})["transactions"]
    # The package's last time stamps lie on 1 January 2018 in UTC, which was still New Year's Eve in the shops.
    assert first_and_last_day(lines) == (date(2017, 1, 1), date(2017, 12, 31))
