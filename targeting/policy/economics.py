"""What a contact costs and what a sale earns: one number, one per campaign, or one per household."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import KEYS
from targeting.base.errors import DataError
from targeting.base.identifiers import own_identifiers
from targeting.policy.contact_price import priced
from targeting.policy.household_table import CAMPAIGN, HOUSEHOLD, KINDS, is_column, read_household_table

Vector = NDArray[np.float64]
EXAMPLES = 5  # households that a message names


@dataclass(frozen=True)
class Economics:
    """Cost in USD per household contacted, and profit per USD of sales (above 0): numbers, or arrays (rows,)."""

    cost: float | Vector
    margin: float | Vector

    @property
    def breakeven(self) -> float | Vector:
        """The effect on sales, in USD, at which a contact pays for itself."""
        return self.cost / self.margin

    def scaled(self, cost: float, margin: float) -> "Economics":
        """Costs and margins times these factors, also where they differ from row to row."""
        return Economics(self.cost * cost, self.margin * margin)

    def rows(self, chosen: NDArray[np.bool_]) -> "Economics":
        """The same for some rows."""
        return Economics(*(value if np.ndim(value) == 0 else np.asarray(value)[chosen] for value in (self.cost, self.margin)))

    def averages(self) -> dict[str, float]:
        """Mean cost and margin over rows, and the breakeven of the two; the numbers themselves where they do not vary."""
        cost, margin = float(np.mean(self.cost)), float(np.mean(self.margin))
        return {"cost": cost, "margin": margin, "breakeven": cost / margin}


def load_economics(policy: Mapping[str, Any], keys: pd.DataFrame, campaign_type: str, key: pd.DataFrame) -> Economics:
    """Cost and margin by the section `policy` of params.yaml; its table (CSV or Parquet) is read where one of them is a column.

    `keys` are the panel's rows: household_id, campaign_id. The table has the user's own, to which `key` (data/tables/
    identifiers.parquet) leads. Raises DataError as `amounts` does.
    """
    table = read_household_table(policy, key)
    own = keys if table is None else keys.assign(**{name: own_identifiers(keys[name], kind, key) for name, kind in KINDS.items()})

    def amount(name: str) -> float | Vector:
        by = own if is_column(policy[name]) else keys
        return amounts(policy[name], f"policy.{name}", by, campaign_type, table)

    return Economics(amount("cost"), amount("margin"))


def economics_of_rows(params: Mapping[str, Any], caused: pd.DataFrame, rows: pd.DataFrame, key: pd.DataFrame) -> Economics:
    """What contacting each of the panel's `rows` (with the columns KEYS) costs and earns; `params` has policy and design.

    `caused` are the discounts that a mailing causes, by which policy.costs may price it; `key` is as for `load_economics`.
    """
    return load_economics(priced(params["policy"], caused), rows[KEYS], params["design"]["campaign_type"], key)


def next_economics(
    policy: Mapping[str, Any], household_id: pd.Series, campaign_type: str, past: Economics, key: pd.DataFrame
) -> Economics:
    """Cost and margin of contacting these households (n,) in a next campaign, by the section `policy` of params.yaml.

    By household they are the table's; where that differs by campaign too, the household's mean over its campaigns. What is given
    by campaign, and not for the type `campaign_type`, is not known of a campaign to come: it is taken from `past`, the means over
    the rows of past ones. `key` is as for `load_economics`. Raises DataError for a household that the table
    lacks, and as `amounts` does.
    """
    table = read_household_table(policy, key)
    keys = own_identifiers(household_id, KINDS[HOUSEHOLD], key).rename(HOUSEHOLD).to_frame()

    def upcoming(name: str) -> float | Vector:
        setting = policy[name]
        if is_column(setting):
            return _by_household(setting["column"], name, keys, table, policy["table"])
        if isinstance(setting, Mapping):
            by_campaign = {str(key): float(value) for key, value in setting.items()}
            return by_campaign.get(campaign_type, getattr(past, name))
        return float(setting)

    return Economics(upcoming("cost"), upcoming("margin"))


def amounts(setting: Any, name: str, keys: pd.DataFrame, campaign_type: str, table: pd.DataFrame | None) -> float | Vector:
    """What `setting` (policy.cost or policy.margin, called `name` in messages) says of each row of `keys`.

    A number is itself. A mapping gives a value by campaign: by its number, or else by its type; `keys` has household_id,
    campaign_id, all of the type `campaign_type`. {column: NAME} is a column of `table`, by household_id and, if it has one,
    campaign_id.
    Raises DataError for a campaign or household without a value, and for values in a table that are not above 0.
    """
    if not isinstance(setting, Mapping):
        return float(setting)
    if "column" in setting:
        if table is None:
            raise ValueError(f"{name} is a column, so that its table is needed.")
        return _from_table(setting["column"], name, keys, table)
    by_campaign = {str(key): float(value) for key, value in setting.items()}
    campaigns = keys[CAMPAIGN].astype(str)
    lacking = sorted(set(campaigns) - set(by_campaign), key=int)
    if lacking and campaign_type not in by_campaign:
        raise DataError(
            f"{name} has no value for campaign {', '.join(lacking)} (type {campaign_type}); it has {', '.join(by_campaign)}. "
            "Give one for each campaign, or one for the type."
        )
    if len(lacking) == campaigns.nunique():
        return by_campaign[campaign_type]
    return campaigns.map(lambda campaign: by_campaign.get(campaign, by_campaign.get(campaign_type))).to_numpy(dtype=float)


def _from_table(column: str, name: str, keys: pd.DataFrame, table: pd.DataFrame) -> Vector:
    by = [key for key in (HOUSEHOLD, CAMPAIGN) if key in table]
    if HOUSEHOLD not in by or column not in table:
        raise DataError(f"policy.table has the columns {', '.join(table.columns)}; {name} needs {HOUSEHOLD} and {column}.")
    repeated = int(table.duplicated(by).sum())
    if repeated:
        raise DataError(f"policy.table has {repeated:,} rows whose {', '.join(by)} came before: keep one of each.")
    values = keys.merge(table[[*by, column]], on=by, how="left", validate="many_to_one")[column].to_numpy(dtype=float)
    unusable = ~(np.isfinite(values) & (values > 0))
    if unusable.any():
        example = keys[unusable].iloc[0]
        raise DataError(
            f"{name} ({column} of policy.table) is missing or not above 0 for {unusable.sum():,} of {len(keys):,} rows, "
            f"for example household {example[HOUSEHOLD]}: give every household of the trials a value above 0."
        )
    return values


def _by_household(column: str, name: str, keys: pd.DataFrame, table: pd.DataFrame, path: str) -> Vector:
    """The column's value of each household of `keys`, or the mean over its rows of the table where that has campaigns."""
    lacking = keys[HOUSEHOLD][~keys[HOUSEHOLD].isin(table[HOUSEHOLD])]
    if len(lacking):
        some = ", ".join(map(str, lacking.head(EXAMPLES)))
        raise DataError(
            f"{path} has no row for {len(lacking):,} of {len(keys):,} households that the next campaign may reach, for example "
            f"{some}: policy.{name} is its column {column}, so add them."
        )
    rows = keys.merge(table[[HOUSEHOLD, CAMPAIGN]], on=HOUSEHOLD) if CAMPAIGN in table else keys
    values = pd.Series(_from_table(column, f"policy.{name}", rows, table), index=rows[HOUSEHOLD])
    return values.groupby(level=0).mean()[keys[HOUSEHOLD]].to_numpy()
