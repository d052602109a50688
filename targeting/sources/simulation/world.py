"""The made-up retailer as a whole: its canonical tables, and the truth about its campaigns of type A.

Purchases that no campaign causes are drawn first, for all days, from streams of their own: worlds of one seed share them
whatever their overlap and effect, and so do a household's potential outcomes. A mailing adds baskets or takes some away.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.sources.simulation.campaigns import (
    LOT_CHANCE,
    N_A,
    Campaign,
    Response,
    calendar,
    coming,
    expected_effect,
    expected_without,
    lot_trips,
    mailing_chance,
    purchase_history,
    response,
)
from targeting.sources.simulation.catalogue import FIRST_PRODUCT, FIRST_STORE, FUEL, Catalogue, make_catalogue, make_promotions
from targeting.sources.simulation.draws import Purpose, stream
from targeting.sources.simulation.shoppers import Shoppers, basket_value, make_demographics, make_shoppers
from targeting.sources.simulation.shopping import campaign_trips, fill, own_visits, stores, with_totals

NO_LISTS: Mapping[int, Collection[int]] = {}
TOWN = 2500  # households at most that live in one town, and are drawn at a time
FIRST_BASKET = 50_000_001
BASKETS = 100_000_000  # numbers that a town has for its baskets
COUPON_PRODUCTS = {"A": 150, "B": 40, "C": 60}
PRODUCTS_A_COUPON = 10
# Of the lines that a mailed household could use a coupon for, the share on which one that takes every deal does.
REDEEMED = 0.06
COUPON_SHARE = 0.4  # of the line's sales; the maker pays the retailer back, so that sales stay what they are


@dataclass(frozen=True)
class RetailerSettings:
    """How large the retailer is, how it mails and what that does; first_day is a Monday for whole weeks.

    campaigns: of type A, at most. wear_out: the share of its effect that a campaign of type A loses with each earlier one that
    the household was mailed. hidden: what one standard deviation of visits to come, which no table shows, adds to the log odds
    of being mailed where the retailer chooses. town: the number of the town whose households these are (see `towns`), of whom
    the first has the id first_household.
    """

    households: int
    weeks: int
    overlap: str
    effect: str
    seed: int
    first_day: date
    campaigns: int = N_A
    wear_out: float = 0.0
    hidden: float = 0.0
    town: int = 0
    first_household: int = 1

    def draws(self, purpose: Purpose, number: int = 0) -> np.random.Generator:
        """What is drawn for these households, for one purpose and campaign."""
        return stream(self.seed, purpose, number, self.town)


def towns(settings: RetailerSettings) -> Iterator[RetailerSettings]:
    """The retailer's towns, as large as each other and TOWN at most, so that no more households than one's need memory at once.

    They have campaigns, coupons, products and promotions in common. Each mails its own: whoever is engaged among its households.
    """
    ends = np.linspace(0, settings.households, -(-settings.households // TOWN) + 1).astype(int).tolist()
    for number, (first, last) in enumerate(pairwise(ends)):
        yield replace(settings, households=last - first, town=number, first_household=1 + first)


@dataclass(frozen=True)
class Retailer:
    """Canonical tables by name, money in whole cents; and the truth, one row per household with a history and type A campaign."""

    tables: Mapping[str, pd.DataFrame]
    truth: pd.DataFrame


@dataclass(frozen=True)
class Purchases:
    """Baskets with their totals, and lines whose `basket` is the basket's row."""

    baskets: pd.DataFrame
    lines: pd.DataFrame

    def without(self, gone: NDArray[np.bool_]) -> "Purchases":
        """The purchases less the baskets that `gone` (baskets,) marks."""
        number = np.cumsum(~gone) - 1
        basket = self.lines["basket"].to_numpy()
        kept = self.lines[~gone[basket]]
        lines = kept.assign(basket=number[kept["basket"].to_numpy()])
        return Purchases(self.baskets[~gone].reset_index(drop=True), lines.reset_index(drop=True))

    def plus(self, *others: "Purchases") -> "Purchases":
        """All together."""
        parts = [self, *others]
        first = np.cumsum([0, *(len(part.baskets) for part in parts)])
        lines = [part.lines.assign(basket=part.lines["basket"] + start) for part, start in zip(parts, first, strict=False)]
        return Purchases(pd.concat([part.baskets for part in parts], ignore_index=True), pd.concat(lines, ignore_index=True))


