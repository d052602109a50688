"""What is kept of the lines gives, in one pass for several time zeros, what a slow loop over all lines gives for each."""

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest
from ibis.backends import BaseBackend

from targeting.tables import history
from targeting.tables.features import household_features
from targeting.tables.history import (
    HISTORY,
    household_days,
    household_ranges,
    keep_days,
    promoted_days,
    receipts_of,
    with_history,
    write_history,
)
from targeting.tables.schemas import MONEY
from targeting.trials.panel import RESTED
from targeting.trials.trials import Trial, outcomes_between, trial_flow, trial_rows
from tests.frames import in_pandas
from tests.slow_features import slow_features

DECIMALS = ["quantity", "sales", "loyalty_discount", "coupon_discount", "coupon_match_discount"]
FIRST = pd.Timestamp("2020-01-06")
PRODUCTS = pd.DataFrame(
    {
        "product_id": range(1, 13),
        "department": ["GROCERY", "PRODUCE", None, "SPIRITS", "DRUG GM", "PASTRY", "FUEL", "MISCELLANEOUS", "MEAT"]
        + ["DELI"] * 3,
        "category": "C",
        "subcategory": ["S"] * 7 + ["GASOLINE-REG UNLEADED"] + ["S"] * 4,
        "brand": ["Private", "National"] * 6,
    }
)
TIME_ZEROS = [date(2020, 1, 7), date(2020, 2, 3), date(2020, 3, 1), date(2020, 4, 20)]


