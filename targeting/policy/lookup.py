"""What every policy earns at each cost and margin that the report's sliders can stand at: decided here, looked up by the page.

Decisions are those of `decide` at that cost and margin. For given contacts a profit is margin * gain - cost * spend, where gain
and spend are what the contacts add up to at cost 1 and margin 1 (where rows differ: at an average of 1, all in proportion), so
that the means, variances and covariance of the two give its value and interval. Many positions have the same contacts: each
policy's different decisions are kept once, and each position says which it has.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.policy.curve import ROUNDING, SHARES, cumulative
from targeting.policy.economics import Economics
from targeting.policy.policies import PolicyData, decisions_of, held_out_means
from targeting.policy.value import Evidence, earned, recommendable, support
from targeting.stats.estimates import CONFIDENCE
from targeting.stats.joint import critical_value, normal_errors

Vector = NDArray[np.float64]
DEAREST = 3.0  # the sliders reach this many times the run's own cost (and margin, where it is no share of sales)
LEAST_RANGE = 10.0  # and at least this many USD
STEPS = (0.01, 0.05, 0.1, 0.25, 0.5, *(digit * 10.0**power for power in range(7) for digit in (1.0, 2.5, 5.0)))
MOST_STEPS = 100  # of a slider: the smallest of STEPS is taken that needs no more
PEAK_DRAWS = 500  # of a whole curve, for the range of its peak to a whole percent
MOMENTS = ("gain", "spend", "var_gain", "covariance", "var_spend")


@dataclass(frozen=True)
class Lookup:
    """What the sliders look up: three tables.

    positions: one row per cost (outer) and margin (inner), with the number of each policy's decision (a column per policy), reach
    (how many standard errors cover all candidates at once), recommended, peak_lower and peak_upper (the middle 95% of the shares
    at which the curve may peak). decisions: policy, decision, contacts (rows), candidate (whether it can be recommended), and
    MOMENTS per row of the panel in USD at cost 1 and margin 1. curve: share, MOMENTS, and promised, the gain that the model
    promises.
    """

    positions: pd.DataFrame
    decisions: pd.DataFrame
    curve: pd.DataFrame


def steps(own: float, largest: float, first: int) -> Vector:
    """Where a slider can stand: `first`, `first` + 1, ... steps up to `largest`, and the run's own number exactly; ascending."""
    step = next((size for size in STEPS if largest / size <= MOST_STEPS), largest / MOST_STEPS)
    grid = np.round(step * np.arange(first, int(np.floor(largest / step + 1e-9)) + 1), 10)
    return np.sort(np.append(grid[~np.isclose(grid, own)], own))


def slider_steps(economics: Economics, outcome: str) -> tuple[Vector, Vector]:
    """Costs and margins of the sliders; a margin is a share of sales, or USD per basket where profits are of these."""
    own = economics.averages()
    most = {name: max(DEAREST * own[name], LEAST_RANGE) for name in ("cost", "margin")}
    margins = steps(own["margin"], 1.0 if outcome == "purchase_amount" else most["margin"], 1)
    return steps(own["cost"], most["cost"], 0), margins


def unit(economics: Economics) -> Economics:
    """Each row's cost and margin over their averages, so that these times a cost and a margin are what a row has there."""

    def over_average(value: float | Vector) -> float | Vector:
        average = float(np.mean(value))
        # Where nothing costs, a cost that the reader sets is the same for all.
        return 1.0 if np.ndim(value) == 0 or average == 0 else value / average

    return Economics(over_average(economics.cost), over_average(economics.margin))


def slider_data(
    data: PolicyData, evidence: Evidence, economics: Economics, segment: NDArray[np.int64]
) -> Callable[[float, float], PolicyData]:
    """What policies see at a cost and a margin, as `at_economics` has it; what does not depend on them is computed once.

    Profits by segment are differences of two means, and a common factor of costs or of margins leaves the order of contact.
    """
    one = unit(economics)
    everybody = np.ones(len(data.cate))
    fold = np.zeros(len(segment), dtype=np.int64) if data.fold is None else data.fold
    gain, spend = (
        held_out_means(values, segment, fold, evidence.overlap) for values in (one.margin * evidence.score, one.cost * everybody)
    )
    order = data.order

    def at(cost: float, margin: float) -> PolicyData:
        here = one.scaled(cost, margin)
        segment_profit = np.nan_to_num(margin * gain - cost * spend)
        return replace(data, breakeven=here.breakeven, cost=here.cost, segment_profit=segment_profit, known_order=order)

    return at


