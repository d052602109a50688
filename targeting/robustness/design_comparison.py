"""The two designs on the same data, side by side: how well their arms compare, and how far their estimators agree."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from targeting.effects.estimators import ADJUSTED, ESTIMATORS, effect_data
from targeting.nuisance.cross_fit import CrossFit, nuisance_table, nuisance_tasks
from targeting.nuisance.overlap import positivity
from targeting.trials.designs import DESIGNS, FIRST, folded_panel
from targeting.trials.panel import covariate_names


def design_panel(eligible: pd.DataFrame, design: str, n_folds: int, seed: int) -> tuple[pd.DataFrame, int]:
    """The panel of a design from all eligible rows, and how many trials had one arm only and are left out."""
    rows = eligible[eligible[FIRST]] if design == FIRST else eligible
    share = rows.groupby("trial")["treated"].transform("mean")
    kept = rows[(share > 0) & (share < 1)]
    return folded_panel(kept, n_folds, seed), int(eligible["trial"].nunique() - kept["trial"].nunique())


def compare_designs(
    eligible: pd.DataFrame, cross_fit: CrossFit, outcome: str, bounds: Sequence[float], clip: float, n_folds: int, seed: int
) -> pd.DataFrame:
    """One row per design: design, n_trials, n_left_out, the numbers of `positivity`, every estimator's effect, and their range.

    `cross_fit` turns tasks and a panel's rows into out-of-fold predictions; both designs get the same. `range` is over the
    adjusted estimators that exist.
    """
    rows = []
    for design in DESIGNS:
        panel, n_left_out = design_panel(eligible, design, n_folds, seed)
        nuisance = nuisance_table(panel, cross_fit(nuisance_tasks(panel), panel), clip)
        data = effect_data(panel, nuisance, outcome)
        effects = {method: estimator(data).value for method, estimator in ESTIMATORS.items()}
        numbers = positivity(panel[covariate_names(panel)], panel["treated"], nuisance["propensity"], bounds)
        counts = {"n_trials": panel["trial"].nunique(), "n_left_out": n_left_out}
        adjusted = [effects[method] for method in ADJUSTED]
        rows.append({"design": design, **counts, **numbers, **effects, "range": np.nanmax(adjusted) - np.nanmin(adjusted)})
    return pd.DataFrame(rows)


def design_metrics(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Of the table of `compare_designs`, by design: positivity, the effect in the overlap, and the estimators' range."""
    names = ["propensity_auc", "overlap_share", "max_smd", "ato", "range"]
    return {str(design): row[names].to_dict() for design, row in table.set_index("design").iterrows()}