def made_up(seed: int, n: int = 900) -> pd.DataFrame:
    """Lines with four decimals, weighed goods, returns, and baskets that go on after midnight, or into the next week."""
    rng = np.random.default_rng(seed)
    household = rng.integers(1, 13, n)
    start = rng.integers(0, 100, n) // 3 * 3
    # The last households come late: to the earlier time zeros they are nobody.
    start = np.where(household > 10, 60 + start // 3, start)
    basket = household * 1000 + start
    day = start + (rng.random(n) < 0.2)  # some of a basket's lines are of the next day
    quantity = np.where(rng.random(n) < 0.1, 0.453, rng.integers(1, 4, n))
    frame = pd.DataFrame({"household_id": household, "basket_id": basket, "product_id": rng.integers(1, 15, n), "store_id": 1})
    frame["day"] = FIRST + pd.to_timedelta(day, unit="D")
    # The till's week turns in the middle of a Sunday: that day has two.
    frame["week"] = (day + ((day % 7 == 6) & (rng.random(n) < 0.5))) // 7 + 1
    frame["quantity"] = quantity
    frame["sales"] = rng.integers(0, 400_000, n) / 10_000
    for name in DECIMALS[2:]:
        frame[name] = np.where(rng.random(n) < 0.3, rng.integers(0, 9_999, n) / 10_000, 0.0)
    back = rng.random(n) < 0.08
    frame.loc[back, ["quantity", "sales"]] *= -1
    frame.loc[back, DECIMALS[2:]] = 0.0
    return frame


def as_table(frame: pd.DataFrame) -> ibis.Table:
    table = ibis.memtable(frame)
    return table.mutate(day=table.day.cast("date"), **{name: table[name].cast(MONEY) for name in DECIMALS})


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_every_time_zero_is_what_a_slow_loop_gives(backend, seed):
    frame = made_up(seed)
    days = keep_days(backend, as_table(frame), ibis.memtable(PRODUCTS))
    found = household_features(days, TIME_ZEROS).order_by("as_of", "household_id").execute()
    sizes = []
    for day in TIME_ZEROS:
        own = found[pd.to_datetime(found["as_of"]) == pd.Timestamp(day)].drop(columns="as_of").reset_index(drop=True)
        expected = slow_features(frame, PRODUCTS, pd.Timestamp(day))
        pd.testing.assert_frame_equal(own, expected[own.columns], check_dtype=False, rtol=1e-12, atol=1e-7)
        sizes.append(len(own))
    assert 0 < sizes[0] < sizes[1] <= 10 < sizes[3]
    # The data hold what is hard: baskets of two days, days of two weeks, and days on which goods only came back.
    assert (frame.groupby("basket_id")["day"].nunique() == 2).any()
    assert (frame.groupby("day")["week"].nunique() == 2).any()
    assert not (frame.groupby(["household_id", "day"])["quantity"].max() > 0).all()


def test_a_day_of_which_no_line_is_before_gives_nobody(backend):
    days = keep_days(backend, as_table(made_up(1)), ibis.memtable(PRODUCTS))
    assert len(household_features(days, [date(2019, 12, 1), FIRST.date()]).execute()) == 0


def test_what_is_new_in_a_part_of_the_days_is_counted_in_that_part(backend):
    frame, middle = made_up(3), pd.Timestamp("2020-02-20")
    later = frame[frame["day"] >= middle]
    days = keep_days(backend, as_table(later), ibis.memtable(PRODUCTS))
    found = household_features(days, [TIME_ZEROS[3]]).drop("as_of").order_by("household_id").execute()
    expected = slow_features(later, PRODUCTS, pd.Timestamp(TIME_ZEROS[3]))
    pd.testing.assert_frame_equal(found, expected[found.columns], check_dtype=False, rtol=1e-12, atol=1e-7)


def test_parts_are_of_whole_households_and_no_larger_than_allowed(backend, monkeypatch):
    lines = ibis.memtable({"household_id": [3, 3, 5, 8, 8, 8, 9, 12]})
    monkeypatch.setattr(history, "LINES_AT_ONCE", 8)
    assert household_ranges(backend, lines) == [None]
    monkeypatch.setattr(history, "LINES_AT_ONCE", 3)
    assert household_ranges(backend, lines) == [(3, 5), (8, 8), (9, 12)]
    monkeypatch.setattr(history, "LINES_AT_ONCE", 2)
    assert household_ranges(backend, lines) == [(3, 3), (5, 5), (8, 8), (9, 12)]  # household 8 has three lines


def n_kept(backend: BaseBackend) -> int:
    return int(backend.raw_sql("SELECT count(*) FROM duckdb_tables() WHERE temporary").fetchone()[0])


@pytest.mark.slow
def test_part_by_part_is_the_same_as_at_once(backend, monkeypatch, tables, tmp_path):
    """The same tables, kept or written, in the same order; and of the days nothing but them is kept."""
    known = tables | {"transactions": as_table(made_up(5)), "products": ibis.memtable(PRODUCTS)}

    def made(folder: str) -> tuple[pd.DataFrame, dict[str, pd.DataFrame], dict[str, pd.DataFrame], int]:
        (tmp_path / folder).mkdir()
        before = n_kept(backend)
        days = keep_days(backend, known["transactions"], known["products"])
        kept = n_kept(backend) - before
        all_of = with_history(backend, known)
        write_history(backend, known, tmp_path / folder)
        frames = {name: all_of[name].order_by(keys).execute() for name, keys in HISTORY.items()}
        written = {name: pd.read_parquet(tmp_path / folder / f"{name}.parquet") for name in HISTORY}
        return days.order_by(HISTORY["days"]).execute(), frames, written, kept

    at_once = made("at_once")
    monkeypatch.setattr(history, "LINES_AT_ONCE", 260)
    assert len(household_ranges(backend, known["transactions"])) > 3
    parted = made("parted")
    pd.testing.assert_frame_equal(at_once[0], parted[0], check_exact=True)
    for name in HISTORY:
        pd.testing.assert_frame_equal(at_once[1][name], parted[1][name], check_exact=True)
        # DuckDB's sums of whole numbers are wider than a file's, which has them as floats unless they were kept before.
        pd.testing.assert_frame_equal(at_once[2][name], parted[2][name], check_exact=True, check_dtype=False)
    assert at_once[3] == parted[3] == 1


@pytest.mark.slow
def test_receipts_stand_for_their_lines(backend, tables):
    """What looks at no product says the same of either."""
    lines = backend.create_table("lines", as_table(made_up(4)), temp=True)
    receipts = backend.create_table("receipts", receipts_of(lines, ibis.memtable(PRODUCTS)), temp=True)
    assert receipts.count().execute() < lines.count().execute()
    window = date(2020, 1, 20), date(2020, 3, 10)
    pd.testing.assert_frame_equal(
        *(outcomes_between(table, *window).order_by("household_id").execute() for table in (lines, receipts))
    )
    trial = Trial(1, 4, date(2016, 8, 19), date(2016, 9, 20), date(2016, 10, 20), False, date(2016, 7, 1))
    known, about = with_history(backend, tables), (tables["campaigns"], tables["campaign_targets"])
    both = known["transactions"], known["receipts"]
    pd.testing.assert_frame_equal(
        *(trial_rows(trial, table, *about, RESTED).order_by("household_id").execute() for table in both)
    )
    assert trial_flow(trial, both[0], *about) == trial_flow(trial, both[1], *about)


@pytest.mark.slow
def test_promoted_lines_are_counted_by_day(tables):
    found = promoted_days(tables["transactions"], tables["promotions"]).execute()
    lines = in_pandas(tables["transactions"]).merge(tables["promotions"].execute(), on=["product_id", "store_id", "week"])
    counts = lines.groupby(["household_id", "day"])[["display", "mailer"]].sum()
    expected = counts.rename(columns=lambda name: f"n_{name}").astype("int64")
    found = found.assign(day=pd.to_datetime(found["day"])).set_index(["household_id", "day"]).sort_index().astype("int64")
    pd.testing.assert_frame_equal(found, expected.set_axis(found.index), check_index_type=False)
    assert len(expected) > 10


@pytest.mark.slow
def test_days_add_up_to_the_lines(tables):
    lines = tables["transactions"]
    days = household_days(receipts_of(lines, tables["products"]), lines, tables["products"])
    assert days.sales.sum().execute() == lines.filter(lines.quantity > 0).sales.sum().execute()
    assert days.n_baskets.sum().execute() == lines.basket_id.nunique(where=lines.quantity > 0).execute()
