"""Every learner by name: how it is fitted, its settings when nobody tunes it, and where tuning searches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from targeting.base.errors import DataError
from targeting.learners.base_models import MODELS, RANGES, Range, Settings
from targeting.learners.fitted import Fitted, InUnits
from targeting.learners.meta import s_learner, t_learner, x_learner
from targeting.learners.orthogonal import (
    CAUSAL_FOREST,
    CAUSAL_FOREST_RANGES,
    causal_forest,
    dr_learner,
    linear_dml,
    nonparam_dml,
)
from targeting.learners.rows import Rows
from targeting.learners.smooth import dr_smooth, r_smooth
from targeting.stats.units import unit_of

Fit = Callable[[Rows, Settings, int], Fitted]


@dataclass(frozen=True)
class Learner:
    """How effects are learned, with which settings by default, and the ranges in which settings are searched.

    A learner whose settings say `model` takes that from learners.models, and its ranges are that model's. `thrift` are settings
    that hold while searching only: a forest of few trees is a noisier one, not another one.
    """

    fit: Fit
    settings: Settings
    ranges: Mapping[str, Range]
    thrift: Settings = field(default_factory=dict)

    def learned(self, learn: Rows, settings: Settings, seed: int) -> Fitted:
        """Fitted on outcomes in units: no learner sees whether these came in cents or in millions."""
        unit = unit_of(learn.outcome)
        return InUnits(self.fit(learn.in_units(unit), settings, seed), unit)


FEW_TREES = {"n_estimators": 32}
WITH_MODEL: dict[str, Fit] = {"s": s_learner, "t": t_learner, "x": x_learner, "dr": dr_learner, "nonparam_dml": nonparam_dml}
OF_ONE_KIND = {
    "linear_dml": Learner(linear_dml, {}, RANGES["components"]),
    "causal_forest": Learner(causal_forest, CAUSAL_FOREST, CAUSAL_FOREST_RANGES, FEW_TREES),
    "r_smooth": Learner(r_smooth, {}, RANGES["smooth"]),
    "dr_smooth": Learner(dr_smooth, {}, RANGES["smooth"]),
}
NAMES = (*WITH_MODEL, *OF_ONE_KIND)
# Not orthogonal: what an outcome model errs goes into the effect as it is; the others multiply it by the propensity's error.
INDIRECT = ("s", "t", "x")


def find_learner(name: str, models: Mapping[str, str]) -> Learner:
    """The learner, with the base model that `models` name for it; raises DataError for an unknown learner or model."""
    if name in OF_ONE_KIND:
        return OF_ONE_KIND[name]
    if name in WITH_MODEL:
        model = models[name]
        if model not in MODELS:
            raise DataError(f"Unknown model {model!r} in learners.models.{name}; known: {', '.join(MODELS)}.")
        return Learner(WITH_MODEL[name], {"model": model}, RANGES[model], FEW_TREES if model == "forest" else {})
    raise DataError(f"Unknown learner {name!r} in learners.names; known: {', '.join(NAMES)}.")
