"""Segments of any household from the tables that the factors and segment stages leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from targeting.base.columns import KEYS
from targeting.segments.factors import Factorisation, FactorSettings
from targeting.segments.grouping import assign_segments
from targeting.segments.time_zero import features_at_the_end, features_at_time_zero


@dataclass(frozen=True)
class StoredSegments:
    """What assigns any household to a segment: scaling, loadings and centres as the stages leave them, and their settings.

    households: household_id, segment, name, a row per household. It has none where the data are a table of customers, which
    says itself which group each is in, and the others say nothing then. segmentation: that section of params.yaml.
    """

    scaling: pd.DataFrame
    loadings: pd.DataFrame
    centres: pd.DataFrame
    households: pd.DataFrame
    segmentation: Mapping[str, Any]

    @classmethod
    def read(
        cls, scaling: str, loadings: str, centres: str, households: str, segmentation: Mapping[str, Any]
    ) -> "StoredSegments":
        """From the paths of the tables."""
        return cls(
            pd.read_parquet(scaling),
            pd.read_parquet(loadings),
            pd.read_parquet(centres),
            pd.read_parquet(households),
            segmentation,
        )

    @property
    def features(self) -> list[str]:
        """The features that segments are made of; none for a table of customers."""
        return [] if self.households.empty else self.scaling["feature"].tolist()

    def numbers(self, features: pd.DataFrame) -> pd.Series:
        """The number (from 1) of each household's segment, from features over a history as long as the window."""
        settings = FactorSettings.from_params(self.segmentation)
        factorisation = Factorisation.from_tables(self.scaling, self.loadings, settings)
        numbers = assign_segments(features, factorisation, self.centres[self.loadings["factor"]].to_numpy()) + 1
        return pd.Series(numbers, index=features.index)

    def at_time_zero(self, panel: pd.DataFrame, eligible: pd.DataFrame, window: tuple[date, date] | None) -> pd.DataFrame:
        """Each row's segment as it could be known at its time zero: keys, segment, name, rows as in the panel.

        `eligible` are all rows of the trials, `window` the first and the last day of the receipts, None without receipts.
        """
        if window is None:
            return own_segments(panel, eligible)
        numbers = self.numbers(features_at_time_zero(panel, eligible, self.features, *window))
        return panel[KEYS].assign(segment=numbers, name=numbers.map(segment_names(self.households)))

    def at_the_end(self, candidates: pd.DataFrame) -> pd.Series:
        """The name of each candidate's segment as of the day after the data end, missing without a history."""
        if self.households.empty:
            return candidates["segment"]
        numbers = self.numbers(features_at_the_end(candidates, self.features))
        return numbers.map(segment_names(self.households)).reindex(candidates.index)


def segment_names(segments: pd.DataFrame) -> pd.Series:
    """Each segment's name by its number, from a table with a row per household (segment, name)."""
    return segments.drop_duplicates("segment").set_index("segment").sort_index()["name"]


def own_segments(panel: pd.DataFrame, eligible: pd.DataFrame) -> pd.DataFrame:
    """Each row's segment as its user names it, in `eligible`: keys, segment (a number from 1, in the names' order), name."""
    rows = panel[KEYS].merge(eligible[[*KEYS, "segment"]], on=KEYS, how="left", validate="one_to_one")
    numbers = rows["segment"].rank(method="dense").astype("int64")
    return rows.assign(segment=numbers, name=rows["segment"])
