"""What must hold among the lines of the tills: days, weeks and baskets that make sense, and no line delivered twice."""

import ibis.expr.types as ir
import pandas as pd

from targeting.base.errors import DataError
from targeting.tables.origins import Origin
from targeting.tables.problems import broken_rows, counted, problem
from targeting.tables.returns import purchases, returns

# Days are in doubt beyond a gap of so many days where they hold at most this part of all lines: a season and next to none, a year
# and a few, ten years and whatever they hold.
GAPS = ((90, 0.01), (366, 0.1), (3653, 1.0))
# A day or a basket of so many different lines has each of them twice by a second delivery, and not by chance.
LEAST_LINES = 5
TWICE = 0.01  # of the baskets of so many lines: from here on a part of the files came twice, not some receipts
COUNT_ON = (
    "Number the weeks on without a break from the first one, also in promotions: 1 plus the whole weeks between the day and the "
    "Monday on or before the first day."
)
OWN_NUMBER = "Give each receipt a number of its own, such as day, store, till and receipt number joined together."


def check_lines(lines: ir.Table, origin: Origin) -> dict[str, int]:
    """Refuse lines that contradict each other; count what real tills have.

    Raises DataError for more money back than in, days far from all others, weeks that do not count on with the days, a basket of
    several households or of days that are no neighbours, and days or many baskets whose every line is there twice. Counted are
    baskets that a till closed after midnight (n_baskets_past_midnight), and lines that repeat another one in full
    (n_repeated_lines).
    """
    _require_more_sold_than_returned(lines, origin)
    days = lines.group_by("day").agg(n=lines.count(), first=lines.week.min(), last=lines.week.max())
    calendar = days.order_by("day").execute()
    calendar["day"] = pd.to_datetime(calendar["day"])
    _require_days_together(calendar, origin)
    _require_rising_weeks(calendar, origin)
    return {"n_baskets_past_midnight": _past_midnight(lines, origin), "n_repeated_lines": _repeated(lines, origin)}


def _require_more_sold_than_returned(lines: ir.Table, origin: Origin) -> None:
    back = returns(lines)
    sold, returned = (float(table.sales.sum().fill_null(0).execute()) for table in (purchases(lines), back))
    if sold + returned < 0 or purchases(lines).count().execute() == 0:
        what = f"lines of a quantity or sales below zero are returns, and pay back {-returned:,.2f} where {sold:,.2f} was paid"
        remedy = "Turn the signs where sales are stored negative; else bring the purchases too."
        raise DataError(broken_rows(origin, ["quantity", "sales"], back, what, remedy=remedy))


def _require_days_together(calendar: pd.DataFrame, origin: Origin) -> None:
    gaps = calendar["day"].diff().dt.days
    before, total = calendar["n"].cumsum().shift(fill_value=0), calendar["n"].sum()
    fewer = pd.concat([before, total - before], axis=1).min(axis=1)
    far = pd.concat([(gaps > days) & (fewer <= share * total) for days, share in GAPS], axis=1).any(axis=1)
    if far.any():
        place = far.idxmax()
        early = before[place] < total - before[place]
        example = calendar["day"][place - 1 if early else place]
        what = f"the days lie {int(gaps[place]):,} days from all others"
        remedy = "Correct these days in the source; one that is unknown cannot be guessed, and its lines have to stay out."
        raise DataError(problem(origin, ["day"], counted(int(fewer[place]), "row"), what, {"day": example.date()}, remedy))


def _require_rising_weeks(calendar: pd.DataFrame, origin: Origin) -> None:
    """Weeks never fall, one day has two at most, and seven days later the week is one later, give or take one."""
    gap, latest = calendar["day"].diff().dt.days.fillna(0), calendar["last"].cummax()
    falls = calendar["first"] < latest.shift(fill_value=calendar["first"].iloc[0])
    leaps = (calendar["last"] - calendar["last"].shift() > gap // 7 + 1) | (calendar["last"] - calendar["first"] > 1)
    broken = calendar[falls | leaps]
    if len(broken):
        what = "the week falls or leaps as the days go on"
        example = {"day": broken["day"].iloc[0].date(), "week": broken["first" if falls[broken.index[0]] else "last"].iloc[0]}
        if broken.index[0] > 0:
            before = calendar.loc[broken.index[0] - 1]
            what += f" (up to {before['day'].date()} it was {latest[broken.index[0] - 1]})"
        raise DataError(problem(origin, ["day", "week"], counted(len(broken), "day"), what, example, COUNT_ON))
    weeks, span = latest.iloc[-1] - calendar["first"].iloc[0], (calendar["day"].iloc[-1] - calendar["day"].iloc[0]).days // 7
    if not span - 1 <= weeks <= span + 2:
        what = f"the week rises by {weeks:,} where {span:,} weeks pass"
        example = {"day": calendar["day"].iloc[-1].date(), "week": latest.iloc[-1]}
        raise DataError(problem(origin, ["day", "week"], counted(len(calendar), "day"), what, example, COUNT_ON))


def _past_midnight(lines: ir.Table, origin: Origin) -> int:
    """How many baskets have lines of two neighbouring days."""
    bought = purchases(lines)
    baskets = bought.group_by("basket_id").agg(
        households=bought.household_id.nunique(), first_day=bought.day.min(), last_day=bought.day.max()
    )
    span = baskets.last_day.delta(baskets.first_day, unit="day")
    problems = {
        "the basket belongs to several households": baskets.filter(baskets.households > 1).select("basket_id", "households"),
        "the basket has days that are no neighbours": baskets.filter(span > 1).drop("households"),
    }
    for what, broken in problems.items():
        if broken.count().execute():
            raise DataError(broken_rows(origin, ["basket_id"], broken, what, "basket", OWN_NUMBER))
    return int(baskets.filter(span == 1).count().execute())


def _repeated(lines: ir.Table, origin: Origin) -> int:
    """How many lines repeat another one in all columns."""
    distinct = lines.group_by(lines.columns).agg(times=lines.count())
    n_repeated = int((distinct.times - 1).sum().execute())
    if n_repeated:
        remedy = "A part of the files came twice: bring each part once."
        days, baskets = _all_twice(distinct, "day"), _all_twice(distinct, "basket_id")
        if days.count().execute():
            raise DataError(broken_rows(origin, ["day"], days, "every line of the day is there twice or more", "day", remedy))
        large = distinct.group_by("basket_id").having(distinct.count() >= LEAST_LINES).agg(lines=distinct.count())
        n_baskets = int(baskets.count().execute())
        if n_baskets and n_baskets >= TWICE * int(large.count().execute()):
            what = "every line of the basket is there twice or more"
            raise DataError(broken_rows(origin, ["basket_id"], baskets, what, "basket", remedy))
    return n_repeated


def _all_twice(distinct: ir.Table, column: str) -> ir.Table:
    """The values of a column that have enough lines, every one of them there twice or more, and how often they all are."""
    enough = (distinct.count() >= LEAST_LINES) & (distinct.times.min() > 1)
    return distinct.group_by(column).having(enough).agg(times=distinct.times.min())
