"""Verdicts of the attempts to refute the effects, in words."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from targeting.stats.estimates import CONFIDENCE, SIGNIFICANCE, Estimate, Z
from targeting.words.changes import change
from targeting.words.money import amount
from targeting.words.numbers import number, percent

ONE_TRIAL = "there is one trial only"
# Why a check had no repeats.
NOT_RUN = {
    "negative_control": "too few treated and control households bought before the control window",
    "trial_left_out_shift": ONE_TRIAL,
    "trial_left_out_sign": ONE_TRIAL,
}

# Each check by what it looks at.
CHECK_WORDS = {
    "placebo_ratio": "placebo treatment: mean effect over the original",
    "placebo_false_alarms": "placebo treatment: share of intervals that exclude zero",
    "placebo_position": "placebo treatment: where the original effect lies among them",
    "negative_control": "purchases before the campaign: effect on them",
    "random_cause_se": "random covariate: shift in standard errors",
    "random_cause_relative": "random covariate: shift over the effect",
    "subset_stability": "random households: 1 - sd / mean",
    "subset_spread": "random households: sd over what sampling gives",
    "trial_left_out_shift": "one trial left out: shift in standard errors",
    "trial_left_out_sign": "one trial left out: signs turned",
}
NO_HISTORY = "the table does not tell what customers did before they could be mailed"


def verdict_words(row: pd.Series, tills: bool = True) -> str:
    """Whether a check was passed, and what was found; `row` is one of plots/refutation.csv, `tills` are there or a table."""
    if row["n_repeats"] == 0:
        no_history = row["check"] == "negative_control" and not tills
        return f"Not run: {NO_HISTORY if no_history else NOT_RUN[row['check']]}."
    if pd.isna(row["value"]):
        return "Not run: it would divide by an effect of zero."
    judged = "For information" if pd.isna(row["passed"]) else "Passed" if row["passed"] else "Failed"
    return f"{judged}: {CHECKS[row['check']](row)}{_smallest(row)}."


def _placebo_ratio(row: pd.Series) -> str:
    error = row["spread"] / np.sqrt(row["n_repeats"])
    return (
        f"the mean of {row['n_repeats']} placebo effects is {_amount(row, 'estimate')} (Monte Carlo error "
        f"{amount(error, row['outcome'])}), the original effect {_amount(row, 'original')}{_near_zero(row)}"
    )


def _placebo_false_alarms(row: pd.Series) -> str:
    count, expected = row["n_repeats"], 1 - CONFIDENCE
    error = np.sqrt(CONFIDENCE * expected / count)
    text = (
        f"{round(row['value'] * count)} of {count} placebo intervals exclude zero; {percent(expected)} are expected, with a "
        f"Monte Carlo error of {percent(error, 1)}"
    )
    return text if row["passed"] else f"{text}: the intervals are too short, or off centre"


def _placebo_position(row: pd.Series) -> str:
    where = "outside what placebos give" if row["value"] <= SIGNIFICANCE else "within what placebos give"
    return f"the original effect, {_amount(row, 'original')}, lies {where} (randomisation p = {number(row['value'])})"


def _negative_control(row: pd.Series) -> str:
    lower, upper = (row["value"] + sign * row["threshold"] for sign in (-1, 1))
    ends = f"{change(lower, row['outcome'])} to {amount(upper, row['outcome'])}"
    more = "more" if row["value"] >= 0 else "less"
    text = (
        f"before their campaign the treated bought {amount(abs(row['value']), row['outcome'])} {more} than alike controls "
        f"(difference from {ends} with 95% confidence; unadjusted {_amount(row, 'unadjusted')})"
    )
    if row["passed"]:
        return text
    known = f"{amount(abs(row['known']), row['outcome'])} {'more' if row['known'] >= 0 else 'less'}"
    return (
        f"{text}, which this campaign cannot have caused. Mailing for nothing but what the covariates show, these very days "
        f"among it, would leave {known} here (standard deviation {_amount(row, 'known_sd')}), and for that the effects "
        f"themselves adjust; {_beyond_known(row)}"
    )


def _beyond_known(row: pd.Series) -> str:
    rest = row["value"] - row["known"]
    if abs(rest) <= Z * row["known_sd"]:
        return "so it need not be a sign of something unseen, and cannot rule it out"
    more = f"{amount(abs(rest), row['outcome'])} {'more' if rest >= 0 else 'less'} than that"
    return f"{more} is a sign of something unseen, or of a propensity that fits badly"


def _random_cause_se(row: pd.Series) -> str:
    return f"a random covariate moves the estimate by {number(row['value'], 3)} of its standard errors on average"


def _random_cause_relative(row: pd.Series) -> str:
    shift = amount(row["value"] * abs(row["original"]), row["outcome"])
    return f"a random covariate moves the estimate, {_amount(row, 'original')}, by {shift} on average{_near_zero(row)}"


def _subset_stability(row: pd.Series) -> str:
    return (
        f"over {row['n_repeats']} subsets the effect is {_amount(row, 'estimate')} with a standard deviation of "
        f"{_amount(row, 'spread')}{_near_zero(row)}"
    )


def _subset_spread(row: pd.Series) -> str:
    text = (
        f"over {row['n_repeats']} subsets the effect has a standard deviation of {_amount(row, 'spread')}, where its standard "
        f"error predicts {amount(row['spread'] / row['value'], row['outcome'])}"
    )
    return text if row["passed"] else f"{text}: refits move it more than its interval tells"


def _left_out_shift(row: pd.Series) -> str:
    return (
        f"without {row['left_out']} the effect is {_amount(row, 'estimate')} in place of {_amount(row, 'original')}: "
        f"{number(row['value'], 1)} standard errors of the difference, the furthest of all trials"
    )


def _left_out_sign(row: pd.Series) -> str:
    if row["passed"]:
        return "no trial turns the sign when left out"
    return f"the sign turns without {row['left_out']}{_near_zero(row)}"


CHECKS: dict[str, Callable[[pd.Series], str]] = {
    "placebo_ratio": _placebo_ratio,
    "placebo_false_alarms": _placebo_false_alarms,
    "placebo_position": _placebo_position,
    "negative_control": _negative_control,
    "random_cause_se": _random_cause_se,
    "random_cause_relative": _random_cause_relative,
    "subset_stability": _subset_stability,
    "subset_spread": _subset_spread,
    "trial_left_out_shift": _left_out_shift,
    "trial_left_out_sign": _left_out_sign,
}


def _smallest(row: pd.Series) -> str:
    """The smallest bias that a check would show, where it was passed and there is one to show."""
    if pd.isna(row["smallest_bias"]) or not row["passed"]:
        return ""
    return f"; a bias of less than {_amount(row, 'smallest_bias')} would hardly show"


def _amount(row: pd.Series, name: str) -> str:
    return amount(row[name], row["outcome"])


def _near_zero(row: pd.Series) -> str:
    original = Estimate(row["original"], row["original_se"])
    if original.lower > 0 or original.upper < 0:
        return ""
    return "; the original effect is within noise of zero, so chance decides much of this measure"