class _Sums:
    """Sums by household of a decision's gain and spend, less their means: what variances and covariances are made of."""

    def __init__(self, evidence: Evidence, one: Economics):
        self.evidence, self.one, self.n = evidence, one, len(evidence.score)
        _, self.codes = np.unique(evidence.household_id, return_inverse=True)
        self.size = np.bincount(self.codes).astype(float)
        self.factor = len(self.size) / (len(self.size) - 1) / self.n**2

    def of(self, name: str, policy: Vector) -> tuple[dict[str, Any], NDArray[np.float64]]:
        """A row of the table of decisions, and its sums (2, households)."""
        gain = earned(pd.DataFrame({name: policy}), self.evidence, Economics(0.0, self.one.margin))[name].to_numpy()
        sums = np.stack([self._deviations(values) for values in (gain, policy * self.one.cost)])
        (var_gain, covariance), (_, var_spend) = self.factor * sums @ sums.T
        row = {
            "policy": name,
            "n": int(policy.sum()),
            "share_outside": float(policy[~self.evidence.overlap].sum() / policy.sum()) if policy.any() else 0.0,
            "ess": support(name, policy, self.evidence)["ess"],
            "gain": float(gain.mean()),
            "spend": float((policy * self.one.cost).mean()),
            "var_gain": var_gain,
            "covariance": covariance,
            "var_spend": var_spend,
        }
        return row, sums

    def _deviations(self, values: Vector) -> Vector:
        return np.bincount(self.codes, values, len(self.size)) - values.mean() * self.size


class _Decisions:
    """Each policy's different decisions, in the order met, and the household sums of the latest of each policy."""

    def __init__(self, names: Sequence[str], sums: _Sums):
        self.names, self.sums = list(names), sums
        self.known: list[dict[bytes, int]] = [{} for _ in names]
        self.rows: list[dict[str, Any]] = []
        self.latest: list[bytes] = [b""] * len(names)
        self.held = np.zeros((2, len(names), len(sums.size)))

    def numbers(self, decisions: Mapping[str, Vector]) -> list[int]:
        """The number of each policy's decision among its own, added where it is new."""
        found = []
        for place, name in enumerate(self.names):
            key = np.packbits(decisions[name] > 0).tobytes()
            if key != self.latest[place]:
                row, self.held[:, place] = self.sums.of(name, decisions[name])
                self.latest[place] = key
                if key not in self.known[place]:
                    self.rows.append(row | {"decision": len(self.known[place])})
                    self.known[place][key] = len(self.known[place])
            found.append(self.known[place][key])
        return found

    def covariance(self, chosen: NDArray[np.bool_], breakeven: float) -> NDArray[np.float64]:
        """Covariance (m, m) of the latest decisions' profits of the chosen policies at margin 1."""
        profit = self.held[0, chosen] - breakeven * self.held[1, chosen]
        return self.sums.factor * profit @ profit.T


