"""Names that every table of household-trials shares: its keys, its outcomes, and how covariates are marked."""

from collections.abc import Iterable

PREFIX = "x_"  # of a baseline covariate's column
KEYS = ["household_id", "campaign_id"]
CUSTOMERS = "panel"  # data.source of a table of customers, which enters at the panel
OUTCOMES = ("purchase_amount", "purchase_count")  # of the tills
EARLIER = "before_"  # of an outcome's earlier value
BEFORE = tuple(f"{EARLIER}{outcome}" for outcome in OUTCOMES)  # the outcomes before time zero, brought to the window's length
DISCOUNTS = ("coupon_discount", "coupon_match_discount")  # of the outcome window, in USD: what a mailing's coupons take off
# What a panel says of a row beside its outcomes, their earlier values and the covariates.
DESIGN = frozenset(KEYS) | {"trial", "time_zero", "treated", "by_lot", "known_propensity", "earlier_mailings"}
DESIGN |= {"mailed_after", "cut", "fold", "first_campaign", "segment", *DISCOUNTS}
AFTER = ["bias", "weeks"]  # of a row's purchases after the campaign: what they say of a bias, and from how many weeks
ENDS = ("cate", "lower", "upper")  # of an effect by household and its interval
COMBINED = ("average", "stack")  # combinations of learners, in the order in which they are preferred


def outcomes_of(panel: Iterable[str]) -> tuple[str, ...]:
    """The outcomes among a panel's columns, in their order: all that is neither DESIGN, nor before_*, nor a covariate."""
    return tuple(name for name in panel if name not in DESIGN and not name.startswith((PREFIX, EARLIER)))


def discounts_of(panel: Iterable[str]) -> tuple[str, ...]:
    """The DISCOUNTS among a panel's columns: those that somebody got."""
    return tuple(name for name in panel if name in DISCOUNTS)


def outcomes_with_effects(table: Iterable[str]) -> tuple[str, ...]:
    """The outcomes among the columns of a table of effects by household, in their order."""
    effect = f"{ENDS[0]}_"
    return tuple(name.removeprefix(effect) for name in table if name.startswith(effect))


def effect_columns(outcome: str) -> list[str]:
    """The columns of one outcome in a table of effects by household: cate_OUTCOME, lower_OUTCOME, upper_OUTCOME."""
    return [f"{end}_{outcome}" for end in ENDS]


def all_effect_columns(outcomes: Iterable[str]) -> list[str]:
    """The columns of several outcomes in a table of effects by household, outcome by outcome."""
    return [name for outcome in outcomes for name in effect_columns(outcome)]
