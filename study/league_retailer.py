"""One made-up retailer that plays its campaigns by a strategy: lists, what they bring, and the data that the next one sees."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import PREFIX
from targeting.sources import simulated
from targeting.sources.simulation.campaigns import A_GAP_WEEKS, HISTORY_WEEKS, Campaign
from targeting.sources.simulation.world import Ahead, RetailerSettings, Shop, known_before, open_shop
from targeting.tables.assignments import draws, no_draws, read_lots
from targeting.tables.covariates import baseline_covariates, keep_covariates
from targeting.tables.engine import connect
from targeting.tables.history import with_history
from targeting.tables.schemas import without_rows
from targeting.trials.candidates import next_candidates, next_time_zero
from targeting.trials.lay_out import eligible_rows, planned_trials
from targeting.trials.lots import drawn_in, lot_rows
from targeting.trials.trials import in_trial, trial_rows

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
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Seen:
    """What a retailer has before a campaign: the rows of its trials so far, and every household as it stands (`candidates`)."""

    rows: pd.DataFrame
    candidates: pd.DataFrame


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


def first_seen(shop: Shop, ahead: Ahead, params: Params) -> Seen:
    """What the retailer has before the league's first campaign."""
    with connect(params["engine"]) as backend:
        tables, design = with_history(backend, simulated.as_tables(backend, _frames(shop, ahead))), params["design"]
        trials = planned_trials(tables, design)
        time_zeros = [*(trial.time_zero for trial in trials), next_time_zero(tables)]
        covariates = keep_covariates(backend, tables, time_zeros, design["recent_days"])
        return Seen(_kept(eligible_rows(tables, covariates, trials, design)), _candidates(tables, covariates, params))


def next_seen(shop: Shop, ahead: Ahead, before: Seen, listed: Path | None, params: Params) -> Seen:
    """What the retailer has before the campaign that is `ahead`: what it had `before` the last one, and how that one went.

    `listed` is the last campaign's list, given back, where lots decided. Covariates at a trial's time zero are those that its
    candidates had on that day, and are not reckoned twice.
    """
    with connect(params["engine"]) as backend:
        tables = with_history(backend, simulated.as_tables(backend, _frames(shop, ahead)))
        design, trial = params["design"], planned_trials(tables, params["design"])[-1]
        files = {} if listed is None else read_lots(backend, [str(listed)])
        given = draws(files, tables, without_rows("campaign_targets"), simulated.ORIGINS)[0] if files else no_draws()
        about = tables["receipts"], tables["campaigns"], tables["campaign_targets"]
        lots = drawn_in(trial, {"assignments": given})
        arms = trial_rows(trial, *about, design["eligible"]) if lots is None else lot_rows(trial, lots, tables)
        covariates = before.candidates[["household_id", *_covariates(before.candidates)]]
        rows = in_trial(arms.execute().merge(covariates, on="household_id", validate="one_to_one"), trial)
        known = pd.concat([before.rows, _kept(rows)]).sort_values(["trial", "household_id"], ignore_index=True)
        now = baseline_covariates(tables, [next_time_zero(tables)], design["recent_days"])
        return Seen(known, _candidates(tables, now, params))


def _frames(shop: Shop, ahead: Ahead) -> dict[str, pd.DataFrame]:
    """The tables on the evening before a campaign. Promotions move no purchase, and are left out, as a source may."""
    day = pd.Timestamp(FIRST_DAY) + pd.Timedelta(days=ahead.campaign.start)
    frames = known_before(shop.tables(), day)
    return {**frames, "promotions": frames["promotions"].head(0)}


def _candidates(tables: Mapping[str, Any], covariates: ir.Table, params: Params) -> pd.DataFrame:
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
