"""Refutations, the verdicts: what the draws' estimates say, each as a value with its threshold.

`passed` is missing where a check judges nothing by itself, or could not be run: then it has no repeats, or no value.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binom, chi2, norm

from targeting.robustness.refutation import (
    KNOWN_REASONS,
    LEFT_OUT,
    NEGATIVE_CONTROL,
    ORIGINAL,
    PLACEBO,
    RANDOM_CAUSE,
    SUBSET,
)
from targeting.stats.estimates import CONFIDENCE, Estimate, Z

# Judges nothing by itself, and doesn't count: an effect within what placebos give may be right all the same.
INFORMATION = "placebo_position"
POWER = 0.8
SHOWS = Z + float(norm.ppf(POWER))  # standard errors from zero at which a 95% interval leaves zero out with that chance


@dataclass(frozen=True)
class Finding:
    """One check's result; numbers are missing (NaN) where there is none.

    In the outcome's unit: `spread`, the standard deviation of the repeats' estimates; `estimate`, their mean or, of trials left
    out, the one that `value` is of; `unadjusted`, the plain difference between the arms; `known` and `known_sd`, mean and
    standard deviation of what mailing for known reasons alone leaves; `smallest_bias`, from which on a bias would show here with
    a chance of 80% (POWER), or surely where no chance plays a part. `left_out` names the campaigns that the check speaks of.
    """

    check: str
    value: float
    threshold: float = np.nan
    passed: bool | None = None
    spread: float = np.nan
    n_repeats: int = 0
    estimate: float = np.nan
    unadjusted: float = np.nan
    known: float = np.nan
    known_sd: float = np.nan
    smallest_bias: float = np.nan
    left_out: str = ""


COLUMNS = ["check", "outcome", "estimator", *(field.name for field in fields(Finding)[1:]), "original", "original_se"]


def refutation_table(draws: pd.DataFrame, settings: Mapping[str, Any], unadjusted: pd.DataFrame) -> pd.DataFrame:
    """One row per outcome, estimator and check, in the columns COLUMNS: original is the estimate that was to be refuted.

    `draws` has check, outcome, estimator, repeat, estimate, se, shift_se, the original estimates among them; `settings` is the
    section `refute` of the parameters; `unadjusted` has outcome and difference, the plain one between the arms on the negative
    control, no rows where it was not run.
    """
    rows, plain = [], unadjusted.set_index("outcome")["difference"]
    for (outcome, estimator), own in draws.groupby(["outcome", "estimator"], sort=False):
        parts = dict(iter(own.groupby("check", sort=False)))
        first = parts[ORIGINAL].iloc[0]
        original = Estimate(first["estimate"], first["se"])
        none = own.iloc[:0]
        control = negative_control(parts.get(NEGATIVE_CONTROL, none), plain.get(outcome, np.nan))
        findings = [
            placebo_ratio(parts[PLACEBO], original, settings["placebo_ratio"]),
            placebo_false_alarms(parts[PLACEBO]),
            placebo_position(parts[PLACEBO], original),
            with_known_reasons(control, parts.get(KNOWN_REASONS, none)),
            random_cause_se(parts[RANDOM_CAUSE], original, settings["cause_shift_se"]),
            random_cause_relative(parts[RANDOM_CAUSE], original, settings["cause_shift_relative"]),
            subset_stability(parts[SUBSET], settings["subset_stability"]),
            subset_spread(parts[SUBSET], original, settings["subset_share"]),
            left_out_shift(parts.get(LEFT_OUT, none), original),
            left_out_sign(parts.get(LEFT_OUT, none), original),
        ]
        same = {"outcome": outcome, "estimator": estimator, "original": original.value, "original_se": original.se}
        rows += [same | asdict(finding) for finding in findings]
    return pd.DataFrame(rows)[COLUMNS].astype({"passed": "boolean"})


def placebo_ratio(draws: pd.DataFrame, original: Estimate, limit: float) -> Finding:
    """|mean placebo effect| / |original effect|, to be below `limit`: the published study's measure."""
    value = _ratio(abs(draws["estimate"].mean()), original.value)
    finding = _judged("placebo_ratio", value, limit, value < limit, draws)
    return replace(finding, smallest_bias=SHOWS * finding.spread / np.sqrt(finding.n_repeats))


def placebo_false_alarms(draws: pd.DataFrame) -> Finding:
    """Share of placebo estimates whose 95% interval excludes zero.

    Passed up to the 95% quantile of the binomial distribution with 5%: a false verdict has a chance of at most 1 in 20.
    """
    alarms, count = (draws["estimate"].abs() > Z * draws["se"]).sum(), len(draws)
    limit = binom.ppf(0.95, count, 1 - CONFIDENCE) / count
    return _judged("placebo_false_alarms", alarms / count, limit, alarms / count <= limit, draws)


def placebo_position(draws: pd.DataFrame, original: Estimate) -> Finding:
    """Randomisation p-value: share of placebo effects at least as large as the original, both counting it among them.

    (1 + number of |placebo| >= |original|) / (1 + number of placebos). It judges nothing: an effect of nothing is a finding too.
    """
    value = (1 + (draws["estimate"].abs() >= abs(original.value)).sum()) / (1 + len(draws))
    return _unjudged(INFORMATION, value, draws)


