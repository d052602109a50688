"""Lines of the tills: returns, days, weeks and baskets that contradict each other, and deliveries that came twice."""

from decimal import Decimal

import ibis
import ibis.expr.types as ir
import pandas as pd
import pytest
from ibis.backends import BaseBackend

from targeting.base.errors import DataError
from targeting.tables.returns import with_returns_negative
from targeting.tables.schemas import column_names, named_as_here
from targeting.tables.till_checks import check_lines
from targeting.tables.till_totals import guest_cards, till_totals

ORIGIN = named_as_here("transactions", "tills.csv")
MONEY = ["sales", "loyalty_discount", "coupon_discount", "coupon_match_discount"]


def frame(n_days: int = 60, lines_a_day: int = 6) -> pd.DataFrame:
    """One basket a day of one household in turn, with different products; weeks from Monday 2017-01-02."""
    rows = []
    for number in range(n_days):
        day = pd.Timestamp("2017-01-02") + pd.Timedelta(days=number)
        rows += [(number % 10, number, product, 1, day, 1 + number // 7, 1, 2.5, 0.5, 0.0, 0.0) for product in range(lines_a_day)]
    return pd.DataFrame(rows, columns=column_names("transactions"))


def table(backend: BaseBackend, lines: pd.DataFrame) -> ir.Table:
    made = backend.create_table(f"lines_{id(lines)}", ibis.memtable(lines), temp=True)
    return made.mutate(day=made.day.date(), **{name: made[name].cast("decimal(18, 4)") for name in MONEY})


def check(backend: BaseBackend, lines: pd.DataFrame) -> dict[str, int]:
    return check_lines(table(backend, lines), ORIGIN)


def test_sound_lines_pass(backend):
    assert check(backend, frame()) == {"n_baskets_past_midnight": 0, "n_repeated_lines": 0}


@pytest.mark.parametrize(
    ("quantity", "sales"), [(-1, -2.5), (1, -2.5), (-1, 2.5), (0, -2.5)], ids=["both", "sales", "quantity", "no quantity"]
)
def test_however_a_return_is_written_its_money_goes_back_and_nothing_else_counts(quantity, sales, backend):
    lines = frame(2)
    lines.loc[len(lines)] = [7, 99, 1, 1, pd.Timestamp("2017-01-03"), 1, quantity, sales, 0.5, 0.5, 0.0]
    source = table(backend, lines)
    kept = with_returns_negative(source)
    assert till_totals(kept, source) == {
        "n_transactions": 12,
        "n_households": 2,  # not the seventh, which only brought something back
        "n_baskets": 2,
        "n_days": 2,
        "n_returns": 1,
        "n_dropped": 0,
        "sales": 12 * 2.5 - 2.5,
        "returned_sales": 2.5,
        "dropped_sales": 0.0,
        "dropped_discounts": 0.0,
    }
    [returned] = kept.filter(kept.basket_id == 99).to_pyarrow().to_pylist()
    assert returned["quantity"] <= 0
    assert [returned[name] for name in MONEY] == [Decimal("-2.5"), 0, 0, 0]


def test_lines_without_quantity_are_left_out_and_their_money_is_said(backend):
    lines = frame(2)
    lines.loc[[0, 1], "quantity"] = 0
    lines.loc[1, "sales"] = 0.0
    source = table(backend, lines)
    totals = till_totals(with_returns_negative(source), source)
    assert {name: totals[name] for name in ("n_dropped", "dropped_sales", "dropped_discounts", "sales")} == {
        "n_dropped": 2,
        "dropped_sales": 2.5,
        "dropped_discounts": 1.0,
        "sales": 25.0,
    }


def test_a_missing_quantity_is_kept_to_be_named(backend):
    lines = frame(1).astype({"quantity": "Int64"})
    lines.loc[0, "quantity"] = pd.NA
    assert with_returns_negative(table(backend, lines)).count().execute() == len(lines)


def test_a_basket_over_midnight_is_counted(backend):
    lines = frame()
    lines.loc[0, "day"] += pd.Timedelta(days=1)
    assert check(backend, lines)["n_baskets_past_midnight"] == 1


def test_days_without_sales_do_not_matter(backend):
    lines = frame()
    closed = lines["day"].between("2017-01-20", "2017-02-05")
    assert check(backend, lines[~closed])["n_repeated_lines"] == 0


def test_evenings_that_count_for_the_week_before_are_no_break(backend):
    # Days by another clock than weeks: some lines of a week's first day still have the number of the week before.
    lines = frame()
    lines.loc[(lines["day"].dt.day_of_week == 0) & (lines["product_id"] < 2) & (lines["week"] > 1), "week"] -= 1
    assert check(backend, lines)["n_repeated_lines"] == 0


def test_some_lines_twice_are_counted(backend):
    lines = frame()
    assert check(backend, pd.concat([lines, lines.iloc[[0, 7, 7]]]))["n_repeated_lines"] == 3


def iso_weeks(lines: pd.DataFrame) -> pd.DataFrame:
    later = lines["day"] + pd.Timedelta(days=330)  # over the new year
    return lines.assign(day=later, week=later.dt.isocalendar().week.astype(int))


def year_and_week(lines: pd.DataFrame) -> pd.DataFrame:
    other = iso_weeks(lines)
    return other.assign(week=other["day"].dt.isocalendar().year.astype(int) * 100 + other["week"])


CONTRADICTIONS = {
    "weeks that begin anew": (
        iso_weeks,
        r"column day, week: \d+ days: the week falls .*2018-01-01, week=1\. Number the",
    ),
    "weeks with the year before them": (year_and_week, r"column day, week: .*week=201801\. Number the weeks on"),
    "months for weeks": (
        lambda lines: frame(200).assign(week=lambda lines: lines["day"].dt.month),
        r"column day, week: 200 days: the week rises by 6 where 28 weeks pass",
    ),
    "days for weeks": (lambda lines: lines.assign(week=lines["basket_id"] + 1), r"column day, week: .*rises by 59 where 8 weeks"),
    "weeks in any order": (
        lambda lines: lines.assign(week=lines["week"].sample(frac=1, random_state=1).to_numpy()),
        r"column day, week: \d+ days: the week falls or leaps",
    ),
    "one day in another century": (
        lambda lines: lines.assign(day=lines["day"].mask(lines.index == 9, pd.Timestamp("2107-01-03"))),
        r"column day: 1 row: the days lie 32,\d+ days from all others, for example day=2107-01-03\. Correct these days",
    ),
    "one day long ago": (
        lambda lines: lines.assign(day=lines["day"].mask(lines.index == 9, pd.Timestamp("1900-01-01"))),
        r"column day: 1 row: .*day=1900-01-01",
    ),
    "one day in the year after": (
        lambda lines: lines.assign(day=lines["day"].mask(lines.index == 9, pd.Timestamp("2018-01-03"))),
        r"column day: 1 row: the days lie \d+ days from all others, for example day=2018-01-03",
    ),
    "receipt numbers used again": (
        lambda lines: lines.assign(basket_id=lines["basket_id"] % 20, household_id=1),
        r"column basket_id: 20 baskets: the basket has days that are no neighbours, .*Give each receipt a number of its own",
    ),
    "a receipt of two households": (
        lambda lines: lines.assign(household_id=lines.index),
        r"column basket_id: 60 baskets: the basket belongs to several households, for example basket_id=0, households=6",
    ),
    "a day that came twice": (
        lambda lines: pd.concat([lines, lines[lines["day"] == "2017-01-09"]]),
        r"column day: 1 day: every line of the day is there twice or more, for example day=2017-01-09, times=2. A part",
    ),
    "a part by household that came twice": (
        lambda lines: (
            several := pd.concat([lines, lines.assign(basket_id=lines["basket_id"] + 1000, product_id=50 + lines["product_id"])]),
            pd.concat([several, several[several["basket_id"] < 30]]),
        )[1],
        r"column basket_id: 30 baskets: every line of the basket is there twice",
    ),
    "signs turned": (
        lambda lines: lines.assign(sales=-lines["sales"]),
        r"column quantity, sales: 360 rows: .*are returns, and pay back 900.00 where 0.00 was paid, .*Turn the signs",
    ),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_lines_that_contradict_each_other_are_refused(name, backend):
    change, message = CONTRADICTIONS[name]
    lines = with_returns_negative(table(backend, change(frame())))
    with pytest.raises(DataError, match=rf"^tills.csv, {message}"):
        check_lines(lines, ORIGIN)


def test_a_card_for_everybody_is_named_and_a_good_customer_is_not(backend):
    # 200 households buy for 15 USD each; one card holds 100 times as much, and one household ten times.
    lines = pd.concat([frame(1).assign(household_id=number, basket_id=number) for number in range(200)])
    lines.loc[lines["household_id"] == 7, "sales"] *= 100
    lines.loc[lines["household_id"] == 8, "sales"] *= 10
    assert guest_cards(table(backend, lines)) == {"7": pytest.approx(1500 / (198 + 110) / 15)}
    assert guest_cards(table(backend, frame())) == {}
