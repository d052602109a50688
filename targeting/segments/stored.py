"""Segments of any household from the tables that the factors and segment stages leave."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from targeting.segments.factors import Factorisation, FactorSettings
from targeting.segments.grouping import assign_segments


def segment_numbers(
    features: pd.DataFrame, scaling: pd.DataFrame, loadings: pd.DataFrame, centres: pd.DataFrame, segmentation: Mapping[str, Any]
) -> pd.Series:
    """The number (from 1) of each household's segment, from features over a history as long as the window."""
    factorisation = Factorisation.from_tables(scaling, loadings, FactorSettings.from_params(segmentation))
    numbers = assign_segments(features, factorisation, centres[loadings["factor"]].to_numpy()) + 1
    return pd.Series(numbers, index=features.index)
