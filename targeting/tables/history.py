"""What the tills know of households, receipt by receipt and day by day: made of all lines once, and enough for every time zero.

Whatever a household did before a day is a sum over its earlier days. So is how many different products it had bought: each counts
on the day when it was first seen. Amounts stay exact decimals, so that a sum of sums is the sum.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.tables.engine import DUCKDB, drop, keep, keep_parts
from targeting.tables.returns import DISCOUNTS, purchases
from targeting.tables.values import MONEY

Tables = Mapping[str, ir.Table]
Range = tuple[int, int]  # first and last household_id

# Share of a household's sales by macro category; what no list names is "other".
MACRO_CATEGORIES = {
    "grocery": ("GROCERY", "FROZEN GROCERY", "GRO BAKERY"),
    "fresh": (
        "PRODUCE",
        "MEAT",
        "MEAT-PCKGD",
        "MEAT-WHSE",
        "PORK",
        "SEAFOOD",
        "SEAFOOD-PCKGD",
        "DELI",
        "DELI/SNACK BAR",
        "DAIRY DELI",
        "CHEF SHOPPE",
        "SALAD BAR",
    ),
    "bakery": ("PASTRY",),
    "health_beauty": ("DRUG GM", "NUTRITION", "COSMETICS", "RX", "PHARMACY SUPPLY", "HBC"),
    "alcohol": ("SPIRITS",),
}
FUEL_DEPARTMENTS = ("FUEL", "KIOSK-GAS")
CATEGORIES = (*MACRO_CATEGORIES, "other")
# What a receipt knows of its lines, and a day of its receipts: counts, and amounts of purchases.
COUNTS = ("n_lines", "n_loyalty_lines", "n_private_lines")
AMOUNTS = ("items", *(f"sales_{category}" for category in CATEGORIES))
# Narrow enough that the square of a difference, and a difference and sum of squares, keep every place in every engine.
BASKET, SQUARES = "decimal(16, 4)", "decimal(36, 8)"


# Lines of whole households that are added up at a time: they fit into a few GB, where more would spill and read again.
LINES_AT_ONCE = 10_000_000

# The tables that `with_history` adds, and what orders their rows.
HISTORY = {
    "receipts": ("household_id", "basket_id", "day", "week", "quantity"),
    "days": ("household_id", "day"),
    "promoted": ("household_id", "day"),
}


def with_history(backend: BaseBackend, tables: Tables) -> dict[str, ir.Table]:
    """The tables, and beside them what is kept of their lines while the connection lasts.

    `receipts` are those of `receipts_of`, `days` those of `household_days`, `promoted` those of `promoted_days`.
    """
    return {**tables, **_made(backend, tables, partial(keep_parts, backend))}


def write_history(backend: BaseBackend, tables: Tables, folder: Path) -> None:
    """Write what `with_history` adds to the tables to `folder`/NAME.parquet, in order."""

    def write(name: str, parts: Sequence[ir.Table]) -> ir.Table:
        path = folder / f"{name}.parquet"
        whole = parts[0] if len(parts) == 1 else keep_parts(backend, name, parts)
        backend.to_parquet(whole.order_by(HISTORY[name]), path)
        if len(parts) > 1:
            drop(backend, whole)
        return backend.read_parquet(path)

    _made(backend, tables, write)


def _made(backend: BaseBackend, tables: Tables, put: Callable[[str, Sequence[ir.Table]], ir.Table]) -> dict[str, ir.Table]:
    lines, products, promotions = tables["transactions"], tables["products"], tables["promotions"]
    parts = household_ranges(backend, lines)
    receipts = put("receipts", [receipts_of(within(lines, part), products) for part in parts])
    days = put("days", [household_days(within(receipts, part), within(lines, part), products) for part in parts])
    promoted = put("promoted", [promoted_days(within(lines, part), promotions) for part in parts])
    return {"receipts": receipts, "days": days, "promoted": promoted}


def keep_days(backend: BaseBackend, lines: ir.Table, products: ir.Table) -> ir.Table:
    """`household_days` of the lines, computed once and kept while the connection lasts."""

    def parts() -> Iterator[ir.Table]:
        for part in household_ranges(backend, lines):
            own = within(lines, part)
            receipts = keep(backend, "receipts", receipts_of(own, products))
            yield household_days(receipts, own, products)
            drop(backend, receipts)

    return keep_parts(backend, "days", parts())


def household_ranges(backend: BaseBackend, lines: ir.Table) -> list[Range | None]:
    """First and last household_id of parts of LINES_AT_ONCE lines at most, or of a single household; None for all at once.

    Spark parts its work by itself.
    """
    if backend.name != DUCKDB or lines.count().execute() <= LINES_AT_ONCE:
        return [None]
    counts = lines.group_by("household_id").agg(n=lines.count()).order_by("household_id").execute()
    first, ranges, total = 0, [], 0
    ids = counts["household_id"].tolist()
    for place, n in enumerate(counts["n"].tolist()):
        if total and total + n > LINES_AT_ONCE:
            ranges.append((ids[first], ids[place - 1]))
            first, total = place, 0
        total += n
    return [*ranges, (ids[first], ids[-1])]


def within(rows: ir.Table, part: Range | None) -> ir.Table:
    """The rows of a range's households; of None all."""
    return rows if part is None else rows.filter(rows.household_id.between(*part))


