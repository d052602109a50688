"""The sensitivity analyses of the effects as tables, and the contour of what confounders would do."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from targeting.base.columns import EARLIER, outcomes_of
from targeting.effects.estimators import EffectData, ato, effect_data
from targeting.nuisance.overlap import comparable
from targeting.robustness.hidden_confounder import (
    OmittedVariable,
    benchmark_shares,
    e_value,
    e_value_of_interval,
    manski_bounds,
    marginal_sensitivity_bounds,
    marginal_sensitivity_interval,
    omitted_variable,
)
from targeting.stats.folds import in_sample
from targeting.stats.resampling import by_lot
from targeting.trials.panel import covariate_names
from targeting.words.features import covariate_words

MOST_OWN = 30  # groups of a user's own table: a yardstick needs no more, and each takes two fits
STRENGTHS = (1.0, 1.1, 1.25, 1.5, 2.0)
STRONGEST = 10.0  # where the search for a turning point ends
TURNING = "turning point"
OVERLAP_ESTIMATE, LINEAR_ESTIMATE, INTERVAL = "overlap-weighted estimate", "partially linear estimate", "its 95% interval"
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


@dataclass(frozen=True)
class Sensitivities:
    """Of all outcomes: the table of `sensitivity`, the yardsticks, the contours, and metrics by outcome."""

    table: pd.DataFrame
    benchmarks: pd.DataFrame
    contours: pd.DataFrame
    metrics: dict[str, dict[str, float]]


def all_sensitivities(
    panel: pd.DataFrame, nuisance: pd.DataFrame, bounds: Sequence[float], checks: int | None, seed: int
) -> Sensitivities:
    """The analyses of every outcome of the panel; `bounds` are the overlap's.

    The bootstrap of the marginal sensitivity model resorts all rows: it has `checks` households at most.
    """
    overlap = comparable(panel, nuisance["propensity"], bounds) & by_lot(panel["household_id"], checks, seed)
    covariates = panel[covariate_names(panel)]
    sample = in_sample(panel["fold"])  # enough for a yardstick
    groups = covariate_groups(list(covariates.columns), tills=any(name.startswith(EARLIER) for name in panel))
    tables, yardsticks, contours, metrics = [], [], [], {}
    for outcome in outcomes_of(panel.columns):
        data = effect_data(panel, nuisance, outcome)
        learned = data.subset(sample)
        shares = benchmark_shares(covariates[sample], learned.outcome, learned.treated, groups)
        found = sensitivity(data, data.subset(overlap), shares, outcome, seed)
        tables.append(found.table)
        yardsticks.append(shares.assign(outcome=outcome))
        contours.append(contour(found.omitted).assign(outcome=outcome))
        metrics[outcome] = _metrics(found)
    table, benchmarks, contoured = (pd.concat(parts, ignore_index=True) for parts in (tables, yardsticks, contours))
    return Sensitivities(table, benchmarks, contoured, metrics)


def _metrics(found: Sensitivity) -> dict[str, float]:
    values = found.table.dropna(subset=["value"]).set_index(["analysis", "setting"])["value"]
    return {
        "e_value": values["e_value", OVERLAP_ESTIMATE],
        "e_value_interval": values["e_value", INTERVAL],
        "robustness_value": values["robustness_value", LINEAR_ESTIMATE],
        "robustness_value_interval": values["robustness_value", INTERVAL],
        "turning_point": found.turning_point,
    }


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
    ci_upper.
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


def _row(analysis: str, setting: str, **numbers: float) -> dict[str, object]:
    names = ("value", "lower", "upper", "ci_lower", "ci_upper")
    return {"analysis": analysis, "setting": setting, **{name: numbers.get(name, np.nan) for name in names}}


def _manski_rows(data: EffectData) -> list[dict[str, object]]:
    rows = []
    for setting, high in (
        ("every outcome between 0 and the largest seen", data.outcome.max()),
        ("every outcome between 0 and the 99th percentile", np.quantile(data.outcome, 0.99)),
    ):
        lower, upper = manski_bounds(data.outcome, data.treated, min(0.0, data.outcome.min()), high)
        rows.append(_row("manski", setting, lower=lower, upper=upper))
    return rows


def _e_value_rows(data: EffectData) -> list[dict[str, object]]:
    estimate, sd = ato(data), data.outcome.std()
    return [
        _row("e_value", OVERLAP_ESTIMATE, value=e_value(estimate.value, sd)),
        _row("e_value", INTERVAL, value=e_value_of_interval(estimate, sd)),
    ]


def _omitted_rows(omitted: OmittedVariable, benchmarks: pd.DataFrame) -> list[dict[str, object]]:
    rows = [
        _row("robustness_value", LINEAR_ESTIMATE, value=omitted.robustness_value("theta")),
        _row("robustness_value", INTERVAL, value=omitted.robustness_value("ci")),
    ]
    for row in benchmarks.itertuples():
        lower, upper = omitted.bounds(row.share_outcome, row.share_treatment, "theta")
        ends = omitted.bounds(row.share_outcome, row.share_treatment, "ci")
        setting = f"as strong as {row.group}"
        rows.append(_row("omitted_variable", setting, lower=lower, upper=upper, ci_lower=ends[0], ci_upper=ends[1]))
    return rows


def _marginal_rows(data: EffectData, turn: float, seed: int) -> list[dict[str, object]]:
    rows = []
    for strength in STRENGTHS:
        lower, upper = marginal_sensitivity_bounds(*_arms(data), strength)
        ends = marginal_sensitivity_interval(_arms(data), data.household_id, strength, seed)
        setting = f"odds of being mailed off by up to {strength:g}"
        bounds = {"lower": lower, "upper": upper, "ci_lower": ends[0], "ci_upper": ends[1]}
        rows.append(_row("marginal_sensitivity", setting, value=strength, **bounds))
    return [*rows, _row("marginal_sensitivity", TURNING, value=turn)]


def _arms(data: EffectData) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return data.outcome, data.treated, data.propensity, data.mu0, data.mu1
