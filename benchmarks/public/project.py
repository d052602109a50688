"""The project's own estimates of a public table: nuisances, learners with their defaults, ensembles and the rule that chooses."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.public.tables import OUTCOME
from targeting.effects.estimators import ESTIMATORS, effect_data
from targeting.learners.cross_fit import LearnerError, cross_fit_effects
from targeting.learners.data import outcome_data
from targeting.learners.ensemble import ensembles, usable
from targeting.learners.registry import find_learner
from targeting.nuisance.cross_fit import cross_fit, nuisance_table, nuisance_tasks
from targeting.nuisance.nested import inner_nuisances
from targeting.nuisance.noise import with_precision
from targeting.validation.judge import choose_effects
from targeting.validation.selection import USED

Params = Mapping[str, Any]
METHODS = {"ate": "aipw", "att": "att"}  # by estimand


def nuisances(panel: pd.DataFrame, params: Params) -> pd.DataFrame:
    """The stored nuisances and scores, row by row as the panel, by one cross-fit over the panel's folds."""
    settings = params["nuisance"]
    predictions, _ = cross_fit(nuisance_tasks(panel), panel, settings["models"], settings["folds"], 1, params["seed"])
    return with_precision(panel, nuisance_table(panel, predictions, settings["clip"]))


def learned_effects(panel: pd.DataFrame, nuisance: pd.DataFrame, params: Params) -> dict[str, pd.DataFrame]:
    """Tables of out-of-fold effects by learner, with default settings, and of their average and stack; failed ones are absent."""
    inner = inner_nuisances(panel, params["nuisance"]["models"], params["nuisance"]["clip"], params["seed"])
    data = {OUTCOME: outcome_data(panel, nuisance, inner, OUTCOME)}
    tables = {}
    for name in params["learners"]["names"]:
        learner = find_learner(name, params["learners"]["models"])
        settings = {OUTCOME: dict.fromkeys(data[OUTCOME].numbers, learner.settings)}
        try:
            tables[name] = cross_fit_effects(panel, data, learner, settings, params["seed"])
        except LearnerError:
            continue
    joint = ensembles(panel, usable(panel, tables), data)
    return tables | {"average": joint.average, "stack": joint.stack}


def effects(panel: pd.DataFrame, nuisance: pd.DataFrame, params: Params) -> dict[str, NDArray[np.float64]]:
    """Each row's effect (rows,) by every learner and combination, and by the rule (USED), which may be the average effect."""
    tables = learned_effects(panel, nuisance, params)
    chosen = choose_effects(panel, nuisance, tables, OUTCOME, params["nuisance"]["overlap"], params["seed"])
    return {name: table[f"cate_{OUTCOME}"].to_numpy() for name, table in {**tables, USED: chosen.selected}.items()}


def average_effects(panel: pd.DataFrame, nuisance: pd.DataFrame) -> dict[str, dict[str, tuple[float, float]]]:
    """Average effects by method and estimand: estimate and standard error."""
    data = effect_data(panel, nuisance, OUTCOME)
    found = {estimand: ESTIMATORS[method](data) for estimand, method in METHODS.items()}
    return {METHODS[estimand]: {estimand: (own.value, own.se)} for estimand, own in found.items()}
