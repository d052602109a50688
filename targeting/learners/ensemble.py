"""One effect from many learners': their average, and convex weights by the R-loss, chosen on other folds than they serve.

The learners that are joined are the orthogonal ones (all but `registry.INDIRECT`): what their outcome models err counts only
times the propensity's error. Where the arms barely overlap the others are off by hundreds of USD, and take a mean with them.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import nnls

from targeting.base.columns import KEYS, effect_columns
from targeting.base.errors import DataError
from targeting.learners.data import OutcomeData
from targeting.learners.registry import INDIRECT
from targeting.trials.panel import require_aligned

Vector = NDArray[np.float64]
CONSTANT = "constant"  # the same effect for everybody, a candidate of the stack
# Learners that agree leave the loss all but flat between them, and weights that follow its noise lose to equal ones: this many
# times its curvature draws the weights together. Source: Claeskens et al. (2016), Int. J. Forecasting 32, 754-762.
DRAW = 1.0


def usable(panel: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables of effects of the learners that did not fail; raises DataError when all did, or for a table of other rows."""
    alive = {name: table for name, table in tables.items() if len(table)}
    if not alive:
        raise DataError("Every learner failed: metrics/ say why of each; put others in learners.names, or choose another design.")
    for name, table in alive.items():
        require_aligned(panel, table, f"the table of {name}")
    return alive


def joined(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables that an ensemble joins: those of orthogonal learners, or all where there is none."""
    return {name: table for name, table in tables.items() if name not in INDIRECT} or dict(tables)


def average(panel: pd.DataFrame, tables: Mapping[str, pd.DataFrame], outcomes: tuple[str, ...]) -> pd.DataFrame:
    """The plain mean of the learners' effects; no interval."""
    means = {o: np.mean([table[f"cate_{o}"] for table in tables.values()], axis=0) for o in outcomes}
    return _table(panel, means)


def stack(
    panel: pd.DataFrame, tables: Mapping[str, pd.DataFrame], data: Mapping[str, OutcomeData]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Effects weighted by fold, and the weights: outcome, fold, learner (a constant effect among them), weight.

    A fold's weights minimise the R-loss of the other folds' out-of-fold effects, so no row both chooses weights and has them.
    The other folds' effects come from models that saw this fold, whose outcomes reach its weights by that way alone.
    Source: Nie & Wager (2021), Biometrika 108, 299-319, section 4.
    """
    effects, rows = {}, []
    for outcome, own in data.items():
        candidates = np.column_stack([table[f"cate_{outcome}"] for table in tables.values()])
        effects[outcome] = np.empty(len(panel))
        for number in own.numbers:
            others, held_out = own.fold != number, own.fold == number
            constant = constant_effect(own, others)
            weights = r_weights(own, others, np.column_stack([candidates[others], np.full(others.sum(), constant)]))
            effects[outcome][held_out] = candidates[held_out] @ weights[:-1] + constant * weights[-1]
            rows += [
                {"outcome": outcome, "fold": number, "learner": name, "weight": weight}
                for name, weight in zip([*tables, CONSTANT], weights, strict=True)
            ]
    return _table(panel, effects), pd.DataFrame(rows)


def constant_effect(data: OutcomeData, rows: NDArray[np.bool_]) -> float:
    """The effect with the lowest R-loss over some rows among those that are the same for all."""
    residual = (data.treated - data.propensity)[rows]
    return float(residual @ (data.outcome - data.mean)[rows] / (residual @ residual))


def r_weights(data: OutcomeData, rows: NDArray[np.bool_], candidates: Vector) -> Vector:
    """Weights (m,), none negative, sum 1, with the lowest R-loss over some rows of candidates (rows, m).

    Least squares of outcome residuals y on treatment residuals times candidates Z, by the active-set method of Lawson & Hanson.
    As the weights w add up to 1, y - Z w = (y 1' - Z) w =: B w. Over w >= 0 of any sum, |B w|^2 + c^2 (1'w - 1)^2 has its minimum
    at a multiple of the w that sums to 1 and has the smallest |B w|, whatever c > 0.
    """
    residual, target = (data.treated - data.propensity)[rows], (data.outcome - data.mean)[rows]
    m = candidates.shape[1]
    design = residual[:, None] * candidates
    draw = np.sqrt(DRAW / m) * np.linalg.norm(design)
    homogeneous = np.vstack([target[:, None] - design, draw * (np.eye(m) - 1 / m)])
    size = np.linalg.norm(homogeneous)
    if size == 0:  # all residuals are nil: every choice of weights is right
        return np.full(m, 1 / m)
    weights, _ = nnls(np.vstack([np.linalg.qr(homogeneous / size, mode="r"), np.ones((1, m))]), np.eye(m + 1)[m])
    return weights / weights.sum()


def distributions(tables: Mapping[str, pd.DataFrame], outcomes: tuple[str, ...]) -> pd.DataFrame:
    """How each table's effects are spread: outcome, learner, mean, sd, share_positive and quantiles p5 to p95."""
    rows = []
    for outcome in outcomes:
        for name, table in tables.items():
            cate = table[f"cate_{outcome}"]
            quantiles = {f"p{share}": cate.quantile(share / 100) for share in (5, 25, 50, 75, 95)}
            spread = {"mean": cate.mean(), "sd": cate.std(), "share_positive": (cate > 0).mean()}
            rows.append({"outcome": outcome, "learner": name} | spread | quantiles)
    return pd.DataFrame(rows)


def _table(panel: pd.DataFrame, effects: Mapping[str, Vector]) -> pd.DataFrame:
    table = panel[KEYS].copy()
    for outcome, cate in effects.items():
        table[effect_columns(outcome)] = np.column_stack([cate, np.full((len(cate), 2), np.nan)])
    return table
