"""The effects by segment on every outcome, as tables: with segments as known at time zero, and as known at the end."""

from collections.abc import Sequence

import pandas as pd

from targeting.base.columns import outcomes_of
from targeting.base.lots import drawn_by_lot, evidence_kind
from targeting.effects.by_segment import SegmentEffects, effects_by_segment
from targeting.effects.estimators import effect_data
from targeting.nuisance.overlap import comparable
from targeting.segments.stored import segment_names


def effects_by_outcome(
    panel: pd.DataFrame, nuisance: pd.DataFrame, effects: pd.DataFrame, bounds: Sequence[float], *segments: pd.Series
) -> tuple[dict[str, SegmentEffects], ...]:
    """For each of `segments` (rows,), by outcome the effects by segment.

    `effects` has cate_OUTCOME, `bounds` are the overlap's.
    """
    overlap = comparable(panel, nuisance["propensity"], bounds)
    data = {outcome: effect_data(panel, nuisance, outcome) for outcome in outcomes_of(panel.columns)}
    return tuple(
        {outcome: effects_by_segment(own, each, effects[f"cate_{outcome}"], overlap) for outcome, own in data.items()}
        for each in segments
    )


def segment_effects_table(panel: pd.DataFrame, segments: pd.DataFrame, found: dict[str, SegmentEffects]) -> pd.DataFrame:
    """One row per outcome and segment: outcome, segment, name, the columns of `effects_by_segment`, evidence.

    `segments` has each row's segment and name, by which effects were `found`.
    """
    evidence = pd.Series(drawn_by_lot(panel)).groupby(segments["segment"]).agg(evidence_kind).astype(str)
    names, tables = segment_names(segments), []
    for outcome, own in found.items():
        table = own.table.assign(outcome=outcome, name=own.table["segment"].map(names))
        table["evidence"] = table["segment"].map(evidence)
        tables.append(table[["outcome", "segment", "name", *own.table.columns.drop("segment"), "evidence"]])
    return pd.concat(tables, ignore_index=True)
