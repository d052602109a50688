"""One made-up retailer that plays its campaigns by a strategy: lists, what they bring, and the data that the next one sees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis.backends import BaseBackend
from numpy.typing import NDArray

from targeting.base.columns import PREFIX
from targeting.base.outputs import write_csv
from targeting.sources import simulated
from targeting.sources.simulation.campaigns import A_GAP_WEEKS, HISTORY_WEEKS, Campaign
from targeting.sources.simulation.world import Ahead, RetailerSettings, Shop, known_before, open_shop
from targeting.tables.assignments import draws, read_lots
from targeting.tables.covariates import baseline_covariates, keep_covariates
from targeting.tables.engine import connect
from targeting.tables.history import with_history
from targeting.tables.schemas import without_rows
from targeting.trials.candidates import next_candidates, next_time_zero
from targeting.trials.lay_out import eligible_rows, planned_trials
from targeting.trials.lots import drawn_in, lot_rows
from targeting.trials.trials import Trial, in_trial, trial_rows

FIRST_DAY = date(2016, 1, 4)
PAST, CAMPAIGNS = 4, 10  # campaigns of type A that the retailer chose by itself, then those of the league
OUTCOME = "purchase_amount"
# The published study's features, and what a campaign's own past says: fewer covariates than the pipeline's sixty are quicker.
COVARIATES = (
    *("recency", "days_between_purchases_avg", "frequency", "frequency_per_week", "purchase_regularity", "monetary_sales"),
    *("monetary_avg_basket_sales", "monetary_std", "coupon_savings_ratio", "discount_usage_pct", "private_label_ratio"),
    *("n_departments", "n_products", "avg_items_per_basket", "share_grocery", "share_fresh", "share_bakery"),
    *("share_health_beauty", "share_alcohol", "spend_28d", "spend_56d", "visits_28d", "visits_56d"),
    *("campaigns_a", "campaigns_b", "campaigns_c", "campaigns_running", "redemptions"),
)
NOT_LEARNED = ["purchase_count", "before_purchase_count", "coupon_discount", "coupon_match_discount"]
Params = Mapping[str, Any]
Tables = Mapping[str, ir.Table]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class BeforeCampaign:
    """What a retailer has before a campaign: the rows of its trials so far, and every household as it stands (`candidates`)."""

    rows: pd.DataFrame
    candidates: pd.DataFrame


@dataclass(frozen=True)
class Played:
    """A retailer after a campaign by some strategy: what it had `before` that one, and the campaign that is `ahead`.

    `listed` is the mailing list that it gives back, None where no lot decided on anybody.
    """

    shop: Shop
    ahead: Ahead
    before: BeforeCampaign
    listed: pd.DataFrame | None


def retailer_settings(cell: Mapping[str, Any], households: int, seed: int, campaigns: int = CAMPAIGNS) -> RetailerSettings:
    """A retailer of a cell (effect, and what of wear_out and hidden it has), with good overlap in its own past."""
    number = PAST + campaigns
    weeks = HISTORY_WEEKS + number * A_GAP_WEEKS
    return RetailerSettings(households, weeks, "good", first_day=FIRST_DAY, seed=seed, campaigns=number, **cell)


def observed_past(settings: RetailerSettings) -> Shop:
    """The retailer after its own campaigns."""
    shop = open_shop(settings)
    for campaign in campaigns_of(shop)[:PAST]:
        ahead = shop.ahead(campaign)
        shop = shop.after(ahead, shop.by_the_retailer(ahead))
    return shop


def campaigns_of(shop: Shop) -> list[Campaign]:
    """The campaigns of type A, in order."""
    return [campaign for campaign in shop.campaigns if campaign.type == "A"]


def first_seen(shops: Sequence[tuple[Shop, Ahead]], params: Params) -> list[BeforeCampaign]:
    """What each of several such retailers has before the league's first campaign, laid out as in `next_seen`."""
    n, design = shops[0][0].shoppers.n, params["design"]
    with connect(params["engine"]) as backend:
        tables = with_history(backend, simulated.as_tables(backend, _together([_frames(*one) for one in shops], n)))
        trials = planned_trials(tables, design)
        time_zeros = [*(trial.time_zero for trial in trials), next_time_zero(tables)]
        covariates = keep_covariates(backend, tables, time_zeros, design["recent_days"])
        rows = _kept(eligible_rows(tables, covariates, trials, design))
        candidates = _candidates(tables, covariates, params)
    return [BeforeCampaign(*own) for own in zip(*(_apart(table, len(shops), n) for table in (rows, candidates)), strict=True)]


