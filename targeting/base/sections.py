"""What each parameter may be: the sections of params.yaml, with types, bounds and what must agree.

Bounds keep out what is a slip in any case: a process for each of two billion threads, or windows of a million years.
"""

import re
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator, model_validator

from targeting.base.columns import COMBINED, CUSTOMERS, OUTCOMES
from targeting.base.customer_table import CustomerTable
from targeting.base.engine import Engine
from targeting.base.mapping import DataMapping
from targeting.base.section import Section
from targeting.base.spelling import did_you_mean

# Names that other rooms give meaning to. They stand here, and a test compares them, so that the first stage refuses a wrong one:
# those of learners become file names and arguments of commands.
BaseModelName = Literal["linear", "components", "smooth", "boosting", "forest"]
NuisanceModelName = Literal["linear", "boosting"]
LearnerName = Literal[
    "s",
    "t",
    "x",
    "dr",
    "nonparam_dml",
    "linear_dml",
    "causal_forest",
    "r_smooth",
    "dr_smooth",
]
FeatureName = Literal[
    "recency",
    "recency_weeks",
    "active_last_4w",
    "active_last_12w",
    "days_between_purchases_avg",
    "days_between_purchases_std",
    "frequency",
    "frequency_per_week",
    "frequency_per_month",
    "transaction_count",
    "weeks_with_purchase",
    "purchase_regularity",
    "week_coverage",
    "monetary_sales",
    "monetary_actual",
    "monetary_avg_basket_sales",
    "monetary_avg_basket_actual",
    "monetary_std",
    "monetary_per_week",
    "coupon_savings_ratio",
    "discount_rate",
    "discount_usage_pct",
    "private_label_ratio",
    "n_departments",
    "n_products",
    "avg_items_per_basket",
    "avg_products_per_basket",
    "share_grocery",
    "share_fresh",
    "share_bakery",
    "share_health_beauty",
    "share_alcohol",
    "share_other",
]
CAMPAIGN_TYPES = ("A", "B", "C")
LEAST_MARGIN = 0.0001
FIRST_YEAR, LAST_YEAR = 1990, 2100  # of any day of a retailer's data


def _no_repeats(values: list[Any]) -> list[Any]:
    """The list itself; what a list names twice would be fitted twice, or written over itself."""
    repeated = [value for value in dict.fromkeys(values) if values.count(value) > 1]
    if repeated:
        raise ValueError(f"{', '.join(map(str, repeated))} is there more than once: keep one")
    return values


def _names_one_file(value: str) -> str:
    """The path itself; the table engine would read every file that a pattern matches."""
    if odd := [character for character in "*?[\0" if character in value]:
        raise ValueError(f"it is {value!r}, and {odd[0]!r} is read as a pattern: rename the folder or file, or make a link to it")
    return value


# scikit-learn takes seeds below 2^32, and repeats count on from this one.
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Distinct = AfterValidator(_no_repeats)
Share = Annotated[float, Field(gt=0, lt=1)]
Days = Annotated[int, Field(ge=1, le=3650)]
Repeats = Annotated[int, Field(ge=1, le=100_000)]
SeveralRepeats = Annotated[int, Field(ge=2, le=100_000)]
Groups = Annotated[int, Field(ge=1, le=1000)]
Size = Annotated[float, Field(ge=0, le=1e6)]
AboveZero = Annotated[float, Field(ge=0.0001, le=1e6)]
FilePath = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_names_one_file)]


class Data(Section):
    """Which retailer; `mapping` and `table` are of the sources `mapped` and `panel`, the rest is of the made-up one."""

    source: str
    path: FilePath
    first_day: str | None
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "USD"  # by its code of ISO 4217; it names amounts, and changes none
    assignments: Annotated[list[FilePath], Field(min_length=1), Distinct] | None = None  # files of who took part in a draw
    mapping: DataMapping | None = None
    table: CustomerTable | None = None
    households: Annotated[int, Field(ge=100, le=100_000)] | None = None
    weeks: Annotated[int, Field(ge=24, le=520)] | None = None
    overlap: Literal["randomised", "good", "poor"] | None = None
    effect: Literal["none", "constant", "heterogeneous"] | None = None
    seed: Seed | None = None

    @model_validator(mode="after")
    def _describes_its_source(self) -> "Data":
        made_up = {name: getattr(self, name) for name in ("households", "weeks", "overlap", "effect", "seed")}
        if self.source == "simulated":
            lacking = [name for name, value in {"first_day": self.first_day, **made_up}.items() if value is None]
            if self.first_day is None or self.weeks is None or lacking:
                raise ValueError(f"the simulated source also needs {', '.join(lacking)}: see conf/data/simulated.yaml")
            if (date.fromisoformat(self.first_day) + timedelta(weeks=self.weeks)).year > LAST_YEAR:
                raise ValueError(f"{self.weeks} weeks from {self.first_day} on end after {LAST_YEAR}: begin earlier")
        elif given := [name for name, value in made_up.items() if value is not None]:
            raise ValueError(f"{', '.join(given)} is for the simulated source, and source is {self.source!r}: leave it out")
        if (self.source == "mapped") != (self.mapping is not None):
            raise ValueError("the source mapped needs a mapping, and no other source has one: see conf/data/mapped.yaml")
        if (self.source == CUSTOMERS) != (self.table is not None):
            raise ValueError("the source panel needs a table, and no other source has one: see conf/data/panel.yaml")
        if self.table is not None and self.assignments is not None:
            raise ValueError("assignments is for tills; a table has its lots in columns: name them in data.table.propensity")
        return self

    @field_validator("first_day")
    @classmethod
    def _is_a_date(cls, value: str | None) -> str | None:
        try:
            day = None if value is None else date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"it is {value!r}; write a date such as '2016-01-04'") from None
        if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise ValueError(f"it is {value!r}; the year should lie between {FIRST_YEAR} and {LAST_YEAR}")
        return None if day is None else day.isoformat()


