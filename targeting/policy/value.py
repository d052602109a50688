"""What a policy earns: off-policy, from doubly robust scores, beside what the model that chose it promises.

A row's profit under a policy that contacts it with probability p(X) is p (margin (score1 - score0) - cost), against contacting
nobody. Current practice is no function of X, so it is valued by what happened: margin (outcome - score0) - cost T.
Of a best bet that reaches outside the overlap only the part inside it is valued so: what lies outside is believed, not measured.
All money is in USD. Source: Dudik, Langford & Li (2011), ICML, for doubly robust off-policy evaluation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from targeting.base.columns import AFTER, KEYS, OUTCOMES
from targeting.nuisance.overlap import Answers, effective_sample_size
from targeting.policy.economics import Economics
from targeting.policy.policies import POLICIES, is_lottery
from targeting.stats.estimates import Estimate, mean_estimate, ratio_estimate
from targeting.stats.joint import critical_value, joint_covariance

Vector = NDArray[np.float64]
REFERENCES = ("all", "current")
# Contacts in effect that each arm needs among a policy's own, before its normal interval can be taken at its word.
FEWEST = 30
BEST_BETS = ("budget", "prudent")  # what is recommended, the first that there is


@dataclass(frozen=True)
class Evidence:
    """What values policies, arrays (rows,): both arms' scores, the outcome, who was treated, households, and the overlap.

    The propensity and both arms' predicted outcomes are what the scores were made of; all cross-fitted by household. Where a
    sample was learned from, shift0 and shift1 (rows, splits) are how far what is learned moves either arm's score, by splits of
    the sample (see targeting.effects.learning): what that makes of a mean over the rows is its error of learning. `after`
    (rows, 2) are the columns AFTER of the table of `after_campaign`: what purchases after each campaign say of a bias.
    """

    score0: Vector
    score1: Vector
    outcome: Vector
    treated: Vector
    household_id: NDArray[np.int64]
    overlap: NDArray[np.bool_]
    propensity: Vector
    mu0: Vector
    mu1: Vector
    shift0: Vector | None = None
    shift1: Vector | None = None
    after: Vector | None = None

    @property
    def score(self) -> Vector:
        """Each row's score of the effect, treated less control."""
        return self.score1 - self.score0

    @property
    def shift(self) -> Vector | None:
        """How far what is learned moves `score` (rows, splits); None where everybody was learned from."""
        return None if self.shift0 is None or self.shift1 is None else self.shift1 - self.shift0

    def rows(self, chosen: NDArray[np.bool_]) -> "Evidence":
        """The same for some rows."""
        whole = {field.name: getattr(self, field.name) for field in fields(self)}
        parts: dict[str, Any] = {name: None if values is None else values[chosen] for name, values in whole.items()}
        return Evidence(**parts)


def evidence_of(
    panel: pd.DataFrame,
    nuisance: pd.DataFrame,
    outcome: str,
    overlap: NDArray[np.bool_],
    shifts: pd.DataFrame | None = None,
    after: pd.DataFrame | None = None,
) -> Evidence:
    """Bring together what the panel and the nuisances, row by row alike, say of one outcome.

    `shifts` are as of `Learning`; `after` is the table of `after_campaign`, which speaks of spend alone: not of another outcome.
    """
    moved = {} if shifts is None or shifts.empty else {f"shift{arm}": _all_rows(panel, shifts, outcome, arm) for arm in (0, 1)}
    score0, score1, mu0, mu1 = (
        nuisance[f"{name}_{outcome}"].to_numpy(dtype=float) for name in ("score0", "score1", "mu0", "mu1")
    )
    return Evidence(
        score0=score0,
        score1=score1,
        outcome=panel[outcome].to_numpy(dtype=float),
        treated=panel["treated"].to_numpy(dtype=float),
        household_id=panel["household_id"].to_numpy(),
        overlap=overlap,
        propensity=nuisance["propensity"].to_numpy(dtype=float),
        mu0=mu0,
        mu1=mu1,
        after=None if after is None or outcome != OUTCOMES[0] else after[AFTER].to_numpy(dtype=float),
        **moved,
    )