def receipts_of(lines: ir.Table, products: ir.Table) -> ir.Table:
    """The lines without their products: one row per household, basket, day, week, and whether goods came back.

    Columns are those of the lines, added up, so that what looks at no product takes these rows as it would take the lines; then
    COUNTS and AMOUNTS, which are of purchases alone.
    """
    known = lines.left_join(_traits(products), "product_id").drop("product_id_right")
    bought = known.quantity > 0
    counted = {
        "n_lines": bought,
        "n_loyalty_lines": bought & (known.loyalty_discount > 0),
        "n_private_lines": bought & known.private_label.fill_null(False),
    }
    macro = known.macro.fill_null("other")
    amounts = {
        "items": ibis.ifelse(bought & ~known.fuel.fill_null(False), _items(known.quantity), 0),
        **{f"sales_{category}": ibis.ifelse(bought & (macro == category), known.sales, 0) for category in CATEGORIES},
    }
    summed = {name: known[name] for name in ("quantity", "sales", *DISCOUNTS)} | amounts
    return (
        known.group_by("household_id", "basket_id", "day", "week", returned=~bought)
        .agg(
            **{name: column.sum().cast("int64") for name, column in counted.items()},
            **{name: column.sum().cast(MONEY) for name, column in summed.items()},
        )
        .drop("returned")
    )


def household_days(receipts: ir.Table, lines: ir.Table, products: ir.Table) -> ir.Table:
    """One row per household and day with a receipt: what the features as of any later day add up.

    first_week and last_week are of all receipts; sales, DISCOUNTS, COUNTS, AMOUNTS, week_min and week_max of purchases, the weeks
    missing where goods only came back, which is `returned` (USD above zero). Of purchases too: n_baskets, n_products,
    n_departments and n_weeks that the household had never had before that day, n_basket_products that their basket had not;
    the basket_squares by which the squared sales of its baskets grew; and the gap since its last purchase day, in days.
    """
    bought = purchases(receipts)
    in_baskets = _first_days(purchases(lines), "basket_id", "product_id")
    seen = _first_days(in_baskets, "product_id")
    named = seen.inner_join(products.filter(products.department.notnull()).select("product_id", "department"), "product_id")
    blocks = [
        _by_day(_first_days(bought, "basket_id"), "n_baskets"),
        _by_day(seen, "n_products"),
        _by_day(_first_days(named, "department"), "n_departments"),
        _by_day(_first_days(bought, "week"), "n_weeks"),
        _by_day(in_baskets, "n_basket_products"),
        _basket_squares(bought),
        _gaps(bought),
    ]
    days = _day_totals(receipts)
    for block in blocks:
        days = days.left_join(block, ["household_id", "day"]).drop("household_id_right", "day_right")
    new = [name for name in days.columns if name.startswith("n_") and name not in COUNTS]
    return days.mutate(**{name: days[name].fill_null(0) for name in (*new, "basket_squares")})


