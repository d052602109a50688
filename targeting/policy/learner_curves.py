"""ROI curves of every learner side by side: where each peaks, how good its order is, and which is better than the chosen one."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.policy.curve import area_under_cost_curve, curve_difference, peaks, profit_and_spend, roi_curve
from targeting.policy.economics import Economics
from targeting.policy.policies import PolicyData
from targeting.policy.value import Evidence

Vector = NDArray[np.float64]


def learner_curves(
    effects: Mapping[str, Vector], chosen: str, data: PolicyData, evidence: Evidence, economics: Economics
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Curves and their summaries; `effects` are out-of-fold effects (rows,) by learner, `chosen` among them.

    Curves, one row per learner and share: the columns of `roi_curve`, learner, and over_chosen (profit less that of the chosen
    learner's order) with pointwise interval and uniform band, paired.
    Summaries, one row per learner: profit_peak_* and roi_peak_* (see `peaks`) over all rows; and inside the overlap, where scores
    can judge an order, aucc and aucc_over_random with interval, and mean_over_chosen (the average over all shares) with interval.
    """
    orders = {name: replace(data, cate=cate).order for name, cate in effects.items()}
    inside, seed = evidence.overlap, data.seed
    within = {name: _renumber(order, inside) for name, order in orders.items()}
    local, local_economics = evidence.rows(inside), economics.rows(inside)
    curves, summaries = [], []
    for name, order in orders.items():
        curve = roi_curve(order, effects[name], evidence, economics, seed)
        difference, _ = curve_difference(order, orders[chosen], evidence, economics, seed)
        # Where two orders contact the same rows, sums in another order leave a rounding error: it is no difference.
        difference = difference.round(9)
        renamed = difference.drop(columns=["share", "se"]).rename(columns={"difference": "value"}).add_prefix("over_chosen_")
        curve = pd.concat([curve, renamed.rename(columns={"over_chosen_value": "over_chosen"})], axis=1)
        curves.append(curve.assign(learner=name))
        areas = area_under_cost_curve(within[name], local, local_economics)
        _, mean = curve_difference(within[name], within[chosen], local, local_economics, seed)
        row: dict[str, object] = {"learner": name, "chosen": name == chosen}
        row |= peaks(profit_and_spend(order, evidence, economics), seed)
        for label, estimate in (
            ("aucc", areas["aucc"]),
            ("aucc_over_random", areas["over_random"]),
            ("mean_over_chosen", mean),
        ):
            row |= {label: estimate.value, f"{label}_ci_lower": estimate.lower, f"{label}_ci_upper": estimate.upper}
        summaries.append(row)
    return pd.concat(curves, ignore_index=True), pd.DataFrame(summaries)


def _renumber(order: NDArray[np.int64], inside: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The order of the rows inside, by their numbers among themselves."""
    position = np.cumsum(inside) - 1
    return position[order[inside[order]]]


def order_shown(chosen: str, validation: Mapping[str, Any], learners: Collection[str]) -> str:
    """The learner whose order of contact a reader should see: the one that decides, where it ranks at all.

    Where the average effect stands for everybody, its order is drawn by lot and says nothing; the best learner's is shown then,
    if any of `learners` passed the gates.
    """
    if chosen == "selected" and not validation["heterogeneity"] and validation["best"] in learners:
        return str(validation["best"])
    return chosen
