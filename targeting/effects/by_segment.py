"""The campaign's effect by segment, from doubly robust scores, and whether segments differ.

A household can be in several trials and in another segment each time: segments share households, and what is said of several
of them uses their joint covariance.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from targeting.effects.estimators import EffectData, aipw_terms, ato_terms
from targeting.effects.pooling import joint_ratios, pool_estimates
from targeting.stats.estimates import SIGNIFICANCE, Estimate

Vector = NDArray[np.float64]
MISSING = Estimate(np.nan, np.nan)
# Households of each arm: three who were lucky have a small spread too, and a normal interval takes them at their word.
FEWEST = 10


@dataclass(frozen=True)
class SegmentEffects:
    """The table of segments, and the p-value of all of them having one overlap-weighted effect (NaN for a single segment)."""

    table: pd.DataFrame
    differ_p: float

    def summary(self) -> dict[str, float]:
        """The p-value of the joint test, and how many segments differ from the rest; nothing for a single segment."""
        if np.isnan(self.differ_p):
            return {}
        return {"differ_p": self.differ_p, "n_differing": int((self.table["p_holm"] < SIGNIFICANCE).sum())}


def effects_by_segment(
    data: EffectData, segment: ArrayLike, cate: ArrayLike, overlap: ArrayLike, fewest: int = FEWEST
) -> SegmentEffects:
    """Effects on one outcome by segment (rows,), with mean predicted effect `cate`; `overlap` says which rows compare.

    The table has a row per segment: segment, n, n_treated, overlap_share, cate; effect with se, ci_lower, ci_upper (mean score,
    everybody in it); ato with ato_se, ato_ci_lower, ato_ci_upper (overlap-weighted inside it); over_rest with over_rest_se (its
    ato less that of all other segments together), p two-sided and p_holm, allowing for all segments (Holm 1979, Scandinavian
    Journal of Statistics 6). Where the overlap share is low the effect over everybody is an extrapolation of the outcome models
    and its interval too short; the overlap-weighted one answers for the few who compare. A segment with less than `fewest`
    households in an arm has the effects missing and takes no part in tests.
    """
    segments, values, inside = np.asarray(segment), np.asarray(cate, dtype=float), np.asarray(overlap)
    numbers = np.unique(segments)
    kept = np.isin(segments, [number for number in numbers if fewer_arm(data, segments == number) >= fewest])
    own, own_segments = data.subset(kept), segments[kept]
    everybody, compared = (_ratios(terms(own), own_segments, own) for terms in (aipw_terms, ato_terms))
    rows = []
    for number in numbers:
        members = segments == number
        effect, ato = everybody.get(number, MISSING), compared.get(number, MISSING)
        rest = over_rest(own, own_segments == number)
        rows.append(
            {
                "segment": number,
                "n": int(members.sum()),
                "n_treated": int(data.treated[members].sum()),
                "overlap_share": float(inside[members].mean()),
                "cate": float(values[members].mean()),
                "effect": effect.value,
                **effect.columns(),
                "ato": ato.value,
                **{f"ato_{name}": value for name, value in ato.columns().items()},
                "over_rest": rest.value,
                "over_rest_se": rest.se,
                "p": float(2 * norm.sf(abs(rest.value) / rest.se)) if rest.se > 0 else np.nan,
            }
        )
    table = pd.DataFrame(rows)
    p = table["p"].to_numpy()
    p_holm = np.full(len(p), np.nan)
    tested = ~np.isnan(p)
    if tested.any():
        p_holm[tested] = multipletests(p[tested], method="holm")[1]
    differ_p = pool_estimates(*joint_ratios(*ato_terms(own), own_segments, own.household_id)).p if len(compared) > 1 else np.nan
    return SegmentEffects(table.assign(p_holm=p_holm), differ_p)


def fewer_arm(data: EffectData, members: NDArray[np.bool_]) -> int:
    """How many households the arm with fewer of them has."""
    return min(len(np.unique(data.household_id[members & (data.treated == arm)])) for arm in (0, 1))


def _ratios(terms: tuple[Vector, Vector], segment: NDArray[np.int64], data: EffectData) -> dict[int, Estimate]:
    """The ratio of sums in each segment that there is, with its clustered error."""
    if not len(segment):
        return {}
    values, covariance = joint_ratios(*terms, segment, data.household_id)
    errors = np.sqrt(np.diag(covariance))
    return {int(number): Estimate(*pair) for number, *pair in zip(np.unique(segment), values, errors, strict=True)}


def over_rest(data: EffectData, members: NDArray[np.bool_]) -> Estimate:
    """The members' overlap-weighted effect less that of all others, who partly are the same households."""
    if not members.any() or members.all():
        return MISSING
    (rest, own), covariance = joint_ratios(*ato_terms(data), members, data.household_id)
    contrast = np.array([-1.0, 1.0])
    return Estimate(own - rest, float(np.sqrt(contrast @ covariance @ contrast)))
