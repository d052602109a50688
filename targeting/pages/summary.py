"""The dozen numbers that a reader of one experiment looks at first."""

from collections.abc import Mapping
from typing import Any

# Name in the summary: stage whose metrics hold it, and where. No stage uses these names, so `dvc exp show` can print them short.
HEADLINES = {
    "households": ("ingest", "n_households"),
    "segment_silhouette": ("segment", "silhouette"),
    "segment_ari": ("segment", "ari_mean"),
    "overlap": ("nuisance", "overlap_share"),
    "data_answer_for": ("nuisance", "answers"),
    "effect": ("ate", "purchase_amount", "ato"),
    "effect_se": ("ate", "purchase_amount", "ato_se"),
    "estimators_apart": ("ate", "purchase_amount", "range"),
    "learner": ("validate", "selected"),
    "ranking_gain": ("validate", "autoc"),
    "ranking_p": ("validate", "autoc_p"),
    "mail_to": ("policy", "recommended"),
    "profit_mail_to": ("policy", "profit"),
    "profit_breakeven": ("policy", "breakeven_profit"),
    "profit_breakeven_lower": ("policy", "breakeven_profit_ci_lower"),
    "profit_breakeven_upper": ("policy", "breakeven_profit_ci_upper"),
    "profit_all": ("policy", "all_profit"),
    "order": ("policy", "order_shown"),
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