def _all_rows(panel: pd.DataFrame, shifts: pd.DataFrame, outcome: str, arm: int) -> Vector:
    """Shifts (rows, splits) of all the panel's rows: none inside the sample, and so much larger outside that means are kept."""
    own = shifts[[*KEYS, *(name for name in shifts if name.startswith(f"shift{arm}_{outcome}_"))]]
    values = panel[KEYS].merge(own, on=KEYS, how="left", validate="one_to_one").drop(columns=KEYS).to_numpy(dtype=float)
    return np.nan_to_num(values) * len(panel) / len(shifts)


def profits(policy: ArrayLike, effect: ArrayLike, economics: Economics) -> Vector:
    """Each row's profit (rows,) under a policy that is a function of the covariates, if its effect on sales is `effect`."""
    return np.asarray(policy, dtype=float) * (economics.margin * np.asarray(effect, dtype=float) - economics.cost)


def observed_profits(evidence: Evidence, economics: Economics) -> Vector:
    """Each row's profit (rows,) under current practice: what was sold beyond what contacting nobody would have, less the cost.

    Its mean is right if either nuisance of the control arm is. Multiplying the treated by score1 - score0 would not be: who was
    treated depends on more than the covariates that the scores condition on.
    """
    return economics.margin * (evidence.outcome - evidence.score0) - economics.cost * evidence.treated


def learning_shift(name: str, policy: ArrayLike, evidence: Evidence, economics: Economics) -> Vector | None:
    """How far what is learned moves each row's off-policy profit (rows, splits) under one policy; None where it moves nothing."""
    if evidence.shift is None or evidence.shift0 is None:
        return None
    if name == "current":
        return -np.multiply(economics.margin, np.ones(len(evidence.score)))[:, None] * evidence.shift0
    return (economics.margin * measured_part(name, policy, evidence.overlap))[:, None] * evidence.shift


def widened(found: Estimate, shift: Vector | None, share: float = 1.0) -> Estimate:
    """A mean over rows with the error of learning added to its own; `shift` (rows, splits) is of the rows, over `share`."""
    if shift is None:
        return found
    return Estimate(found.value, float(np.sqrt(found.se**2 + np.square(shift.mean(axis=0) / share).mean())))


def share_outside(policy: Vector, overlap: NDArray[np.bool_]) -> float:
    """Which part of a policy's contacts, shape (rows,), lies outside the overlap (rows,); 0 where nobody is contacted."""
    return float(policy[~overlap].sum() / policy.sum()) if policy.any() else 0.0


def measured_part(name: str, policy: ArrayLike, overlap: NDArray[np.bool_]) -> Vector:
    """Those of a policy's contacts (rows,) whose profit is measured: of a best bet inside the overlap, of any other all."""
    contacts = np.asarray(policy, dtype=float)
    return contacts * overlap if name in BEST_BETS else contacts


def earned_by(name: str, policy: ArrayLike, evidence: Evidence, economics: Economics) -> Vector:
    """Each row's off-policy profit (rows,) under one policy's `measured_part`; `current` is valued by what happened."""
    if name == "current":
        return observed_profits(evidence, economics)
    return profits(measured_part(name, policy, evidence.overlap), evidence.score, economics)


def earned(policies: pd.DataFrame, evidence: Evidence, economics: Economics) -> pd.DataFrame:
    """Each row's off-policy profit under each policy, a column of `policies`, as `earned_by` has it."""
    return pd.DataFrame({name: earned_by(name, policies[name], evidence, economics) for name in policies.columns})