@dataclass(frozen=True)
class Ahead:
    """A campaign of type A before its first day, for the `households` (rows,) that have a history.

    chance: of being mailed, as the retailer chooses. without and effect: expected outcomes if not mailed, and what a mailing
    adds, of all (n,). answer: how all would respond.
    """

    campaign: Campaign
    households: NDArray[np.int64]
    chance: NDArray[np.float64]
    without: pd.DataFrame
    effect: pd.DataFrame
    answer: Response


@dataclass(frozen=True)
class Shop:
    """The retailer on its way: purchases of all days, without what campaigns of type A still to come will change; who was mailed.

    `mailed` (n,) by campaign has all of types B and C, and those of type A so far.
    """

    settings: RetailerSettings
    catalogue: Catalogue
    shoppers: Shoppers
    campaigns: list[Campaign]
    purchases: Purchases
    mailed: Mapping[Campaign, NDArray[np.bool_]]

    def ahead(self, campaign: Campaign) -> Ahead:
        """What is known, by nature, of a campaign of type A after those before it."""
        settings, shoppers, baskets = self.settings, self.shoppers, self.purchases.baskets
        past = purchase_history(baskets, campaign.start)
        hint = settings.hidden * coming(baskets, campaign, shoppers)[past.index] if settings.hidden else 0.0
        earlier = sum((who.astype(float) for other, who in self.mailed.items() if other.type == "A"), np.zeros(shoppers.n))
        answer = response(campaign, past, shoppers, settings.effect, (1 - settings.wear_out) ** earlier)
        by_lot = {other: who for other, who in self.mailed.items() if other.type != "A"}
        value = basket_value(shoppers, self.catalogue)
        return Ahead(
            campaign,
            past.index.to_numpy(),
            mailing_chance(past, settings.overlap, hint),
            expected_without(campaign, by_lot, shoppers, value, settings.effect),
            expected_effect(campaign, answer, shoppers, value),
            answer,
        )

    def by_the_retailer(self, ahead: Ahead) -> NDArray[np.bool_]:
        """Whom the retailer itself mails (n,), by its chances."""
        lots = self.settings.draws(Purpose.LOTS, ahead.campaign.campaign_id).random(self.shoppers.n)
        chosen = np.zeros(self.shoppers.n, dtype=bool)
        chosen[ahead.households] = lots[ahead.households] < ahead.chance
        return chosen

    def after(self, ahead: Ahead, chosen: NDArray[np.bool_]) -> "Shop":
        """The retailer after the households in `chosen` (n,) were mailed."""
        purchases = respond(self.purchases, ahead.campaign, ahead.answer, chosen, self.shoppers, self.catalogue, self.settings)
        return replace(self, purchases=purchases, mailed={**self.mailed, ahead.campaign: chosen})

    def tables(self) -> dict[str, pd.DataFrame]:
        """The canonical tables, money in whole cents, of all days and campaigns so far."""
        mailed = {campaign: self.mailed[campaign] for campaign in self.campaigns if campaign in self.mailed}
        return _tables(self.settings, self.purchases, self.shoppers, self.catalogue, mailed)


def open_shop(settings: RetailerSettings) -> Shop:
    """The retailer of these settings before its first campaign of type A."""
    n_days = 7 * settings.weeks
    catalogue = make_catalogue(stream(settings.seed, Purpose.CATALOGUE))
    shoppers = make_shoppers(settings.households, settings.first_day, n_days, settings.draws(Purpose.SHOPPERS))
    campaigns = calendar(settings.weeks, settings.campaigns)
    visits = own_visits(shoppers, 0, n_days - 1, settings.draws(Purpose.VISITS))
    lots = {c: settings.draws(Purpose.LOTS, c.campaign_id).random(shoppers.n) for c in campaigns if c.type != "A"}
    by_lot = {c: drawn < LOT_CHANCE[c.type] for c, drawn in lots.items()}
    extra = {c: np.where(who, lot_trips(c, settings.effect), 0.0) for c, who in by_lot.items()}
    trips = [_trips(expected, c, shoppers, catalogue, settings) for c, expected in extra.items()]
    purchases = _filled(visits, shoppers, catalogue, settings, 0).plus(*trips)
    return Shop(settings, catalogue, shoppers, campaigns, purchases, by_lot)


