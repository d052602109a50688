"""What a policy earns: off-policy, from doubly robust scores, beside what the model that chose it promises.

A row's profit under a policy that contacts it with probability p(X) is p (margin (score1 - score0) - cost), against contacting
nobody. Current practice is no function of X, so it is valued by what happened: margin (outcome - score0) - cost T.
All money is in USD. Source: Dudik, Langford & Li (2011), ICML, for doubly robust off-policy evaluation.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from targeting.clusters import LEVEL, mean_estimate, ratio_estimate
from targeting.policies import contact_order

Vector = NDArray[np.float64]
REFERENCES = ("all", "current")
CURVE_SHARES = np.round(np.linspace(0.0, 1.0, 101), 2)


@dataclass(frozen=True)
class Economics:
    """Cost in USD per household contacted, and profit per USD of sales (above 0)."""

    cost: float
    margin: float

    @property
    def breakeven(self) -> float:
        """The effect on sales, in USD, at which a contact pays for itself."""
        return self.cost / self.margin


@dataclass(frozen=True)
class Evidence:
    """What values policies, arrays (rows,): both arms' scores, the outcome, who was treated, households, and the overlap."""

    score0: Vector
    score1: Vector
    outcome: Vector
    treated: Vector
    household_id: NDArray[np.int64]
    overlap: NDArray[np.bool_]


def profits(policy: ArrayLike, effect: ArrayLike, economics: Economics) -> Vector:
    """Each row's profit (rows,) under a policy that is a function of the covariates, if its effect on sales is `effect`."""
    return np.asarray(policy, dtype=float) * (economics.margin * np.asarray(effect, dtype=float) - economics.cost)


def observed_profits(evidence: Evidence, economics: Economics) -> Vector:
    """Each row's profit (rows,) under current practice: what was sold beyond what contacting nobody would have, less the cost.

    Its mean is right if either nuisance of the control arm is. Multiplying the treated by score1 - score0 would not be: who was
    treated depends on more than the covariates that the scores condition on.
    """
    return economics.margin * (evidence.outcome - evidence.score0) - economics.cost * evidence.treated


def value_table(policies: pd.DataFrame, cate: ArrayLike, evidence: Evidence, economics: Economics) -> pd.DataFrame:
    """One row a policy (a column of `policies`, among them all and current), everything per row of the panel but total_profit.

    Columns: share and n contacted, share_outside (of the contacts, outside the overlap), profit_plugin, profit (off-policy)
    with se and 95% interval, total_profit, roi with its interval (missing for a policy that spends nothing), optimism
    (plug-in less off-policy), and the paired difference to contacting all and to current practice (over_*), with intervals.
    """
    score = evidence.score1 - evidence.score0
    earned = {
        name: observed_profits(evidence, economics) if name == "current" else profits(policies[name], score, economics)
        for name in policies.columns
    }
    rows = []
    for name in policies.columns:
        policy = policies[name].to_numpy()
        profit = mean_estimate(earned[name], evidence.household_id)
        plugin = float(profits(policy, cate, economics).mean())
        spent = policy * economics.cost
        roi = ratio_estimate(earned[name], spent, evidence.household_id) if spent.any() else None
        row = {
            "policy": name,
            "share": float(policy.mean()),
            "n": int(policy.sum()),
            "share_outside": float(policy[~evidence.overlap].sum() / policy.sum()) if policy.any() else 0.0,
            "profit_plugin": plugin,
            "profit": profit.value,
            "profit_se": profit.se,
            "profit_ci_lower": profit.lower,
            "profit_ci_upper": profit.upper,
            "total_profit": profit.value * len(policy),
            "roi": roi.value if roi else np.nan,
            "roi_ci_lower": roi.lower if roi else np.nan,
            "roi_ci_upper": roi.upper if roi else np.nan,
            "optimism": plugin - profit.value,
        }
        for reference in REFERENCES:
            gain = mean_estimate(earned[name] - earned[reference], evidence.household_id)
            row |= {
                f"over_{reference}": gain.value,
                f"over_{reference}_ci_lower": gain.lower,
                f"over_{reference}_ci_upper": gain.upper,
            }
        rows.append(row)
    return pd.DataFrame(rows)


def roi_curve(cate: ArrayLike, evidence: Evidence, economics: Economics) -> pd.DataFrame:
    """Profit per row by share contacted, in the order of contact (inside the overlap first), at every whole percent.

    Columns: share, profit, profit_ci_lower, profit_ci_upper (pointwise 95%), profit_plugin, roi (missing at share 0), and
    share_outside: which part of the contacts lies outside the overlap, where profits are extrapolated.
    """
    effects = np.asarray(cate, dtype=float)
    order = contact_order(effects, evidence.overlap)
    score = evidence.score1 - evidence.score0
    policy = np.zeros(len(effects))
    rows = []
    for share in CURVE_SHARES:
        policy[order[: round(share * len(effects))]] = 1.0
        profit = mean_estimate(profits(policy, score, economics), evidence.household_id)
        rows.append(
            {
                "share": share,
                "profit": profit.value,
                "profit_ci_lower": profit.lower,
                "profit_ci_upper": profit.upper,
                "profit_plugin": float(profits(policy, effects, economics).mean()),
                "roi": profit.value / (policy.mean() * economics.cost) if policy.any() and economics.cost > 0 else np.nan,
                "share_outside": float(policy[~evidence.overlap].sum() / policy.sum()) if policy.any() else 0.0,
            }
        )
    return pd.DataFrame(rows)


def recommend(table: pd.DataFrame) -> str:
    """The policy with the largest off-policy profit of those shown to beat contacting nobody; `none` where none is.

    Shown: it contacts nobody outside the overlap, where its profit would be extrapolated, and the lower end of its interval is
    above zero, at a level shared by all policies compared (Bonferroni), since the best of several looks better than it is.
    """
    candidates = table[(table["policy"] != "none") & (table["share_outside"] == 0)]
    z = norm.ppf(1 - (1 - LEVEL) / 2 / max(len(candidates), 1))
    shown = candidates[candidates["profit"] - z * candidates["profit_se"] > 0]
    return "none" if shown.empty else str(shown.loc[shown["profit"].idxmax(), "policy"])
