"""Other readings of a policy's profit beside the doubly robust one: what each model alone says, and what no model says.

All per row of the panel in USD, against contacting nobody. They agree where the nuisances are right; where they do not, the
doubly robust value leans on whichever is.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.policy.economics import Economics
from targeting.policy.value import Evidence, arm_weights, earned, learning_shift, measured_part, profits, widened
from targeting.stats.estimates import mean_estimate

Vector = NDArray[np.float64]


def direct_method(name: str, policy: Vector, evidence: Evidence, economics: Economics) -> float:
    """Profit by the outcome models alone: mean of p (margin (mu1 - mu0) - cost); current practice by Y - mu0 of the treated."""
    effect = evidence.outcome - evidence.mu0 if name == "current" else evidence.mu1 - evidence.mu0
    return float(profits(policy, effect, economics).mean())


def weighted(name: str, policy: Vector, evidence: Evidence, economics: Economics) -> float:
    """Profit by the propensities alone, self-normalised: weighted mean sales of the treated contacts less of the control ones.

    Weights as in `arm_weights`. NaN where the contacts lack an arm. Source: Swaminathan & Joachims (2015), NeurIPS 28.
    """
    weights = arm_weights(name, policy, evidence)
    if not policy.any():
        return 0.0
    if min(weight.sum() for weight in weights) == 0:
        return float("nan")
    sales = economics.margin * evidence.outcome
    gain = np.average(sales, weights=weights[0]) - np.average(sales, weights=weights[1])
    return float(policy.mean() * gain - (policy * economics.cost).mean())


def bounds(name: str, policy: Vector, evidence: Evidence, economics: Economics) -> tuple[float, float]:
    """Profit if nothing is assumed of contacts outside the overlap but that sales lie between the least seen, or 0, and the most.

    Inside the overlap the doubly robust value stands, without its sampling error. Outside, a contact's unseen outcome may be
    anything in that range: a treated one gained between Y - most and Y - least, a control between least - Y and most - Y. For a
    policy that stays inside, both ends are its profit. Source: Manski (1990), American Economic Review 80(2), 319-323.
    """
    inside = np.where(evidence.overlap, earned(pd.DataFrame({name: policy}), evidence, economics)[name], 0.0).mean()
    y, t = evidence.outcome, evidence.treated
    least, most = min(0.0, float(y.min())), float(y.max())
    outside = policy * ~evidence.overlap
    ends = (np.where(t == 1, y - most, least - y), np.where(t == 1, y - least, most - y))
    lower, upper = (float(inside + profits(outside, gain, economics).mean()) for gain in ends)
    return lower, upper


def check_table(policies: pd.DataFrame, evidence: Evidence, economics: Economics) -> pd.DataFrame:
    """One row per policy: policy, profit_direct, profit_ipw, profit_overlap with ci, profit_bound_lower, profit_bound_upper.

    The first two are of the `measured_part`, the bounds of all contacts.
    profit_overlap is per row of the overlap population: what the policy earns there, contacts outside it left out.
    """
    inside = evidence.overlap
    within = earned(policies[inside], evidence.rows(inside), economics.rows(inside)) if inside.any() else None
    rows = []
    for name in policies.columns:
        policy = policies[name].to_numpy(dtype=float)
        measured = measured_part(name, policy, inside)
        lower, upper = bounds(name, policy, evidence, economics)
        row: dict[str, object] = {
            "policy": name,
            "profit_direct": direct_method(name, measured, evidence, economics),
            "profit_ipw": weighted(name, measured, evidence, economics),
        }
        if within is not None:
            own = evidence.rows(inside)
            shift = learning_shift(name, policy[inside], own, economics.rows(inside))
            overlap = widened(mean_estimate(within[name], own.household_id), shift)
            row |= {"profit_overlap": overlap.value}
            row |= {"profit_overlap_ci_lower": overlap.lower, "profit_overlap_ci_upper": overlap.upper}
        rows.append(row | {"profit_bound_lower": lower, "profit_bound_upper": upper})
    return pd.DataFrame(rows)
