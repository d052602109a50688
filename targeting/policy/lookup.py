"""What every policy earns at each cost and margin that the report's sliders can stand at: decided here, looked up by the page.

Decisions are those of `assign` at that cost and margin. For given contacts a profit is margin * gain - cost * spend, where gain
and spend are what the contacts add up to at cost 1 and margin 1 (where rows differ: at an average of 1, all in proportion), so
that the means, variances and covariance of the two give its value and interval. Many positions have the same contacts: each
policy's different decisions are kept once, and each position says which it has.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.parallel import in_processes
from targeting.policy.beliefs import Beliefs
from targeting.policy.curve import ROUNDING, SHARES, cumulative
from targeting.policy.economics import Economics
from targeting.policy.policies import PolicyData, available, held_out_means, is_lottery
from targeting.policy.value import (
    BEST_BETS,
    Evidence,
    earned_by,
    learning_shift,
    measured_part,
    recommendable,
    share_outside,
    support,
)
from targeting.stats.estimates import CONFIDENCE
from targeting.stats.joint import CriticalValues, normal_errors

Vector = NDArray[np.float64]
DEAREST = 3.0  # the sliders reach this many times the run's own cost (and margin, where it is no share of sales)
LEAST_RANGE = 10.0  # and at least this many USD where other costs are marked, or the own one is nothing
STEPS = tuple(digit * 10.0**power for power in range(-6, 7) for digit in (1.0, 2.5, 5.0))
MOST_STEPS = 100  # of a slider: the smallest of STEPS is taken that needs no more
PEAK_DRAWS = 500  # of a whole curve, for the range of its peak to a whole percent
KEPT = 100  # sums by household of so many decisions are kept at a time
VARYING = ("breakeven", "cost", "segment_profit")  # what of a policy's data follows from cost and margin
MOMENTS = ("gain", "spend", "var_gain", "covariance", "var_spend")
BELIEVED_GAIN = ("believed", "believed_sd", "believed_spend", "compared", "share_outside")


@dataclass(frozen=True)
class Lookup:
    """What the sliders look up: three tables.

    positions: one row per cost (outer) and margin (inner), with the number of each policy's decision (a column per policy), reach
    (how many standard errors cover all candidates at once), recommended, peak_lower and peak_upper (the middle 95% of the shares
    at which the curve may peak). decisions: policy, decision, contacts (rows), candidate (whether it can be judged), and MOMENTS
    of its `measured_part` per row of the panel in USD at cost 1 and margin 1; and BELIEVED_GAIN: the gain that is expected of all
    contacts, its standard deviation, what they spend, the gain that is expected of the measured part, and which part of the
    contacts lies outside the overlap. Gains are missing where the policy contacts anybody of whom nothing is believed. curve:
    share, MOMENTS, and promised, the gain that the model promises.
    """

    positions: pd.DataFrame
    decisions: pd.DataFrame
    curve: pd.DataFrame


def steps(own: float, largest: float, first: int) -> Vector:
    """Where a slider can stand: `first`, `first` + 1, ... steps up to `largest`, and the run's own number exactly; ascending."""
    step = next((size for size in STEPS if largest / size <= MOST_STEPS), largest / MOST_STEPS)
    grid = np.round(step * np.arange(first, int(np.floor(largest / step + 1e-9)) + 1), 10)
    return _with_stop(grid, own)


def _with_stop(grid: Vector, value: float) -> Vector:
    """The stops, with this one exactly in the place of one that is as good as equal; ascending."""
    return np.sort(np.append(grid[~np.isclose(grid, value)], value))


def slider_steps(economics: Economics, outcome: str, marked: Iterable[float] = ()) -> tuple[Vector, Vector]:
    """Costs and margins of the sliders; a margin is a share of sales, or USD per basket where profits are of these.

    `marked` are costs per contact that the page names, and where its slider can therefore stand, as far as it goes.
    """
    own, marked = economics.averages(), list(marked)
    most = {name: DEAREST * own[name] if own[name] > 0 else LEAST_RANGE for name in ("cost", "margin")}
    if marked:
        most["cost"] = max(most["cost"], LEAST_RANGE)
    margins = steps(own["margin"], 1.0 if outcome == "purchase_amount" else most["margin"], 1)
    costs = steps(own["cost"], most["cost"], 0)
    for cost in marked:
        costs = _with_stop(costs, cost) if cost <= most["cost"] else costs
    return costs, margins


