"""Features equal a plain slow computation for any as-of day, and look only at days before it."""

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from targeting.sources import canonical_tables
from targeting.tables.features import FEATURES, household_features
from targeting.tables.history import household_days, keep_days, receipts_of
from targeting.tables.schemas import MONEY
from tests.frames import in_pandas
from tests.slow_features import slow_features

pytestmark = pytest.mark.slow  # each reads whole tables through the engine

AS_OF = [date(2016, 5, 1), date(2016, 8, 20), date(2016, 12, 28)]
DECIMALS = ["quantity", "sales", "loyalty_discount", "coupon_discount", "coupon_match_discount"]


def fast(transactions: ibis.Table, products: ibis.Table, as_of: date) -> pd.DataFrame:
    days = household_days(receipts_of(transactions, products), transactions, products)
    return household_features(days, [as_of]).drop("as_of").order_by("household_id").execute()


def assert_same(actual: pd.DataFrame, expected: pd.DataFrame) -> None:
    # Money is summed exactly in one and as floats in the other, and deviations come from sums of squares in one.
    pd.testing.assert_frame_equal(actual, expected[actual.columns], check_dtype=False, rtol=1e-9, atol=1e-7)


def test_the_reference_study_has_33_features():
    assert len(FEATURES) == len(set(FEATURES)) == 33


@pytest.mark.parametrize("as_of", [AS_OF[0], *(pytest.param(day, marks=pytest.mark.slow) for day in AS_OF[1:])], ids=str)
def test_equal_to_a_slow_computation(tables, as_of):
    lines, products = tables["transactions"], tables["products"]
    assert_same(fast(lines, products, as_of), slow_features(in_pandas(lines), in_pandas(products), pd.Timestamp(as_of)))


@pytest.mark.slow
@pytest.mark.parametrize("as_of", [date(2017, 2, 8), date(2018, 1, 1)], ids=str)
def test_equal_to_a_slow_computation_on_real_households(backend, as_of):
    source = canonical_tables(backend, {"source": "completejourney"})
    lines, products = source["transactions"], source["products"]
    lines = backend.create_table("some", lines.filter((lines.quantity > 0) & (lines.household_id % 61 == 0)), temp=True)
    slow = slow_features(in_pandas(lines), in_pandas(products), pd.Timestamp(as_of))
    assert len(slow) > 25
    assert_same(fast(lines, products, as_of), slow)


def test_returns_lower_money_and_nothing_else(tables):
    lines, products, as_of = tables["transactions"], in_pandas(tables["products"]), AS_OF[0]
    frame = in_pandas(lines)
    # Every ninth line comes back a day later, and one household returns more than it ever bought.
    back = frame[::9].assign(day=lambda own: own["day"] + pd.Timedelta(days=1), basket_id=lambda own: own["basket_id"] + 10**6)
    rich = frame[frame["household_id"] == 1].head(1).assign(sales=9_999.0)
    returned = pd.concat([back, rich]).assign(quantity=-1, loyalty_discount=0, coupon_discount=0, coupon_match_discount=0)
    returned["sales"] *= -1
    together = pd.concat([frame, returned], ignore_index=True)
    money = dict.fromkeys(DECIMALS, MONEY)
    table = ibis.memtable(together).cast({"day": "date", **money})
    found = fast(table, tables["products"], as_of)
    assert_same(found, slow_features(together, products, pd.Timestamp(as_of)))

    before = fast(lines, tables["products"], as_of)
    net = [name for name in FEATURES if name.startswith("monetary_") and name != "monetary_std"]
    pd.testing.assert_frame_equal(found.drop(columns=net), before.drop(columns=net))
    earlier = returned[returned["day"] < pd.Timestamp(as_of)].groupby("household_id")["sales"].sum()
    change = found.set_index("household_id")["monetary_sales"] - before.set_index("household_id")["monetary_sales"]
    assert change.to_numpy() == pytest.approx(earlier.reindex(change.index, fill_value=0).to_numpy(), abs=1e-6)
    assert (found["monetary_sales"] < 0).sum() == 1


def test_weighed_goods_are_one_item_a_line(tables):
    lines, products, as_of = tables["transactions"], tables["products"], AS_OF[0]
    weighed = lines.mutate(quantity=ibis.ifelse(lines.product_id % 3 == 0, lines.quantity + 0.453, lines.quantity).cast(MONEY))
    assert_same(fast(weighed, products, as_of), slow_features(in_pandas(weighed), in_pandas(products), pd.Timestamp(as_of)))
    counted = lines.mutate(quantity=ibis.ifelse(lines.product_id % 3 == 0, 1, lines.quantity).cast(MONEY))
    assert_same(fast(weighed, products, as_of), fast(counted, products, as_of))


