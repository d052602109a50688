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
from targeting.sources.encoding import encoded
from targeting.tables.files import read_table
from targeting.tables.origins import Column, Origin
from targeting.tables.problems import counted

SOURCE = "panel"
EVERYBODY = "Everybody"  # the segment, where the table names none
ONE_CAMPAIGN = 1


@dataclass(frozen=True)
class Customers:
    """The table as the pipeline goes on with it, and the key to identifiers that were text (kind, number, text).

    rows: household_id, campaign_id, time_zero (missing without days), treated (0/1), the outcomes, by_lot (0/1),
    known_propensity (missing where lots did not decide), segment, and covariates x_*; ordered by campaign and household.
    """

    rows: pd.DataFrame
    identifiers: pd.DataFrame


def read_customers(backend: BaseBackend, data: Mapping[str, Any]) -> Customers:
    """The table of `data.path` by `data.table` (see targeting.base.customer_table).

    Raises DataError for a missing file or column, values that cannot be read, missing treatments or outcomes, chances outside (0,
    1), a customer who is there twice in a campaign, campaigns of one arm alone, and covariates that never vary.
    """
    table, path = data["table"], Path(data["path"])
    origin = _origin(table, path.name)
    read = read_table(backend, path, origin).execute()
    _require_all(read, origin, ["household_id", "treated", *(key_of("outcome", name) for name in table["outcomes"])])
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
    _require_once(rows, origin, read, table)
    _require_arms(rows, origin, read, table)
    rows = rows.join(encoded(read, [key_of("numeric", name) for name in table["numeric"]], table["categorical"]))
    if not any(name.startswith(PREFIX) for name in rows):
        raise DataError(
            f"{origin.file}: every column of data.table.numeric and data.table.categorical has one value in all rows: name some "
            "that tell customers apart."
        )
    identifiers = pd.concat(keys, ignore_index=True)
    return Customers(rows.sort_values(["campaign_id", "household_id"], ignore_index=True), identifiers)


def key_of(part: str, name: str) -> str:
    """How a column is called between reading and encoding: its part, and the outcome's or the user's own name."""
    return f"{part} {name}"


def _origin(table: Mapping[str, Any], file: str) -> Origin:
    dates = None if table["dates"] == "YYYY-MM-DD" else table["dates"]
    columns = {
        "household_id": Column(table["customer_id"], "string"),
        "treated": Column(table["treated"], "boolean"),
        **{key_of("outcome", name): Column(own, "float64") for name, own in table["outcomes"].items()},
        **{key_of("numeric", name): Column(name, "float64") for name in table["numeric"]},
        **{key_of("categorical", name): Column(name, "string") for name in table["categorical"]},
    }
    optional = {"campaign_id": "string", "day": "date", "segment": "string"}
    columns |= {name: Column(table[name], kind) for name, kind in optional.items() if table[name]}
    if isinstance(table["propensity"], str):
        columns["propensity"] = Column(table["propensity"], "float64")
    if "day" in columns:
        columns["day"] = Column(table["day"], "date", dates)
    return Origin(file, columns, encoding=table["encoding"])


def _refuse(origin: Origin, key: str, broken: pd.Series, what: str, example: object, remedy: str) -> None:
    """Raise DataError where any row is `broken`."""
    if broken.any():
        count = counted(int(broken.sum()), "row")
        raise DataError(f"{origin.place(key)}: {count} {what}, for example {example}. {remedy}")


def _require_all(read: pd.DataFrame, origin: Origin, keys: list[str]) -> None:
    for key in keys:
        missing = read[key].isna()
        if key not in ("household_id", "treated"):
            missing |= ~np.isfinite(read[key].astype(float).fillna(0.0))
        first = int(missing.to_numpy().argmax()) + 1
        remedy = "Write 0 where nothing came of it, and leave out rows of which it is not known."
        if key in ("household_id", "treated"):
            remedy = "Fill it in, or leave these rows out."
        _refuse(origin, key, missing, "without a finite value", f"the {first}. row", remedy)


def _propensity(read: pd.DataFrame, table: Mapping[str, Any], origin: Origin) -> pd.Series:
    if not isinstance(table["propensity"], str):
        chance = np.nan if table["propensity"] is None else table["propensity"]
        return pd.Series(chance, index=read.index, dtype=float)
    known = read["propensity"].astype(float)
    outside = known.notna() & ~((known > 0) & (known < 1))
    example = known[outside].iloc[0] if outside.any() else ""
    remedy = "Where everybody or nobody was treated there is nothing to compare: leave these rows out, or the chance empty."
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


def _require_once(rows: pd.DataFrame, origin: Origin, read: pd.DataFrame, table: Mapping[str, Any]) -> None:
    again = rows.duplicated(KEYS)
    remedy = "Keep one row of each." if table["campaign_id"] else "Keep one row of each, or name the column of the campaign."
    example = read["household_id"][again].iloc[0] if again.any() else ""
    _refuse(origin, "household_id", again, "of a customer who is in the same campaign before", example, remedy)


def _require_arms(rows: pd.DataFrame, origin: Origin, read: pd.DataFrame, table: Mapping[str, Any]) -> None:
    """Refuse a table in which no campaign treats some customers and leaves out others."""
    share = rows.groupby("campaign_id")["treated"].mean()
    if not ((share > 0) & (share < 1)).any():
        everybody = "treated" if rows["treated"].all() else "not treated" if not rows["treated"].any() else "in one arm"
        raise DataError(
            f"{origin.place('treated')}: all {len(rows):,} rows{' of each campaign' if len(share) > 1 else ''} are {everybody}, "
            f"for example customer {read['household_id'].iloc[0]}, so that there is nobody to compare with. Bring those who were "
            "left out, or treated, too."
        )