def step_unit(economics: Economics) -> Economics:
    """Each row's cost and margin over their averages, so that these times a cost and a margin are what a row has there."""

    def over_average(value: float | Vector) -> float | Vector:
        average = float(np.mean(value))
        # Where nothing costs, a cost that the reader sets is the same for all.
        return 1.0 if np.ndim(value) == 0 or average == 0 else value / average

    return Economics(over_average(economics.cost), over_average(economics.margin))


@dataclass(frozen=True)
class _Watched(PolicyData):
    """Data that note which of what follows from cost and margin is read."""

    read: set[str] = field(default_factory=set)

    def __getattribute__(self, name: str) -> Any:
        if name in VARYING:
            object.__getattribute__(self, "read").add(name)
        return object.__getattribute__(self, name)


def slider_data(
    data: PolicyData, evidence: Evidence, economics: Economics, segment: NDArray[np.int64]
) -> Callable[[float, float], _Watched]:
    """What policies see at a cost and a margin, as `at_economics` has it; what does not depend on them is computed once.

    Profits by segment are differences of two means, and a common factor of costs or of margins leaves the order of contact.
    """
    one = step_unit(economics)
    everybody = np.ones(len(data.cate))
    fold = np.zeros(len(segment), dtype=np.int64) if data.fold is None else data.fold
    gain, spend = (
        np.nan_to_num(held_out_means(values, segment, fold, evidence.overlap))
        for values in (one.margin * evidence.score, one.cost * everybody)
    )
    fixed = {part.name: getattr(data, part.name) for part in fields(data) if part.name not in VARYING}
    fixed["known_ranking"] = data.ranking
    fixed["known_queue"] = None if data.expected is None else data.queue

    def at(cost: float, margin: float) -> _Watched:
        here = one.scaled(cost, margin)
        return _Watched(**fixed, breakeven=here.breakeven, cost=here.cost, segment_profit=margin * gain - cost * spend)

    return at


class _Decisions:
    """One policy's different decisions, in the order met. It is asked again only where what it read has changed."""

    def __init__(self, name: str, policy: Callable[[PolicyData], Vector]):
        self.name, self.policy = name, policy
        self.reads: list[str] = []
        self.answered: dict[tuple[float, ...], int] = {}
        self.known: dict[bytes, int] = {}

    def number(self, cost: float, margin: float, seen: _Watched) -> int:
        """The number of its decision at this cost and margin, where it sees `seen`."""
        values = {"breakeven": (cost / margin,), "cost": (cost,), "segment_profit": (cost, margin)}
        key = tuple(value for name in self.reads for value in values[name])
        if key not in self.answered:
            seen.read.clear()
            decision = np.packbits(self.policy(seen) > 0).tobytes()
            if not seen.read <= set(self.reads):
                self.reads = sorted(seen.read.union(self.reads))
                self.answered.clear()
                key = tuple(value for name in self.reads for value in values[name])
            self.answered[key] = self.known.setdefault(decision, len(self.known))
        return self.answered[key]


def unpacked(bits: bytes, rows: int) -> Vector:
    """A decision, 0 or 1 (rows,), from its bits: packed it takes a 64th of the memory."""
    return np.unpackbits(np.frombuffer(bits, np.uint8), count=rows).astype(float)


