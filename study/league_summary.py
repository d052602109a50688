"""What the league says: profits by strategy and campaign, and what each earned in all, with Monte Carlo errors."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from study.league_play import ORACLE
from study.league_strategies import PLUG_IN

Vector = NDArray[np.float64]
LATE = 5  # from this campaign on a strategy is to know what it does
KEY = ["cell", "strategy"]


def by_campaign(played: pd.DataFrame) -> pd.DataFrame:
    """One row per cell, strategy and campaign of the rows of `play_retailer`.

    Columns: cell, strategy, campaign, n (retailers), profit (USD per household) and cumulative, the sum up to this campaign, each
    with *_se; mailed and by_lot (shares of households).
    """
    ordered = played.sort_values([*KEY, "retailer", "campaign"], ignore_index=True)
    ordered["cumulative"] = ordered.groupby([*KEY, "retailer"])["profit"].cumsum()
    groups = ordered.groupby([*KEY, "campaign"], sort=False)
    money = ["profit", "cumulative"]
    table = groups[[*money, "mailed", "by_lot"]].mean().join(groups[money].sem().add_suffix("_se"))
    return table.join(groups.size().rename("n")).reset_index()


def by_strategy(played: pd.DataFrame) -> pd.DataFrame:
    """One row per cell and strategy; money in USD per household and campaign, each mean with *_se over retailers.

    Columns: cell, strategy, n, profit (over all campaigns), late (from campaign LATE on), over_plug_in (profit less that of the
    plug-in, retailer by retailer), share (late profit as a share of the oracle's; missing where that earns nothing), mailed and
    by_lot (shares of households, over all campaigns).
    """
    whole = played.groupby([*KEY, "retailer"], as_index=False)[["profit", "mailed", "by_lot"]].mean()
    late = played[played["campaign"] >= LATE].groupby([*KEY, "retailer"], as_index=False)["profit"].mean()
    table = whole.merge(late.rename(columns={"profit": "late"}), on=[*KEY, "retailer"], validate="one_to_one")
    rows = []
    for cell, own in table.groupby("cell", sort=False):
        by_retailer = own.set_index(["strategy", "retailer"])
        for strategy, its in own.groupby("strategy", sort=False):
            lead = (by_retailer.loc[strategy, "profit"] - by_retailer.loc[PLUG_IN, "profit"]).to_numpy()
            share, share_se = _ratio(*(by_retailer.loc[name, "late"].to_numpy() for name in (strategy, ORACLE)))
            row = {"cell": cell, "strategy": strategy, "n": len(its), "share": share, "share_se": share_se}
            for name, values in (("profit", its["profit"]), ("late", its["late"]), ("over_plug_in", lead)):
                row |= {name: float(np.mean(values)), f"{name}_se": _error(np.asarray(values))}
            rows.append(row | its[["mailed", "by_lot"]].mean().to_dict())
    return pd.DataFrame(rows)


def _error(values: Vector) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan


def _ratio(values: Vector, base: Vector) -> tuple[float, float]:
    """The ratio of two means and its standard error by the delta method; missing where the base is nothing."""
    if not base.mean() > 0:
        return np.nan, np.nan
    ratio = values.mean() / base.mean()
    return float(ratio), _error(values - ratio * base) / float(base.mean())
