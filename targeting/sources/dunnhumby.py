"""The two-year download "The Complete Journey": a folder of CSV files, as published."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from targeting.base.errors import DataError
from targeting.tables.files import find, read_files, require_folder
from targeting.tables.origins import Origin, SourceColumn
from targeting.tables.returns import DISCOUNTS
from targeting.tables.schemas import MONEY

ORIGINS = {
    "transactions": Origin(
        "transaction_data.csv",
        {
            "household_id": SourceColumn("household_key", "int64"),
            "basket_id": SourceColumn("BASKET_ID", "int64"),
            "product_id": SourceColumn("PRODUCT_ID", "int64"),
            "store_id": SourceColumn("STORE_ID", "int64"),
            "day": SourceColumn("DAY", "int64"),
            "week": SourceColumn("WEEK_NO", "int64"),
            "quantity": SourceColumn("QUANTITY", MONEY),
            "sales": SourceColumn("SALES_VALUE", MONEY),
            "loyalty_discount": SourceColumn("RETAIL_DISC", MONEY),
            "coupon_discount": SourceColumn("COUPON_DISC", MONEY),
            "coupon_match_discount": SourceColumn("COUPON_MATCH_DISC", MONEY),
        },
    ),
    "products": Origin(
        "product.csv",
        {
            "product_id": SourceColumn("PRODUCT_ID", "int64"),
            "department": SourceColumn("DEPARTMENT", "string"),
            "category": SourceColumn("COMMODITY_DESC", "string"),
            "subcategory": SourceColumn("SUB_COMMODITY_DESC", "string"),
            "brand": SourceColumn("BRAND", "string"),
        },
    ),
    "households": Origin(
        "hh_demographic.csv",
        {
            "household_id": SourceColumn("household_key", "int64"),
            "age": SourceColumn("AGE_DESC", "string"),
            "income": SourceColumn("INCOME_DESC", "string"),
            "home_ownership": SourceColumn("HOMEOWNER_DESC", "string"),
            "marital_status": SourceColumn("MARITAL_STATUS_CODE", "string"),
            "household_size": SourceColumn("HOUSEHOLD_SIZE_DESC", "string"),
            "household_composition": SourceColumn("HH_COMP_DESC", "string"),
            "kids": SourceColumn("KID_CATEGORY_DESC", "string"),
        },
    ),
    "campaigns": Origin(
        "campaign_desc.csv",
        {
            "campaign_id": SourceColumn("CAMPAIGN", "int64"),
            "campaign_type": SourceColumn("DESCRIPTION", "string"),
            "start_day": SourceColumn("START_DAY", "int64"),
            "end_day": SourceColumn("END_DAY", "int64"),
        },
    ),
    "campaign_targets": Origin(
        "campaign_table.csv",
        {"campaign_id": SourceColumn("CAMPAIGN", "int64"), "household_id": SourceColumn("household_key", "int64")},
        further=True,
    ),
    "coupons": Origin(
        "coupon.csv",
        {
            "campaign_id": SourceColumn("CAMPAIGN", "int64"),
            "coupon_upc": SourceColumn("COUPON_UPC", "int64"),
            "product_id": SourceColumn("PRODUCT_ID", "int64"),
        },
    ),
    "redemptions": Origin(
        "coupon_redempt.csv",
        {
            "household_id": SourceColumn("household_key", "int64"),
            "campaign_id": SourceColumn("CAMPAIGN", "int64"),
            "coupon_upc": SourceColumn("COUPON_UPC", "int64"),
            "day": SourceColumn("DAY", "int64"),
        },
    ),
    "promotions": Origin(
        "causal_data.csv",
        {
            "product_id": SourceColumn("PRODUCT_ID", "int64"),
            "store_id": SourceColumn("STORE_ID", "int64"),
            "week": SourceColumn("WEEK_NO", "int64"),
            "display": SourceColumn("display", "string"),
            "mailer": SourceColumn("mailer", "string"),
        },
    ),
}
MARITAL_STATUS = {"A": "Married", "B": "Unmarried", "U": None}


def tables(backend: BaseBackend, data: Mapping[str, Any]) -> dict[str, ir.Table]:
    """The canonical tables of the folder `data.path`; `data.first_day` (ISO date) is DAY 1. causal_data.csv may be absent.

    File names match regardless of case. Raises DataError for a missing folder, file or column, and unreadable values.
    """
    folder = require_folder(data["path"], "the eight CSV files")
    first_day = date.fromisoformat(str(data["first_day"]))
    present = [name for name in ORIGINS if name != "promotions" or find(folder, ORIGINS[name].file) is not None]
    read = read_files(backend, folder, {name: ORIGINS[name] for name in present})

    lines, homes, campaigns = read["transactions"], read["households"], read["campaigns"]
    for name in ("transactions", "redemptions"):
        _require_positive_days(read[name], ORIGINS[name].file)
    _require_negative_discounts(lines)
    result = read | {
        # Stored zero or negative; the published file also has a few surcharges, which are no discounts.
        "transactions": lines.mutate(
            day=_as_date(lines.day, first_day),
            **{name: ibis.ifelse(lines[name] > 0, ibis.literal(0).cast(MONEY), -lines[name]) for name in DISCOUNTS},
        ),
        "households": homes.mutate(
            marital_status=homes.marital_status.cases(*MARITAL_STATUS.items(), else_=homes.marital_status),
            home_ownership=homes.home_ownership.nullif("Unknown"),
            household_composition=homes.household_composition.nullif("Unknown"),
            kids=homes.kids.nullif("None/Unknown").fill_null("0"),
        ),
        "campaigns": campaigns.mutate(
            campaign_type=campaigns.campaign_type.re_replace("^Type *", ""),
            start_day=_as_date(campaigns.start_day, first_day),
            end_day=_as_date(campaigns.end_day, first_day),
        ),
        "redemptions": read["redemptions"].mutate(day=_as_date(read["redemptions"].day, first_day)),
    }
    if "promotions" in read:
        promotions = read["promotions"]
        result["promotions"] = promotions.mutate(display=promotions.display != "0", mailer=promotions.mailer != "0")
    return result


def _as_date(days: ir.IntegerColumn, first_day: date) -> ir.DateColumn:
    # By way of a timestamp: DuckDB makes one of a date plus an interval, whatever ibis expects.
    midnight = ibis.timestamp(f"{first_day} 00:00:00")
    return (midnight + (days - 1).as_interval("D")).date()


def _require_positive_days(table: ir.Table, file: str) -> None:
    early = table.filter(table.day < 1)
    count, example = early.aggregate(n=early.count(), example=early.day.min()).execute().iloc[0]
    if count:
        raise DataError(
            f"{file}, column DAY: {int(count):,} rows lie outside the data, which begin with day 1, for example "
            f"{int(example)}. Correct these rows in the file."
        )


def _require_negative_discounts(lines: ir.Table) -> None:
    """The published file stores discounts negative and has few surcharges; one whose signs are turned has surcharges alone."""
    measures = {f"{sign}_{name}": own.sum() for name in DISCOUNTS for sign, own in _signs(lines[name]).items()}
    found = lines.aggregate(**measures).to_pyarrow().to_pylist()[0]
    origin = ORIGINS["transactions"]
    for name in DISCOUNTS:
        positive, negative = (int(found[f"{sign}_{name}"] or 0) for sign in ("positive", "negative"))
        if positive > negative:
            raise DataError(
                f"{origin.place(name)}: {positive:,} discounts are positive and {negative:,} negative; this file stores them "
                "negative. Turn the sign of the whole column, or bring canonical tables, where they are positive."
            )


def _signs(amounts: ir.Column) -> dict[str, ir.Column]:
    return {"positive": amounts > 0, "negative": amounts < 0}
