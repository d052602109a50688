"""data.mapping: how a retailer's own files and columns become the canonical tables, as params.yaml may say it.

The keys of a table are those of its canonical columns, and each names the column of the retailer's file that holds it.
"""

import re
from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from targeting.base.section import Section

Name = Annotated[str, Field(min_length=1, max_length=200)]
Values = Annotated[list[Name], Field(min_length=1, max_length=100)]
# Python's names of encodings in which tills and spreadsheets save; others are converted by the user.
Encoding = Literal["utf-8", "iso-8859-1", "iso-8859-15", "windows-1250", "windows-1252", "mac-roman"]
DATE_PARTS = ("YYYY", "MM", "DD")


class MappedTable(Section):
    """A table of the mapping; an unknown key is answered with the known ones."""

    @model_validator(mode="before")
    @classmethod
    def _has_known_keys(cls, value: Any) -> Any:
        unknown = [str(key) for key in value if key not in cls.model_fields] if isinstance(value, dict) else []
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is none of its keys, which are {', '.join(cls.model_fields)}")
        return value


class Times(MappedTable):
    """Sales as a quantity times the price of one: the two columns."""

    quantity: Name
    times: Name


class Marked(MappedTable):
    """Returns told by a column of marks: the column, and its values on lines that are returns."""

    column: Name
    values: Values


# One form of `sales` or the other, so that a slip is told of the one that was meant.
Sales = Annotated[
    Annotated[Name, Tag("column")] | Annotated[Times, Tag("product")],
    Discriminator(lambda value: "product" if isinstance(value, dict | Times) else "column"),
]


class MappedTransactions(MappedTable):
    """Lines of receipts. What is left out is filled in, but for household, product, day and sales."""

    file: Name
    household_id: Name
    product_id: Name
    day: Name
    sales: Sales
    basket_id: Name | None = None
    store_id: Name | None = None
    week: Name | None = None
    quantity: Name | None = None
    loyalty_discount: Name | None = None
    coupon_discount: Name | None = None
    coupon_match_discount: Name | None = None
    returns: Marked | None = None
    no_household: Values | None = None


class MappedProducts(MappedTable):
    """Products: in a file of their own, or, without one, by the lines of the receipts."""

    file: Name | None = None
    product_id: Name | None = None
    department: Name | None = None
    category: Name | None = None
    subcategory: Name | None = None
    brand: Name | None = None

    @model_validator(mode="after")
    def _has_its_key(self) -> "MappedProducts":
        if (self.file is None) != (self.product_id is None):
            raise ValueError("give both file and product_id, or neither where the lines' file describes the products")
        return self


class MappedHouseholds(MappedTable):
    """Demographics."""

    file: Name
    household_id: Name
    age: Name | None = None
    income: Name | None = None
    home_ownership: Name | None = None
    marital_status: Name | None = None
    household_size: Name | None = None
    household_composition: Name | None = None
    kids: Name | None = None


class MappedCampaigns(MappedTable):
    """Campaigns; without a column of types all are of type A."""

    file: Name
    campaign_id: Name
    start_day: Name
    end_day: Name
    campaign_type: Name | None = None


class MappedTargets(MappedTable):
    """Who was mailed."""

    file: Name
    campaign_id: Name
    household_id: Name


class MappedCoupons(MappedTable):
    """What coupons are good for."""

    file: Name
    campaign_id: Name
    coupon_upc: Name
    product_id: Name


class MappedRedemptions(MappedTable):
    """Coupons that came back."""

    file: Name
    household_id: Name
    campaign_id: Name
    coupon_upc: Name
    day: Name


class MappedPromotions(MappedTable):
    """Displays and mailers of the stores."""

    file: Name
    product_id: Name
    store_id: Name
    week: Name
    display: Name
    mailer: Name


class DataMapping(MappedTable):
    """The whole mapping: how the files are written, and the tables; only transactions are needed."""

    encoding: Encoding = "utf-8"
    dates: Name = "YYYY-MM-DD"
    discounts: Literal["positive", "negative"] = "positive"
    transactions: MappedTransactions
    products: MappedProducts | None = None
    households: MappedHouseholds | None = None
    campaigns: MappedCampaigns | None = None
    campaign_targets: MappedTargets | None = None
    coupons: MappedCoupons | None = None
    redemptions: MappedRedemptions | None = None
    promotions: MappedPromotions | None = None

    @field_validator("dates")
    @classmethod
    def _is_a_form_of_dates(cls, value: str) -> str:
        parts = Counter(re.findall(r"[A-Za-z]+", value))
        if value != "YYYYMMDD" and (parts != Counter(DATE_PARTS) or not re.fullmatch(r"[YMD]+([-/. ])[YMD]+\1[YMD]+", value)):
            raise ValueError(
                f"it is {value!r}; write YYYY, MM and DD in the files' order with their mark between, such as DD/MM/YYYY or "
                "MM/DD/YYYY, or YYYYMMDD (a time after the day needs no letters)"
            )
        return value

    @model_validator(mode="after")
    def _campaigns_come_together(self) -> "DataMapping":
        if (self.campaigns is None) != (self.campaign_targets is None):
            raise ValueError("campaigns and campaign_targets come together: give both, or neither where nobody was mailed")
        if self.campaigns is None and (given := [name for name in ("coupons", "redemptions") if getattr(self, name)]):
            raise ValueError(f"{', '.join(given)} belong to campaigns: give campaigns and campaign_targets too")
        if self.promotions and not self.transactions.week:
            raise ValueError("promotions are by the retailer's own weeks: give transactions.week too")
        return self
