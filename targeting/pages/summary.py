"""The numbers that people compare experiments by: what DVC shows of each."""

from collections.abc import Mapping
from typing import Any

FIRST = "the first outcome"
# Name in the summary: stage whose metrics hold it, and where.
HEADLINES = {
    "households": ("ingest", "n_households"),
    "segments_silhouette": ("segment", "silhouette"),
    "segments_ari": ("segment", "ari_mean"),
    "overlap": ("nuisance", "overlap_share"),
    "effect": ("ate", FIRST, "ato"),
    "effect_se": ("ate", FIRST, "ato_se"),
    "effect_margin": ("policy", "margin_per_contact"),
    "cost": ("policy", "cost"),
    "breakeven": ("policy", "breakeven"),
    "best_policy": ("policy", "best_policy"),
    "best_profit": ("policy", "best_expected_profit"),
    "best_profit_lower": ("policy", "best_expected_profit_lower"),
    "best_profit_upper": ("policy", "best_expected_profit_upper"),
    "chance_of_loss": ("policy", "best_chance_of_loss"),
    "shown": ("policy", "best_shown"),
    "ranking_p": ("validate", "autoc_p"),
    "recommended": ("policy", "recommended"),
}


def summary_numbers(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the headline numbers from all stages' metrics, by stage name."""
    summary = {}
    for name, path in HEADLINES.items():
        value: Any = metrics
        for key in path:
            if value is not None:  # segments are left out where there are no tills
                value = next(iter(value.values())) if key == FIRST else value.get(key)
        if value is not None:
            summary[name] = value
    return summary
