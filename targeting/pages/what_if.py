"""What the report's script needs to value every policy at another cost and margin: the rows' scores, and the run's settings."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from targeting.pages.rendering import packed

# Column of the script: column of data/policy/evidence.parquet.
COLUMNS = {
    "fold": "fold",
    "campaign": "campaign_id",
    "segment": "segment",
    "overlap": "overlap",
    "treated": "treated",
    "propensity": "propensity",
    "score": "score",
    "beyond": "beyond_control",
    "cate": "cate",
    "lower": "lower",
    "tree": "policy_tree",
    "rank": "contact_rank",
    "shown_cate": "shown_cate",
    "shown_rank": "shown_rank",
}


def joint_reach(policies: pd.DataFrame) -> float | None:
    """How many standard errors the intervals that hold for all candidates at once reach; None where nothing can be compared.

    `policies` is plots/policies.csv.
    """
    known = policies[policies["simultaneous_lower"].notna() & (policies["profit_se"] > 0)]
    if known.empty:
        return None
    row = known.iloc[0]
    return float((row["profit"] - row["simultaneous_lower"]) / row["profit_se"])


def embedded(
    evidence: pd.DataFrame,
    averages: Mapping[str, float],
    policies: Sequence[str],
    shares: Sequence[float],
    settings: Mapping[str, Any],
    answers: str,
    reach: float | None,
    seed: int,
) -> dict[str, Any]:
    """Columns, packed, one number a row of `evidence` (data/policy/evidence.parquet), and settings.

    Households are numbered anew, so that the page holds no identifier. `averages` are the run's `cost` and `margin`, `policies`
    those that it could give, `shares` where the curve is drawn, `settings` the section `policy` of params.yaml, `answers` what
    the overlap allows to be said, `reach` the `joint_reach` at the run's cost and margin.
    """
    columns = {name: packed(evidence[source]) for name, source in COLUMNS.items()}
    columns["household"] = packed(pd.factorize(evidence["household_id"])[0])
    for name in ("cost", "margin"):
        # Each row's over the average; where nothing costs, a cost that the reader sets is the same for all.
        columns[name] = packed(evidence[name] / averages[name] if averages[name] > 0 else np.ones(len(evidence)))
    n = len(evidence)
    return {
        "columns": columns,
        "settings": {
            "cost": averages["cost"],
            "margin": averages["margin"],
            "outcome": settings["outcome"],
            "answers": answers,
            "budget": {"usd": settings["budget_usd"], "contacts": settings["budget_contacts"]},
            "caution": settings["caution"],
            "counts": [round(share * n) for share in shares],
            "policies": list(policies),
            "reach": reach,
            "seed": seed,
            "shares": list(shares),
            "top": {"top_20": round(0.20 * n), "top_30": round(0.30 * n)},
        },
    }
