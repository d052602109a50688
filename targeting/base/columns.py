"""Names that every table of household-trials shares: its keys, its outcomes, and how covariates are marked."""

PREFIX = "x_"  # of a baseline covariate's column
KEYS = ["household_id", "campaign_id"]
OUTCOMES = ("purchase_amount", "purchase_count")
BEFORE = tuple(f"before_{outcome}" for outcome in OUTCOMES)  # the outcomes before time zero, brought to the window's length
ENDS = ("cate", "lower", "upper")  # of an effect by household and its interval
COMBINED = ("average", "stack")  # combinations of learners, in the order in which they are preferred


def effect_columns(outcome: str) -> list[str]:
    """The columns of one outcome in a table of effects by household: cate_OUTCOME, lower_OUTCOME, upper_OUTCOME."""
    return [f"{end}_{outcome}" for end in ENDS]
