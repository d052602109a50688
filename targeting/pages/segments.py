"""The page of the segments: who the customers are, without a word on campaigns that are not there."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from targeting.pages.rendering import render
from targeting.sentences.report import segments_indices, segments_note
from targeting.sentences.segments_page import ADDS, campaigns_at_hand, steps_to_campaigns


def segments_page(
    source: str,
    metrics: Mapping[str, Any],
    rows: Mapping[str, int],
    segments: pd.DataFrame,
    moves: pd.DataFrame,
    pictures: Sequence[bytes],
) -> str:
    """The page as HTML that needs nothing else.

    `metrics` has ingest, segment and stability; `rows` the number of rows of each canonical table; `segments` is the table
    plots/segments.csv, `moves` plots/segment_transitions.csv; `pictures` are two PNG files: segments by two of their averages,
    and by all features.
    """
    context = {
        "data_name": source,
        "metrics": metrics,
        "note": segments_note(metrics, moves),
        "indices": segments_indices(metrics),
        "segments": segments.to_dict("records"),
        "leader": segments.loc[segments["share_revenue"].idxmax()].to_dict(),
        "tables": [(name, rows[name], words) for name, words in ADDS.items()],
        "campaigns": campaigns_at_hand(rows),
        "steps": steps_to_campaigns(rows),
        "pictures": [base64.b64encode(picture).decode("ascii") for picture in pictures],
    }
    return render("segments.html.jinja", context)