class Design(Section):
    """How campaigns become trials."""

    name: Literal["sequential_trials", "first_campaign", "by_lot"]
    campaign_type: Literal["A", "B", "C"]
    eligible: Literal["rested", "first"]
    post_days: Annotated[int, Field(ge=0, le=3650)]
    min_follow_up_days: Days
    recent_days: Annotated[list[Days], Field(min_length=1, max_length=10), Distinct]


class Segmentation(Section):
    """Factors and segments."""

    factors: Groups
    k: Annotated[int, Field(ge=2, le=1000)]
    factor_starts: Annotated[int, Field(ge=0, le=1000)]
    skewness: Annotated[float, Field(ge=-1e6, le=1e6)]
    penalty_scores: Size
    penalty_loadings: Size
    l1_ratio: Annotated[float, Field(ge=0, le=1)]
    selection: Annotated[tuple[Annotated[int, Field(ge=2)], Annotated[int, Field(ge=2)]], Field(strict=False)]
    factor_resamples: Repeats
    enough_explained: Share
    stable_loadings: Share
    restarts: Repeats
    bootstraps: Repeats
    smallest_segment: Share
    stable_segments: Share
    features: Annotated[list[FeatureName], Field(min_length=2), Distinct]

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

    folds: Annotated[int, Field(ge=3, le=1000)]  # one held out, one predicted, one to learn from
    repeats: Groups
    clip: Annotated[float, Field(gt=0, lt=0.5)]
    overlap: Annotated[tuple[Share, Share], Field(strict=False)]
    models: Annotated[list[NuisanceModelName], Field(min_length=1), Distinct]
    refits: SeveralRepeats

    @field_validator("overlap")
    @classmethod
    def _runs_upwards(cls, value: tuple[float, float]) -> tuple[float, float]:
        low, high = value
        if low >= high:
            raise ValueError(f"it runs from {low:g} to {high:g}: give two numbers, the smaller one first")
        return value


class Refute(Section):
    """Refutations of the average effects."""

    placebo_repeats: SeveralRepeats
    placebo_strata: Groups
    placebo_ratio: AboveZero
    cause_repeats: SeveralRepeats
    cause_shift_se: AboveZero
    cause_shift_relative: AboveZero
    subset_repeats: SeveralRepeats
    subset_share: Share
    subset_stability: Annotated[float, Field(ge=-1, lt=1)]
    control_days: Days
    control_splits: Annotated[int, Field(ge=2, le=1000)]
    control_redraws: SeveralRepeats


class Sample(Section):
    """How many households stand for all where models are fitted; none means all of them."""

    households: Annotated[int, Field(ge=50)] | None
    tuning: Annotated[int, Field(ge=1_000)] | None
    checks: Annotated[int, Field(ge=1_000)] | None


class BaseModels(Section):
    """What learns outcomes or effects inside the learners that can have any model."""

    s: BaseModelName
    t: BaseModelName
    x: BaseModelName
    dr: BaseModelName
    nonparam_dml: BaseModelName


class Learners(Section):
    """Learners of effects by household."""

    names: Annotated[list[LearnerName], Field(min_length=1), Distinct]
    models: BaseModels
    trials: Annotated[int, Field(ge=0, le=100_000)]
    forward: Annotated[list[LearnerName], Distinct]


class Column(Section):
    """A value per household: a column of policy.table."""

    column: Annotated[str, Field(min_length=1)]


AMOUNT_KINDS = ("number", "campaigns", "table")


def _kind(value: Any) -> str:
    """Which form of an amount this is, as it is read or once it is checked."""
    if isinstance(value, Column):
        return "table"
    if not isinstance(value, dict):
        return "number"
    return "table" if "column" in value else "campaigns"


def _is_a_campaign(key: int | str) -> int | str:
    """The key itself: a campaign's number, or the type of all."""
    if str(key) not in CAMPAIGN_TYPES and not re.fullmatch(r"\d{1,18}", str(key)):
        raise ValueError(f"{key!r} is neither the number of a campaign nor one of the types {', '.join(CAMPAIGN_TYPES)}")
    return key