def value_table(
    policies: pd.DataFrame,
    cate: ArrayLike,
    evidence: Evidence,
    economics: Economics,
    promised: Mapping[str, Vector] | None = None,
    seed: int = 0,
    alike: bool = False,
) -> pd.DataFrame:
    """One row per policy (a column of `policies`, among them all and current), everything per row of the panel but total_*.

    Columns: share and n contacted, share_outside (of the contacts, outside the overlap); and of the `measured_part`
    profit_plugin (by the effects `cate`, or by `promised` profits where others than these chose), profit (off-policy) with se and
    95% interval, total_profit and roi with their intervals (roi missing where nothing is spent), optimism (plug-in less
    off-policy), and the paired difference
    to contacting all and to current practice (over_*), with intervals; against contacting nobody that is the profit itself.
    lottery says that a policy's choice is a lot, since the effects that it goes by are `alike`. simultaneous_lower is the lower
    end of the intervals that hold for all candidates (see `recommendable`) together, shown whether it is above 0.
    """
    earnings = earned(policies, evidence, economics)
    shifts = {name: learning_shift(name, policies[name], evidence, economics) for name in policies.columns}
    rows = []
    for name in policies.columns:
        policy = policies[name].to_numpy()
        measured = measured_part(name, policy, evidence.overlap)
        plugin = float(np.mean((promised or {}).get(name, profits(measured, cate, economics))))
        row: dict[str, object] = {
            "policy": name,
            "share": float(policy.mean()),
            "n": int(policy.sum()),
            "share_outside": share_outside(policy, evidence.overlap),
            "profit_plugin": plugin,
        }
        profit = widened(mean_estimate(earnings[name], evidence.household_id), shifts[name])
        row |= _profit_columns(profit, len(policy))
        row |= _roi_columns(earnings[name].to_numpy(), measured * economics.cost, evidence.household_id, shifts[name])
        row["optimism"] = plugin - profit.value
        for reference in REFERENCES:
            gain = mean_estimate(earnings[name] - earnings[reference], evidence.household_id)
            own, other = shifts[name], shifts[reference]
            gain = widened(gain, None if own is None or other is None else own - other)
            row |= {
                f"over_{reference}": gain.value,
                f"over_{reference}_ci_lower": gain.lower,
                f"over_{reference}_ci_upper": gain.upper,
            }
        row |= support(name, measured, evidence)
        row["lottery"] = is_lottery(name, policy, evidence.overlap, alike)
        rows.append(row)
    table = pd.DataFrame(rows)
    table["simultaneous_lower"] = _simultaneous_lower(table, earnings, evidence.household_id, seed)
    return table.assign(shown=table["simultaneous_lower"] > 0)


def _profit_columns(profit: Estimate, n: int) -> dict[str, float]:
    return {
        "profit": profit.value,
        "profit_se": profit.se,
        "profit_ci_lower": profit.lower,
        "profit_ci_upper": profit.upper,
        "total_profit": profit.value * n,
        "total_profit_ci_lower": profit.lower * n,
        "total_profit_ci_upper": profit.upper * n,
    }


def _roi_columns(earnings: Vector, spent: Vector, household_id: NDArray[np.int64], shift: Vector | None) -> dict[str, float]:
    roi = Estimate(np.nan, np.nan)
    if spent.any():
        roi = widened(ratio_estimate(earnings, spent, household_id), shift, float(spent.mean()))
    return {"roi": roi.value, "roi_ci_lower": roi.lower, "roi_ci_upper": roi.upper}


def arm_weights(name: str, policy: Vector, evidence: Evidence) -> tuple[Vector, Vector]:
    """How much each row counts (rows,) for what a policy's contacts would spend as treated, and as controls.

    Treated contacts count by 1 / e, controls by 1 / (1 - e). Under current practice the treated are the contacts; they count as
    they are, and controls by e / (1 - e).
    """
    e, t = evidence.propensity, evidence.treated
    if name == "current":
        return t, (1 - t) * e / (1 - e)
    return policy * t / e, policy * (1 - t) / (1 - e)


