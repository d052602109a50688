"""What the recommendation depends on: cost and margin, single segments, and a confounder that nobody measured."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.parallel import in_processes
from targeting.policy.beliefs import BELIEVED, COMPARED, Beliefs, believed_profits
from targeting.policy.economics import Economics
from targeting.policy.policies import PolicyData, assign, available, held_out_means
from targeting.policy.value import (
    BEST_BETS,
    Evidence,
    earned_by,
    learning_shift,
    profits,
    recommend,
    recommendable,
    share_outside,
    value_table,
    widened,
)
from targeting.stats.estimates import Estimate, mean_estimate

Vector = NDArray[np.float64]
# Times the cost and the margin: from a mailing that costs next to nothing to one twice as dear, half the margin more or less.
COST_FACTORS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
MARGIN_FACTORS = (0.5, 0.75, 1.0, 1.25, 1.5)
OWN_COST = "as set"  # the scenario of the run's own cost and margin


def at_economics(
    data: PolicyData, economics: Economics, evidence: Evidence, fold: NDArray[np.int64], segment: NDArray[np.int64]
) -> PolicyData:
    """The same data with what follows from cost and margin: breakeven, cost, and profit by segment, from other folds' rows.

    Their stored nuisances have seen the row's fold: a trace of its outcomes stays in the profit by segment.
    """
    contact = economics.margin * evidence.score - economics.cost
    return replace(
        data,
        breakeven=economics.breakeven,
        cost=economics.cost,
        segment_profit=np.nan_to_num(held_out_means(contact, segment, fold, evidence.overlap)),
    )


def cost_margin_grid(
    data: PolicyData,
    evidence: Evidence,
    economics: Economics,
    fold: NDArray[np.int64],
    segment: NDArray[np.int64],
    seed: int,
    beliefs: Beliefs | None,
) -> pd.DataFrame:
    """One row per cost and margin: cost, margin, breakeven, policy (largest off-policy profit of those that can be judged).

    With share, profit, profit_ci_lower and profit_ci_upper of that policy; `none`, with profit 0, where every candidate loses.
    And recommended, the policy of `recommend`, with what it is believed to earn (expected_profit) and chance_of_loss; `none`
    without `beliefs`, as where the arms do not compare. The policy tree is left out: regrown for each cell it would take
    minutes, and as grown for one cost it would be compared unfairly at another.
    """
    cell = partial(_best_at, replace(data, tree=None), evidence, fold, segment, seed, beliefs)
    factors = product(COST_FACTORS, MARGIN_FACTORS)
    return pd.DataFrame(list(in_processes(cell, ((economics.scaled(cost, margin),) for cost, margin in factors))))


def _best_at(
    data: PolicyData,
    evidence: Evidence,
    fold: NDArray[np.int64],
    segment: NDArray[np.int64],
    seed: int,
    beliefs: Beliefs | None,
    economics: Economics,
) -> dict[str, object]:
    """A row of `cost_margin_grid`."""
    decisions = assign(at_economics(data, economics, evidence, fold, segment))
    table = value_table(decisions, data.cate, evidence, economics, seed=seed, alike=data.alike)
    believed = believed_profits(beliefs, decisions, data.overlap, economics)
    recommended = recommend(table.merge(believed, on="policy"))
    able = table[recommendable(table) | (table["policy"] == "none")]
    best = able.loc[able["profit"].idxmax()]
    columns = ["policy", "share", "profit", "profit_ci_lower", "profit_ci_upper"]
    sure = believed.set_index("policy").loc[recommended, ["expected_profit", "chance_of_loss"]].to_dict()
    return {**economics.averages(), **best[columns].to_dict(), "recommended": recommended, **sure}


def best_bet(data: PolicyData, evidence: Evidence, economics: Economics, beliefs: Beliefs | None) -> dict[str, object]:
    """What is recommended at this cost and margin, and what it is believed to earn, and measured to have earned, per row in USD.

    Keys: recommended, recommended_share, recommended_outside (of its contacts, outside the overlap), those of `believed_profits`,
    and measured, measured_ci_lower, measured_ci_upper, which are off-policy and of its `measured_part`; `none` without beliefs.
    """
    seen = replace(data, breakeven=economics.breakeven, cost=economics.cost)
    choices = {name: policy for name, policy in available(seen).items() if name in ("none", *BEST_BETS)}
    decisions = pd.DataFrame({name: policy(seen) for name, policy in choices.items()})
    believed = believed_profits(beliefs, decisions, data.overlap, economics).assign(n=decisions.sum().to_numpy())
    name = recommend(believed)
    own = believed.set_index("policy").loc[name, [*BELIEVED, COMPARED]].to_dict()
    contacts = decisions[name].to_numpy()
    found = _off_policy(name, contacts, evidence, economics)
    outside = share_outside(contacts, data.overlap)
    measured = {"measured": found.value, "measured_ci_lower": found.lower, "measured_ci_upper": found.upper}
    reach = {"recommended": name, "recommended_share": float(contacts.mean()), "recommended_outside": outside}
    return {**reach, **own, **measured}


def _off_policy(name: str, contacts: Vector, evidence: Evidence, economics: Economics) -> Estimate:
    """What a policy's `measured_part` earned per row, with the error of learning, as `value_table` has it."""
    found = mean_estimate(earned_by(name, contacts, evidence, economics), evidence.household_id)
    return widened(found, learning_shift(name, contacts, evidence, economics))


