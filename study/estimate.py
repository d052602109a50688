"""One world through the project's own code: nuisances, verdict on the overlap, every estimator, and the recommended policy."""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import parallel_config

from study.worlds import EFFECTS, OVERLAPS, World, draw_world
from targeting.base.columns import OUTCOMES
from targeting.effects.estimators import ESTIMATORS, effect_data
from targeting.nuisance.cross_fit import cross_fit, nuisance_table, nuisance_tasks
from targeting.nuisance.noise import with_precision
from targeting.nuisance.overlap import overlap_verdict, positivity
from targeting.policy.decide import PolicyChoice, PolicyInputs, choose_policy
from targeting.policy.economics import Economics
from targeting.policy.value import profits
from targeting.trials.panel import covariate_names

MODELS = ["linear"]  # boosting loses to it on panels of this kind, and takes twenty times as long
SEED = 20170101
NO_ESTIMAND = "owate"  # whom it answers for depends on variances that are fitted: tests hold it to worlds where these are known
# No budget, and no policy that needs intervals, segments or a tree.
POLICY: dict[str, Any] = {
    "outcome": "purchase_amount",
    "prudence": 0.5,
    "effect_spread": 0.1,
    "extrapolation": 0.5,
    "caution": 0.3,
    "budget_usd": None,
    "budget_contacts": None,
}


@dataclass(frozen=True)
class StudySettings:
    """Size of a world, and the pipeline's own parameters of the same names; cost and margin are the policy's."""

    n_households: int
    folds: int
    repeats: int
    clip: float
    overlap: tuple[float, float]
    cost: float
    margin: float


def world_seed(overlap: str, effect: str, number: int) -> int:
    """A seed of its own for each world, the same whatever else is run."""
    entropy = [SEED, OVERLAPS.index(overlap), EFFECTS.index(effect), number]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])


def estimate_world(
    overlap: str, effect: str, number: int, settings: StudySettings
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """World `number` of a cell: its facts (positivity, verdict, policy), and one row per outcome and estimator.

    Rows have overlap, effect, world, outcome, method, estimate, se, ci_lower, ci_upper.
    """
    key = {"overlap": overlap, "effect": effect, "world": number}
    world = draw_world(overlap, effect, settings.n_households, settings.folds, world_seed(overlap, effect, number))
    nuisance = fit_nuisances(world.panel, settings.folds, settings.repeats, settings.clip, SEED)
    rows = [key | row for row in estimate_rows(world.panel, nuisance)]
    covariates = world.panel[covariate_names(world.panel)]
    numbers = positivity(covariates, world.panel["treated"], nuisance["propensity"], settings.overlap, SEED)
    answers = overlap_verdict(numbers).value
    return {**key, **numbers, "answers": answers, **_recommendation(world, nuisance, answers, settings)}, rows


def fit_nuisances(panel: pd.DataFrame, folds: int, repeats: int, clip: float, seed: int) -> pd.DataFrame:
    """Nuisances and scores, row by row as the panel, as the pipeline fits them, in this process alone."""
    with one_process():
        predictions, _ = cross_fit(nuisance_tasks(panel), panel, MODELS, folds, repeats, seed)
    return with_precision(panel, nuisance_table(panel, predictions, clip))


def estimate_rows(panel: pd.DataFrame, nuisance: pd.DataFrame) -> list[dict[str, Any]]:
    """The pooled effect on both outcomes by all estimators but NO_ESTIMAND: outcome, method, estimate, se, ci_lower, ci_upper."""
    rows = []
    for outcome in OUTCOMES:
        data = effect_data(panel, nuisance, outcome)
        for method, estimator in ESTIMATORS.items():
            if method == NO_ESTIMAND:
                continue
            estimate = estimator(data)
            rows.append({"outcome": outcome, "method": method, "estimate": estimate.value, **estimate.columns()})
    return rows


@contextlib.contextmanager
def one_process() -> Iterator[None]:
    """Worlds run side by side, so that no fit may start processes, nor a bar for each world drown the study's own."""
    with parallel_config("sequential"), contextlib.redirect_stderr(io.StringIO()):
        yield


def choice_in_a_world(panel: pd.DataFrame, nuisance: pd.DataFrame, answers: str, settings: StudySettings) -> PolicyChoice:
    """The policies, as the stage `policy` decides and values them; effects are the difference of the outcome models.

    `answers` is what the overlap allows to be said.
    """
    outcome = POLICY["outcome"]
    effects = pd.DataFrame({f"cate_{outcome}": nuisance[f"mu1_{outcome}"] - nuisance[f"mu0_{outcome}"]})
    economics = Economics(settings.cost, settings.margin)
    return choose_policy(PolicyInputs(panel, nuisance, effects, effects, economics, POLICY, settings.overlap, answers, seed=0))


def _recommendation(world: World, nuisance: pd.DataFrame, answers: str, settings: StudySettings) -> dict[str, Any]:
    """The recommended policy, what it is estimated to earn and what it does, and the most that any policy compared earns.

    Profits are USD per row, against contacting nobody.
    """
    chosen = choice_in_a_world(world.panel, nuisance, answers, settings)
    effect, economics = world.effect(POLICY["outcome"]), Economics(settings.cost, settings.margin)
    true = {name: float(profits(chosen.decisions[name], effect, economics).mean()) for name in chosen.decisions}
    recommended = chosen.recommended
    return {
        "recommended": recommended,
        "profit": float(chosen.valued.set_index("policy").loc[recommended, "profit"]),
        "true_profit": true[recommended],
        "best_true_profit": max(true.values()),
    }
