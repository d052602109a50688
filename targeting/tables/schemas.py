"""The canonical tables: what every source gives and every later stage reads.

Money is in USD, exact decimals, discounts positive; days are dates. `sales` is what the retailer receives; a line of quantity
zero or less takes goods back, and pays `sales` back (see targeting.tables.returns).
"""

from collections.abc import Mapping
from datetime import date

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandera.errors
import pandera.ibis as pa

from targeting.base.errors import DataError
from targeting.tables.origins import Origin, SourceColumn
from targeting.tables.problems import broken_rows, counted, problem
from targeting.tables.values import MONEY


def _required(dtype: dt.DataType, *checks: pa.Check) -> pa.Column:
    return pa.Column(dtype, nullable=False, checks=list(checks))


def _optional(dtype: dt.DataType) -> pa.Column:
    return pa.Column(dtype, nullable=True)


NOT_NEGATIVE = pa.Check.ge(0, error="must not be negative")
ENDS_AFTER_START = pa.Check(
    lambda data: data.table.end_day >= data.table.start_day,
    error="the campaign ends before it starts",
)

SCHEMAS: dict[str, pa.DataFrameSchema] = {
    "transactions": pa.DataFrameSchema(
        {
            "household_id": _required(dt.int64),
            "basket_id": _required(dt.int64),
            "product_id": _required(dt.int64),
            "store_id": _optional(dt.int64),
            "day": _required(dt.date),
            "week": _required(dt.int64, pa.Check.ge(1, error="must be 1 or later")),
            "quantity": _required(dt.dtype(MONEY)),
            "sales": _required(dt.dtype(MONEY)),
            "loyalty_discount": _required(dt.dtype(MONEY), NOT_NEGATIVE),
            "coupon_discount": _required(dt.dtype(MONEY), NOT_NEGATIVE),
            "coupon_match_discount": _required(dt.dtype(MONEY), NOT_NEGATIVE),
        }
    ),
    "products": pa.DataFrameSchema(
        {
            "product_id": _required(dt.int64),
            "department": _optional(dt.string),
            "category": _optional(dt.string),
            "subcategory": _optional(dt.string),
            "brand": _optional(dt.string),
        },
        unique=["product_id"],
    ),
    "households": pa.DataFrameSchema(
        {
            "household_id": _required(dt.int64),
            "age": _optional(dt.string),
            "income": _optional(dt.string),
            "home_ownership": _optional(dt.string),
            "marital_status": _optional(dt.string),
            "household_size": _optional(dt.string),
            "household_composition": _optional(dt.string),
            "kids": _optional(dt.string),
        },
        unique=["household_id"],
    ),
    "campaigns": pa.DataFrameSchema(
        {
            "campaign_id": _required(dt.int64),
            "campaign_type": _required(dt.string, pa.Check.isin(["A", "B", "C"], error="must be A, B or C")),
            "start_day": _required(dt.date),
            "end_day": _required(dt.date),
        },
        checks=[ENDS_AFTER_START],
        unique=["campaign_id"],
    ),
    "campaign_targets": pa.DataFrameSchema(
        {"campaign_id": _required(dt.int64), "household_id": _required(dt.int64)}, unique=["campaign_id", "household_id"]
    ),
    "coupons": pa.DataFrameSchema(
        {"campaign_id": _required(dt.int64), "coupon_upc": _required(dt.int64), "product_id": _required(dt.int64)}
    ),
    "redemptions": pa.DataFrameSchema(
        {
            "household_id": _required(dt.int64),
            "campaign_id": _required(dt.int64),
            "coupon_upc": _required(dt.int64),
            "day": _required(dt.date),
        }
    ),
    "promotions": pa.DataFrameSchema(
        {
            "product_id": _required(dt.int64),
            "store_id": _required(dt.int64),
            "week": _required(dt.int64),
            "display": _required(dt.boolean),
            "mailer": _required(dt.boolean),
        }
    ),
}


# What a retailer may have none of: demographics, campaigns, coupons that come back, displays and mailers.
OPTIONAL = ("households", "campaigns", "campaign_targets", "coupons", "redemptions", "promotions")


def column_names(name: str) -> list[str]:
    """The columns of a canonical table, in order."""
    return list(SCHEMAS[name].columns)


def named_as_here(name: str, file: str) -> Origin:
    """The origin of a canonical table in a `file` whose columns have the canonical names and types already."""
    return Origin(file, {key: SourceColumn(key, str(column.dtype)) for key, column in SCHEMAS[name].columns.items()})


def without_rows(name: str) -> ir.Table:
    """A canonical table of which the source has nothing."""
    return ibis.memtable([], schema={key: column.type for key, column in named_as_here(name, name).columns.items()})


def first_and_last_day(transactions: ir.Table) -> tuple[date, date]:
    """The days of the first and the last line: the data's window."""
    days = transactions.aggregate(first=transactions.day.min(), last=transactions.day.max()).to_pyarrow().to_pylist()[0]
    return days["first"], days["last"]


def validate(name: str, table: ir.Table, origins: Mapping[str, Origin]) -> None:
    """Check one canonical table against its schema.

    Raises DataError with every broken rule: the source's file and column, how many rows, an example and the remedy.
    """
    if table.count().execute() == 0:
        if name in OPTIONAL or origins[name].may_be_empty:
            return  # pandera would report missing values in a table without rows
        raise DataError(f"{origins[name].file} has no row that counts: lines need a quantity above 0. Bring some that do.")
    try:
        SCHEMAS[name].validate(table, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        raise DataError(" ".join(_explain(origins[name], table, error) for error in errors.schema_errors)) from None


def _explain(origin: Origin, table: ir.Table, error: pandera.errors.SchemaError) -> str:
    reason = error.reason_code.name
    if reason == "SERIES_CONTAINS_NULLS":
        column = error.schema.name
        return broken_rows(origin, [column], table.filter(table[column].isnull()), "the value is missing")
    if reason == "DUPLICATES":
        keys = list(error.schema.unique)
        repeated = table.group_by(keys).having(table.count() > 1).agg(times=table.count())
        return broken_rows(origin, keys, repeated, "the key occurs more than once", unit="key")
    if reason != "DATAFRAME_CHECK" or error.check.error is None:
        return f"{origin.file}: {error}"
    columns = [error.schema.name] if error.schema.name else ["start_day", "end_day"]
    count, example = len(error.failure_cases), error.failure_cases["failure_case"].iloc[0]
    return problem(origin, columns, counted(count, "row"), error.check.error, example)
