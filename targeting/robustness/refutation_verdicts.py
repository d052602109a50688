"""Refutations, the verdicts: what the draws' estimates say, each as a value with its threshold and a sentence.

`passed` is missing where a check judges nothing by itself, or could not be run; the sentence says which. `spread` is the standard
deviation of the repeats' estimates, in the outcome's unit.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import binom, chi2, norm

from targeting.robustness.refutation import LEFT_OUT, NEGATIVE_CONTROL, ORIGINAL, PLACEBO, RANDOM_CAUSE, SUBSET
from targeting.stats.estimates import CONFIDENCE, Estimate, Z
from targeting.words.money import amount

# Judges nothing by itself, and doesn't count: an effect within what placebos give may be right all the same.
INFORMATION = "placebo_position"
COLUMNS = ["check", "outcome", "estimator", "value", "threshold", "passed", "spread", "n_repeats", "verdict"]


@dataclass(frozen=True)
class Finding:
    """One check's result; `value` and `threshold` are missing (NaN) where there is none."""

    check: str
    value: float
    threshold: float
    passed: bool | None
    spread: float
    n_repeats: int
    verdict: str


def refutation_table(draws: pd.DataFrame, settings: Mapping[str, Any], unadjusted: Mapping[str, float]) -> pd.DataFrame:
    """One row per outcome, estimator and check, in the columns COLUMNS.

    `draws` has check, outcome, estimator, repeat, estimate, se, shift_se, the original estimates among them; `settings` is the
    section `refute` of the parameters; `unadjusted` the plain difference between the arms on the negative control, by outcome,
    empty where it was not run.
    """
    rows = []
    for (outcome, estimator), own in draws.groupby(["outcome", "estimator"], sort=False):
        parts = dict(iter(own.groupby("check", sort=False)))
        first = parts[ORIGINAL].iloc[0]
        original = Estimate(first["estimate"], first["se"])
        none = own.iloc[:0]
        findings = [
            placebo_ratio(parts[PLACEBO], original, settings["placebo_ratio"], outcome),
            placebo_false_alarms(parts[PLACEBO]),
            placebo_position(parts[PLACEBO], original, outcome),
            negative_control(parts.get(NEGATIVE_CONTROL, none), unadjusted.get(outcome, np.nan), outcome),
            random_cause_se(parts[RANDOM_CAUSE], original, settings["cause_shift_se"]),
            random_cause_relative(parts[RANDOM_CAUSE], original, settings["cause_shift_relative"], outcome),
            subset_stability(parts[SUBSET], original, settings["subset_stability"], outcome),
            subset_spread(parts[SUBSET], original, settings["subset_share"], outcome),
            left_out_shift(parts.get(LEFT_OUT, none), original, outcome),
            left_out_sign(parts.get(LEFT_OUT, none), original),
        ]
        rows += [{"outcome": outcome, "estimator": estimator} | asdict(finding) for finding in findings]
    return pd.DataFrame(rows)[COLUMNS].astype({"passed": "boolean"})


def placebo_ratio(draws: pd.DataFrame, original: Estimate, limit: float, outcome: str) -> Finding:
    """|mean placebo effect| / |original effect|, to be below `limit`: the published study's measure."""
    effects = draws["estimate"].to_numpy()
    error = effects.std(ddof=1) / np.sqrt(len(effects))
    value = _ratio(abs(effects.mean()), original.value)
    text = (
        f"the mean of {len(effects)} placebo effects is {amount(effects.mean(), outcome)} (Monte Carlo error "
        f"{amount(error, outcome)}), the original effect {amount(original.value, outcome)}"
    )
    return _judged("placebo_ratio", value, limit, value < limit, draws, text + _near_zero(original))


def placebo_false_alarms(draws: pd.DataFrame) -> Finding:
    """Share of placebo estimates whose 95% interval excludes zero.

    Passed up to the 95% quantile of the binomial distribution with 5%: a false verdict has a chance of at most 1 in 20.
    """
    alarms, count = (draws["estimate"].abs() > Z * draws["se"]).sum(), len(draws)
    limit = binom.ppf(0.95, count, 1 - CONFIDENCE) / count
    error = np.sqrt(CONFIDENCE * (1 - CONFIDENCE) / count)
    text = f"{alarms} of {count} placebo intervals exclude zero; 5% are expected, with a Monte Carlo error of {error:.1%}"
    if alarms / count > limit:
        text += ": the intervals are too short, or off centre"
    return _judged("placebo_false_alarms", alarms / count, limit, alarms / count <= limit, draws, text)


