"""policy.table: read right, or refused by its file, column and rows; never a shifted field or a share of 30."""

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from targeting.base.errors import DataError
from targeting.policy.economics import Economics, load_economics, next_economics
from targeting.policy.household_table import read_household_table

KEYS = pd.DataFrame({"household_id": [1, 2, 1], "campaign_id": [8, 8, 27]})
NUMBERS = pd.DataFrame({"kind": [], "number": [], "text": []})  # the key where all identifiers were numbers
COST = {"cost": {"column": "usd"}, "margin": 0.3}
MARGIN = {"cost": 2.0, "margin": {"column": "usd"}}


def policy(path: Path, own: dict[str, Any] = COST, outcome: str = "purchase_amount") -> dict[str, Any]:
    return {**own, "table": str(path), "outcome": outcome}


def written(folder: Path, content: str | bytes, name: str = "costs.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        "household_id,usd\n1,2.5\n2,3\n",
        "usd,note,household_id\n2.5,a,1\n3,b,2\n",  # any order, and further columns
        " Household_ID , USD\n1,2.5\n2,3\n",
        '"household_id","usd"\r\n"1","2.5"\r\n"2"," 3 "\r\n',
        "\ufeffhousehold_id,usd\n1,2.5\n2,3.00\n",
        "household_id,usd\n1,2.5\n2,3\n77,\n",  # who is in no trial may lack a value
    ],
)
def test_what_can_be_read_is_read_as_it_stands(tmp_path, content):
    assert load_economics(policy(written(tmp_path, content)), KEYS, "A", NUMBERS).cost.tolist() == [2.5, 3.0, 2.5]


def test_a_value_keeps_all_its_digits(tmp_path):
    table = pd.DataFrame({"household_id": [1, 2], "usd": [1 / 3, 0.1 + 0.2]})
    table.to_parquet(tmp_path / "a.parquet")
    table.to_csv(tmp_path / "a.csv", index=False)
    for name in ("a.parquet", "a.csv"):
        found = read_household_table(policy(tmp_path / name, MARGIN), NUMBERS)
        assert found["usd"].tolist() == [1 / 3, 0.1 + 0.2]


