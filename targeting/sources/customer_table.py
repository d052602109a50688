"""A table of customers with a treatment and what came of it, as an e-mail or coupon test leaves it: read, checked, encoded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ibis.backends import BaseBackend

from targeting.base.columns import KEYS, PREFIX
from targeting.base.errors import DataError
from targeting.sources.encoding import encoded, unused
from targeting.stats.lots import rare_count_p
from targeting.tables.files import read_table
from targeting.tables.origins import Origin, SourceColumn
from targeting.tables.problems import counted

EVERYBODY = "Everybody"  # the segment, where the table names none
ONE_CAMPAIGN = 1
ALL = "all"  # what tables of results call all campaigns, and all segments, together
FILL_IN = "Fill it in, or leave these rows out."
SHOWN = 10  # columns that a sentence names
NUMBER = "write a number alone, such as 12.5, or 1 for yes and 0 for no"
TOO_RARE = 1e-5  # a count of treated that declared chances give less often is none of theirs


@dataclass(frozen=True)
class CustomerRows:
    """The table as the pipeline goes on with it, and the key to identifiers that were text (kind, number, text).

    rows: household_id, campaign_id, time_zero (missing without days), treated (0/1), the outcomes, by_lot (0/1),
    known_propensity (missing where lots did not decide), segment, and covariates x_*; ordered by campaign and household.
    unused: the columns that were named as covariates and are none, and why.
    """

    rows: pd.DataFrame
    identifiers: pd.DataFrame
    unused: Mapping[str, str]


def read_customers(backend: BaseBackend, data: Mapping[str, Any]) -> CustomerRows:
    """The table of `data.path` by `data.table` (see targeting.base.customer_table).

    Raises DataError for a missing file or column, values that cannot be read, missing customers, treatments, outcomes, campaigns
    or days, infinite numbers, chances outside (0, 1), another share of treated than lots with the chances give, a customer who is
    there twice in a campaign, campaigns of one arm alone, and covariates that never vary.
    """
    table, path = data["table"], Path(data["path"])
    origin = _origin(table, path.name)
    read = read_table(backend, path, origin).execute()
    _require_all(read, origin)
    _require_finite(read, origin)
    rows = pd.DataFrame({"treated": read["treated"].astype("int64")})
    rows[list(table["outcomes"])] = read[[key_of("outcome", name) for name in table["outcomes"]]].astype(float)
    rows["known_propensity"] = _propensity(read, table, origin)
    rows["by_lot"] = rows["known_propensity"].notna().astype("int64")
    rows["segment"] = read["segment"].fillna("unknown").astype(str) if table["segment"] else EVERYBODY
    campaign = read["campaign_id"] if table["campaign_id"] else pd.Series(ONE_CAMPAIGN, index=read.index)
    day = pd.to_datetime(read["day"]) if table["day"] else pd.Series(pd.NaT, index=read.index)
    rows["time_zero"] = day.groupby(campaign).transform("min")
    keys = []
    for name, values, kind in ((KEYS[0], read["household_id"], "household"), (KEYS[1], campaign, "campaign")):
        rows[name], key = _numbered(values, kind, rows["time_zero"])
        keys.append(key)
    _require_no_other_meaning(origin, read)
    _require_once(rows, origin, read, table)
    _require_arms(rows, origin, read)
    _require_declared_share(rows, origin, campaign)
    named = ([key_of("numeric", name) for name in table["numeric"]], table["categorical"])
    rows, none = rows.join(encoded(read, *named)), unused(read, *named)
    if not any(name.startswith(PREFIX) for name in rows):
        raise DataError(
            f"{origin.file}: no column of data.table.numeric and data.table.categorical tells customers apart: {reasons(none)}. "
            "Name some that do."
        )
    identifiers = pd.concat(keys, ignore_index=True)
    return CustomerRows(rows.sort_values(["campaign_id", "household_id"], ignore_index=True), identifiers, none)


def reasons(unused: Mapping[str, str]) -> str:
    """The first of the `unused` columns and why they are, as a sentence goes on with them."""
    shown = "; ".join(f"{name}, since {reason}" for name, reason in list(unused.items())[:SHOWN])
    return shown + (f"; and {len(unused) - SHOWN:,} more" if len(unused) > SHOWN else "")


def key_of(part: str, name: str) -> str:
    """How a column is called between reading and encoding: its part, and the outcome's or the user's own name."""
    return f"{part} {name}"


def _origin(table: Mapping[str, Any], file: str) -> Origin:
    dates = None if table["dates"] == "YYYY-MM-DD" else table["dates"]

    def column(name: str, kind: str, key: str, **more: Any) -> SourceColumn:
        return SourceColumn(name, kind, named_by=f"data.table.{key}", **more)

    columns = {
        "household_id": column(table["customer_id"], "string", "customer_id"),
        "treated": column(table["treated"], "boolean", "treated", remedy="write 1 for treated and 0 for not"),
        **{
            key_of("outcome", name): column(own, "float64", f"outcomes.{name}", remedy=NUMBER)
            for name, own in table["outcomes"].items()
        },
        **{
            key_of("numeric", name): column(name, "float64", "numeric", remedy=f"{NUMBER}, or move it to data.table.categorical")
            for name in table["numeric"]
        },
        **{key_of("categorical", name): column(name, "string", "categorical") for name in table["categorical"]},
    }
    optional = {"campaign_id": "string", "segment": "string"}
    columns |= {name: column(table[name], kind, name) for name, kind in optional.items() if table[name]}
    if isinstance(table["propensity"], str):
        columns["propensity"] = column(table["propensity"], "float64", "propensity")
    if table["day"]:
        columns["day"] = column(table["day"], "date", "day", dates=dates)
    return Origin(file, columns, encoding=table["encoding"], settings="data.table")


def _refuse(origin: Origin, key: str, broken: pd.Series, what: str, example: object, remedy: str) -> None:
    """Raise DataError where any row is `broken`."""
    if broken.any():
        count = counted(int(broken.sum()), "row")
        raise DataError(f"{origin.place(key)}: {count} {what}, for example {example}. {remedy}")


def _require_all(read: pd.DataFrame, origin: Origin) -> None:
    """Refuse rows of which it is not said who, in which campaign and when, whether treated, or what came of it."""
    remedies = {
        "household_id": FILL_IN,
        "treated": FILL_IN,
        "campaign_id": f"{FILL_IN} A table of one campaign needs no such column: leave data.table.campaign_id out then.",
        "day": f"{FILL_IN} Or leave data.table.day out: campaigns then follow each other by their names.",
    }
    outcome = "Write 0 where nothing came of it, and leave out rows of which it is not known."
    remedies |= {key: outcome for key in origin.columns if key.startswith(key_of("outcome", ""))}
    for key, remedy in remedies.items():
        if key in origin.columns:
            missing = read[key].isna()
            _refuse(origin, key, missing, "without a value", _first_row(missing), remedy)


def _require_finite(read: pd.DataFrame, origin: Origin) -> None:
    for key, column in origin.columns.items():
        if column.type == "float64" and key != "propensity":
            infinite = np.isinf(read[key].astype(float))
            remedy = "Correct them, or leave the field empty." if key.startswith(key_of("numeric", "")) else "Correct them."
            what = "whose number is infinite, or too large to reckon with (1e308 at most)"
            _refuse(origin, key, infinite, what, _first_row(infinite), remedy)


def _first_row(broken: pd.Series) -> str:
    return f"row {int(broken.to_numpy().argmax()) + 1:,} after the header"


def _propensity(read: pd.DataFrame, table: Mapping[str, Any], origin: Origin) -> pd.Series:
    if not isinstance(table["propensity"], str):
        chance = np.nan if table["propensity"] is None else table["propensity"]
        return pd.Series(chance, index=read.index, dtype=float)
    known = read["propensity"].astype(float)
    outside = known.notna() & ~((known > 0) & (known < 1))
    example = known[outside].iloc[0] if outside.any() else ""
    remedy = "Where everybody or nobody was treated there is nothing to compare: leave these rows out, or the chance empty."
    if (known > 1).any():
        remedy = "Write 0.5 for 50%."
    _refuse(origin, "propensity", outside, "whose chance is not between 0 and 1", f"{example:g}" if outside.any() else "", remedy)
    return known


def _numbered(values: pd.Series, kind: str, time_zero: pd.Series) -> tuple[pd.Series, pd.DataFrame]:
    """Identifiers as whole numbers, and the key of those that were text: campaigns by their days, else in the texts' order."""
    if pd.api.types.is_integer_dtype(values):
        return values.astype("int64"), pd.DataFrame({"kind": [], "number": [], "text": []})
    texts = pd.DataFrame({"text": values.astype(str), "day": time_zero}).drop_duplicates("text")
    texts = texts.sort_values(["day", "text"] if kind == "campaign" else ["text"], ignore_index=True)
    key = pd.DataFrame({"kind": kind, "number": np.arange(1, len(texts) + 1), "text": texts["text"]})
    return values.astype(str).map(key.set_index("text")["number"]).astype("int64"), key


