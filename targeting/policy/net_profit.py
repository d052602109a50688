"""What a mailing earns the retailer: margin on the sales that it adds, less its part of the discounts, less the contact.

See `targeting.policy.contact_price` for what a discount costs.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from targeting.policy.contact_price import SALES, TILLS, cost_of_a_dollar
from targeting.stats.estimates import Estimate, ratio_estimate

METHODS = ("ato", "owate")
PARTS = ("margin on sales", "discounts paid", "contact", "net profit")
COLUMNS = ["method", "part", "estimate", "se", "ci_lower", "ci_upper"]


def net_profit_table(terms: pd.DataFrame, policy: Mapping[str, Any], economics: Mapping[str, float]) -> pd.DataFrame:
    """What a mailing adds to the retailer's profit and its parts, in USD per contact: four rows per method, ato and owate.

    Columns: method, part (see PARTS), estimate, se, ci_lower, ci_upper. `terms` are those of `profit_terms`, `policy` is the
    section of params.yaml, `economics` have the mean cost and margin. By the tills the contact is policy.contact_cost, and
    discounts are what they are; else the contact is the mean cost, in which discounts are. An effect is a ratio of sums, whose
    numerators add up as outcomes do: net profit is doubly robust as its parts are. Empty where policy.outcome is not sales, on
    which alone there is a margin.
    """
    if policy["outcome"] != SALES or terms.empty:
        return pd.DataFrame(columns=COLUMNS)
    by_tills, margin = policy["costs"] == TILLS, economics["margin"]
    contact = float(policy["contact_cost"]) if by_tills else economics["cost"]
    paid = {name: share for name, share in policy["discounts_paid"].items() if by_tills and f"{METHODS[0]}_{name}" in terms}
    rows = []
    for method in METHODS:
        earned = margin * terms[f"{method}_{SALES}"]
        given = sum(
            (-cost_of_a_dollar(name, share, margin) * terms[f"{method}_{name}"] for name, share in paid.items()), 0 * earned
        )
        sales, discounts, net = (
            ratio_estimate(part.to_numpy(), terms[f"{method}_weight"].to_numpy(), terms["household_id"])
            for part in (earned, given, earned + given)
        )
        parts = zip(PARTS, (sales, discounts, Estimate(-contact, 0.0), Estimate(net.value - contact, net.se)), strict=True)
        rows += [{"method": method, "part": part, "estimate": one.value, **one.columns()} for part, one in parts]
    return pd.DataFrame(rows)


def net_profit_metrics(table: pd.DataFrame) -> dict[str, float]:
    """Of the table, per contact in the overlap population and in USD, margin on sales, and net profit with its interval.

    Nothing where it is empty.
    """
    if table.empty:
        return {}
    own = table.set_index(["method", "part"]).loc[METHODS[0]]
    names = {"estimate": "", "ci_lower": "_ci_lower", "ci_upper": "_ci_upper"}
    net = {f"net_profit_per_contact{suffix}": own.loc[PARTS[-1], name] for name, suffix in names.items()}
    return {"margin_per_contact": own.loc[PARTS[0], "estimate"], **net}
