"""Made-up retailers whose effects by household are known, with nuisances fitted as the pipeline fits them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import outcomes_of
from targeting.learners.data import OutcomeData, outcome_data
from targeting.learners.rows import Effects, HeldOut
from targeting.nuisance.cross_fit import cross_fit, nuisance_table, nuisance_tasks
from targeting.nuisance.nested import inner_nuisances
from targeting.stats.folds import household_folds

CLIP = 0.01
MODELS = ["linear"]


@dataclass(frozen=True)
class Always:
    """What a learner has learned whose effects are these numbers, over and over."""

    values: NDArray[np.float64]

    def cate(self, held_out: HeldOut) -> NDArray[np.float64]:
        """The numbers, as often as there are rows."""
        return np.resize(self.values, len(held_out.propensity))

    def effects(self, held_out: HeldOut) -> Effects:
        """The same."""
        return Effects(self.cate(held_out))


@dataclass(frozen=True)
class World:
    """A panel, its nuisances, and the true effects on purchase_amount (rows,)."""

    panel: pd.DataFrame
    nuisance: pd.DataFrame
    inner: pd.DataFrame
    truth: NDArray[np.float64]

    def data(self) -> dict[str, OutcomeData]:
        """What learners are given, by outcome."""
        return {
            outcome: outcome_data(self.panel, self.nuisance, self.inner, outcome) for outcome in outcomes_of(self.panel.columns)
        }


def panel_and_truth(seed: int, n: int = 1600, effect: str = "smooth", n_folds: int = 3) -> tuple[pd.DataFrame, np.ndarray]:
    """Two rows per household; those who spend are mailed more; the effect on purchase_amount is as `effect` says.

    smooth: levels off with spend and rises with x_share_fresh, mean about 30, sd about 20. constant: 30. none: 0. The other
    outcome is as heterogeneous in units a tenth as large.
    """
    rng = np.random.default_rng(seed)
    household = np.repeat(np.arange(n // 2), 2)
    spend = np.repeat(rng.gamma(1.5, 60, n // 2), 2) * rng.uniform(0.8, 1.2, n)
    fresh, visits = np.repeat(rng.beta(2, 3, n // 2), 2), rng.poisson(2 + spend / 20)
    shapes = {"smooth": 14 * np.log1p(spend / 20) + 60 * fresh**2, "constant": np.full(n, 30.0), "none": np.zeros(n)}
    truth = shapes[effect]
    treated = (rng.random(n) < 1 / (1 + np.exp(1.2 - spend / 90))).astype(int)
    own = np.repeat(rng.normal(0, 15, n // 2), 2)
    amount = 1.5 * spend + 3 * visits + treated * truth + own + rng.normal(0, 25, n)
    panel = pd.DataFrame(
        {
            "household_id": household,
            "campaign_id": np.tile([27, 8], n // 2),
            "treated": treated,
            "purchase_amount": amount.round(2),
            "purchase_count": (visits + treated * truth / 10 + rng.normal(0, 3, n)).round(2),
            "x_spend": spend,
            "x_visits": visits.astype(float),
            "x_share_fresh": fresh,
            "x_noise": rng.random(n),
            "x_known": rng.integers(0, 2, n).astype(float),
        }
    )
    return panel.assign(fold=household_folds(household, n_folds, seed=1)), truth


def with_nuisances(panel: pd.DataFrame, truth: np.ndarray) -> World:
    """The world of a panel, its nuisances fitted."""
    predictions, _ = cross_fit(nuisance_tasks(panel), panel, MODELS, panel["fold"].nunique(), repeats=1, seed=1)
    return World(panel, nuisance_table(panel, predictions, CLIP), inner_nuisances(panel, MODELS, CLIP, seed=1), truth)


def world(seed: int, **shape: object) -> World:
    """A whole world; the arguments are those of panel_and_truth."""
    return with_nuisances(*panel_and_truth(seed, **shape))