def negative_control(draws: pd.DataFrame, unadjusted: float) -> Finding:
    """The effect on what was bought before the campaign, by its clustered 95% interval: that must cover zero.

    Over the splits the median, whose squared standard error is the median of se^2 + (estimate - median)^2. `value` is the effect,
    `threshold` how far from zero its interval lets it be.
    Source: Chernozhukov et al. (2018), Econometrics Journal 21, definition 3.3.
    """
    if draws.empty:
        return _unjudged("negative_control", np.nan, draws)
    middle = draws["estimate"].median()
    limit = Z * float(np.sqrt((draws["se"] ** 2 + (draws["estimate"] - middle) ** 2).median()))
    finding = _judged("negative_control", middle, limit, abs(middle) <= limit, draws)
    return replace(finding, unadjusted=unadjusted, smallest_bias=SHOWS / Z * limit)


def with_known_reasons(finding: Finding, redrawn: pd.DataFrame) -> Finding:
    """The negative control beside what it finds with treatment drawn anew by the propensity; that judges nothing."""
    return replace(finding, known=float(redrawn["estimate"].mean()), known_sd=float(redrawn["estimate"].std()))


def random_cause_se(draws: pd.DataFrame, original: Estimate, limit: float) -> Finding:
    """Mean absolute shift of the estimate by a random covariate, in its standard errors: at most `limit`."""
    value = (draws["estimate"] - original.value).abs().mean() / original.se
    return replace(_judged("random_cause_se", value, limit, value <= limit, draws), smallest_bias=limit * original.se)


def random_cause_relative(draws: pd.DataFrame, original: Estimate, limit: float) -> Finding:
    """Mean absolute shift of the estimate by a random covariate, as a share of the estimate: at most `limit`."""
    value = _ratio((draws["estimate"] - original.value).abs().mean(), original.value)
    finding = _judged("random_cause_relative", value, limit, value <= limit, draws)
    return replace(finding, smallest_bias=limit * abs(original.value))


def subset_stability(draws: pd.DataFrame, limit: float) -> Finding:
    """1 - sd / |mean| of the estimates over random subsets of the households, to be above `limit`: the published study's measure.

    Sampling alone gives a sd of about sqrt((1 - share) / share) standard errors, half of one at a share of 0.8. The measure is
    then above 0.7 just where the effect exceeds 1.7 standard errors: it says more of significance than of stability.
    """
    value = 1 - _ratio(draws["estimate"].std(), draws["estimate"].mean())
    return _judged("subset_stability", value, limit, value > limit, draws)


def subset_spread(draws: pd.DataFrame, original: Estimate, share: float) -> Finding:
    """Deviation of the estimates over random subsets, relative to what the standard error predicts: about 1.

    A subset of a `share` of the households, drawn without replacement, lies around the full estimate with a standard deviation of
    se * sqrt((1 - share) / share). Passed where the excess has a chance of at least 1 in 20, by the chi-squared distribution of a
    variance. More means that refitted nuisances, or a few households, move the estimate beyond what its interval tells.
    Source: Politis, Romano & Wolf (1999), Subsampling, for the variance without replacement.
    """
    value = draws["estimate"].std() / (original.se * np.sqrt((1 - share) / share))
    limit = np.sqrt(chi2.ppf(0.95, len(draws) - 1) / (len(draws) - 1))
    return _judged("subset_spread", value, limit, value <= limit, draws)


def left_out_shift(draws: pd.DataFrame, original: Estimate) -> Finding:
    """The largest shift of the estimate when one trial is left out, in standard errors of that shift.

    Passed up to the two-sided 95% quantile of the normal distribution, shared between the trials (Bonferroni). `estimate` is the
    one without the trial that shifts it furthest.
    """
    if draws.empty:
        return _unjudged("trial_left_out_shift", np.nan, draws)
    shifts = (original.value - draws["estimate"]) / draws["shift_se"]
    limit = norm.ppf(1 - (1 - CONFIDENCE) / 2 / len(draws))
    worst, value = shifts.abs().idxmax(), shifts.abs().max()
    finding = _judged("trial_left_out_shift", value, limit, value <= limit, draws)
    # In the trial of whose shift least is known a bias shows last.
    shown = (limit + float(norm.ppf(POWER))) * float(draws["shift_se"].max())
    campaigns = _campaigns(draws.loc[[worst], "repeat"])
    return replace(finding, estimate=float(draws.loc[worst, "estimate"]), smallest_bias=shown, left_out=campaigns)


def left_out_sign(draws: pd.DataFrame, original: Estimate) -> Finding:
    """How many trials turn the estimate's sign when left out: none may."""
    if draws.empty:
        return _unjudged("trial_left_out_sign", np.nan, draws)
    turned = draws["repeat"][np.sign(draws["estimate"]) != np.sign(original.value)]
    finding = _judged("trial_left_out_sign", float(len(turned)), 0.0, turned.empty, draws)
    return replace(finding, left_out=_campaigns(turned))


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


def _campaigns(repeats: "pd.Series[Any]") -> str:
    """Campaigns as a text, which a table keeps as one even where each is a number."""
    return f"campaign {', '.join(map(str, repeats))}" if len(repeats) else ""


def _judged(check: str, value: float, limit: float, passed: bool | np.bool_, draws: pd.DataFrame) -> Finding:
    if np.isnan(value):
        return _unjudged(check, value, draws)
    return replace(_unjudged(check, value, draws), threshold=float(limit), passed=bool(passed))


def _unjudged(check: str, value: float, draws: pd.DataFrame) -> Finding:
    own = draws["estimate"].to_numpy(dtype=float)
    return Finding(
        check,
        value=float(value),
        spread=float(own.std(ddof=1)) if len(own) > 1 else np.nan,
        n_repeats=len(own),
        estimate=float(own.mean()) if len(own) else np.nan,
    )
