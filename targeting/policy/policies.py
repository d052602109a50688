"""Targeting policies: whom to contact, given predicted effects. None of them looks at the outcome of a row it decides.

Outside the overlap nobody like a household was mailed (or nobody like it was not), and no data can say what a policy would earn
there. So a learned policy contacts only households inside it, but for `prudent` and `budget`, which go by beliefs: these say
how much less is known out there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from targeting.policy.posterior import FEWEST
from targeting.stats.folds import rank_within

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Budget:
    """The most that a campaign may spend, in USD, and the most households it may contact; None is no limit."""

    usd: float | None = None
    contacts: int | None = None


@dataclass(frozen=True)
class Ranking:
    """Row numbers in the order of contact: of all rows, and of each campaign's."""

    order: NDArray[np.int64]
    by_campaign: tuple[NDArray[np.int64], ...]


@dataclass(frozen=True)
class PolicyData:
    """What a policy may see; arrays have one entry per row of the panel.

    `cate` are out-of-fold effects on sales in USD, `breakeven` the effect at which a contact pays (a number or (rows,)). What
    only some policies use may be absent: the lower end of each effect's 95% interval (NaN where the learner has none), profits
    by segment from other folds (`segment_profit`, USD per contact), the tree's decisions, what is believed of each effect
    (`expected` and its standard deviation `uncertainty`, USD; missing where nothing is believed; `reach` says of whom anything
    is, by default those inside the overlap), and cost, campaign and budget.
    `fold` says which model an effect comes from; without it all come from one. `known_ranking` and `known_queue` are the orders
    of contact by effect and by expected effect, where they are known already.
    """

    cate: Vector
    overlap: NDArray[np.bool_]
    treated: Vector
    breakeven: float | Vector
    household_id: NDArray[np.int64]
    seed: int = 0
    caution: float = 0.3
    lower: Vector | None = None
    segment_profit: Vector | None = None
    tree: Vector | None = None
    expected: Vector | None = None
    uncertainty: Vector | None = None
    reach: NDArray[np.bool_] | None = None
    prudence: float = 0.5
    fold: NDArray[np.int64] | None = None
    cost: float | Vector = 0.0
    campaign_id: NDArray[np.int64] | None = None
    budget: Budget = Budget()
    known_ranking: Ranking | None = None
    known_queue: Ranking | None = None

    @cached_property
    def ranking(self) -> Ranking:
        """Who is contacted first, by effect."""
        return self._ranked(self.cate) if self.known_ranking is None else self.known_ranking

    @cached_property
    def queue(self) -> Ranking:
        """Who is contacted first, by expected effect."""
        if self.known_queue is not None:
            return self.known_queue
        if self.expected is None:
            raise ValueError("Where nothing is believed of effects there is no queue: ask `unavailable` first.")
        return self._ranked(self.expected)

    def _ranked(self, effect: Vector) -> Ranking:
        """By effect, or where breakeven varies by the effect per breakeven: gain per USD spent, as long as each contact costs.

        Source: Sverdrup, Wu, Athey & Wager (2025), Qini curves for multi-armed treatment rules, Journal of Computational and
        Graphical Statistics, for a single arm.
        """
        priority = effect / self.breakeven if np.ndim(self.breakeven) and np.min(self.breakeven) > 0 else effect
        rank = rank_within(priority, self.overlap, np.zeros(len(self.cate)) if self.fold is None else self.fold)
        order = contact_order(rank, self.overlap, lots(self.household_id, self.seed))
        if self.campaign_id is None:
            return Ranking(order, (order,))
        campaigns = self.campaign_id[order]
        return Ranking(order, tuple(order[campaigns == campaign] for campaign in np.unique(campaigns)))

    @property
    def order(self) -> NDArray[np.int64]:
        """Row numbers in the order of contact."""
        return self.ranking.order

    @cached_property
    def alike(self) -> bool:
        """Whether effects tell no two households inside the overlap apart: each fold's model has one for all of them."""
        inside = pd.DataFrame({"fold": 0 if self.fold is None else self.fold, "cate": self.cate})[self.overlap]
        return bool((inside.groupby("fold")["cate"].agg(np.ptp) == 0).all())

    def pays(self, effect: Vector) -> Vector:
        """1 inside the overlap where this effect exceeds the breakeven, else 0."""
        return (self.overlap & (effect > self.breakeven)).astype(float)