def look_up(
    data: PolicyData,
    shown: Vector,
    evidence: Evidence,
    economics: Economics,
    segment: NDArray[np.int64],
    steps_of: tuple[Vector, Vector],
    seed: int,
    comparable: bool = True,
) -> Lookup:
    """All that the sliders can ask, at the costs and margins `steps_of`, in whose averages these are given.

    `shown` are the effects (rows,) in whose order the curve is drawn. Intervals that hold for all candidates are those of
    `value_table` with the same seed; where arms are not `comparable`, nothing is recommended.
    """
    one, seen = unit(economics), slider_data(data, evidence, economics, segment)
    moments, ranges = _curve(replace(data, cate=shown).order, shown, evidence, one, seed)
    places = pd.MultiIndex.from_product(steps_of, names=["cost", "margin"]).to_frame(index=False)
    costs, margins = (places[name].to_numpy() for name in ("cost", "margin"))
    breakevens = np.round(costs / margins, 12)
    names = list(decisions_of(data))
    store, numbers = _Decisions(names, _Sums(evidence, one)), np.zeros((len(places), len(names)), dtype=int)
    reach, peaks = np.zeros(len(places)), np.zeros((len(places), 2))
    covered: dict[tuple[Any, ...], float] = {}
    ranged: dict[float, tuple[float, float]] = {}
    able: dict[tuple[int, int], bool] = {}
    # By breakeven, along which decisions change little by little.
    for place in np.argsort(breakevens, kind="stable"):
        cost, margin, breakeven = costs[place], margins[place], breakevens[place]
        before = len(store.rows)
        numbers[place] = store.numbers(decisions_of(seen(cost, margin)))
        if len(store.rows) > before:
            new = pd.DataFrame(store.rows[before:])
            for name, number, judged in zip(new["policy"], new["decision"], recommendable(new), strict=True):
                able[names.index(name), number] = bool(judged)
        chosen = np.array([able[item] for item in enumerate(numbers[place])])
        key = (breakeven, *numbers[place][chosen], *np.flatnonzero(chosen))
        if key not in covered:
            covered[key] = critical_value(store.covariance(chosen, cost / margin), seed) if chosen.any() else 0.0
        if breakeven not in ranged:
            ranged[breakeven] = ranges(cost / margin)
        reach[place], peaks[place] = covered[key], ranged[breakeven]
    decisions = pd.DataFrame(store.rows)
    decisions["candidate"] = recommendable(decisions)
    decisions = decisions.rename(columns={"n": "contacts"})[["policy", "decision", "contacts", "candidate", *MOMENTS]]
    found = places.join(pd.DataFrame(numbers, columns=names))
    best = _recommended(found, decisions, reach, names) if comparable else ["none"] * len(places)
    found = found.assign(reach=reach, recommended=best, peak_lower=peaks[:, 0], peak_upper=peaks[:, 1])
    return Lookup(found, decisions, moments)


def profits_at(positions: pd.DataFrame, decisions: pd.DataFrame, policy: str) -> pd.DataFrame:
    """One policy at each of a lookup's positions: contacts, candidate, profit and se (USD per row of the panel)."""
    own = decisions[decisions["policy"] == policy].set_index("decision")
    at = own.loc[positions[policy]].reset_index(drop=True)
    cost, margin = positions["cost"], positions["margin"]
    variance = margin**2 * at["var_gain"] - 2 * margin * cost * at["covariance"] + cost**2 * at["var_spend"]
    profit = margin * at["gain"] - cost * at["spend"]
    return at[["contacts", "candidate"]].assign(profit=profit, se=np.sqrt(variance.clip(lower=0.0)))


def _recommended(positions: pd.DataFrame, decisions: pd.DataFrame, reach: Vector, names: Sequence[str]) -> list[str]:
    """What `recommend` says at each position: the largest profit of the candidates shown to pay, else `none`."""
    values = []
    for name in names:
        at = profits_at(positions, decisions, name)
        shown = at["candidate"] & (at["profit"] - reach * at["se"] > 0)
        values.append(at["profit"].where(shown, -np.inf).to_numpy())
    profit = np.stack(values)
    return [names[best] if profit[best, place] > -np.inf else "none" for place, best in enumerate(profit.argmax(axis=0))]


def _curve(
    order: NDArray[np.int64], shown: Vector, evidence: Evidence, one: Economics, seed: int
) -> tuple[pd.DataFrame, Callable[[float], tuple[float, float]]]:
    """The curve's moments at each share, and what gives the range of its peak at a breakeven.

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
    levels = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]

    def ranges(breakeven: float) -> tuple[float, float]:
        highest = SHARES[np.argmax(drawn[:, :m] - breakeven * drawn[:, m:], axis=1)]
        lower, upper = np.quantile(highest, levels, method="closest_observation")
        return float(lower), float(upper)

    return table.assign(share=SHARES, promised=promised), ranges