def breakeven_scenarios(
    data: PolicyData, evidence: Evidence, economics: Economics, others: Mapping[str, float], beliefs: Beliefs | None
) -> pd.DataFrame:
    """The decision under other costs and margins, one row per scenario, and the rule "contact if the effect exceeds breakeven".

    `others` are other costs per contact worth a look, by name. Columns: scenario, cost, margin, breakeven; the decision
    (see `best_bet`); of the breakeven rule share, profit_plugin, profit, profit_ci_lower, profit_ci_upper and roi (missing where
    nothing is spent); and overlap_profit, of contacting everybody inside the overlap, with interval.
    """
    base = economics.averages()["cost"]
    scenarios = {
        OWN_COST: economics,
        "half the cost": economics.scaled(0.5, 1.0),
        "twice the cost": economics.scaled(2.0, 1.0),
        "two thirds of the margin": economics.scaled(1.0, 2 / 3),
        "four thirds of the margin": economics.scaled(1.0, 4 / 3),
    }
    scenarios |= {
        name: economics.scaled(value / base, 1.0) if base > 0 else replace(economics, cost=value)
        for name, value in others.items()
    }
    rows = []
    for name, varied in scenarios.items():
        policy = replace(data, breakeven=varied.breakeven).pays(data.cate)
        profit, spent = _off_policy("breakeven", policy, evidence, varied), float((policy * varied.cost).mean())
        inside = _off_policy("inside", data.overlap.astype(float), evidence, varied)
        rows.append(
            {
                "scenario": name,
                **varied.averages(),
                **best_bet(data, evidence, varied, beliefs),
                "share": float(policy.mean()),
                "profit_plugin": float(profits(policy, data.cate, varied).mean()),
                "profit": profit.value,
                "profit_ci_lower": profit.lower,
                "profit_ci_upper": profit.upper,
                "roi": profit.value / spent if spent > 0 else np.nan,
                "overlap_profit": inside.value,
                "overlap_profit_ci_lower": inside.lower,
                "overlap_profit_ci_upper": inside.upper,
            }
        )
    return pd.DataFrame(rows)