def simulate(settings: RetailerSettings, lists: Mapping[int, Collection[int]] = NO_LISTS) -> Retailer:
    """The retailer of these settings; the same settings give the same tables.

    `lists` has, for campaigns of type A by number, the households that somebody else chose to mail, in place of the retailer.
    What came before a campaign does not depend on its list.
    """
    shop, truths = open_shop(settings), []
    for campaign in shop.campaigns:
        if campaign.type == "A":
            ahead = shop.ahead(campaign)
            chosen = shop.by_the_retailer(ahead)
            if campaign.campaign_id in lists:
                chosen[ahead.households] = np.isin(ahead.households + settings.first_household, list(lists[campaign.campaign_id]))
            truths.append(_truth(ahead, shop.shoppers, settings))
            shop = shop.after(ahead, chosen)
    return Retailer(shop.tables(), pd.concat(truths, ignore_index=True))


def known_before(tables: Mapping[str, pd.DataFrame], day: pd.Timestamp) -> dict[str, pd.DataFrame]:
    """The tables as they are on the evening before `day`: campaigns that have begun, and what was bought and redeemed."""
    campaigns, lines, redemptions = tables["campaigns"], tables["transactions"], tables["redemptions"]
    known = campaigns[campaigns["start_day"] < day]
    lines = lines[lines["day"] < day]
    own = {name: tables[name] for name in ("campaign_targets", "coupons")} | {
        "redemptions": redemptions[redemptions["day"] < day]
    }
    return {
        **tables,
        "campaigns": known,
        "transactions": lines,
        **{name: table[table["campaign_id"].isin(known["campaign_id"])] for name, table in own.items()},
        "promotions": tables["promotions"][tables["promotions"]["week"] <= lines["week"].max()],
    }


def respond(
    purchases: Purchases,
    campaign: Campaign,
    answer: Response,
    chosen: NDArray[np.bool_],
    shoppers: Shoppers,
    catalogue: Catalogue,
    settings: RetailerSettings,
) -> Purchases:
    """The purchases after the households in `chosen` (n,) have responded to the campaign."""
    baskets = purchases.baskets
    household = baskets["household"].to_numpy()
    own = (baskets["shopper"] == household) & baskets["day"].between(campaign.start, campaign.end)
    luck = settings.draws(Purpose.STAYING_AWAY, campaign.campaign_id).random(len(baskets))
    gone = own.to_numpy() & chosen[household] & (luck < answer.staying_away[household])
    return purchases.without(gone).plus(_trips(np.where(chosen, answer.trips, 0.0), campaign, shoppers, catalogue, settings))


def _trips(
    expected: NDArray[np.float64], campaign: Campaign, shoppers: Shoppers, catalogue: Catalogue, settings: RetailerSettings
) -> Purchases:
    trips = campaign_trips(expected, campaign.start, campaign.end, settings.draws(Purpose.TRIPS, campaign.campaign_id))
    return _filled(trips, shoppers, catalogue, settings, campaign.campaign_id)


def _filled(
    baskets: pd.DataFrame, shoppers: Shoppers, catalogue: Catalogue, settings: RetailerSettings, number: int
) -> Purchases:
    rng = settings.draws(Purpose.BASKETS, number)
    lines = fill(baskets, shoppers, catalogue, rng)
    return Purchases(with_totals(baskets, lines).assign(store=stores(baskets, shoppers, rng)), lines)


def _truth(ahead: Ahead, shoppers: Shoppers, settings: RetailerSettings) -> pd.DataFrame:
    rows, without, effect = ahead.households, ahead.without, ahead.effect
    columns = {
        name: values
        for outcome in without.columns
        for name, values in (
            (f"mu0_{outcome}", without[outcome]),
            (f"mu1_{outcome}", without[outcome] + effect[outcome]),
            (f"effect_{outcome}", effect[outcome]),
        )
    }
    table = pd.DataFrame(columns).loc[rows].reset_index(drop=True)
    table.insert(0, "household_id", rows + settings.first_household)
    table.insert(1, "campaign_id", ahead.campaign.campaign_id)
    table.insert(2, "propensity", ahead.chance)
    return table.assign(archetype=shoppers.kind[rows])