def support(name: str, policy: Vector, evidence: Evidence) -> dict[str, float]:
    """On how much data a policy's value rests: ess (effective sample size) and largest_weight, both of its weaker arm.

    ess is Kish's of the arm's weights, largest_weight the part of them that its heaviest row has; 0 and missing where an arm has
    none of the contacts, or nobody is contacted.
    """
    sizes, largest = [], []
    for weight in arm_weights(name, policy, evidence):
        total = weight.sum() if policy.any() else 0.0
        sizes.append(effective_sample_size(weight) if total > 0 else 0.0)
        largest.append(float(weight.max() / total) if total > 0 else np.nan)
    return {"ess": min(sizes), "largest_weight": float(np.max(largest))}


def recommendable(table: pd.DataFrame) -> pd.Series:
    """Which rows of a value table can be judged: they contact somebody, measured inside the overlap, not too few, and by no lot.

    Outside the overlap a profit is extrapolated; with fewer than 30 contacts in effect in an arm its interval is no interval; and
    a lottery is no choice of households.
    """
    inside = (table["share_outside"] == 0) | table["policy"].isin(BEST_BETS)
    return (table["n"] > 0) & inside & (table["ess"] >= FEWEST) & ~table["lottery"]


def extrapolated(table: pd.DataFrame, answers: str) -> pd.Series:
    """Which rows of a value table have profits of contacts outside the overlap, unless the data answer for everybody.

    No data speak of these, so that the interval is none that could be believed. Of a best bet only the part inside is measured.
    """
    return (table["share_outside"] > 0) & ~table["policy"].isin(BEST_BETS) & (answers != Answers.EVERYBODY)


def _simultaneous_lower(table: pd.DataFrame, earnings: pd.DataFrame, household_id: NDArray[np.int64], seed: int) -> pd.Series:
    """Lower ends of two-sided 95% intervals that hold together for the candidates, shape (policies,); missing for the others."""
    compared = recommendable(table)
    if not compared.any():
        return pd.Series(np.nan, index=table.index)
    values = earnings.loc[:, compared.to_numpy()].to_numpy()
    covariance = joint_covariance(values - values.mean(axis=0), household_id)
    lower = table["profit"] - critical_value(covariance, seed) * table["profit_se"]
    return lower.where(compared)


def with_absent(table: pd.DataFrame, absent: Mapping[str, str]) -> pd.DataFrame:
    """The table with a row for each absent policy too, in the policies' order: numbers missing, and why in `note`."""
    rows = pd.DataFrame({"policy": list(absent), "note": list(absent.values())})
    whole = pd.concat([table.assign(note=""), rows], ignore_index=True) if absent else table.assign(note="")
    return whole.sort_values("policy", key=lambda names: names.map(list(POLICIES).index), kind="stable", ignore_index=True)


def recommend(table: pd.DataFrame, comparable: bool = True) -> str:
    """The best bet: `prudent` (`budget`, where one is set) if it contacts anybody and is expected to earn, else `none`.

    Whether it is also shown to earn is another question (`shown`): a decision weighs what may be lost against what may be gained,
    a test only limits how often one is wrong. Where the arms are not `comparable`, no profit is evidence. Source: Manski (2019),
    Treatment choice with trial data, The American Statistician 73(sup1), 296-304.
    """
    rows = table.set_index("policy")
    best = next((name for name in BEST_BETS if name in rows.index), "none")
    pays = best != "none" and rows.loc[best, "n"] > 0 and rows.loc[best, "expected_profit"] > 0
    return best if comparable and pays else "none"


def best_candidate(table: pd.DataFrame) -> str:
    """The candidate with the largest off-policy profit, shown to pay or not; `none` where there is none."""
    compared = table[recommendable(table)]
    return "none" if compared.empty else str(compared.loc[compared["profit"].idxmax(), "policy"])