def placebo_position(draws: pd.DataFrame, original: Estimate, outcome: str) -> Finding:
    """Randomisation p-value: share of placebo effects at least as large as the original, both counting it among them.

    (1 + number of |placebo| >= |original|) / (1 + number of placebos). It judges nothing: an effect of nothing is a finding too.
    """
    count = len(draws)
    value = (1 + (draws["estimate"].abs() >= abs(original.value)).sum()) / (1 + count)
    where = "outside what placebos give" if value <= 1 - CONFIDENCE else "within what placebos give"
    text = f"the original effect, {amount(original.value, outcome)}, lies {where} (randomisation p = {value:.2f})"
    return _unjudged(INFORMATION, value, draws, f"For information: {text}.")


def negative_control(draws: pd.DataFrame, unadjusted: float, outcome: str) -> Finding:
    """The effect on what was bought before the campaign, by its clustered 95% interval: that must cover zero.

    Over the splits the median, whose squared standard error is the median of se^2 + (estimate - median)^2. `value` is the effect,
    `threshold` how far from zero its interval lets it be.
    Source: Chernozhukov et al. (2018), Econometrics Journal 21, definition 3.3.
    """
    if draws.empty:
        return _unjudged(
            "negative_control", np.nan, draws, "Not run: too few treated and control households bought before the control window."
        )
    middle = draws["estimate"].median()
    estimate = Estimate(middle, float(np.sqrt((draws["se"] ** 2 + (draws["estimate"] - middle) ** 2).median())))
    limit = Z * estimate.se
    low, high, plain = (amount(number, outcome) for number in (estimate.lower, estimate.upper, unadjusted))
    text = (
        f"before their campaign the treated bought {amount(abs(middle), outcome)} {'more' if middle >= 0 else 'less'} than "
        f"alike controls (difference from {low} to {high} with 95% confidence; unadjusted {plain})"
    )
    passed = abs(middle) <= limit
    if passed:
        text += "; a bias inside the interval would not be seen"
    else:
        text += (
            ", which this campaign cannot have caused: they differ by something unseen, or they were sent another campaign in "
            "these very days, or were mailed for what they bought in them; for the last two the effects themselves adjust"
        )
    return _judged("negative_control", middle, limit, passed, draws, text)


def random_cause_se(draws: pd.DataFrame, original: Estimate, limit: float) -> Finding:
    """Mean absolute shift of the estimate by a random covariate, in its standard errors: at most `limit`."""
    value = (draws["estimate"] - original.value).abs().mean() / original.se
    text = f"a random covariate moves the estimate by {value:.3f} of its standard errors on average"
    return _judged("random_cause_se", value, limit, value <= limit, draws, text)


def random_cause_relative(draws: pd.DataFrame, original: Estimate, limit: float, outcome: str) -> Finding:
    """Mean absolute shift of the estimate by a random covariate, as a share of the estimate: at most `limit`."""
    shift = (draws["estimate"] - original.value).abs().mean()
    value = _ratio(shift, original.value)
    text = f"a random covariate moves the estimate, {amount(original.value, outcome)}, by {amount(shift, outcome)} on average"
    return _judged("random_cause_relative", value, limit, value <= limit, draws, text + _near_zero(original))


def subset_stability(draws: pd.DataFrame, original: Estimate, limit: float, outcome: str) -> Finding:
    """1 - sd / |mean| of the estimates over random subsets of the households, to be above `limit`: the published study's measure.

    Sampling alone gives a sd of about sqrt((1 - share) / share) standard errors, half of one at a share of 0.8. The measure is
    then above 0.7 just where the effect exceeds 1.7 standard errors: it says more of significance than of stability.
    """
    mean, deviation = draws["estimate"].mean(), draws["estimate"].std()
    value = 1 - _ratio(deviation, mean)
    text = (
        f"over {len(draws)} subsets the effect is {amount(mean, outcome)} with a standard deviation of "
        f"{amount(deviation, outcome)}"
    )
    return _judged("subset_stability", value, limit, value > limit, draws, text + _near_zero(original))