def lots(household_id: ArrayLike, seed: int) -> NDArray[np.uint64]:
    """A number drawn for each household, shape (rows,), that depends on the household and the seed alone.

    Equal effects are contacted in this order: rows come by trial, and their own order would favour the first trials. The mixing
    function is SplitMix64's (Steele, Lea & Flood 2014, OOPSLA), one to one on 64 bits: two households never draw the same.
    """
    start = (seed + 1) * 0x9E3779B97F4A7C15 % 2**64
    mixed = np.asarray(household_id).astype(np.uint64) + np.uint64(start)  # arithmetic modulo 2^64 from here on
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def contact_order(priority: Vector, overlap: NDArray[np.bool_], lot: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Row numbers in the order of contact: inside the overlap first, then by priority; of equals the smaller lot first."""
    return np.lexsort((lot, -priority, ~overlap))


def top_share(data: PolicyData, share: float) -> Vector:
    """1 for the first `share` of all rows in the order of contact (rounded to whole rows) inside the overlap, else 0."""
    chosen = np.zeros(len(data.cate))
    chosen[data.order[: round(share * len(chosen))]] = 1.0
    return chosen * data.overlap


def prudent(data: PolicyData) -> Vector:
    """1 where anything is believed and the expected effect, less `prudence` of its standard deviations, exceeds the breakeven.

    With prudence 0 it maximises expected profit; above, a dollar lost weighs more than one forgone.
    """
    if data.expected is None or data.uncertainty is None:
        raise ValueError("Where nothing is believed of effects there is no prudent policy: ask `unavailable` first.")
    reach = data.overlap if data.reach is None else data.reach
    return (reach & (data.expected - data.prudence * data.uncertainty > data.breakeven)).astype(float)


def within_budget(data: PolicyData) -> Vector:
    """1 for those whom `prudent` contacts, campaign by campaign in the order of expected effect while the budget lasts.

    A campaign ends before the first contact that its budget no longer holds: nobody is contacted by half, and no cheaper
    household behind jumps the queue. So it never spends more than the budget, and less by at most one contact.
    """
    paying, chosen = prudent(data) == 1, np.zeros(len(data.cate))
    # In whole millionths of a USD, so that no sum of costs misses a budget that it just fills.
    cost = np.rint(np.asarray(data.cost, dtype=float) * 1e6)
    for ranked in data.queue.by_campaign:
        queue = ranked[paying[ranked]]
        if data.budget.contacts is not None:
            queue = queue[: data.budget.contacts]
        if data.budget.usd is not None:
            spent = np.cumsum(cost[queue] if cost.ndim else np.full(len(queue), cost))
            queue = queue[: np.searchsorted(spent, np.rint(data.budget.usd * 1e6), side="right")]
        chosen[queue] = 1.0
    return chosen


def conservative(data: PolicyData) -> Vector:
    """1 inside the overlap where even the lower end of the effect's interval exceeds the breakeven, else 0."""
    if data.lower is None:
        raise ValueError("Without intervals there is no conservative policy: ask `unavailable` first.")
    return data.pays(data.lower)


POLICIES: dict[str, Callable[[PolicyData], Vector]] = {
    "none": lambda data: np.zeros(len(data.cate)),
    "all": lambda data: np.ones(len(data.cate)),
    "inside": lambda data: data.overlap.astype(float),
    "current": lambda data: data.treated.astype(float),
    "prudent": prudent,
    "budget": within_budget,
    "breakeven": lambda data: data.pays(data.cate),
    "positive": lambda data: (data.overlap & (data.cate > 0)).astype(float),
    "top_20": lambda data: top_share(data, 0.20),
    "top_30": lambda data: top_share(data, 0.30),
    "conservative": conservative,
    "risk_adjusted": lambda data: data.pays((1 - data.caution) * data.cate),
    "segment": lambda data: (data.overlap & (np.asarray(data.segment_profit) > 0)).astype(float),
    "policy_tree": lambda data: data.overlap * np.asarray(data.tree),
}
# Those that go by each household's effect: where effects are alike, whom they pick is a lot.
BY_EFFECT = ("breakeven", "positive", "top_20", "top_30", "conservative", "risk_adjusted")


def unavailable(data: PolicyData) -> dict[str, str]:
    """The policies that these data cannot give, and why: nothing is guessed in their place."""
    reasons = {}
    without = len(data.cate) if data.lower is None else int(np.isnan(data.lower[data.overlap]).sum())
    if without:
        reasons["conservative"] = f"{without:,} of {int(data.overlap.sum()):,} effects inside the overlap have no interval"
    if data.segment_profit is None:
        reasons["segment"] = "no segments at time zero"
    if data.tree is None:
        reasons["policy_tree"] = "no tree was grown"
    if data.expected is None:
        why = f"the arms do not compare, or fewer than {FEWEST} households lie inside the overlap: nothing is believed"
        reasons |= dict.fromkeys(("prudent", "budget"), why)
    if data.budget == Budget():
        reasons["budget"] = "no budget is set"
    return reasons


def is_lottery(name: str, policy: Vector, overlap: NDArray[np.bool_], alike: bool) -> bool:
    """Whether a policy's choice (rows,) among those inside the overlap is a lot: it goes by effects, and these are `alike`."""
    return alike and name in BY_EFFECT and len(np.unique(policy[overlap])) > 1


def available(data: PolicyData) -> dict[str, Callable[[PolicyData], Vector]]:
    """The policies that these data can give."""
    absent = unavailable(data)
    return {name: policy for name, policy in POLICIES.items() if name not in absent}


def assign(data: PolicyData) -> pd.DataFrame:
    """Every available policy's decision, one column per policy (0 or 1), one row per row of the data."""
    return pd.DataFrame({name: policy(data) for name, policy in available(data).items()})


def held_out_means(values: Vector, groups: NDArray[np.int64], fold: NDArray[np.int64], counted: NDArray[np.bool_]) -> Vector:
    """For each row, the mean of `values` over the counted rows of its group in other folds; NaN where there are none."""
    table = pd.DataFrame({"group": groups, "fold": fold, "sum": np.where(counted, values, 0.0), "n": counted.astype(float)})
    totals = table.groupby("group")[["sum", "n"]].transform("sum")
    own = table.groupby(["group", "fold"])[["sum", "n"]].transform("sum")
    rest = totals - own
    return (rest["sum"] / rest["n"].where(rest["n"] > 0)).to_numpy()