def _require_no_other_meaning(origin: Origin, read: pd.DataFrame) -> None:
    """Refuse a campaign or segment that is called as results call all of them together."""
    for key in ("campaign_id", "segment"):
        if key in origin.columns:
            taken = read[key].astype(str) == ALL
            _refuse(origin, key, taken, f"called {ALL!r}, which is what results call all together", ALL, "Give it another name.")


def _require_once(rows: pd.DataFrame, origin: Origin, read: pd.DataFrame, table: Mapping[str, Any]) -> None:
    again = rows.duplicated(KEYS)
    remedy = "Keep one row of each." if table["campaign_id"] else "Keep one row of each, or name the column of the campaign."
    example = read["household_id"][again].iloc[0] if again.any() else ""
    _refuse(origin, "household_id", again, "of a customer who is in the same campaign before", example, remedy)


def _require_arms(rows: pd.DataFrame, origin: Origin, read: pd.DataFrame) -> None:
    """Refuse a table in which no campaign treats some customers and leaves out others."""
    share = rows.groupby("campaign_id")["treated"].mean()
    if not ((share > 0) & (share < 1)).any():
        everybody = "treated" if rows["treated"].all() else "not treated" if not rows["treated"].any() else "in one arm"
        each = " of each campaign" if len(share) > 1 else ""
        found = f"all {len(rows):,} rows{each} are" if len(rows) > 1 else "its only row is"
        raise DataError(
            f"{origin.place('treated')}: {found} {everybody}, for example customer {read['household_id'].iloc[0]}, so that "
            "there is nobody to compare with. Bring those who were left out, or treated, too."
        )