@pytest.mark.parametrize(
    ("content", "own", "message"),
    [
        ("household_id,usd\n" + "".join(f"{i},7,2.5\n" for i in range(1, 9)), COST, r"costs.csv"),  # shifted by one field
        ("household_id,usd\n1,2,5\n2,3,0\n", COST, r"costs.csv"),  # decimal commas between commas
        ("household_id,note,usd\n1,2.5\n2,3\n", COST, r"costs.csv"),
        ("household_id,usd\n1,2.5\n2,3,4\n", COST, r"costs.csv"),
        ("household_id,usd\n1,abc\n2,3\n", COST, r"costs.csv, column usd: 1 of 2 rows .*'abc'"),
        ("household_id,usd\n1,$2.50\n2,3\n", COST, r"costs.csv, column usd: 1 of 2 rows .*'\$2.50'"),
        ("household_id,usd\n1,-2\n2,3\n", COST, r"column usd: 1 of 2 rows are not above 0 .* -2 of household 1"),
        ("household_id,usd\n1,2\n2,0\n9,0\n", COST, r"column usd: 2 of 3 rows are not above 0 .* 0 of household 2"),
        ("household_id,usd\n1,1e12\n2,3\n", COST, r"column usd: 1 of 2 rows"),
        ("household_id,usd\n1,0.3\n2,30\n", MARGIN, r"column usd: 1 of 2 rows .* 1 at most .*0.3 means 30%.* 30 of household 2"),
        ("household_id,usd\n1,0.3\n5,30\n2,0.2\n", MARGIN, r"column usd: 1 of 3 rows .* 30 of household 5"),
        ("household_id,usd\n,2\n2,3\n", COST, r"column household_id: 1 of 2 rows have none"),
        ("household_id,campaign_id,usd\n1,8,2\n2,,3\n", COST, r"column campaign_id: 1 of 2 rows have none"),
        ("household_id,campaign_id,usd\n1,8,2\n2,8.5,3\n", COST, r"column campaign_id"),
        ("household_id,usd\n1.5,2\n2,3\n", COST, r"column household_id"),
        ("household_id,usd\n1000000054099968.5,2\n2,3\n", COST, r"column household_id"),
        ("household_id,usd\nA1,2\n2,3\n", COST, r"column household_id: 1 of 2 rows .*'A1'"),
        ("household_id,usd\n1,2\n2,3\n1,2\n", COST, r"1 rows whose household_id came before"),
        ("household_id,campaign_id,usd\n1,8,2\n1,8,2\n2,8,3\n1,27,3\n", COST, r"1 rows whose household_id, campaign_id came bef"),
        ("household_id,usd\n1,2\n", COST, r"missing or not above 0 for 1 of 3 rows, for example household 2"),
        ("household_id,usd\n1,2\n2,\n", COST, r"missing or not above 0 for 1 of 3 rows, for example household 2"),
        ("household,usd\n1,2\n", COST, r"costs.csv has no column household_id"),
        ("household_id,cost\n1,2\n", COST, r"costs.csv has no column usd"),
        ("household_id,usd\n", COST, r"costs.csv is empty"),
        ("", COST, r"costs.csv is empty"),
        (b"household_id,usd\n1,2\n2,\xfc\n", COST, r"costs.csv"),
        (
            "household_id,usd\n1,2\n",
            {"cost": {"column": "household_id"}, "margin": 0.3},
            r"policy.cost is the column household_id",
        ),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, content, own, message):
    path = written(tmp_path, content)
    with pytest.raises(DataError, match=message):
        load_economics(policy(path, own), KEYS, "A", NUMBERS)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_refused_in_parquet_too(tmp_path, value):
    pd.DataFrame({"household_id": [1, 2], "usd": [value, 3.0]}).to_parquet(tmp_path / "costs.parquet")
    with pytest.raises(DataError, match=r"household 1"):
        load_economics(policy(tmp_path / "costs.parquet"), KEYS, "A", NUMBERS)


def test_a_margin_per_visit_may_exceed_1(tmp_path):
    path = written(tmp_path, "household_id,usd\n1,4\n2,30\n")
    assert load_economics(policy(path, MARGIN, "purchase_count"), KEYS, "A", NUMBERS).margin.tolist() == [4.0, 30.0, 4.0]


def test_a_file_that_is_none_is_named(tmp_path):
    with pytest.raises(DataError, match=r"policy.table is .*nowhere.csv, which is not there"):
        load_economics(policy(tmp_path / "nowhere.csv"), KEYS, "A", NUMBERS)
    (tmp_path / "link.csv").symlink_to(tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match=r"link.csv, which is not there, or a link to what is not there"):
        load_economics(policy(tmp_path / "link.csv"), KEYS, "A", NUMBERS)
    with pytest.raises(DataError, match=r"give a .csv or .parquet file"):
        load_economics(policy(written(tmp_path, gzip.compress(b"x"), "costs.xlsx")), KEYS, "A", NUMBERS)
    for name in ("costs.parquet", "folder.csv"):
        _ = (tmp_path / name).mkdir() if name == "folder.csv" else (tmp_path / name).write_text("household_id,usd\n1,2\n")
        with pytest.raises(DataError, match=name):
            load_economics(policy(tmp_path / name), KEYS, "A", NUMBERS)


def test_a_campaigns_own_number_goes_before_its_type():
    own = {"cost": {"A": 5.0, 27: 7.0}, "margin": 0.3, "table": "nowhere.csv", "outcome": "purchase_amount"}
    assert load_economics(own, KEYS, "A", NUMBERS).cost.tolist() == [5.0, 5.0, 7.0]
    assert load_economics(own | {"cost": {"A": 5.0, 99: 7.0}}, KEYS, "A", NUMBERS).cost == 5.0
    assert next_economics(own, pd.Series([1, 2]), "A", Economics(1.0, 0.2), NUMBERS) == Economics(5.0, 0.3)


TEXTS = pd.DataFrame(
    {"kind": ["household", "household", "campaign", "campaign"], "number": [1, 2, 8, 27], "text": ["00017", "A5", "spring", "7"]}
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("household_id,usd\nA5,3\n00017,2.5\n99,\n", [2.5, 3.0, 2.5]),
        ("household_id,campaign_id,usd\n00017,7,4\nA5,spring,3\n00017,spring,2.5\n", [2.5, 3.0, 4.0]),
    ],
)
def test_households_and_campaigns_are_the_users_own_where_these_are_text(tmp_path, content, expected):
    path = written(tmp_path, content)
    assert load_economics(policy(path), KEYS, "A", TEXTS).cost.tolist() == expected
    upcoming = next_economics(policy(path), pd.Series([2, 1]), "A", Economics(1.0, 0.2), TEXTS)
    assert upcoming.cost.tolist() == [3.0, np.mean(sorted({expected[0], expected[2]}))]


