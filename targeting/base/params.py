"""The parameters: what each may be, and the one way in which stages read them.

The whole of params.yaml is checked whenever a stage starts, so that a slip is named by the first stage that runs.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from targeting.base.columns import COMBINED, OUTCOMES
from targeting.base.errors import DataError

PARAMS = Path("params.yaml")


def _no_repeats(values: list[Any]) -> list[Any]:
    """The list itself; what a list names twice would be fitted twice, or written over itself."""
    repeated = [value for value in dict.fromkeys(values) if values.count(value) > 1]
    if repeated:
        raise ValueError(f"{', '.join(map(str, repeated))} is there more than once: keep one")
    return values


Positive = Annotated[int, Field(ge=1)]
# scikit-learn takes seeds below 2^32, and repeats count on from this one.
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Distinct = AfterValidator(_no_repeats)
BaseModelName = Literal["linear", "components", "smooth", "boosting", "forest"]
Share = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """A section of params.yaml: no unknown keys, no infinite numbers and no NaN."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Data(Section):
    """Which retailer; what follows first_day describes the made-up one, and only that."""

    source: str
    path: str
    first_day: str | None
    households: Annotated[int, Field(ge=100, le=100_000)] | None = None
    weeks: Annotated[int, Field(ge=24, le=520)] | None = None
    overlap: Literal["randomised", "good", "poor"] | None = None
    effect: Literal["none", "constant", "heterogeneous"] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _describes_its_source(self) -> "Data":
        made_up = {name: getattr(self, name) for name in ("households", "weeks", "overlap", "effect", "seed")}
        if self.source == "simulated":
            lacking = [name for name, value in {"first_day": self.first_day, **made_up}.items() if value is None]
            if lacking:
                raise ValueError(f"the simulated source also needs {', '.join(lacking)}: see conf/data/simulated.yaml")
        elif given := [name for name, value in made_up.items() if value is not None]:
            raise ValueError(f"{', '.join(given)} is for the simulated source, and source is {self.source!r}: leave it out")
        return self

    @field_validator("first_day")
    @classmethod
    def _is_a_date(cls, value: str | None) -> str | None:
        try:
            return value if value is None else date.fromisoformat(value).isoformat()
        except ValueError:
            raise ValueError(f"it is {value!r}; write a date such as '2016-01-04'") from None


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
    recent_days: Annotated[list[Positive], Field(min_length=1), Distinct]


class Segmentation(Section):
    """Factors and segments."""

    factors: Positive
    k: Annotated[int, Field(ge=2)]
    factor_starts: Annotated[int, Field(ge=0)]
    skewness: float
    penalty_scores: Annotated[float, Field(ge=0)]
    penalty_loadings: Annotated[float, Field(ge=0)]
    l1_ratio: Annotated[float, Field(ge=0, le=1)]
    selection: tuple[Annotated[int, Field(ge=2)], Annotated[int, Field(ge=2)]]
    factor_resamples: Positive
    enough_explained: Share
    stable_loadings: Share
    restarts: Positive
    bootstraps: Positive
    smallest_segment: Share
    stable_segments: Share
    features: Annotated[list[str], Field(min_length=2), Distinct]

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

    folds: Annotated[int, Field(ge=3)]  # one held out, one predicted, one to learn from
    repeats: Positive
    clip: Annotated[float, Field(gt=0, lt=0.5)]
    overlap: tuple[Share, Share]
    models: Annotated[list[str], Field(min_length=1), Distinct]
    refits: Annotated[int, Field(ge=2)]

    @field_validator("overlap")
    @classmethod
    def _runs_upwards(cls, value: tuple[float, float]) -> tuple[float, float]:
        low, high = value
        if low >= high:
            raise ValueError(f"it runs from {low:g} to {high:g}: give two numbers, the smaller one first")
        return value


class Refute(Section):
    """Refutations of the average effects."""

    placebo_repeats: Annotated[int, Field(ge=2)]
    placebo_strata: Positive
    placebo_ratio: Annotated[float, Field(gt=0)]
    cause_repeats: Annotated[int, Field(ge=2)]
    cause_shift_se: Annotated[float, Field(gt=0)]
    cause_shift_relative: Annotated[float, Field(gt=0)]
    subset_repeats: Annotated[int, Field(ge=2)]
    subset_share: Share
    subset_stability: Annotated[float, Field(lt=1)]
    control_days: Positive
    control_splits: Annotated[int, Field(ge=2)]


class BaseModels(Section):
    """What learns outcomes or effects inside the learners that can have any model."""

    s: BaseModelName
    t: BaseModelName
    x: BaseModelName
    dr: BaseModelName
    nonparam_dml: BaseModelName


class Learners(Section):
    """Learners of effects by household."""

    names: Annotated[list[str], Field(min_length=1), Distinct]
    models: BaseModels
    trials: Annotated[int, Field(ge=0)]
    forward: Annotated[list[str], Distinct]


class Column(Section):
    """A value per household: a column of policy.table."""

    column: Annotated[str, Field(min_length=1)]


def _kind(value: Any) -> str:
    """Which form of an amount this is, as it is read or once it is checked."""
    if isinstance(value, Column):
        return "table"
    if not isinstance(value, dict):
        return "number"
    return "table" if "column" in value else "campaigns"


ByCampaign = Annotated[dict[int | str, Annotated[float, Field(gt=0)]], Field(min_length=1)]
# 0 would put a household first in every queue; a cost of nothing is the number 0, the same for all.
Amount = Annotated[
    Annotated[float, Field(ge=0), Tag("number")] | Annotated[ByCampaign, Tag("campaigns")] | Annotated[Column, Tag("table")],
    Discriminator(_kind),
]


class Policy(Section):
    """Whose effects decide, what a contact costs and earns, and what may be spent."""

    learner: str
    outcome: str
    cost: Amount
    margin: Amount
    table: str
    caution: Annotated[float, Field(ge=0, lt=1)]
    budget_usd: Annotated[float, Field(gt=0)] | None
    budget_contacts: Positive | None

    @model_validator(mode="after")
    def _makes_sense(self) -> "Policy":
        if self.outcome not in OUTCOMES:
            raise ValueError(f"outcome is {self.outcome!r}; it can be {' or '.join(OUTCOMES)}")
        by_campaign = self.margin if isinstance(self.margin, dict) else {"all": self.margin}
        margins = [margin for margin in by_campaign.values() if not isinstance(margin, Column)]
        if 0 in margins:
            raise ValueError("margin is 0; it should be greater than 0")
        if self.outcome == "purchase_amount" and any(margin > 1 for margin in margins):
            raise ValueError(f"margin is {max(margins):g}, more than all sales; it is a share, and 0.3 means 30%")
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

    seed: Seed
    data: Data
    engine: Engine
    design: Design
    segmentation: Segmentation
    nuisance: Nuisance
    refute: Refute
    learners: Learners
    policy: Policy
    experiment: Experiment

    @model_validator(mode="after")
    def _learner_is_known(self) -> "Params":
        known = ["selected", *self.learners.names, *COMBINED]
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