def promoted_days(lines: ir.Table, promotions: ir.Table) -> ir.Table:
    """How many purchases a household made on a day of what was promoted in that store and week.

    Columns: household_id, day, n_display, n_mailer.
    """
    promoted = purchases(lines).inner_join(promotions, ["product_id", "store_id", "week"])
    return promoted.group_by("household_id", "day").agg(n_display=promoted.display.sum(), n_mailer=promoted.mailer.sum())


def before(rows: ir.Table, days: Sequence[date], name: str) -> ir.Table:
    """The `rows` before each of the `days`, which is the column `name`; a row is there once per day that it precedes."""
    points = ibis.memtable({name: sorted(set(days))}, schema={name: "date"})
    return points.inner_join(rows, points[name] > rows.day)


def _traits(products: ir.Table) -> ir.Table:
    """What the features need of a product: product_id, macro, private_label, fuel."""
    department = products.department
    macro = department.cases(*((name, category) for category, names in MACRO_CATEGORIES.items() for name in names), else_="other")
    # Gasoline is also sold under MISCELLANEOUS; its quantity is in thousandths of a gallon.
    fuel = department.isin(FUEL_DEPARTMENTS) | products.subcategory.startswith("GASOLINE")
    return products.select(
        "product_id",
        macro=macro.fill_null("other"),
        private_label=(products.brand == "Private").fill_null(False),
        fuel=fuel.fill_null(False),
    )


def _items(quantity: ir.NumericColumn) -> ir.NumericValue:
    """The items of a line: its quantity. Of weighed goods, whose quantity has a fraction, one; minus one where they come back."""
    return ibis.ifelse(quantity == quantity.floor(), quantity, quantity.sign())


def _day_totals(receipts: ir.Table) -> ir.Table:
    bought = receipts.quantity > 0
    sums = {name: ibis.ifelse(bought, receipts[name], 0).sum().cast(MONEY) for name in ("sales", *DISCOUNTS, *AMOUNTS)}
    return receipts.group_by("household_id", "day").agg(
        **sums,
        **{name: receipts[name].sum().cast("int64") for name in COUNTS},
        returned=ibis.ifelse(bought, 0, -receipts.sales).sum().cast(MONEY),
        first_week=receipts.week.min(),
        last_week=receipts.week.max(),
        week_min=receipts.week.min(where=bought),
        week_max=receipts.week.max(where=bought),
    )


def _first_days(rows: ir.Table, *what: str) -> ir.Table:
    """The day on which a household has each value of the columns `what` for the first time."""
    return rows.group_by("household_id", *what).agg(day=rows.day.min())


def _by_day(rows: ir.Table, count: str) -> ir.Table:
    return rows.group_by("household_id", "day").agg(**{count: rows.count()})


def _basket_squares(bought: ir.Table) -> ir.Table:
    """By how much the sum of a household's squared baskets grew on a day; one of two days has its square after both."""
    parts = bought.group_by("household_id", "basket_id", "day").agg(sales=bought.sales.sum().cast(BASKET))
    so_far = parts.sales.sum().over(ibis.cumulative_window(group_by=["household_id", "basket_id"], order_by="day"))
    grown = parts.mutate(after=so_far.cast(BASKET))
    before = grown.after - grown.sales
    squares = grown.after * grown.after - before * before
    return grown.group_by("household_id", "day").agg(basket_squares=squares.sum().cast(SQUARES))


def _gaps(bought: ir.Table) -> ir.Table:
    """Days since the household's last purchase day, missing on its first: household_id, day, gap."""
    days = bought.select("household_id", "day").distinct()
    before = days.day.lag().over(group_by="household_id", order_by="day")
    return days.mutate(gap=days.day.delta(before, unit="day"))