def _tables(
    settings: RetailerSettings,
    purchases: Purchases,
    shoppers: Shoppers,
    catalogue: Catalogue,
    mailed: Mapping[Campaign, NDArray[np.bool_]],
) -> dict[str, pd.DataFrame]:
    baskets, lines = purchases.baskets, purchases.lines
    order = np.lexsort((np.arange(len(baskets)), baskets["household"], baskets["day"]))
    number = np.empty(len(baskets), dtype=np.int64)
    number[order] = FIRST_BASKET + BASKETS * settings.town + np.arange(len(baskets))
    basket = lines["basket"].to_numpy()
    day = baskets["day"].to_numpy()[basket]
    dates = pd.Timestamp(settings.first_day) + pd.to_timedelta(np.arange(7 * settings.weeks), unit="D")
    coupons = make_coupons(list(mailed), catalogue, settings.seed)
    household = baskets["household"].to_numpy()[basket]
    saved, redemptions = redeem(lines, household, day, mailed, coupons, shoppers, settings)
    transactions = pd.DataFrame(
        {
            "household_id": settings.first_household + household,
            "basket_id": number[basket],
            "product_id": FIRST_PRODUCT + lines["product"],
            "store_id": FIRST_STORE + baskets["store"].to_numpy()[basket],
            "day": dates[day],
            "week": 1 + day // 7,
            "quantity": lines["quantity"],
            "sales": lines["sales"],
            "loyalty_discount": lines["discount"],
            "coupon_discount": saved,
            "coupon_match_discount": 0,
        }
    )
    reached = {c.campaign_id: settings.first_household + np.flatnonzero(who) for c, who in mailed.items()}
    targets = [pd.DataFrame({"campaign_id": number, "household_id": ids}) for number, ids in reached.items()]
    plan = [(c.campaign_id, c.type, dates[c.start], dates[c.end]) for c in mailed]
    promotions = make_promotions(len(catalogue.table), settings.weeks, stream(settings.seed, Purpose.PROMOTIONS))
    return {
        "transactions": transactions,
        "products": catalogue.table,
        "households": make_demographics(shoppers, settings.first_household, settings.draws(Purpose.DEMOGRAPHICS)),
        "campaigns": pd.DataFrame(plan, columns=["campaign_id", "campaign_type", "start_day", "end_day"]),
        "campaign_targets": pd.concat(targets, ignore_index=True),
        "coupons": coupons,
        "redemptions": redemptions.assign(day=dates[redemptions["day"]]),
        "promotions": promotions,
    }


def make_coupons(campaigns: list[Campaign], catalogue: Catalogue, seed: int) -> pd.DataFrame:
    """For each campaign some coupons, each good for several products; none for fuel."""
    eligible = np.flatnonzero(catalogue.group < 2 * FUEL)
    parts = []
    for campaign in campaigns:
        rng = stream(seed, Purpose.COUPONS, campaign.campaign_id)
        products = rng.choice(eligible, size=COUPON_PRODUCTS[campaign.type], replace=False)
        upc = 5_000_000_000 + 1000 * campaign.campaign_id + np.arange(len(products)) // PRODUCTS_A_COUPON
        parts.append(
            pd.DataFrame({"campaign_id": campaign.campaign_id, "coupon_upc": upc, "product_id": FIRST_PRODUCT + products})
        )
    return pd.concat(parts, ignore_index=True)


def redeem(
    lines: pd.DataFrame,
    household: NDArray[np.int64],
    day: NDArray[np.int64],
    mailed: Mapping[Campaign, NDArray[np.bool_]],
    coupons: pd.DataFrame,
    shoppers: Shoppers,
    settings: RetailerSettings,
) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """What coupons took off each line in cents, (lines,), and the redemptions: household_id, campaign_id, coupon_upc, day."""
    saved, parts = np.zeros(len(lines), dtype=np.int64), []
    product, sales = lines["product"].to_numpy(), lines["sales"].to_numpy()
    for campaign, who in mailed.items():
        own = coupons[coupons["campaign_id"] == campaign.campaign_id]
        upc = np.zeros(product.max() + 1, dtype=np.int64)
        good_for = own["product_id"].to_numpy() - FIRST_PRODUCT
        inside = good_for < len(upc)
        upc[good_for[inside]] = own["coupon_upc"].to_numpy()[inside]
        running = np.flatnonzero((day >= campaign.start) & (day <= campaign.end))
        rows = running[(upc[product[running]] > 0) & who[household[running]] & (saved[running] == 0)]
        luck = settings.draws(Purpose.REDEMPTIONS, campaign.campaign_id).random(len(rows))
        used = rows[luck < REDEEMED * shoppers.deals[household[rows]]]
        saved[used] = np.rint(COUPON_SHARE * sales[used]).astype(np.int64)
        parts.append(
            pd.DataFrame(
                {
                    "household_id": settings.first_household + household[used],
                    "campaign_id": campaign.campaign_id,
                    "coupon_upc": upc[product[used]],
                    "day": day[used],
                }
            )
        )
    return saved, pd.concat(parts, ignore_index=True)
