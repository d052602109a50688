"""The trimming path: what the estimates become when rows of little overlap are left out."""

from collections.abc import Sequence

import pandas as pd

from targeting.effects.estimators import ADJUSTED, ESTIMATORS, EffectData
from targeting.nuisance.overlap import in_overlap

THRESHOLDS = (0.0, 0.05, 0.1, 0.15, 0.2)


def trimming_table(data: EffectData, outcome: str, crump: float, thresholds: Sequence[float] = THRESHOLDS) -> pd.DataFrame:
    """Each adjusted estimator on the rows with a propensity in [threshold, 1 - threshold]; and at `crump`, Crump's threshold.

    Columns: outcome, rule (fixed or crump), threshold, method, estimate, se, ci_lower, ci_upper, n, n_treated. Each threshold
    answers for other households; the nuisances are those of all rows. Left out where one arm is left empty.
    """
    rules = [("fixed", threshold) for threshold in thresholds] + [("crump", crump)]
    rows = []
    for rule, threshold in rules:
        kept = data.subset(in_overlap(data.propensity, [threshold, 1 - threshold]))
        n_treated = int(kept.treated.sum())
        for method in ADJUSTED if 0 < n_treated < len(kept.treated) else ():
            estimate = ESTIMATORS[method](kept)
            rows.append(
                {
                    "outcome": outcome,
                    "rule": rule,
                    "threshold": threshold,
                    "method": method,
                    "estimate": estimate.value,
                    **estimate.columns(),
                    "n": len(kept.treated),
                    "n_treated": n_treated,
                }
            )
    return pd.DataFrame(rows)
