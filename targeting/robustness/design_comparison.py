"""The two designs on the same data, side by side: how well their arms compare, and how far their estimators agree."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from targeting.base.lots import drawn_by_lot
from targeting.effects.estimators import ADJUSTED, ESTIMATORS, effect_data
from targeting.nuisance.cross_fit import CrossFit, nuisance_table, nuisance_tasks
from targeting.nuisance.overlap import positivity
from targeting.trials.designs import DESIGNS, FIRST
from targeting.trials.panel import covariate_names, in_both_arms


def design_rows(eligible: pd.DataFrame, design: str) -> pd.DataFrame:
    """The eligible rows that a design compares, of trials with both arms; none where no trial has both.

    So it is with the first campaign alone once campaigns have reached everybody: nobody is left who was never targeted.
    """
    rows = eligible[eligible[FIRST]] if design == FIRST else eligible
    return rows[in_both_arms(rows)]


def compare_designs(
    eligible: pd.DataFrame,
    folded: Callable[[pd.DataFrame], pd.DataFrame],
    cross_fit: CrossFit,
    outcome: str,
    bounds: Sequence[float],
    clip: float,
    seed: int,
) -> pd.DataFrame:
    """One row per design: design, n_trials, n_left_out, the numbers of `positivity`, every estimator's effect, and their range.

    `folded` makes eligible rows a panel with folds (see `folded_panel`), `cross_fit` turns tasks and a panel's rows into
    out-of-fold predictions; both designs get the same. n_left_out counts trials with one arm only. `range` is over the adjusted
    estimators that exist. A design without a trial has no row.
    """
    table = []
    for design in DESIGNS if FIRST in eligible else ():  # a table of customers is its own design
        rows = design_rows(eligible, design)
        if rows.empty:
            continue
        panel = folded(rows)
        nuisance = nuisance_table(panel, cross_fit(nuisance_tasks(panel), panel), clip)
        data = effect_data(panel, nuisance, outcome)
        effects = {method: estimator(data).value for method, estimator in ESTIMATORS.items()}
        arms, by_lot = (panel["treated"], nuisance["propensity"]), drawn_by_lot(panel)
        numbers = positivity(panel[covariate_names(panel)], *arms, bounds, seed, by_lot, nuisance["fitted_propensity"])
        n_trials = panel["trial"].nunique()
        counts = {"n_trials": n_trials, "n_left_out": eligible["trial"].nunique() - n_trials}
        adjusted = [effects[method] for method in ADJUSTED]
        table.append({"design": design, **counts, **numbers, **effects, "range": np.nanmax(adjusted) - np.nanmin(adjusted)})
    return pd.DataFrame(table)


def design_metrics(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Of the table of `compare_designs`, by design: positivity, the effect in the overlap, and the estimators' range."""
    names = ["propensity_auc", "overlap_share", "max_smd", "ato", "range"]
    if table.empty:
        return {}
    return {str(design): row[names].to_dict() for design, row in table.set_index("design").iterrows()}