def next_seen(played: Sequence[Played], params: Params) -> list[BeforeCampaign]:
    """What retailers of one number have before a campaign, one by one: what each had before the last one, and how that went.

    They differ in strategy or cell, and share calendar and products. All are laid out as one, the households of each numbered
    after those of the one before: what the tables say of a household depends on no other, and queries take longer to build than
    to run. Covariates at a trial's time zero are those that its candidates had on that day, and are not reckoned twice.
    """
    n, design = played[0].shop.shoppers.n, params["design"]
    lists = [_numbered(one.listed, place * n) for place, one in enumerate(played) if one.listed is not None]
    with connect(params["engine"]) as backend:
        frames = _together([_frames(one.shop, one.ahead) for one in played], n)
        tables = with_history(backend, simulated.as_tables(backend, frames))
        trial = planned_trials(tables, design)[-1]
        arms = _arms(backend, tables, trial, lists, design["eligible"])
        now = baseline_covariates(tables, [next_time_zero(tables)], design["recent_days"])
        candidates = _candidates(tables, now, params)
    own_arms, own_candidates = (_apart(table, len(played), n) for table in (arms, candidates))
    return [BeforeCampaign(_with_last(*own), after) for *own, after in zip(played, own_arms, own_candidates, strict=True)]


def _arms(backend: BaseBackend, tables: Tables, trial: Trial, lists: Sequence[pd.DataFrame], eligible: str) -> pd.DataFrame:
    """The last trial's rows as if observed, by_lot 0; and of those on the lists, which are given back in a file, by lot."""
    about = tables["receipts"], tables["campaigns"], tables["campaign_targets"]
    arms = [trial_rows(trial, *about, eligible).execute()]
    if lists:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "mailing_list.csv"
            write_csv(pd.concat(lists), path)
            files = read_lots(backend, [str(path)])
            given, _ = draws(files, tables, without_rows("campaign_targets"), simulated.ORIGINS)
            if (lots := drawn_in(trial, {"assignments": given})) is not None:
                arms.append(lot_rows(trial, lots, tables).execute())
    return pd.concat([in_trial(rows, trial) for rows in arms], ignore_index=True)


def _with_last(one: Played, arms: pd.DataFrame) -> pd.DataFrame:
    """The rows that a strategy had, and those of the last trial: by lot where its list was given back."""
    own = arms[arms["by_lot"] == int(one.listed is not None)]
    covariates = one.before.candidates[["household_id", *_covariates(one.before.candidates)]]
    rows = _kept(own.merge(covariates, on="household_id", validate="one_to_one"))
    return pd.concat([one.before.rows, rows]).sort_values(["trial", "household_id"], ignore_index=True)


def _together(frames: Sequence[dict[str, pd.DataFrame]], n: int) -> dict[str, pd.DataFrame]:
    """The tables of several retailers of n households as those of one large one; what has no household they share."""
    last = max(int(one["transactions"]["basket_id"].max()) for one in frames)
    own = {
        name: pd.concat([_numbered(one[name], place * n, place * last) for place, one in enumerate(frames)], ignore_index=True)
        for name, table in frames[0].items()
        if "household_id" in table
    }
    return {**frames[0], **own}


def _numbered(table: pd.DataFrame, households: int, baskets: int = 0) -> pd.DataFrame:
    """The table with its households, and its baskets if it has any, numbered from so many on."""
    later = {"household_id": households, "basket_id": baskets}
    return table.assign(**{name: table[name] + more for name, more in later.items() if name in table})


def _apart(table: pd.DataFrame, retailers: int, n: int) -> list[pd.DataFrame]:
    """The rows of each retailer, its households numbered from 1 again."""
    place = (table["household_id"] - 1) // n
    return [_numbered(table[place == number], -number * n).reset_index(drop=True) for number in range(retailers)]


def _frames(shop: Shop, ahead: Ahead) -> dict[str, pd.DataFrame]:
    """The tables on the evening before a campaign. Promotions move no purchase, and are left out, as a source may."""
    day = pd.Timestamp(FIRST_DAY) + pd.Timedelta(days=ahead.campaign.start)
    frames = known_before(shop.tables(), day)
    return {**frames, "promotions": frames["promotions"].head(0)}


def _candidates(tables: Tables, covariates: ir.Table, params: Params) -> pd.DataFrame:
    candidates = next_candidates(tables, covariates, params["design"], repeated=True)
    return candidates[[name for name in candidates if not name.startswith(PREFIX) or name in _covariates(candidates)]]


def _covariates(table: pd.DataFrame) -> list[str]:
    return [f"{PREFIX}{name}" for name in COVARIATES if f"{PREFIX}{name}" in table]


def _kept(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with OUTCOME alone and the league's covariates."""
    others = [name for name in rows if name.startswith(PREFIX) and name not in _covariates(rows)]
    return rows.drop(columns=[*others, *(name for name in NOT_LEARNED if name in rows)])


def true_profit(ahead: Ahead, chosen: Mask, cost: float, margin: float) -> float:
    """What mailing the `chosen` (n,) truly earns, per household of the retailer, in USD: expected, of all days that it moves."""
    effect = ahead.effect[OUTCOME].to_numpy()
    return float((chosen * (margin * effect - cost)).mean())


def oracle(ahead: Ahead, n: int, cost: float, margin: float) -> Mask:
    """Exactly those (n,) whose true effect in this campaign exceeds the breakeven."""
    chosen = np.zeros(n, dtype=bool)
    effect = ahead.effect[OUTCOME].to_numpy()[ahead.households]
    chosen[ahead.households] = margin * effect > cost
    return chosen