def test_costs_by_campaign_stay_by_number_beside_a_table_of_texts(tmp_path):
    path = written(tmp_path, "household_id,share\nA5,0.2\n00017,0.5\n")
    own = {"cost": {8: 5.0, 27: 7.0}, "margin": {"column": "share"}}
    found = load_economics(policy(path, own), KEYS, "A", TEXTS)
    assert (found.cost.tolist(), found.margin.tolist()) == ([5.0, 5.0, 7.0], [0.5, 0.2, 0.5])


def test_text_numbers_that_lost_their_zeros_belong_to_nobody(tmp_path):
    path = written(tmp_path, "household_id,usd\n17,2.5\nA5,3\n")
    with pytest.raises(DataError, match=r"missing or not above 0 for 2 of 3 rows, for example household 00017"):
        load_economics(policy(path), KEYS, "A", TEXTS)
    with pytest.raises(DataError, match=r"column usd: 1 of 2 rows are not above 0 .* -3 of household A5"):
        load_economics(policy(written(tmp_path, "household_id,usd\n00017,2.5\nA5,-3\n")), KEYS, "A", TEXTS)


@pytest.mark.parametrize("name", ["costs.csv", "costs.parquet"])
def test_digits_with_underscores_are_no_number(tmp_path, name):
    """Python and some engines read 1_000 as a thousand."""
    table = pd.DataFrame({"household_id": ["1", "2"], "usd": ["1_000", "3"]})
    _ = table.to_csv(tmp_path / name, index=False) if name.endswith("csv") else table.to_parquet(tmp_path / name)
    with pytest.raises(DataError, match=r"column usd: 1 of 2 rows .*'1_000': it has underscores: write digits alone"):
        load_economics(policy(tmp_path / name), KEYS, "A", NUMBERS)


CELLS = st.one_of(
    st.integers(-3, 40).map(str),
    st.floats(width=32).map(str),
    st.sampled_from(
        ["", " ", "nan", "-", "1_0", "0x1F", "1e3", "2,5", '"', '"a', "=1+1", "\u00e4", "A1", "00017", "1 000", "true", "\x00"]
    ),
    st.text(max_size=3),
)
FEW = settings(
    max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def is_right_or_refused(folder: Path, rows: list[list[str]]) -> None:
    """Where a table is taken, each household's cost is the number that its own line says, to another parser."""
    path = folder / "costs.csv"
    text = "\n".join(",".join(row) for row in [["household_id", "usd"], *rows]) + "\n"
    path.write_text(text, encoding="utf-8", newline="")
    try:
        table = read_household_table(policy(path), NUMBERS)
    except DataError:
        return
    _, *lines = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline="")) if row]
    assert [len(line) for line in lines] == [2] * len(table)
    assert [float(household) for household, _ in lines] == table["household_id"].tolist()
    assert np.array_equal([float(cost or "nan") for _, cost in lines], table["usd"], equal_nan=True)


ROWS = st.lists(st.lists(CELLS, min_size=1, max_size=3), min_size=1, max_size=4)


@pytest.mark.slow
@FEW
@given(rows=ROWS)
def test_any_table_is_right_or_refused(tmp_path, rows):
    is_right_or_refused(tmp_path, rows)


@pytest.mark.long
@settings(FEW, max_examples=2000)
@given(rows=ROWS)
def test_thousands_of_tables_are_right_or_refused(tmp_path, rows):
    is_right_or_refused(tmp_path, rows)