def segment_what_if(segments: pd.DataFrame, cate: Vector, evidence: Evidence, economics: Economics) -> pd.DataFrame:
    """What if one segment alone were contacted, those of it inside the overlap: one row per segment (segment, name).

    Columns: n (rows), n_contacted, effect (mean score of the contacts), breakeven_cost (the cost at which they would just pay),
    profit per contact with interval, total_profit, profit_plugin per contact. Missing where nobody can be contacted.
    """
    rows = []
    for (number, name), members in segments.groupby(["segment", "name"]):
        chosen = np.zeros(len(segments), dtype=bool)
        chosen[members.index] = True
        reached = chosen & evidence.overlap
        row: dict[str, object] = {"segment": number, "name": name, "n": len(members), "n_contacted": int(reached.sum())}
        if len(np.unique(evidence.household_id[reached])) > 1:
            part, local = evidence.rows(reached), economics.rows(reached)
            everybody = np.ones(int(reached.sum()))
            profit = mean_estimate(profits(everybody, part.score, local), part.household_id)
            row |= {
                "effect": float(part.score.mean()),
                "breakeven_cost": float(np.mean(local.margin * part.score)),
                "profit": profit.value,
                "profit_ci_lower": profit.lower,
                "profit_ci_upper": profit.upper,
                "total_profit": profit.value * int(reached.sum()),
                "profit_plugin": float(profits(everybody, cate[reached], local).mean()),
            }
        rows.append(row)
    return pd.DataFrame(rows)


def turning_shifts(table: pd.DataFrame, contacts: pd.DataFrame, recommended: str, economics: Economics) -> dict[str, float | str]:
    """How far the effect of a contact, in USD of sales, must be other than measured to turn what is measured.

    For the recommended policy: by how much its contacts' effect must be overstated for its measured profit, and for its
    interval's lower end, to fall to 0; an end below 0 is turned as it is. Where nobody is recommended: by how much the best
    candidate's must be understated for its profit, and its interval, to rise to 0. Unmeasured confounding shifts effects by the
    same amount in USD whatever the cost, so the shift is profit over the mean of the measured `contacts` (rows, a column per
    policy of `table`) times margin. Keys: policy, direction, shift, shift_interval (missing without an interval); where nothing
    is measured only policy `none`.
    """
    compared = table[recommendable(table)]
    if compared.empty:
        return {"policy": "none"}
    name = recommended if recommended != "none" else str(compared.loc[compared["profit"].idxmax(), "policy"])
    row = table.set_index("policy").loc[name]
    scale = float(np.mean(contacts[name] * economics.margin))
    if scale == 0:  # a best bet all of whose contacts lie outside the overlap: nothing of it is measured
        return {"policy": "none"}
    direction = "overstated" if recommended != "none" else "understated"
    sign = 1.0 if direction == "overstated" else -1.0
    ends = {"shift": row["profit"], "shift_interval": row["simultaneous_lower"]}
    return {"policy": name, "direction": direction} | {
        # Without an interval, as of a best bet that hardly anybody backs, nothing is known: max(0, nan) would be 0.
        key: float(np.maximum(0.0, sign * float(end) / scale))
        for key, end in ends.items()
    }


def confounding_table(shifts: Mapping[str, float | str], confounders: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Whether a confounder as strong as a group of measured covariates could turn what is shown, one row per group.

    `confounders` (outcome, setting, lower, upper) is the omitted-variable analysis of the average effect: lower and upper are the
    estimate, if such a confounder were missing. Half the width between them is the largest bias; it is set against the shifts,
    as if contacts were biased like everybody. Columns: policy, direction, shift, shift_interval, confounder, bias, and
    turns: whether that bias is as large as shift_interval, missing where that is.
    """
    rows = confounders[confounders["outcome"] == outcome]
    bias = (rows["upper"] - rows["lower"]) / 2
    table = pd.DataFrame({"confounder": rows["setting"].to_numpy(), "bias": bias.to_numpy()})
    for position, (key, value) in enumerate(shifts.items()):
        table.insert(position, key, value)
    if "shift" in table:
        table["turns"] = (table["bias"] >= table["shift_interval"]).where(table["shift_interval"].notna())
    return table