def _require_declared_share(rows: pd.DataFrame, origin: Origin, campaign: pd.Series) -> None:
    """Refuse a campaign with another share of treated than lots with its declared chances give; rows of known chances count.

    Whatever is made of the chances would be wrong, and a comparison of covariates does not tell. A campaign of one arm, which
    reached everybody or nobody whatever was declared of all, is no trial and is left out later.
    """
    several = rows["campaign_id"].nunique() > 1
    for _, own in rows.groupby("campaign_id"):
        lots = own[own["known_propensity"].notna()]
        treated, chance = lots["treated"], lots["known_propensity"]
        if own["treated"].nunique() == 1 or lots.empty or rare_count_p(treated, chance) >= TOO_RARE:
            continue
        which = f" of campaign {campaign[own.index[0]]}" if several else ""
        declared = f"the declared chance of {chance.iloc[0]:g} gives"
        apart = " (where campaigns had different chances, to a column that has each row's)" if several else ""
        if "propensity" in origin.columns:
            declared, apart = f"the chances of column {origin.columns['propensity'].name} give", ""
        raise DataError(
            f"{origin.place('treated')}: {treated.sum():,} of {counted(len(lots), 'row')}{which} are treated, where {declared} "
            f"{chance.sum():,.1f} on average, and a number as far from it less than once in {1 / TOO_RARE:,.0f} draws. Correct "
            f"data.table.propensity to the chance that lots had{apart}, or leave it out if nobody drew lots."
        )
