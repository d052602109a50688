"""Segments of any household from the tables that the factors and segment stages leave."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from targeting.base.columns import KEYS
from targeting.segments.factors import Factorisation, FactorSettings
from targeting.segments.grouping import assign_segments


def segment_numbers(
    features: pd.DataFrame, scaling: pd.DataFrame, loadings: pd.DataFrame, centres: pd.DataFrame, segmentation: Mapping[str, Any]
) -> pd.Series:
    """The number (from 1) of each household's segment, from features over a history as long as the window."""
    factorisation = Factorisation.from_tables(scaling, loadings, FactorSettings.from_params(segmentation))
    numbers = assign_segments(features, factorisation, centres[loadings["factor"]].to_numpy()) + 1
    return pd.Series(numbers, index=features.index)


def segment_names(segments: pd.DataFrame) -> pd.Series:
    """Each segment's name by its number, from a table with a row per household (segment, name)."""
    return segments.drop_duplicates("segment").set_index("segment").sort_index()["name"]


def own_segments(panel: pd.DataFrame, eligible: pd.DataFrame) -> pd.DataFrame:
    """Each row's segment as its user names it, in `eligible`: keys, segment (a number from 1, in the names' order), name."""
    rows = panel[KEYS].merge(eligible[[*KEYS, "segment"]], on=KEYS, how="left", validate="one_to_one")
    numbers = rows["segment"].rank(method="dense").astype("int64")
    return rows.assign(segment=numbers, name=rows["segment"])
