"""The sensitivity analyses of one outcome as a table with readings in words, and the contour of what confounders would do."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from targeting.effects.estimators import EffectData, ato
from targeting.robustness.hidden_confounder import (
    OmittedVariable,
    e_value,
    e_value_of_interval,
    manski_bounds,
    marginal_sensitivity_bounds,
    marginal_sensitivity_interval,
    omitted_variable,
)
from targeting.words.features import covariate_words

MOST_OWN = 30  # groups of a user's own table: a yardstick needs no more, and each takes two fits
STRENGTHS = (1.0, 1.1, 1.25, 1.5, 2.0)
STRONGEST = 10.0  # where the search for a turning point ends
SHARES = np.linspace(0, 0.1, 21)
# Yardsticks for an unmeasured confounder: the beginnings of the names of measured covariates that belong together.
GROUPS = {
    "recent spend and visits": ("x_spend_", "x_visits_"),
    "rhythm of visits": ("x_recency", "x_purchase_regularity", "x_week", "x_days_between", "x_active_", "x_frequency"),
    "tastes and discounts": ("x_share_", "x_private_label", "x_discount", "x_coupon"),
    "earlier campaigns": ("x_campaigns_", "x_redemptions"),
    "promotions seen": ("x_display_share", "x_mailer_share"),
    "demographics": ("x_demographics", "x_age", "x_income", "x_household_size", "x_kids", "x_homeowner", "x_married"),
}


@dataclass(frozen=True)
class Sensitivity:
    """The table, the turning point of the marginal sensitivity model, and the omitted-variable analysis behind contours."""

    table: pd.DataFrame
    turning_point: float
    omitted: OmittedVariable


def covariate_groups(names: list[str], tills: bool) -> dict[str, list[str]]:
    """The covariates of each group that the panel has; a group without any is left out.

    Nobody knows what belongs together in a user's own table, where there are no tills: its first columns are a group each.
    """
    if not tills:
        return {covariate_words(name): [name] for name in names[:MOST_OWN]}
    groups = {group: [name for name in names if name.startswith(prefixes)] for group, prefixes in GROUPS.items()}
    return {group: members for group, members in groups.items() if members}


def turning_point(data: EffectData) -> float:
    """The strength of the marginal sensitivity model at which the bounds of the effect first include 0; at most STRONGEST."""

    def distance(strength: float) -> float:
        bounds = marginal_sensitivity_bounds(*_arms(data), strength)
        return bounds[0] if start > 0 else -bounds[1]

    start = marginal_sensitivity_bounds(*_arms(data), 1.0)[0]
    return float(brentq(distance, 1.0, STRONGEST, xtol=1e-6)) if distance(STRONGEST) < 0 else STRONGEST


def sensitivity(everybody: EffectData, overlap: EffectData, benchmarks: pd.DataFrame, outcome: str, seed: int) -> Sensitivity:
    """All analyses of one outcome.

    Manski's bounds, the E-value and the omitted-variable analysis use all rows; the marginal sensitivity model uses the rows
    of `overlap`, since inverse weights speak for nobody else. Columns: outcome, analysis, setting, value, lower, upper, ci_lower,
    ci_upper, reading.
    """
    omitted = omitted_variable(
        everybody.treated - everybody.propensity, everybody.outcome - everybody.mean, everybody.household_id
    )
    turn = turning_point(overlap)
    rows = [
        *_manski_rows(everybody),
        *_e_value_rows(everybody),
        *_omitted_rows(omitted, benchmarks),
        *_marginal_rows(overlap, turn, seed),
    ]
    return Sensitivity(pd.DataFrame(rows).assign(outcome=outcome)[["outcome", *rows[0]]], turn, omitted)


def confounders(table: pd.DataFrame) -> pd.DataFrame:
    """Of a table of `sensitivity`, the omitted-variable analysis: outcome, setting, lower, upper, a row per confounder.

    lower and upper are the estimate if a confounder as strong as the setting says were missing.
    """
    rows = table[table["analysis"] == "omitted_variable"]
    return rows[["outcome", "setting", "lower", "upper"]].reset_index(drop=True)


def contour(omitted: OmittedVariable) -> pd.DataFrame:
    """The end of the bounds nearest to 0, over shares explained: share_treatment, share_outcome, estimate, interval.

    `interval` is that end of the 95% interval. Beyond 0 a confounder this strong could turn the sign of the effect.
    """
    near = 0 if omitted.theta >= 0 else 1
    rows = []
    for share_treatment in SHARES:
        for share_outcome in SHARES:
            ends = [omitted.bounds(share_outcome, share_treatment, kind)[near] for kind in ("theta", "ci")]
            rows.append((share_treatment, share_outcome, *ends))
    return pd.DataFrame(rows, columns=["share_treatment", "share_outcome", "estimate", "interval"])


def _row(analysis: str, setting: str, reading: str, **numbers: float) -> dict[str, object]:
    names = ("value", "lower", "upper", "ci_lower", "ci_upper")
    return {"analysis": analysis, "setting": setting, **{name: numbers.get(name, np.nan) for name in names}, "reading": reading}


def _manski_rows(data: EffectData) -> list[dict[str, object]]:
    rows = []
    for setting, high in (
        ("every outcome between 0 and the largest seen", data.outcome.max()),
        ("every outcome between 0 and the 99th percentile", np.quantile(data.outcome, 0.99)),
    ):
        lower, upper = manski_bounds(data.outcome, data.treated, min(0.0, data.outcome.min()), high)
        reading = "without assumptions on who was mailed the data leave the effect open"
        rows.append(_row("manski", setting, reading, lower=lower, upper=upper))
    return rows


def _e_value_rows(data: EffectData) -> list[dict[str, object]]:
    estimate, sd = ato(data), data.outcome.std()
    interval = e_value_of_interval(estimate, sd)
    reading = "the interval includes 0 as it is" if interval == 1 else "a confounder this strong would bring the interval to 0"
    return [
        _row(
            "e_value",
            "overlap-weighted estimate",
            "a confounder this strong would explain the estimate away",
            value=e_value(estimate.value, sd),
        ),
        _row("e_value", "its 95% interval", reading, value=interval),
    ]


def _omitted_rows(omitted: OmittedVariable, benchmarks: pd.DataFrame) -> list[dict[str, object]]:
    interval = omitted.robustness_value("ci")
    reading = "the interval includes 0 as it is" if interval == 0 else "a confounder with this share would bring it to 0"
    rows = [
        _row(
            "robustness_value",
            "partially linear estimate",
            "a confounder that explains this share of the rest of treatment and outcome would bring it to 0",
            value=omitted.robustness_value("theta"),
        ),
        _row("robustness_value", "its 95% interval", reading, value=interval),
    ]
    for row in benchmarks.itertuples():
        lower, upper = omitted.bounds(row.share_outcome, row.share_treatment, "theta")
        ends = omitted.bounds(row.share_outcome, row.share_treatment, "ci")
        turned = "the sign could turn" if lower < 0 < upper else "the sign stays"
        rows.append(
            _row(
                "omitted_variable",
                f"as strong as {row.group}",
                turned,
                lower=lower,
                upper=upper,
                ci_lower=ends[0],
                ci_upper=ends[1],
            )
        )
    return rows


def _marginal_rows(data: EffectData, turn: float, seed: int) -> list[dict[str, object]]:
    rows = []
    for strength in STRENGTHS:
        lower, upper = marginal_sensitivity_bounds(*_arms(data), strength)
        ends = marginal_sensitivity_interval(_arms(data), data.household_id, strength, seed)
        reading = (
            "no unmeasured confounding" if strength == 1 else "the sign could turn" if lower < 0 < upper else "the sign stays"
        )
        rows.append(
            _row(
                "marginal_sensitivity",
                f"odds of being mailed off by up to {strength:g}",
                reading,
                value=strength,
                lower=lower,
                upper=upper,
                ci_lower=ends[0],
                ci_upper=ends[1],
            )
        )
    reading = "from here on the sign could turn" if turn < STRONGEST else "the strongest that was tried does not turn the sign"
    rows.append(_row("marginal_sensitivity", "turning point", reading, value=turn))
    return rows


def _arms(data: EffectData) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return data.outcome, data.treated, data.propensity, data.mu0, data.mu1