class _Sums:
    """What decisions add up to by household: gain and spend at cost 1 and margin 1, less their means."""

    def __init__(self, evidence: Evidence, one: Economics, beliefs: Beliefs | None, alike: bool):
        self.evidence, self.one, self.n = evidence, one, len(evidence.score)
        self.beliefs, self.alike = beliefs, alike
        _, self.codes = np.unique(evidence.household_id, return_inverse=True)
        self.size = np.bincount(self.codes).astype(float)
        self.factor = len(self.size) / (len(self.size) - 1) / self.n**2

    def of(self, name: str, policy: Vector) -> NDArray[np.float64]:
        """Gain and spend (2, households) of what is measured."""
        spend = measured_part(name, policy, self.evidence.overlap) * self.one.cost
        values = (earned_by(name, policy, self.evidence, Economics(0.0, self.one.margin)), spend)
        return np.stack([np.bincount(self.codes, each, len(self.size)) - each.mean() * self.size for each in values])

    def believed(self, name: str, policy: Vector) -> dict[str, float]:
        """What is believed of a policy at cost 1 and margin 1: BELIEVED_GAIN but for share_outside."""
        spend = float((policy * self.one.cost).mean())
        overlap = self.evidence.overlap
        if self.beliefs is None or policy[~self.beliefs.forecast.posterior.speaks_of(overlap)].any():
            return {"believed": np.nan, "believed_sd": np.nan, "believed_spend": spend, "compared": np.nan}
        posterior = self.beliefs.forecast.posterior
        gain, compared = (
            posterior.profit(contacts, self.beliefs.centred, overlap, 0.0, self.one.margin)
            for contacts in (policy, measured_part(name, policy, overlap))
        )
        return {"believed": gain.mean, "believed_sd": gain.sd, "believed_spend": spend, "compared": compared.mean}

    def row(self, name: str, number: int, bits: bytes) -> dict[str, Any]:
        """A row of the table of decisions, of which `bits` are the contacts."""
        policy = unpacked(bits, self.n)
        gain = earned_by(name, policy, self.evidence, Economics(0.0, self.one.margin))
        sums = self.of(name, policy)
        (var_gain, covariance), (_, var_spend) = self.factor * sums @ sums.T
        shift = learning_shift(name, policy, self.evidence, Economics(0.0, self.one.margin))
        learned = 0.0 if shift is None else float(np.square(shift.mean(axis=0)).mean())
        measured = measured_part(name, policy, self.evidence.overlap)
        return {
            "policy": name,
            "decision": number,
            "n": int(policy.sum()),
            "share_outside": share_outside(policy, self.evidence.overlap),
            "ess": support(name, measured, self.evidence)["ess"],
            "lottery": is_lottery(name, policy, self.evidence.overlap, self.alike),
            **self.believed(name, policy),
            "gain": float(gain.mean()),
            "spend": float((measured * self.one.cost).mean()),
            "var_gain": var_gain + learned,
            "covariance": covariance,
            "var_spend": var_spend,
        }


def look_up(
    data: PolicyData,
    shown: Vector,
    evidence: Evidence,
    economics: Economics,
    segment: NDArray[np.int64],
    steps_of: tuple[Vector, Vector],
    seed: int,
    beliefs: Beliefs | None,
) -> Lookup:
    """All that the sliders can ask, at the costs and margins `steps_of`, in whose averages these are given.

    `shown` are the effects (rows,) in whose order the curve is drawn. Intervals that hold for all candidates are those of
    `value_table` with the same seed. Without `beliefs`, as where the arms do not compare, nothing is recommended.
    """
    one, seen = step_unit(economics), slider_data(data, evidence, economics, segment)
    positions = pd.MultiIndex.from_product(steps_of, names=["cost", "margin"]).to_frame(index=False)
    costs, margins = (positions[name].to_numpy() for name in ("cost", "margin"))
    policies = [_Decisions(name, policy) for name, policy in available(data).items()]
    numbers = np.zeros((len(positions), len(policies)), dtype=int)
    for place, (cost, margin) in enumerate(zip(costs.tolist(), margins.tolist(), strict=True)):
        here = seen(cost, margin)
        numbers[place] = [policy.number(cost, margin, here) for policy in policies]

    sums = _Sums(evidence, one, beliefs, data.alike)
    each = [(own.name, *item) for own in policies for item in enumerate(own.known)]
    decisions = pd.DataFrame(list(in_processes(sums.row, each))).assign(candidate=lambda table: recommendable(table))
    able = [decisions.loc[decisions["policy"] == own.name, "candidate"].to_numpy() for own in policies]
    chosen = np.stack([own[numbers[:, place]] for place, own in enumerate(able)], axis=1)
    breakevens = np.round(costs / margins, 12)
    reach = _reach(policies, sums, numbers, chosen, breakevens, seed)
    kept = ["policy", "decision", "contacts", "candidate", *MOMENTS, *BELIEVED_GAIN]
    decisions = decisions.rename(columns={"n": "contacts"})[kept]

    names = [policy.name for policy in policies]
    found = positions.join(pd.DataFrame(numbers, columns=names))
    best = _recommended(found, decisions, names)
    moments, peak_lower, peak_upper = _curve(replace(data, cate=shown).order, shown, evidence, one, breakevens, seed)
    found = found.assign(reach=reach, recommended=best, peak_lower=peak_lower, peak_upper=peak_upper)
    return Lookup(found, decisions, moments)