ByCampaign = Annotated[
    dict[Annotated[int | str, AfterValidator(_is_a_campaign)], Annotated[float, Field(gt=0, le=1e6)]], Field(min_length=1)
]
# 0 would put a household first in every queue; a cost of nothing is the number 0, the same for all.
Amount = Annotated[
    Annotated[Size, Tag("number")] | Annotated[ByCampaign, Tag("campaigns")] | Annotated[Column, Tag("table")],
    Discriminator(_kind),
]


class DiscountsPaid(Section):
    """The share of each discount that the retailer pays itself."""

    coupon_discount: Annotated[float, Field(ge=0, le=1)]
    coupon_match_discount: Annotated[float, Field(ge=0, le=1)]


class Policy(Section):
    """Whose effects decide, what a contact costs and earns, and what may be spent."""

    learner: str
    outcome: str
    costs: Literal["published", "tills"]
    cost: Amount
    contact_cost: Annotated[float, Field(ge=0.001, le=1e6)]
    discounts_paid: DiscountsPaid
    margin: Amount
    table: FilePath
    prudence: Annotated[float, Field(ge=0, le=10)]
    effect_spread: Annotated[float, Field(ge=0.001, le=100)] | None
    extrapolation: Annotated[float, Field(ge=0, le=10)] | None
    caution: Annotated[float, Field(ge=0, lt=1)]
    budget_usd: Annotated[float, Field(gt=0, le=1e12)] | None
    budget_contacts: Annotated[int, Field(ge=1, le=10**9)] | None

    @model_validator(mode="after")
    def _makes_sense(self) -> "Policy":
        by_campaign = self.margin if isinstance(self.margin, dict) else {"all": self.margin}
        margins = [margin for margin in by_campaign.values() if not isinstance(margin, Column)]
        if 0 in margins:
            raise ValueError("margin is 0; it should be greater than 0")
        if any(margin < LEAST_MARGIN for margin in margins):
            raise ValueError(f"margin is {min(margins):g}; it should be {LEAST_MARGIN:g} or more")
        if self.outcome == "purchase_amount" and any(margin > 1 for margin in margins):
            raise ValueError(f"margin is {max(margins):g}, more than all sales; it is a share, and 0.3 means 30%")
        return self


class Experiment(Section):
    """The experiment that would settle it, and how the mailing list explores."""

    effect: Annotated[float, Field(ge=0.001, le=1e6)] | None
    sd: Annotated[float, Field(ge=0.001, le=1e6)] | None
    power: Annotated[float, Field(ge=0.01, le=0.9999)]
    alpha: Annotated[float, Field(ge=0.0001, le=0.9)]
    strata: Groups
    households: Annotated[int, Field(ge=4, le=10**9)] | None
    campaigns: Annotated[int, Field(ge=1, le=1000)]
    method: Literal["epsilon_greedy", "softmax", "thompson"]
    epsilon: Annotated[float, Field(ge=0, le=1)]
    temperature: AboveZero
    floor: Annotated[float, Field(ge=0.001, le=0.5)]

    @model_validator(mode="after")
    def _finds_more_than_chance(self) -> "Experiment":
        if self.power <= self.alpha:
            raise ValueError(
                f"power is {self.power:g} and alpha {self.alpha:g}: an experiment must find effects more often than errors"
            )
        return self


# The prior's spread of an average effect, in means of the outcome: all that a household buys hardly moves by a fifth; what a
# table counts, such as orders after an e-mail, may double.
TILLS_SPREAD, TABLE_SPREAD = 0.1, 1.0


class Params(Section):
    """All of params.yaml."""

    seed: Seed
    data: Data
    engine: Engine
    design: Design
    segmentation: Segmentation
    nuisance: Nuisance
    refute: Refute
    sample: Sample
    learners: Learners
    policy: Policy
    experiment: Experiment

    @model_validator(mode="after")
    def _outcome_is_known(self) -> "Params":
        known = OUTCOMES if self.data.table is None else tuple(self.data.table.outcomes)
        if self.policy.outcome not in known:
            near = did_you_mean(self.policy.outcome, known)
            raise ValueError(f"policy.outcome is {self.policy.outcome!r}{near}; it can be {' or '.join(known)}")
        return self

    @model_validator(mode="after")
    def _effect_spread_is_settled(self) -> "Params":
        if self.policy.effect_spread is None:
            self.policy.effect_spread = TILLS_SPREAD if self.data.table is None else TABLE_SPREAD
        return self

    @model_validator(mode="after")
    def _limit_is_kept(self) -> "Params":
        limits = [name for name in ("budget_usd", "budget_contacts") if getattr(self.policy, name) is not None]
        if limits and (self.experiment.method != "epsilon_greedy" or self.experiment.epsilon > 0):
            lot = "experiment.method or experiment.epsilon"
            raise ValueError(
                f"policy.{limits[0]} is a limit, beyond which a lot by {lot} mails: set one of them back to its default"
            )
        return self

    @model_validator(mode="after")
    def _learner_is_known(self) -> "Params":
        known = ["selected", *self.learners.names, *COMBINED]
        if self.policy.learner not in known:
            near = did_you_mean(self.policy.learner, known)
            raise ValueError(f"policy.learner is {self.policy.learner!r}{near}; it can be {', '.join(known)}")
        return self