def test_nothing_from_as_of_on_is_seen(tables):
    lines, products, as_of = tables["transactions"], tables["products"], AS_OF[1]
    later = lines.day >= as_of
    perturbed = lines.mutate(
        sales=ibis.ifelse(later, lines.sales * 10, lines.sales).cast(lines.sales.type()),
        quantity=ibis.ifelse(later, lines.quantity + 7, lines.quantity),
        product_id=ibis.ifelse(later, 100, lines.product_id),
    )
    without = lines.filter(~later)
    for other in (perturbed, without):
        pd.testing.assert_frame_equal(fast(lines, products, as_of), fast(other, products, as_of))


def test_a_shifted_calendar_changes_nothing(tables):
    lines, products, as_of = tables["transactions"], tables["products"], AS_OF[1]
    shifted = lines.mutate(day=(lines.day.cast("timestamp") + ibis.interval(days=1000)).date(), week=lines.week + 140)
    later = (pd.Timestamp(as_of) + pd.Timedelta(days=1000)).date()
    pd.testing.assert_frame_equal(fast(lines, products, as_of), fast(shifted, products, later))


def made_up(rows: list[tuple]) -> ibis.Table:
    columns = ["household_id", "basket_id", "product_id", "day", "week", *DECIMALS]
    frame = pd.DataFrame(rows, columns=columns)
    frame["day"] = pd.to_datetime(frame["day"])
    table = ibis.memtable(frame)
    return table.mutate(day=table.day.cast("date"), **{name: table[name].cast(MONEY) for name in DECIMALS})


def test_a_household_worked_by_hand(backend):
    products = ibis.memtable(
        {
            "product_id": [1, 2, 3],
            "department": ["GROCERY", "SPIRITS", "MISCELLANEOUS"],
            "category": ["A", "B", "C"],
            "subcategory": ["A", "B", "GASOLINE-REG UNLEADED"],
            "brand": ["Private", "National", "National"],
        }
    )
    lines = made_up(
        [
            (1, 10, 1, "2020-01-06", 1, 2, 6.0, 1.5, 0.0, 0.0),
            (1, 10, 2, "2020-01-06", 1, 1, 4.0, 0.0, 0.0, 0.0),
            (1, 11, 1, "2020-01-08", 1, 1, 2.0, 0.0, 0.5, 0.0),
            (1, 12, 3, "2020-01-20", 3, 9000, 20.0, 0.0, 0.0, 0.0),
            # One purchase only, of a product that nobody described.
            (2, 13, 9, "2020-01-20", 3, 1, 5.0, 0.0, 0.0, 0.0),
            # One purchase, for nothing.
            (3, 14, 1, "2020-01-26", 3, 1, 0.0, 0.0, 0.0, 0.0),
        ]
    )
    days = keep_days(backend, lines, products)
    result = household_features(days, [date(2020, 1, 27)]).order_by("household_id").execute().set_index("household_id")
    first = result.loc[1]
    assert first["recency"] == 6  # from the 20th to the 26th, the last day
    assert first["days_between_purchases_avg"] == 7  # gaps of 2 and 12 days
    assert first["days_between_purchases_std"] == pytest.approx(np.sqrt(50))
    assert first["frequency"] == 3
    assert first["purchase_regularity"] == pytest.approx(2 / 3)  # weeks 1 and 3 of three
    assert first["monetary_sales"] == 32
    assert first["monetary_actual"] == 31.5
    assert first["monetary_std"] == pytest.approx(np.std([10, 2, 20], ddof=1))
    assert first["discount_rate"] == pytest.approx(2 / 34)
    assert first["discount_usage_pct"] == 0.25
    assert first["private_label_ratio"] == 0.5
    assert first["avg_items_per_basket"] == pytest.approx(4 / 3)  # fuel counts as sales, not as items
    assert first["share_grocery"] == 0.25
    assert first["share_other"] == pytest.approx(20 / 32)
    second = result.loc[2]
    assert second[["days_between_purchases_avg", "days_between_purchases_std", "monetary_std"]].tolist() == [6, 0, 0]
    assert second["share_other"] == 1
    assert second["n_departments"] == 0
    third = result.loc[3]
    assert (
        third[["coupon_savings_ratio", "discount_rate", *[name for name in FEATURES if name.startswith("share_")]]].tolist()
        == [0.0] * 8
    )
    assert third["days_between_purchases_avg"] == 1
    assert not result.isna().any().any()
