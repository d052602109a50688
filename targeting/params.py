"""The parameters: what each may be, and the one way in which stages read them.

The whole of params.yaml is checked whenever a stage starts, so that a slip is named by the first stage that runs.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from targeting.errors import DataError
from targeting.panel import OUTCOMES

PARAMS = Path("params.yaml")

Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """A section of params.yaml: no unknown keys."""

    model_config = ConfigDict(extra="forbid")


class Data(Section):
    """Which retailer."""

    source: str
    path: str
    first_day: str | None


class Engine(Section):
    """Where table expressions run."""

    name: str
    threads: Positive
    memory_limit: str


class Design(Section):
    """How campaigns become trials."""

    name: Literal["sequential_trials", "first_campaign"]
    campaign_type: Literal["A", "B", "C"]
    post_days: Annotated[int, Field(ge=0)]
    min_follow_up_days: Positive
    recent_days: Annotated[list[Positive], Field(min_length=1)]


class Segmentation(Section):
    """Factors and segments."""

    factors: Positive
    k: Annotated[int, Field(ge=2)]
    skewness: float
    penalty_scores: Annotated[float, Field(ge=0)]
    penalty_loadings: Annotated[float, Field(ge=0)]
    l1_ratio: Annotated[float, Field(ge=0, le=1)]
    selection: tuple[Annotated[int, Field(ge=2)], Annotated[int, Field(ge=2)]]
    restarts: Positive
    bootstraps: Positive
    selection_bootstraps: Positive
    features: Annotated[list[str], Field(min_length=2)]

    @model_validator(mode="after")
    def _fits_the_features(self) -> "Segmentation":
        lowest, highest = self.selection
        if lowest > highest:
            raise ValueError(f"selection runs from {lowest} down to {highest}: give the smaller number first")
        if max(self.factors, highest) > len(self.features):
            raise ValueError(f"factors and the end of selection can be at most {len(self.features)}, the number of features")
        return self


class Nuisance(Section):
    """Cross-fitted nuisances and the overlap."""

    folds: Annotated[int, Field(ge=2)]
    repeats: Positive
    clip: Annotated[float, Field(gt=0, lt=0.5)]
    overlap: tuple[Share, Share]
    models: Annotated[list[str], Field(min_length=1)]
    refits: Annotated[int, Field(ge=2)]


class Learners(Section):
    """Learners of effects by household."""

    names: Annotated[list[str], Field(min_length=1)]


class Policy(Section):
    """Whose effects decide, and what a contact costs and earns."""

    learner: str
    outcome: str
    cost: Annotated[float, Field(ge=0)]
    margin: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _makes_sense(self) -> "Policy":
        if self.outcome not in OUTCOMES:
            raise ValueError(f"outcome is {self.outcome!r}; it can be {' or '.join(OUTCOMES)}")
        if self.outcome == "purchase_amount" and self.margin > 1:
            raise ValueError(f"margin is {self.margin:g}, more than all sales; it is a share, and 0.3 means 30%")
        return self


class Experiment(Section):
    """The experiment that would settle it, and how the mailing list explores."""

    effect: Annotated[float, Field(gt=0)] | None
    sd: Annotated[float, Field(gt=0)] | None
    power: Share
    alpha: Share
    strata: Positive
    households: Annotated[int, Field(ge=4)] | None
    method: Literal["epsilon_greedy", "softmax"]
    epsilon: Annotated[float, Field(ge=0, le=1)]
    temperature: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _finds_more_than_chance(self) -> "Experiment":
        if self.power <= self.alpha:
            raise ValueError(
                f"power is {self.power:g} and alpha {self.alpha:g}: an experiment must find effects more often than errors"
            )
        return self


class Params(Section):
    """All of params.yaml."""

    seed: int
    data: Data
    engine: Engine
    design: Design
    segmentation: Segmentation
    nuisance: Nuisance
    learners: Learners
    policy: Policy
    experiment: Experiment

    @model_validator(mode="after")
    def _learner_is_known(self) -> "Params":
        known = ["selected", *self.learners.names]
        if self.policy.learner not in known:
            raise ValueError(f"policy.learner is {self.policy.learner!r}; it can be {', '.join(known)}")
        return self


def load_params(*sections: str) -> dict[str, Any]:
    """The named top-level sections of params.yaml, as dvc.yaml declares them for the stage that asks.

    Raises DataError when anything in the file is missing, unknown or out of its range.
    """
    try:
        params = Params.model_validate(yaml.safe_load(PARAMS.read_text(encoding="utf-8")))
    except ValidationError as errors:
        slips = [f"{'.'.join(map(str, error['loc']))}: {error['msg'].removeprefix('Value error, ')}" for error in errors.errors()]
        raise DataError(f"{PARAMS}: {'; '.join(slips)}. Change it with -S, or in conf/ and with `make params`.") from None
    return {section: params.model_dump()[section] for section in sections}