def subset_spread(draws: pd.DataFrame, original: Estimate, share: float, outcome: str) -> Finding:
    """Deviation of the estimates over random subsets, relative to what the standard error predicts: about 1.

    A subset of a `share` of the households, drawn without replacement, lies around the full estimate with a standard deviation of
    se * sqrt((1 - share) / share). Passed where the excess has a chance of at least 1 in 20, by the chi-squared distribution of a
    variance. More means that refitted nuisances, or a few households, move the estimate beyond what its interval tells.
    Source: Politis, Romano & Wolf (1999), Subsampling, for the variance without replacement.
    """
    expected, deviation = original.se * np.sqrt((1 - share) / share), draws["estimate"].std()
    value = deviation / expected
    limit = np.sqrt(chi2.ppf(0.95, len(draws) - 1) / (len(draws) - 1))
    text = (
        f"over {len(draws)} subsets the effect has a standard deviation of {amount(deviation, outcome)}, where its standard "
        f"error predicts {amount(expected, outcome)}"
    )
    if value > limit:
        text += ": refits move it more than its interval tells"
    return _judged("subset_spread", value, limit, value <= limit, draws, text)


def left_out_shift(draws: pd.DataFrame, original: Estimate, outcome: str) -> Finding:
    """The largest shift of the estimate when one trial is left out, in standard errors of that shift.

    Passed up to the two-sided 95% quantile of the normal distribution, shared between the trials (Bonferroni).
    """
    if draws.empty:
        return _unjudged("trial_left_out_shift", np.nan, draws, "Not run: there is one trial only.")
    shifts = (original.value - draws["estimate"]) / draws["shift_se"]
    limit = norm.ppf(1 - (1 - CONFIDENCE) / 2 / len(draws))
    worst, value = shifts.abs().idxmax(), shifts.abs().max()
    campaign, without = draws.loc[worst, "repeat"], draws.loc[worst, "estimate"]
    text = (
        f"without campaign {campaign} the effect is {amount(without, outcome)} in place of "
        f"{amount(original.value, outcome)}: {value:.1f} standard errors of the difference, the furthest of all trials"
    )
    return _judged("trial_left_out_shift", value, limit, value <= limit, draws, text)


def left_out_sign(draws: pd.DataFrame, original: Estimate) -> Finding:
    """How many trials turn the estimate's sign when left out: none may."""
    if draws.empty:
        return _unjudged("trial_left_out_sign", np.nan, draws, "Not run: there is one trial only.")
    turned = draws["repeat"][np.sign(draws["estimate"]) != np.sign(original.value)].tolist()
    text = "no trial turns the sign when left out"
    if turned:
        text = f"the sign turns without campaign {', '.join(map(str, turned))}" + _near_zero(original)
    return _judged("trial_left_out_sign", float(len(turned)), 0.0, not turned, draws, text)


def tally(table: pd.DataFrame) -> dict[str, int]:
    """How many verdicts there are to give, how many were passed or failed, and how many could not be given."""
    passed = table.loc[table["check"] != INFORMATION, "passed"]
    n_passed, n_not_run = int(passed.fillna(False).sum()), int(passed.isna().sum())
    return {
        "n_checks": len(passed),
        "n_passed": n_passed,
        "n_failed": len(passed) - n_passed - n_not_run,
        "n_not_run": n_not_run,
    }


def _ratio(top: float, bottom: float) -> float:
    """Ratio top / |bottom|, missing where there is nothing to divide by."""
    return top / abs(bottom) if bottom else np.nan


def _near_zero(original: Estimate) -> str:
    if abs(original.value) > Z * original.se:
        return ""
    return "; the original effect is within noise of zero, so chance decides much of this measure"


def _judged(check: str, value: float, limit: float, passed: bool | np.bool_, draws: pd.DataFrame, text: str) -> Finding:
    if np.isnan(value):
        return _unjudged(check, value, draws, f"Not run: {text}, and nothing can be divided by zero.")
    word = "Passed" if passed else "Failed"
    return Finding(check, float(value), float(limit), bool(passed), _spread(draws["estimate"]), len(draws), f"{word}: {text}.")


def _unjudged(check: str, value: float, draws: pd.DataFrame, verdict: str) -> Finding:
    return Finding(check, float(value), np.nan, None, _spread(draws["estimate"]), len(draws), verdict)


def _spread(estimates: ArrayLike) -> float:
    values = np.asarray(estimates, dtype=float)
    return float(values.std(ddof=1)) if len(values) > 1 else np.nan
