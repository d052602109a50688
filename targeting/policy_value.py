"""What a policy earns: off-policy, from doubly robust scores, beside what the model that chose it promises.

A row's profit under a policy that contacts it with probability p is p * (margin * (score1 - score0) - cost). It is measured
against contacting nobody. `score` is score1 - score0, shape (rows,), in USD of sales; all money results are in USD.
Source: Dudik, Langford & Li (2011), ICML, for doubly robust off-policy evaluation.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from targeting.clusters import LEVEL, Estimate, mean_estimate, ratio_estimate
from targeting.policies import top_share

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


def profits(policy: ArrayLike, effect: ArrayLike, economics: Economics) -> Vector:
    """Each row's profit (rows,) under a policy, if its effect on sales is `effect`."""
    return np.asarray(policy, dtype=float) * (economics.margin * np.asarray(effect, dtype=float) - economics.cost)


def policy_profit(policy: ArrayLike, score: ArrayLike, household_id: ArrayLike, economics: Economics) -> Estimate:
    """Off-policy profit per row against contacting nobody, clustered by household."""
    return mean_estimate(profits(policy, score, economics), household_id)


def return_on_investment(policy: ArrayLike, score: ArrayLike, household_id: ArrayLike, economics: Economics) -> Estimate | None:
    """Off-policy profit over what the contacts cost, by the delta method; None for a policy that spends nothing."""
    spent = np.asarray(policy, dtype=float) * economics.cost
    if spent.sum() == 0:
        return None
    return ratio_estimate(profits(policy, score, economics), spent, household_id)


def value_table(
    policies: pd.DataFrame, cate: ArrayLike, score: ArrayLike, household_id: ArrayLike, economics: Economics
) -> pd.DataFrame:
    """One row a policy (a column of `policies`), everything per row of the panel but total_profit.

    Columns: share and n contacted, profit_plugin, profit (off-policy) with se and 95% interval, total_profit, roi with its
    interval (missing for a policy that spends nothing), optimism (plug-in less off-policy), and the paired difference to
    contacting all and to current practice (over_*), each with its interval.
    """
    rows = []
    for name in policies.columns:
        policy = policies[name].to_numpy()
        profit = policy_profit(policy, score, household_id, economics)
        plugin = float(profits(policy, cate, economics).mean())
        roi = return_on_investment(policy, score, household_id, economics)
        row = {
            "policy": name,
            "share": float(policy.mean()),
            "n": int(policy.sum()),
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
            gain = policy_profit(policy - policies[reference].to_numpy(), score, household_id, economics)
            row |= {
                f"over_{reference}": gain.value,
                f"over_{reference}_ci_lower": gain.lower,
                f"over_{reference}_ci_upper": gain.upper,
            }
        rows.append(row)
    return pd.DataFrame(rows)


def roi_curve(cate: ArrayLike, score: ArrayLike, household_id: ArrayLike, economics: Economics) -> pd.DataFrame:
    """Profit per row by share contacted, largest predicted effect first, at every whole percent.

    Columns: share, profit, profit_ci_lower, profit_ci_upper (pointwise 95%), profit_plugin, roi (missing at share 0).
    """
    effects = np.asarray(cate, dtype=float)
    rows = []
    for share in CURVE_SHARES:
        policy = top_share(effects, share)
        profit = policy_profit(policy, score, household_id, economics)
        rows.append(
            {
                "share": share,
                "profit": profit.value,
                "profit_ci_lower": profit.lower,
                "profit_ci_upper": profit.upper,
                "profit_plugin": float(profits(policy, effects, economics).mean()),
                "roi": profit.value / (policy.mean() * economics.cost) if policy.any() and economics.cost > 0 else np.nan,
            }
        )
    return pd.DataFrame(rows)


def recommend(table: pd.DataFrame) -> str:
    """The policy with the largest off-policy profit of those shown to beat contacting nobody; `none` where none is.

    Shown: the lower end of its interval is above zero, at a level shared by all policies compared (Bonferroni), since the best
    of several looks better than it is.
    """
    candidates = table[table["policy"] != "none"]
    z = norm.ppf(1 - (1 - LEVEL) / 2 / len(candidates))
    shown = candidates[candidates["profit"] - z * candidates["profit_se"] > 0]
    return "none" if shown.empty else str(shown.loc[shown["profit"].idxmax(), "policy"])
