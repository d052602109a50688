"""data.table: which columns of a table of customers say who they are, who was treated, and what came of it.

The keys of `outcomes` are what the pipeline calls them: purchase_amount is money, whose margin is a share; any other is counted,
and its margin is money for one of it.
"""

import re
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from targeting.base.columns import outcomes_of
from targeting.base.mapping import Encoding, MappedTable, Name

Chance = Annotated[float, Field(gt=0, lt=1)]
OUTCOME_NAME = "[a-z][a-z0-9_]{0,39}"  # it becomes a name of columns, files and keys of metrics
MOST_COVARIATES = 1000
NUMBER = r"[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+) *%?"  # also as somebody may write it who means a share
LONGEST = 60  # shown of a name
# What pages and tables call something else: net profit has its place beside the outcomes, the propensity beside their nuisances.
TAKEN = ("all", "constant", "ate", "net_profit", "propensity")


class CustomerTable(MappedTable):
    """One row per customer, or per customer and campaign; each key names a column, but for `propensity` as a number."""

    customer_id: Name
    treated: Name
    outcomes: Annotated[dict[str, Name], Field(min_length=1, max_length=20)]
    # The chance of being treated, where lots decided: a number for all, or the column that has it, empty where nobody knows.
    propensity: Chance | Name | None = None
    campaign_id: Name | None = None
    day: Name | None = None
    segment: Name | None = None
    numeric: Annotated[list[Name], Field(max_length=MOST_COVARIATES, default_factory=list)]
    categorical: Annotated[list[Name], Field(max_length=MOST_COVARIATES, default_factory=list)]
    dates: Name = "YYYY-MM-DD"
    encoding: Encoding = "utf-8"

    @field_validator("outcomes")
    @classmethod
    def _are_free_names(cls, value: dict[str, str]) -> dict[str, str]:
        odd = [" ".join(name.split())[:LONGEST] for name in value if not re.fullmatch(OUTCOME_NAME, name)]
        if odd:
            raise ValueError(
                f"{', '.join(map(repr, odd))} cannot be the name of an outcome: write small letters, digits and _, a letter "
                "first and 40 at most, such as purchase_amount, and the table's own column behind it"
            )
        reserved = [name for name in value if name in TAKEN or not outcomes_of([name])]
        if reserved:
            raise ValueError(f"{', '.join(reserved)} is a name that the pipeline uses itself: call the outcome otherwise")
        return value

    @field_validator("propensity", mode="before")
    @classmethod
    def _is_a_chance_or_a_column(cls, value: Any) -> Any:
        if isinstance(value, int | float) and not 0 < value < 1:
            percent = f"; write {value / 100:g} for {value:g}%" if 1 < value < 100 else ""
            raise ValueError(f"{value} is no chance between 0 and 1{percent}; where nobody drew lots leave it out")
        if isinstance(value, str) and re.fullmatch(NUMBER, value.strip()):
            raise ValueError(f"{value!r} is text, which names a column: write a number without quotation marks")
        return value

    @model_validator(mode="after")
    def _uses_a_column_once(self) -> "CustomerTable":
        if not (self.numeric or self.categorical):
            raise ValueError("numeric and categorical are empty: name what was known of customers before the treatment")
        single = [self.customer_id, self.treated, self.campaign_id, self.day]
        single += [self.propensity] if isinstance(self.propensity, str) else []
        used = [*filter(None, single), *self.outcomes.values(), *self.numeric, *self.categorical]
        twice = [name for name in dict.fromkeys(used) if [other.lower() for other in used].count(name.lower()) > 1]
        if twice:
            raise ValueError(f"{', '.join(twice)} is there more than once: an outcome or the treatment is no covariate")
        return self
