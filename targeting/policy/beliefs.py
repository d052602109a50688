"""What is believed of the effects on a panel's rows, of those of households not yet in it, and of what policies earn."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from targeting.policy.economics import Economics
from targeting.policy.posterior import (
    FEWEST,
    Belief,
    Known,
    Posterior,
    beliefs_by_fold,
    centred_in_trials,
    fit_posterior,
    level_prior,
)
from targeting.policy.value import Evidence, measured_part

Vector = NDArray[np.float64]
BELIEVED = ("expected_profit", "expected_profit_lower", "expected_profit_upper", "chance_of_loss", "expected_loss")
COMPARED = "expected_measured"  # the expected profit of that part of a policy whose profit is measured too


@dataclass(frozen=True)
class Forecast:
    """The posterior of all rows inside the overlap, and the mean effect that the learner's are taken from: for new households."""

    posterior: Posterior
    centre: float

    def effects(self, effect: ArrayLike, overlap: NDArray[np.bool_]) -> tuple[Vector, Vector]:
        """Expected effects and their standard deviations (n,), of households with these effects by the learner."""
        centred = np.asarray(effect, dtype=float) - self.centre
        return self.posterior.mean(centred), self.posterior.sd(centred, overlap)

    def profit(self, policy: Vector, effect: ArrayLike, overlap: NDArray[np.bool_], economics: Economics) -> Belief:
        """What contacting by `policy` (n,) is believed to earn per household, in USD."""
        centred = np.asarray(effect, dtype=float) - self.centre
        return self.posterior.profit(policy, centred, overlap, economics.cost, economics.margin)

    def numbers(self) -> dict[str, float | None]:
        """All of it, to be stored."""
        level, slope = self.posterior.level, self.posterior.slope
        found = {"level": level.mean, "level_sd": level.sd, "slope": slope.mean, "slope_sd": slope.sd, "centre": self.centre}
        return {**found, "origin": self.posterior.origin, "extrapolation": self.posterior.extrapolation}

    @classmethod
    def of(
        cls,
        level: float,
        level_sd: float,
        slope: float,
        slope_sd: float,
        centre: float,
        origin: float = 0.0,
        extrapolation: float | None = None,
    ) -> "Forecast":
        """From its `numbers`."""
        return cls(Posterior(Belief(level, level_sd), Belief(slope, slope_sd), extrapolation, origin), centre)


@dataclass(frozen=True)
class Beliefs:
    """What is believed of effects on a panel, in the outcome's unit.

    `centred` are the learner's effects by `centred_in_trials`; `expected` and `uncertainty` mean and standard
    deviation of each row's effect by the posterior of the other folds. Each (rows,).
    """

    forecast: Forecast
    centred: Vector
    expected: Vector
    uncertainty: Vector


def learn_beliefs(
    effect: Vector,
    weight: Vector,
    fold: NDArray[np.int64],
    trial: NDArray[np.int64],
    evidence: Evidence,
    spread: float,
    by_lot: NDArray[np.bool_] | None = None,
    extrapolation: float | None = None,
) -> Beliefs | None:
    """Beliefs from out-of-fold effects, their folds and trials, scores and weights (rows,); None without FEWEST in the overlap.

    `spread` is the prior's standard deviation of the average effect, in means of the outcome (policy.effect_spread);
    `extrapolation` is as of `Posterior` (policy.extrapolation).
    """
    inside = evidence.overlap
    if len(np.unique(evidence.household_id[inside])) < FEWEST:
        return None
    centred = centred_in_trials(effect, weight, fold, trial, evidence.household_id, inside)
    prior_sd = level_prior(evidence.outcome[inside], spread).sd
    known = Known(centred, evidence.score, weight, evidence.household_id, by_lot, evidence.shift, evidence.after)
    expected, uncertainty = beliefs_by_fold(known, fold, inside, prior_sd, extrapolation)
    posterior = fit_posterior(known.rows(inside), prior_sd, extrapolation)
    centre = float(np.average(effect[inside], weights=weight[inside]))
    return Beliefs(Forecast(posterior, centre), centred, expected, uncertainty)


def belief_metrics(beliefs: Beliefs | None, evidence: Evidence) -> dict[str, Any]:
    """What is believed of effects: the forecast's numbers, and the mean effect in the overlap with its 95% credible interval.

    In the outcome's unit; `belief` is empty, and the mean effect is absent, where nothing is believed.
    """
    if beliefs is None:
        return {"belief": {}}
    mean = beliefs.forecast.posterior.average(beliefs.centred[evidence.overlap])
    ends = dict(zip(("lower", "upper"), mean.interval, strict=True))
    expected = {"expected_effect": mean.mean, **{f"expected_effect_{end}": value for end, value in ends.items()}}
    return {"belief": beliefs.forecast.numbers(), **expected}


def believed_profits(
    beliefs: Beliefs | None, decisions: pd.DataFrame, overlap: NDArray[np.bool_], economics: Economics
) -> pd.DataFrame:
    """What each policy, a column of `decisions`, is believed to earn per row, in USD, a row per policy.

    Columns: policy; expected_profit with the ends of its 95% credible interval; chance_of_loss; expected_loss, the mean of what
    is lost, gains counted as nothing: what knowing beforehand would save; and COMPARED, of its `measured_part`. Missing for
    policies that contact anybody of whom nothing is believed. One that contacts nobody earns nothing, whatever is believed.
    """
    columns = [*BELIEVED, COMPARED]
    rows = []
    for name in decisions:
        policy = decisions[name].to_numpy(dtype=float)
        numbers = [np.nan] * len(columns)
        if not policy.any():
            numbers = [0.0] * len(columns)
        elif beliefs is not None and not policy[~beliefs.forecast.posterior.speaks_of(overlap)].any():
            profit, measured = (
                beliefs.forecast.posterior.profit(contacts, beliefs.centred, overlap, economics.cost, economics.margin)
                for contacts in (policy, measured_part(name, policy, overlap))
            )
            numbers = [profit.mean, *profit.interval, profit.chance_below_zero, profit.expected_loss, measured.mean]
        rows.append({"policy": name, **dict(zip(columns, numbers, strict=True))})
    return pd.DataFrame(rows)