def _reach(
    policies: Sequence[_Decisions],
    sums: _Sums,
    numbers: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    breakevens: Vector,
    seed: int,
) -> Vector:
    """How many standard errors cover all candidates at once at each position (places,).

    `numbers` (places, policies) are those of the decisions, `chosen` says which of them are candidates.
    """
    n = sums.n
    packed = [list(own.known) for own in policies]

    @lru_cache(maxsize=KEPT)
    def sums_of(place: int, number: int) -> NDArray[np.float64]:
        return sums.of(policies[place].name, unpacked(packed[place][number], n))

    @lru_cache(maxsize=KEPT)
    def parts(which: tuple[tuple[int, int], ...]) -> tuple[Vector, Vector, Vector]:
        gain, spend = np.stack([sums_of(*item) for item in which], axis=1)
        mixed = gain @ spend.T
        return gain @ gain.T, mixed + mixed.T, spend @ spend.T

    values, reach = CriticalValues(seed), np.zeros(len(breakevens))
    cases = np.column_stack([breakevens, np.where(chosen, numbers, -1)])
    # Ascending by breakeven, along which decisions change little by little.
    cases, which_case = np.unique(cases, axis=0, return_inverse=True)
    for case, (breakeven, *own) in enumerate(cases):
        which = tuple((place, int(number)) for place, number in enumerate(own) if number >= 0)
        if which:
            gain, mixed, spend = parts(which)
            reach[case] = values(sums.factor * (gain - breakeven * mixed + breakeven**2 * spend))
    return reach[which_case.ravel()]


def profits_at(positions: pd.DataFrame, decisions: pd.DataFrame, policy: str) -> pd.DataFrame:
    """One policy at each of a lookup's positions: contacts, candidate, profit and se, and what is believed of the profit.

    USD per row of the panel; expected and expected_sd are missing where nothing is believed.
    """
    own = decisions[decisions["policy"] == policy].set_index("decision")
    at = own.loc[positions[policy]].reset_index(drop=True)
    cost, margin = positions["cost"], positions["margin"]
    variance = margin**2 * at["var_gain"] - 2 * margin * cost * at["covariance"] + cost**2 * at["var_spend"]
    profit = margin * at["gain"] - cost * at["spend"]
    expected, sd = margin * at["believed"] - cost * at["believed_spend"], margin * at["believed_sd"]
    return at[["contacts", "candidate"]].assign(
        profit=profit, se=np.sqrt(variance.clip(lower=0.0)), expected=expected, expected_sd=sd
    )


def _recommended(positions: pd.DataFrame, decisions: pd.DataFrame, names: Sequence[str]) -> NDArray[np.object_]:
    """What `recommend` says at each position (positions,)."""
    best = next((name for name in BEST_BETS if name in names), "none")
    at = profits_at(positions, decisions, best)
    return np.where((at["contacts"] > 0) & (at["expected"] > 0), best, "none").astype(object)


def _curve(
    order: NDArray[np.int64], shown: Vector, evidence: Evidence, one: Economics, breakevens: Vector, seed: int
) -> tuple[pd.DataFrame, Vector, Vector]:
    """The curve's moments at each share, and the ends of the range of its peak at each breakeven.

    Gain and spend of whole curves are drawn together once, so that a curve drawn at any cost and margin is their difference.
    """
    everybody = np.ones(len(order))
    curves = cumulative([one.margin * evidence.score, one.cost * everybody], [order, order], evidence.household_id)
    counts = np.rint(SHARES * len(order)).astype(int)
    promised = np.concatenate([[0.0], np.cumsum((one.margin * shown)[order])])[counts] / len(order)
    gain, mixed, spend = (np.diag(curves.block(*pair)) for pair in ((0, 0), (0, 1), (1, 1)))
    table = pd.DataFrame(dict(zip(MOMENTS, (*curves.means, gain, mixed, spend), strict=True)))
    # What is left of the variance of a spend that is known, such as everybody's, is rounding.
    varies = np.concatenate([variance > ROUNDING * variance.max() for variance in (gain, spend)])
    m = len(SHARES)
    covariance = np.where(np.outer(varies, varies), curves.covariance.reshape(2 * m, 2 * m), 0.0)
    drawn = normal_errors(covariance, seed, PEAK_DRAWS) + curves.means.ravel()
    different, which = np.unique(breakevens, return_inverse=True)
    gains, spends, peaks = drawn[:, :m].copy(), drawn[:, m:].copy(), np.zeros((len(different), PEAK_DRAWS), dtype=np.int64)
    profits = np.empty(gains.shape)  # written over, as new memory each time would take twice as long
    for number, breakeven in enumerate(different):
        np.subtract(gains, np.multiply(spends, breakeven, out=profits), out=profits)
        peaks[number] = profits.argmax(axis=1)
    levels = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    lower, upper = np.quantile(SHARES[peaks], levels, axis=1, method="closest_observation")
    return table.assign(share=SHARES, promised=promised), lower[which], upper[which]
