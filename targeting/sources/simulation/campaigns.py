"""The made-up retailer's campaigns: when they run, who is mailed with which chance, and how many visits a mailing causes.

Type A campaigns choose households by what happened before their first day; B and C draw lots. All that a mailing does lies in
the campaign's own days, and every chance and expected effect is known in closed form on its first day.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.sources.simulation.shoppers import Shoppers

Vector = NDArray[np.float64]

HISTORY_WEEKS = 12  # before the first campaign of type A
A_DAYS, A_GAP_WEEKS, N_A = 42, 11, 4  # outcome windows of 42 + 28 days, one campaign every 11 weeks or more
FOLLOW_UP_DAYS = 28  # after a campaign's end, for the expected outcomes of the truth (design.post_days by default)
# First week, weeks from one to the next, days: they overlap each other and the campaigns of type A.
LOTS = {"B": (4, 8, 28), "C": (7, 16, 49)}
LOT_CHANCE = {"B": 0.25, "C": 0.30}
LOT_TRIPS = {"B": 0.20, "C": 0.15}  # extra visits that a mailing of type B or C causes
# Extra visits that a mailing of type A causes where its effect is the same for everybody: some 60 USD of sales, which pay for a
# contact of 12.73 USD at a margin of 30%.
CONSTANT_TRIPS = 2.65
# Log odds of being mailed type A: at an average household, and per standard deviation of engagement.
LOG_ODDS = {"randomised": (-0.4, 0.0), "good": (-0.7, 0.9), "poor": (-1.0, 4.0)}
# Extra visits at an average household, and per standard deviation of each trait (standardised values end at 2.5).
HETEROGENEOUS_TRIPS = 0.9
TRAIT_TRIPS = {"deal_share": 1.3, "regularity": 0.6, "log_spend": -1.0}
LARGEST = 2.5
MOST_STAY_AWAY = 0.9  # a mailing can keep a household from at most this share of its visits


@dataclass(frozen=True)
class Campaign:
    """A campaign; days count from 0, both inclusive."""

    campaign_id: int
    type: str
    start: int
    end: int


@dataclass(frozen=True)
class Response:
    """What a mailing does to each household: extra visits, or the share of its own visits that it stays away from; (n,) each."""

    trips: Vector
    staying_away: Vector


def calendar(weeks: int, most: int = N_A) -> list[Campaign]:
    """All campaigns inside `weeks` weeks, at `most` so many of type A, numbered by their first day; windows of A do not overlap.

    Raises ValueError where no campaign of type A fits.
    """
    number = min(most, (weeks - HISTORY_WEEKS) // A_GAP_WEEKS)
    if number < 1:
        raise ValueError(f"{weeks} weeks hold no campaign of type A: it takes {HISTORY_WEEKS + A_GAP_WEEKS}.")
    gap = (weeks - HISTORY_WEEKS) // number
    planned = [("A", 7 * (HISTORY_WEEKS + index * gap), A_DAYS) for index in range(number)]
    for kind, (first, every, days) in LOTS.items():
        planned += [(kind, 7 * week, days) for week in range(first, weeks, every) if 7 * week + days <= 7 * weeks]
    ordered = sorted(planned, key=lambda plan: (plan[1], plan[0]))
    return [Campaign(index, kind, start, start + days - 1) for index, (kind, start, days) in enumerate(ordered, start=1)]


def purchase_history(baskets: pd.DataFrame, day: int) -> pd.DataFrame:
    """What the tills know of each household before `day`, index household: spend (USD), visits, recency, regularity, deal_share.

    Definitions as in targeting.tables.features; households that have not bought yet have no row.
    """
    before = baskets[baskets["day"] < day]
    week = before["day"] // 7
    groups = before.assign(week=week).groupby("household")
    sums = groups.agg(
        cents=("spend", "sum"),
        visits=("day", "size"),
        last=("day", "max"),
        first_week=("week", "min"),
        weeks=("week", "nunique"),
        n_lines=("n_lines", "sum"),
        n_deals=("n_deals", "sum"),
    )
    return pd.DataFrame(
        {
            "spend": sums["cents"] / 100,
            "visits": sums["visits"],
            "recency": day - 1 - sums["last"],
            "regularity": sums["weeks"] / (week.max() - sums["first_week"] + 1),
            "deal_share": sums["n_deals"] / sums["n_lines"],
        }
    )


def mailing_chance(past: pd.DataFrame, overlap: str, hint: Vector | float = 0.0) -> Vector:
    """Chance of being mailed a campaign of type A, (rows of `past`,): logistic in how engaged the household has been.

    Engagement is the sum of standardised log spend, log visits and regularity less standardised log recency, standardised again.
    `hint` (rows of `past`,) is added to the log odds: a reason that no table shows.
    """
    intercept, slope = LOG_ODDS[overlap]
    engaged = _standard(np.log1p(past["spend"])) + _standard(np.log1p(past["visits"])) + _standard(past["regularity"])
    engaged = _standard(engaged - _standard(np.log1p(past["recency"])))
    return (1 / (1 + np.exp(-(intercept + slope * engaged + hint)))).to_numpy()


def expected_change(past: pd.DataFrame, effect: str) -> Vector:
    """Extra visits that a mailing of type A would cause, (rows of `past`,), before the floor of `response`; may be negative."""
    if effect == "none":
        return np.zeros(len(past))
    if effect == "constant":
        return np.full(len(past), CONSTANT_TRIPS)
    traits = {"deal_share": past["deal_share"], "regularity": past["regularity"], "log_spend": np.log1p(past["spend"])}
    moved = sum(slope * _standard(traits[name]).clip(-LARGEST, LARGEST) for name, slope in TRAIT_TRIPS.items())
    return (HETEROGENEOUS_TRIPS + moved).to_numpy()


def coming(baskets: pd.DataFrame, campaign: Campaign, shoppers: Shoppers) -> Vector:
    """How many visits more than its habits suggest each household is going to make, (n,), in standard deviations.

    From the campaign's first day to FOLLOW_UP_DAYS after it, by what is drawn already; nobody's past shows it.
    """
    last = min(campaign.end + FOLLOW_UP_DAYS, shoppers.rates.shape[1] - 1)
    inside = baskets.loc[baskets["day"].between(campaign.start, last), "household"]
    expected = shoppers.rates[:, campaign.start : last + 1].sum(axis=1)
    more = (np.bincount(inside, minlength=shoppers.n) - expected) / np.sqrt(1 + expected)
    return _standard(pd.Series(more)).to_numpy()


def response(campaign: Campaign, past: pd.DataFrame, shoppers: Shoppers, effect: str, left: Vector | float = 1.0) -> Response:
    """How every household would respond to a campaign of type A; one without a history does not.

    `left` (n,) is what earlier mailings have left of it.
    """
    change = np.zeros(shoppers.n)
    change[past.index] = expected_change(past, effect)
    change *= left
    own = shoppers.rates[:, campaign.start : campaign.end + 1].sum(axis=1)
    share = np.clip(np.divide(-change, own, out=np.zeros(shoppers.n), where=own > 0), 0.0, MOST_STAY_AWAY)
    return Response(trips=np.maximum(change, 0.0), staying_away=share)


def expected_without(
    campaign: Campaign, others: Mapping[Campaign, NDArray[np.bool_]], shoppers: Shoppers, value: Vector, effect: str
) -> pd.DataFrame:
    """Expected visits and spend (USD) of every household from a campaign's first day on, if it is not mailed that campaign.

    The window ends FOLLOW_UP_DAYS after the campaign, or with the data. `others` has who was mailed each campaign of type B
    and C: of those that began before this one that is known, of later ones only their chance.
    """
    last = min(campaign.end + FOLLOW_UP_DAYS, shoppers.rates.shape[1] - 1)
    visits = shoppers.rates[:, campaign.start : last + 1].sum(axis=1)
    trips = np.zeros(shoppers.n)
    for other, mailed in others.items():
        inside = max(0, min(last, other.end) - max(campaign.start, other.start) + 1) / (other.end - other.start + 1)
        chance = mailed if other.start < campaign.start else LOT_CHANCE[other.type]
        trips += chance * inside * lot_trips(other, effect)
    return pd.DataFrame({"purchase_amount": visits * value[:-1] + trips * value[-1], "purchase_count": visits + trips})


def expected_effect(campaign: Campaign, answer: Response, shoppers: Shoppers, value: Vector) -> pd.DataFrame:
    """Expected change of visits and spend (USD) of every household, if it is mailed the campaign."""
    lost = answer.staying_away * shoppers.rates[:, campaign.start : campaign.end + 1].sum(axis=1)
    return pd.DataFrame({"purchase_amount": answer.trips * value[-1] - lost * value[:-1], "purchase_count": answer.trips - lost})


def lot_trips(campaign: Campaign, effect: str) -> float:
    """Extra visits that a mailing of type B or C causes over the campaign's days."""
    return 0.0 if effect == "none" else LOT_TRIPS[campaign.type]


def _standard(values: pd.Series) -> pd.Series:
    """In standard deviations from the mean; zero where all are alike."""
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else values * 0.0
