"""The dozen numbers that a reader of one experiment looks at first."""

from collections.abc import Mapping
from typing import Any

# Name in the summary: stage whose metrics hold it, and where.
HEADLINES = {
    "households": ("ingest", "n_households"),
    "k": ("segment", "k"),
    "silhouette": ("segment", "silhouette"),
    "ari": ("segment", "ari_mean"),
    "trial_rows": ("trials", "n_rows"),
    "overlap": ("nuisance", "overlap_share"),
    "effect": ("ate", "purchase_amount", "aipw"),
    "effect_se": ("ate", "purchase_amount", "aipw_se"),
    "learner": ("validate", "selected"),
    "autoc": ("validate", "autoc"),
    "autoc_p": ("validate", "autoc_p"),
    "cost": ("policy", "cost"),
    "recommended": ("policy", "recommended"),
    "profit": ("policy", "profit"),
    "breakeven_profit": ("policy", "breakeven_profit"),
    "breakeven_profit_ci_lower": ("policy", "breakeven_profit_ci_lower"),
    "breakeven_profit_ci_upper": ("policy", "breakeven_profit_ci_upper"),
}


def headline(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the headline numbers from all stages' metrics, by stage name."""
    summary = {}
    for name, path in HEADLINES.items():
        value: Any = metrics
        for key in path:
            value = value[key]
        summary[name] = value
    return summary
