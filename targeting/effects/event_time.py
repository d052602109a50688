"""The effect week by week: how it builds up, whether it ends with the campaign, and how alike the arms were before."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from targeting.nuisance.models import outcome_model
from targeting.stats.estimates import Estimate
from targeting.stats.folds import in_sample
from targeting.stats.joint import critical_value, joint_covariance
from targeting.trials.panel import covariate_matrix

Vector = NDArray[np.float64]
PHASES = ("before", "during", "after")
WEEKS = ["week", "n", "n_treated", "estimate", "se", "ci_lower", "ci_upper", "joint_lower", "joint_upper"]
PHASE_COLUMNS = ["phase", "estimate", "se", "ci_lower", "ci_upper", "p"]
CHANGE = "after less during"


@dataclass(frozen=True)
class EventTime:
    """A row per week, and a row per phase of the campaign (see `event_time`)."""

    weeks: pd.DataFrame
    phases: pd.DataFrame

    def metrics(self) -> dict[str, float]:
        """The mean weekly effect during and after the campaign, in USD, and the p of their difference."""
        rows = self.phases.set_index("phase")
        names = [(name, end, column) for name in rows.index for end, column in (("", "estimate"), ("_se", "se"))]
        numbers = {f"{name.replace(' ', '_')}{end}": float(rows.loc[name, column]) for name, end, column in names}
        return numbers | ({f"{CHANGE.replace(' ', '_')}_p": float(rows.loc[CHANGE, "p"])} if CHANGE in rows.index else {})


def event_time(weekly: pd.DataFrame, panel: pd.DataFrame, nuisance: pd.DataFrame, seed: int) -> EventTime:
    """Overlap-weighted effects on each week's spend in USD per household; tables have the panel's rows in its order.

    weeks: week (0 begins at time zero), n, n_treated, estimate, se, ci_lower, ci_upper, and joint_lower, joint_upper, which hold
    for all weeks at once with 95%. phases: the mean weekly effect before time zero, during every campaign, after all of them, and
    `after less during` with p, two-sided; a phase without a week has no row, and without any week
    both are empty. The propensity is the stored one; outcomes are
    predicted by penalised linear models, by arm, fitted on the other folds. Weeks before time zero are among what is adjusted
    for: they show how well that balances the arms, and prove nothing beyond.
    """
    numbers = sorted(int(name) for name in weekly.columns if name.lstrip("-").isdigit())
    if not numbers:
        return EventTime(pd.DataFrame(columns=WEEKS), pd.DataFrame(columns=PHASE_COLUMNS))
    values = weekly[[str(number) for number in numbers]].to_numpy(dtype=float)
    estimates, influence = _effects(values, panel, nuisance["propensity"].to_numpy())
    covariance = joint_covariance(influence, panel["household_id"])
    se, reach = np.sqrt(np.diag(covariance)), critical_value(covariance, seed)
    known, treated = ~np.isnan(values), panel["treated"].to_numpy() == 1
    weeks = pd.DataFrame(
        {
            "week": numbers,
            "n": known.sum(axis=0),
            "n_treated": known[treated].sum(axis=0),
            "estimate": estimates,
            "se": se,
            "ci_lower": [Estimate(*pair).lower for pair in zip(estimates, se, strict=True)],
            "ci_upper": [Estimate(*pair).upper for pair in zip(estimates, se, strict=True)],
            "joint_lower": estimates - reach * se,
            "joint_upper": estimates + reach * se,
        }
    )
    return EventTime(weeks, _phases(np.array(numbers), weekly["campaign_weeks"], estimates, covariance))


def _phases(numbers: NDArray[np.int64], campaign_weeks: pd.Series, estimates: Vector, covariance: Vector) -> pd.DataFrame:
    members = {
        "before": numbers < 0,
        "during": (numbers >= 0) & (numbers + 1 <= campaign_weeks.min()),
        "after": numbers >= campaign_weeks.max(),
    }
    contrasts = {name: inside / inside.sum() for name, inside in members.items() if inside.any()}
    if "during" in contrasts and "after" in contrasts:
        contrasts[CHANGE] = contrasts["after"] - contrasts["during"]
    rows = []
    for name, contrast in contrasts.items():
        effect = Estimate(float(contrast @ estimates), float(np.sqrt(contrast @ covariance @ contrast)))
        p = 2 * norm.sf(abs(effect.value) / effect.se) if name not in PHASES and effect.se > 0 else np.nan
        rows.append({"phase": name, "estimate": effect.value, **effect.columns(), "p": p})
    return pd.DataFrame(rows)


def _effects(values: Vector, panel: pd.DataFrame, e: Vector) -> tuple[Vector, Vector]:
    """Effects (weeks,) and their influence values (rows, weeks), 0 where a week is not known of a row."""
    known, t = ~np.isnan(values), panel["treated"].to_numpy(dtype=float)
    mu0, mu1 = (predicted_by_arm(values, panel, arm) for arm in (0, 1))
    weight = np.square(t - e)[:, None] * known
    residual = (t * (1 - e))[:, None] * (values - mu1) - ((1 - t) * e)[:, None] * (values - mu0)
    numerator = np.where(known, weight * (mu1 - mu0) + residual, 0.0)
    estimates = numerator.sum(axis=0) / weight.sum(axis=0)
    return estimates, (numerator - estimates * weight) / weight.mean(axis=0)


def predicted_by_arm(values: Vector, panel: pd.DataFrame, arm: int) -> Vector:
    """Each week's spend as one arm (rows, weeks), by models of that arm's rows of other folds; weeks known alike share a fit."""
    covariates, fold = covariate_matrix(panel), panel["fold"].to_numpy()
    own, predicted = panel["treated"].to_numpy() == arm, np.full(values.shape, np.nan)
    patterns, which = np.unique(~np.isnan(values), axis=1, return_inverse=True)
    for place, known in enumerate(patterns.T):
        weeks = which.ravel() == place
        for number in np.unique(fold):
            learn, held = known & own & (fold != number) & in_sample(fold), known & (fold == number)
            if held.any():
                model = outcome_model("linear", 0).fit(covariates[learn], values[np.ix_(learn, weeks)])
                predicted[np.ix_(held, weeks)] = model.predict(covariates[held]).reshape(held.sum(), weeks.sum())
    return predicted
