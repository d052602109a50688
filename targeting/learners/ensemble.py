"""One effect from many learners': their average, and convex weights by the R-loss, chosen on other folds than they serve.

What is joined are the orthogonal learners (all but `registry.INDIRECT`): what their outcome models err counts only times the
propensity's error. Where the arms barely overlap the others are off by hundreds of USD, and take a mean with them; they join
where they beat every orthogonal one beyond noise. And whoever loses more than the best beyond noise is left out: where effects
are large beside the noise, learners that are too flat or too coarse would drag the mean along.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.special import ndtri

from targeting.base.columns import KEYS, effect_columns
from targeting.base.errors import DataError
from targeting.learners.data import OutcomeData
from targeting.learners.registry import INDIRECT
from targeting.stats.estimates import SIGNIFICANCE, mean_estimate
from targeting.stats.folds import CROSS_FITTED
from targeting.trials.panel import require_aligned

Vector = NDArray[np.float64]
CONSTANT = "constant"  # the same effect for everybody, a candidate of the stack
# Learners that agree leave the loss all but flat between them, and weights that follow its noise lose to equal ones: this many
# times its curvature draws the weights together. Source: Claeskens et al. (2016), Int. J. Forecasting 32, 754-762.
DRAW = 1.0
BEYOND_NOISE = float(ndtri(1 - SIGNIFICANCE))  # standard errors, on one side


def usable(panel: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables of effects of the learners that did not fail; raises DataError when all did, or for a table of other rows."""
    alive = {name: table for name, table in tables.items() if len(table)}
    if not alive:
        raise DataError("Every learner failed: metrics/ say why of each; put others in learners.names, or choose another design.")
    for name, table in alive.items():
        require_aligned(panel, table, f"the table of {name}")
    return alive


def members(losses: Mapping[str, Vector], household_id: NDArray[np.int64]) -> tuple[str, ...]:
    """Who is joined, by each row's R-loss (rows,) of each learner: the orthogonal ones that are as good as the best, or nearly.

    Best is the orthogonal learner with the lowest mean loss, or one of the others that beats it beyond noise, who then join too.
    Where there is no orthogonal learner, the others take their place. Nobody is a member whose loss is above that of the best
    beyond noise; errors allow for cross-fitting.
    Source: after Hansen, Lunde & Nason (2011), The model confidence set, Econometrica 79, 453-497.
    """
    mean = {name: float(own.mean()) for name, own in losses.items()}

    def beaten(name: str, other: str) -> bool:
        behind = mean_estimate(losses[name] - losses[other], household_id)
        return behind.value > BEYOND_NOISE * np.sqrt(CROSS_FITTED) * behind.se

    learners = [name for name in losses if name != CONSTANT]
    direct = [name for name in learners if name not in INDIRECT] or learners
    direct += [CONSTANT] * (CONSTANT in losses)
    best = min(direct, key=mean.__getitem__)
    better = [name for name in losses if name not in direct and beaten(best, name)]
    best = min([best, *better], key=mean.__getitem__)
    return tuple(name for name in losses if name in (*direct, *better) and not beaten(name, best))


def joined(
    own: OutcomeData, rows: NDArray[np.bool_], candidates: Mapping[str, Vector], household_id: NDArray[np.int64]
) -> tuple[tuple[str, ...], float]:
    """Who is joined by the R-loss of some rows (see `members`), a constant effect among the `candidates`, and that effect.

    `candidates` are each learner's effects (n,), `rows` and `household_id` have as many entries.
    """
    constant = constant_effect(own, rows)
    all_effects = {**candidates, CONSTANT: np.full(len(rows), constant)}
    losses = {name: own.r_losses(cate)[rows] for name, cate in all_effects.items()}
    return members(losses, household_id[rows]), constant


@dataclass(frozen=True)
class Ensembles:
    """Effects by `average` and by `stack`, and each learner's weights: outcome, fold, learner, average, weight (of the stack)."""

    average: pd.DataFrame
    stack: pd.DataFrame
    weights: pd.DataFrame


def ensembles(panel: pd.DataFrame, tables: Mapping[str, pd.DataFrame], data: Mapping[str, OutcomeData]) -> Ensembles:
    """Both combinations of the learners that are joined, outcome by outcome and fold by fold; no intervals.

    The average is the plain mean of the learners joined, and the constant effect where no learner is; the stack weighs the
    constant effect too where that is as good as the best. A fold's members and weights come from the out-of-fold effects of the
    sample's other folds, so no row both chooses weights and has them. The other folds' effects come from models that saw this
    fold, whose outcomes reach its weights by that way alone. On weights: Nie & Wager (2021), Biometrika 108, 299-319, section 4.
    """
    households = panel["household_id"].to_numpy()
    averages, stacks, rows = {}, {}, []
    for outcome, own in data.items():
        candidates = {name: table[f"cate_{outcome}"].to_numpy() for name, table in tables.items()}
        averages[outcome], stacks[outcome] = np.empty(len(panel)), np.empty(len(panel))
        for number in own.numbers:
            others, held_out = own.learns(number), own.fold == number
            names, constant = joined(own, others, candidates, households)
            effects = np.column_stack([{**candidates, CONSTANT: np.full(len(panel), constant)}[name] for name in names])
            weights = dict(zip(names, r_weights(own, others, effects[others]), strict=True))
            learners = [name for name in names if name != CONSTANT] or [CONSTANT]
            shares = dict.fromkeys(learners, 1 / len(learners))
            averages[outcome][held_out] = effects[held_out] @ [shares.get(name, 0.0) for name in names]
            stacks[outcome][held_out] = effects[held_out] @ [weights[name] for name in names]
            rows += [
                {"outcome": outcome, "fold": number, "learner": name}
                | {"average": shares.get(name, 0.0), "weight": weights.get(name, 0.0)}
                for name in [*tables, CONSTANT]
            ]
    return Ensembles(_table(panel, averages), _table(panel, stacks), pd.DataFrame(rows))


def ensemble_metrics(
    found: Ensembles, tables: Mapping[str, pd.DataFrame], data: Mapping[str, OutcomeData], names: Sequence[str]
) -> dict[str, Any]:
    """How many learners there are, who is joined, which of `names` failed, and by outcome the R-loss of both combinations."""
    losses = {
        outcome: {
            f"{name}_loss": own.r_losses(table[f"cate_{outcome}"].to_numpy()).mean()
            for name, table in (("average", found.average), ("stack", found.stack))
        }
        for outcome, own in data.items()
    }
    failed = ", ".join(name for name in names if name not in tables) or "none"
    members = found.weights.groupby("learner", sort=False)["average"].max().drop(CONSTANT)
    return {"n_learners": len(tables), "joined": ", ".join(members.index[members > 0]), "failed": failed} | losses


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
