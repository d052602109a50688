"""What the page of the coupon game knows: customers drawn from the panel, segments in words, and what each contact earns.

A customer is a row of the panel inside the overlap: a household as it was when one campaign began. Outside the overlap no data
say what a coupon brings, and a score would only be a guess of the outcome models.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.pages.rendering import packed, render
from targeting.policy.economics import Economics
from targeting.policy.policies import lots
from targeting.policy.value import FEWEST, Evidence, observed_profits, profits
from targeting.sentences.game import PipelineWords
from targeting.stats.estimates import mean_estimate
from targeting.words.outcomes import outcome_words

Vector = NDArray[np.float64]

COUPONS, DRAWN = 360, 1200  # of a draw, where there are customers enough: three coupons for ten customers
MOST = 5000  # customers that a page holds, so that it stays small; more are thinned by lot
ENOUGH = 100  # customers without which there is nothing to draw


@dataclass(frozen=True)
class Sizes:
    """How many customers there are to draw from, how many a draw holds, and how many coupons it has; 0 and 0 for no game."""

    customers: int
    drawn: int
    coupons: int


def game_sizes(customers: int) -> Sizes:
    """A draw holds half of the customers at most, so that another draw is another game."""
    if customers < ENOUGH:
        return Sizes(customers, 0, 0)
    drawn = min(DRAWN, customers // 2)
    return Sizes(customers, drawn, drawn * COUPONS // DRAWN)


def game_pool(evidence: Evidence, seed: int) -> NDArray[np.bool_]:
    """Which rows are customers: all inside the overlap, or those of the households whose lots are smallest."""
    inside = np.flatnonzero(evidence.overlap)
    by_lot = inside[np.argsort(lots(evidence.household_id[inside], seed), kind="stable")]
    return np.isin(np.arange(len(evidence.overlap)), by_lot[:MOST])


@dataclass(frozen=True)
class Customers:
    """The customers of a game, arrays (customers,); `evidence` and `economics` are theirs, and so are the effects.

    `place` ranks whom the pipeline's policy contacts, smallest first, missing for those it doesn't; `uplift`, `lower` and `upper`
    are the effects that the page reveals (the ends missing without an interval), `true_uplift` is None where nobody knows it.
    `segment` counts from 0, `facts` are what a player may see of each: one column per fact.
    """

    evidence: Evidence
    economics: Economics
    segment: NDArray[np.int64]
    facts: pd.DataFrame
    place: Vector
    uplift: Vector
    lower: Vector
    upper: Vector
    true_uplift: Vector | None

    @property
    def has_intervals(self) -> bool:
        """Whether every uplift has an interval."""
        return not np.isnan(self.lower).any()

    def columns(self) -> dict[str, Vector]:
        """What the page's script reads, by name: USD per contact for earned, promised and true; households are numbers from 0."""
        everybody, evidence, economics = np.ones(len(self.uplift)), self.evidence, self.economics
        found = {
            "household": np.unique(evidence.household_id, return_inverse=True)[1].astype(float),
            "segment": self.segment.astype(float),
            **{name: self.facts[name].to_numpy(dtype=float) for name in self.facts},
            "place": self.place,
            "treated": evidence.treated,
            "propensity": evidence.propensity,
            "earned": profits(everybody, evidence.score, economics),
            "observed": observed_profits(evidence, economics),
            "promised": profits(everybody, self.uplift, economics),
            "uplift": self.uplift,
        }
        if self.has_intervals:
            found |= {"lower": self.lower, "upper": self.upper}
        if self.true_uplift is not None:
            found |= {"true": profits(everybody, self.true_uplift, economics), "true_uplift": self.true_uplift}
        return found


def contact_places(order: NDArray[np.int64], contacted: NDArray[np.bool_]) -> Vector:
    """Each row's place (rows,) in the order of contact `order` (row numbers), missing for rows that are not contacted."""
    place = np.empty(len(order))
    place[order] = np.arange(len(order))
    return np.where(contacted, place, np.nan)


def game_metrics(customers: Customers, size: Sizes) -> dict[str, float]:
    """How large the game is, and what a draw earns on average without a player, in USD, with 95% intervals of the average draw.

    `lot` gives the coupons to anybody, `everyone` gives one to each, `current` is what the retailer did, and `pipeline` serves
    the share of customers that come first in its order. Nothing is said of profits where there is no game.
    """
    metrics: dict[str, float] = {"n_customers": size.customers, "n_drawn": size.drawn, "n_coupons": size.coupons}
    if not size.drawn:
        return metrics
    columns, share = customers.columns(), size.coupons / size.drawn
    first = np.sort(columns["place"][~np.isnan(columns["place"])])[: round(share * size.customers)]
    earned = {
        "lot": share * columns["earned"],
        "everyone": columns["earned"],
        "current": columns["observed"],
        "pipeline": np.isin(columns["place"], first) * columns["earned"],
    }
    for name, values in earned.items():
        estimate = mean_estimate(values, customers.evidence.household_id)
        ends = {"": estimate.value, "_ci_lower": estimate.lower, "_ci_upper": estimate.upper}
        metrics |= {f"profit_{name}{end}": size.drawn * value for end, value in ends.items()}
    return metrics


def pool_fingerprint(keys: pd.DataFrame) -> str:
    """Six letters that name a pool of customers by its rows: a draw's number means the same customers in one pool only."""
    return hashlib.sha256(keys.to_csv(index=False, lineterminator="\n").encode()).hexdigest()[:6]


@dataclass(frozen=True)
class Story:
    """The game's sentences, chosen by rule (see targeting/sentences/game.py), and what its script must know to choose more.

    `doubts` says why no profit is evidence, where none is, and is empty elsewhere; the other sentences are never empty.
    """

    stakes: str
    findings: str
    pipeline: PipelineWords
    doubts: str
    counted: str
    window: str
    decided: str
    own_facts: Mapping[str, str]
    recent_days: int
    outcome: str


def game_page(customers: Customers, size: Sizes, profiles: Sequence[Mapping[str, Any]], story: Story, pool_of: str) -> str:
    """The page as HTML; `profiles` has one entry per segment, in the order of its number, `pool_of` names the pool."""
    made_up = customers.true_uplift is not None
    breakeven = customers.economics.breakeven
    data = {
        "columns": {name: packed(values) for name, values in customers.columns().items()} if size.drawn else {},
        "segments": [profile["name"] for profile in profiles],
        "drawn": size.drawn,
        "coupons": size.coupons,
        "pool": pool_of,
        "fewest": FEWEST,
        "outcome": story.outcome,
        "unit": "visits" if story.outcome == "purchase_count" else outcome_words(story.outcome),
        "recent_days": story.recent_days,
        "own_facts": dict(story.own_facts),
        "pipeline": story.pipeline.label,
        "breakeven": float(breakeven) if np.ndim(breakeven) == 0 else None,  # one line only where one holds for all
        "doubtful": bool(story.doubts),
        "nobody": story.pipeline.nobody,
    }
    return render("game.html.jinja", {"story": story, "size": size, "profiles": profiles, "data": data, "made_up": made_up})
