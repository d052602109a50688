"""What a contact costs the retailer: as published, or by the tills: sending it, and its part of the discounts that it causes.

Sales are what the retailer receives: after its own match of a coupon, and with what a coupon's maker pays back. With a margin m
on sales before the match, the goods of a receipt cost (1 - m) (sales + match), so that it earns m sales - (1 - m) match: the
margin on sales has taken m of every dollar of match already. A dollar of coupon that the maker pays back costs nothing, and one
that the retailer pays itself costs a dollar, since sales count it as received.

A receipt: one item of $4.00, a maker's coupon of $1.00, the retailer's match of $0.50, a margin of 30%. The customer pays $2.50,
the maker $1.00: sales of $3.50, for goods of $2.80. The retailer earns $0.70 = 0.3 * 3.50 - 0.7 * 0.50.
Source: the definitions of SALES_VALUE, COUPON_DISC and COUPON_MATCH_DISC in dunnhumby's guide to The Complete Journey.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

TAKEN_OFF = ("coupon_match_discount",)  # of sales, already
TILLS = "tills"  # of policy.costs: by what a mailing causes, rather than by policy.cost
TILLS_COST, PUBLISHED_COST = "cost by the tills", "cost as published"
SALES = "purchase_amount"


def cost_of_a_dollar(discount: str, share: float, margin: float) -> float:
    """What a dollar of this discount costs the retailer that pays `share` of it, beside the margin on its sales."""
    return share * (1 - margin) if discount in TAKEN_OFF else share


def causal_cost(effects: Mapping[str, float], paid: Mapping[str, float], margin: float) -> float:
    """What the discounts that a mailing causes cost the retailer, in USD per contact; not below 0, as no coupon earns money.

    `effects` are the discounts caused by a mailing in USD, `paid` the shares that the retailer pays, each by discount.
    """
    return max(0.0, sum(cost_of_a_dollar(name, paid[name], margin) * effect for name, effect in effects.items()))


def priced(policy: Mapping[str, Any], caused: pd.DataFrame) -> dict[str, Any]:
    """The section `policy` of params.yaml with the cost per contact to decide by: policy.cost, or `tills_cost`.

    `caused` has the discounts that a mailing causes, as `discount_effects` has them.
    """
    return {**policy, "cost": tills_cost(policy, caused)} if policy["costs"] == TILLS else dict(policy)


def tills_cost(policy: Mapping[str, Any], caused: pd.DataFrame) -> float:
    """What a contact costs by the tills, in USD: sending it, and what the discounts that it causes cost the retailer.

    Where margins differ, or are dollars per visit, a dollar of match is counted in full: sales that it lowered are not known.
    """
    margin = policy["margin"] if policy["outcome"] == SALES and not isinstance(policy["margin"], Mapping) else 0.0
    effects = dict(zip(caused["discount"], caused["estimate"], strict=True))
    return float(policy["contact_cost"]) + causal_cost(effects, policy["discounts_paid"], margin)


def other_costs(policy: Mapping[str, Any], caused: pd.DataFrame, discounts: Mapping[str, float]) -> dict[str, float]:
    """Costs per contact beside the one decided by, in USD by name: the other of policy.costs, and mean `discounts` by basis."""
    if policy["costs"] == TILLS:
        costs = {} if isinstance(policy["cost"], Mapping) else {PUBLISHED_COST: float(policy["cost"])}
    else:
        costs = {TILLS_COST: tills_cost(policy, caused)}
    return costs | {f"discount {basis}": value for basis, value in discounts.items()}
