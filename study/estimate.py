"""One world through the project's own code: nuisances, verdict on the overlap, every estimator, and the recommended policy."""

import contextlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import parallel_config

from study.worlds import EFFECTS, OVERLAPS, World, draw_world
from targeting.base.columns import OUTCOMES
from targeting.effects.estimators import ESTIMATORS, effect_data
from targeting.nuisance.cross_fit import cross_fit, nuisance_table, nuisance_tasks
from targeting.nuisance.overlap import in_overlap, overlap_verdict, positivity
from targeting.policy.economics import Economics
from targeting.policy.policies import PolicyData, assign
from targeting.policy.value import evidence_of, profits, recommend, value_table
from targeting.trials.panel import covariate_names

MODELS = ["linear"]  # boosting loses to it on panels of this kind, and takes twenty times as long
SEED = 20170101


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
    nuisance = fit_nuisances(world.panel, settings)
    rows = [key | row for row in estimate_rows(world.panel, nuisance)]
    covariates = world.panel[covariate_names(world.panel)]
    numbers = positivity(covariates, world.panel["treated"], nuisance["propensity"], settings.overlap)
    facts = {**key, **numbers, "answers": overlap_verdict(numbers)["answers"], **_recommendation(world, nuisance, settings)}
    return facts, rows


def fit_nuisances(panel: pd.DataFrame, settings: StudySettings, models: Sequence[str] = MODELS) -> pd.DataFrame:
    """The nuisances and scores of a panel as the pipeline fits them, in this process alone."""
    with one_process():
        predictions, _ = cross_fit(nuisance_tasks(panel), panel, models, settings.folds, settings.repeats, SEED)
    return nuisance_table(panel, predictions, settings.clip)


def estimate_rows(panel: pd.DataFrame, nuisance: pd.DataFrame) -> list[dict[str, Any]]:
    """Every estimator's pooled effect on both outcomes: outcome, method, estimate, se, ci_lower, ci_upper."""
    rows = []
    for outcome in OUTCOMES:
        data = effect_data(panel, nuisance, outcome)
        for method, estimator in ESTIMATORS.items():
            estimate = estimator(data)
            rows.append({"outcome": outcome, "method": method, "estimate": estimate.value, **estimate.columns()})
    return rows


@contextlib.contextmanager
def one_process() -> Iterator[None]:
    """Worlds run side by side, so that no fit may start processes, nor a bar for each world drown the study's own."""
    with parallel_config("sequential"), contextlib.redirect_stderr(io.StringIO()):
        yield


def _recommendation(world: World, nuisance: pd.DataFrame, settings: StudySettings) -> dict[str, Any]:
    """The recommended policy, what it is estimated to earn and what it does, and the most that any policy compared earns.

    Effects by household are the difference of the outcome models. Profits are USD per row, against contacting nobody.
    """
    outcome = "purchase_amount"
    economics = Economics(settings.cost, settings.margin)
    evidence = evidence_of(world.panel, nuisance, outcome, in_overlap(nuisance["propensity"], settings.overlap))
    cate = (nuisance[f"mu1_{outcome}"] - nuisance[f"mu0_{outcome}"]).to_numpy()
    fold = world.panel["fold"].to_numpy()
    data = PolicyData(cate, evidence.overlap, evidence.treated, economics.breakeven, evidence.household_id, fold=fold)
    policies = assign(data)
    table = value_table(policies, cate, evidence, economics)
    true = {name: float(profits(policies[name], world.effect(outcome), economics).mean()) for name in policies}
    recommended = recommend(table)
    estimated = table.set_index("policy").loc[recommended]
    return {
        "recommended": recommended,
        "profit": float(estimated["profit"]),
        "true_profit": true[recommended],
        "best_true_profit": max(true.values()),
    }
