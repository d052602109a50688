"""Other campaigns that reach a household while a trial runs: how many, and the effect without them.

The effect as mailed counts whatever follows a household's mailing as part of it. The effect had nobody been mailed anything
else treats a household as lost to follow-up once another campaign reaches it (censoring), and lets like households that
stayed stand for it. Source: Robins & Finkelstein (2000), Biometrics 56, 779-788, for the weights.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import outcomes_of
from targeting.effects.estimators import RATIOS, effect_data
from targeting.nuisance.cross_fit import CrossFit, Task, nuisance_table, nuisance_tasks
from targeting.nuisance.models import outcome_model, propensity_model
from targeting.stats.estimates import Estimate, ratio_estimate

Vector = NDArray[np.float64]
METHODS = ("aipw", "ato")
EFFECTS = {
    "as_mailed": "the campaign with whatever was mailed after it",
    "excluded": "without the households mailed again; wrong where being mailed again depends on the campaign",
    "censored": "had nobody been mailed again: those mailed again are censored, like households stand for them",
}


def mailing_table(panel: pd.DataFrame) -> pd.DataFrame:
    """By trial and arm, what else was mailed: campaign_id, arm, n, and numbers and shares of rows.

    n_running: another campaign was running at time zero (a covariate, adjusted for); n_mailed_after: another campaign that
    starts inside the outcome window reaches the household.
    """
    running = panel.get("x_campaigns_running", pd.Series(0.0, index=panel.index)) > 0
    rows = panel[["trial", "campaign_id", "treated"]].assign(running=running, mailed_after=panel["mailed_after"] > 0)
    table = rows.groupby(["trial", "campaign_id", "treated"], as_index=False).agg(
        n=("running", "size"),
        n_running=("running", "sum"),
        n_mailed_after=("mailed_after", "sum"),
        share_running=("running", "mean"),
        share_mailed_after=("mailed_after", "mean"),
    )
    table.insert(2, "arm", np.where(table["treated"] == 1, "treated", "control"))
    return table.drop(columns=["trial", "treated"])


def censoring_tasks(panel: pd.DataFrame) -> list[Task]:
    """What the censored effect needs: by arm the chance of staying, and the outcomes' means among those that stayed.

    An arm in which everybody stayed has no model of it.
    """
    treated, stayed = panel["treated"].to_numpy(), panel["mailed_after"].to_numpy() == 0
    tasks = []
    for arm in (0, 1):
        if not stayed[treated == arm].all():
            tasks.append(Task(f"stay{arm}", stayed.astype(float), treated == arm, propensity_model, probability=True))
        for outcome in outcomes_of(panel.columns):
            values = panel[outcome].to_numpy(dtype=float)
            tasks.append(Task(f"mu{arm}_{outcome}", values, (treated == arm) & stayed, outcome_model, probability=False))
    return tasks


def censored_terms(
    method: str, outcome: Vector, treated: Vector, stayed: Vector, propensity: Vector, stay: Vector, mu0: Vector, mu1: Vector
) -> tuple[Vector, Vector]:
    """Numerator and denominator of the effect had nobody been mailed again; shape (n,) each.

    `stay` is c = P(stayed | X, own arm). aipw: mu1 - mu0 + T C (Y - mu1) / (e c) - (1 - T) C (Y - mu0) / ((1 - e) c); ato: the
    same residuals in the orthogonal form of the overlap-weighted effect. With C = c = 1 both are the effects as mailed.
    """
    t, e, kept = treated, propensity, stayed / stay
    residual1, residual0 = t * kept * (outcome - mu1), (1 - t) * kept * (outcome - mu0)
    if method == "aipw":
        return mu1 - mu0 + residual1 / e - residual0 / (1 - e), np.ones(len(t))
    weight = np.square(t - e)
    return weight * (mu1 - mu0) + (1 - e) * residual1 - e * residual0, weight


def concurrent_effects(panel: pd.DataFrame, nuisance: pd.DataFrame, cross_fit: CrossFit, clip: float) -> pd.DataFrame:
    """The effect as mailed, and two ways to take later mailings out, side by side.

    `cross_fit` turns tasks and the rows of a panel into out-of-fold predictions. Columns: outcome, effect, method, estimate, se,
    ci_lower, ci_upper, n, meaning. Chances of staying are clipped from below at `clip`. Where nobody was mailed again, all agree.
    """
    stayed = panel["mailed_after"].to_numpy() == 0
    estimates = _as_mailed(panel, nuisance, "as_mailed")
    if stayed.all():
        for effect in ("excluded", "censored"):
            estimates += _as_mailed(panel, nuisance, effect)
    else:
        rest = panel[stayed].reset_index(drop=True)
        estimates += _as_mailed(rest, nuisance_table(rest, cross_fit(nuisance_tasks(rest), rest), clip), "excluded")
        estimates += _censored(panel, nuisance["propensity"].to_numpy(), cross_fit(censoring_tasks(panel), panel), clip)
    rows = [
        {
            "outcome": outcome,
            "effect": effect,
            "method": method,
            "estimate": estimate.value,
            **estimate.columns(),
            "n": int(stayed.sum()) if effect == "excluded" else len(panel),
            "meaning": EFFECTS[effect],
        }
        for outcome, effect, method, estimate in estimates
    ]
    return pd.DataFrame(rows).sort_values("outcome", kind="stable", ignore_index=True)


def concurrent_metrics(panel: pd.DataFrame, effects: pd.DataFrame) -> dict[str, Any]:
    """The share of rows mailed again by arm, and from the table of `concurrent_effects` the `ato` by outcome and effect."""
    after = panel["mailed_after"] > 0
    shares = {f"share_{name}": after[panel["treated"] == arm].mean() for arm, name in ((1, "treated"), (0, "control"))}
    overlap = effects[effects["method"] == "ato"].groupby("outcome")
    return shares | {str(outcome): dict(zip(own["effect"], own["estimate"], strict=True)) for outcome, own in overlap}


def _as_mailed(panel: pd.DataFrame, nuisance: pd.DataFrame, effect: str) -> list[tuple[str, str, str, Estimate]]:
    estimates = []
    for outcome in outcomes_of(panel.columns):
        data = effect_data(panel, nuisance, outcome)
        estimates += [(outcome, effect, method, ratio_estimate(*RATIOS[method](data), data.household_id)) for method in METHODS]
    return estimates


def _censored(
    panel: pd.DataFrame, propensity: Vector, predictions: Mapping[str, Vector], clip: float
) -> list[tuple[str, str, str, Estimate]]:
    treated, stayed = panel["treated"].to_numpy(dtype=float), (panel["mailed_after"] == 0).to_numpy(dtype=float)
    everyone = np.ones(len(panel))
    stay = np.where(treated == 1, predictions.get("stay1", everyone), predictions.get("stay0", everyone)).clip(min=clip)
    estimates = []
    for outcome in outcomes_of(panel.columns):
        values, mu0, mu1 = panel[outcome].to_numpy(dtype=float), predictions[f"mu0_{outcome}"], predictions[f"mu1_{outcome}"]
        for method in METHODS:
            terms = censored_terms(method, values, treated, stayed, propensity, stay, mu0, mu1)
            estimates.append((outcome, "censored", method, ratio_estimate(*terms, panel["household_id"])))
    return estimates
