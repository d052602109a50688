"""Purchases once a campaign is over: a negative control of its effect, and what the effect is when that is allowed for.

A mailing whose coupons have expired should move nothing more, while a reason to mail that no table shows goes on: households that
were about to buy more are mailed more often, and still buy more. So a difference between alike households in the weeks after the
campaign is a bias, taken as the same in each week of the outcome window. Purchases before time zero cannot show this: what a
retailer knew of them is among its reasons, and what no purchase before shows they cannot tell.

A lasting effect, a habit, looks the same. The interval here holds where nothing lasts; what decisions believe leaves room for
effects that do (`targeting.policy.posterior`). A deficit afterwards may be a bias, too, or what households that stocked up buy
less: the interval allows for either, while decisions add nothing to an effect.

Sources: Lipsitch, Tchetgen Tchetgen & Cohen (2010), Epidemiology 21, 383-388, for negative controls; Schuemie, Hripcsak, Ryan,
Madigan & Suchard (2018), Proceedings of the National Academy of Sciences 115, 2571-2577, for intervals that allow for what
controls show.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from targeting.base.columns import AFTER, KEYS
from targeting.effects.estimators import ato_terms, effect_data
from targeting.effects.event_time import predicted_by_arm
from targeting.nuisance.scores import dr_scores
from targeting.stats.estimates import Estimate, Z, ratio_influence
from targeting.stats.joined import join
from targeting.stats.joint import joint_covariance

FEWEST = 30  # households of either arm whose weeks after a campaign are known, for an error to be one


@dataclass(frozen=True)
class AfterCampaign:
    """What the weeks after a campaign say of the overlap-weighted effect on the outcome, in USD per household.

    bias: what the effect would be off by if the arms always differed as they do in those weeks. observed: the effect as
    estimated. calibrated: the effect that allows for the bias; its interval is not normal.
    """

    bias: Estimate
    observed: Estimate
    calibrated: Estimate

    @property
    def alarm(self) -> bool:
        """Whether the bias can be told from nothing, by its 95% interval."""
        return abs(self.bias.value) > Z * self.bias.se

    def metrics(self) -> dict[str, float | bool]:
        """All of it, to be stored."""
        ends = {
            f"{name}_{end}": getattr(getattr(self, name), end) for name in ("bias", "calibrated") for end in ("lower", "upper")
        }
        return {"alarm": self.alarm, "bias": self.bias.value, "calibrated": self.calibrated.value, **ends}


def after_campaign(weekly: pd.DataFrame, panel: pd.DataFrame, nuisance: pd.DataFrame) -> pd.DataFrame:
    """Doubly robust scores of spend in the weeks after the campaign: keys, and AFTER. Tables have the panel's rows in its order.

    bias: the score of spend per week, times the weeks of the outcome window: what the whole effect would be off by, in USD. It is
    missing where no week is known. weeks: how many whole weeks after the campaign are inside the window. The propensity is the
    stored one; spend is predicted by penalised linear models, by arm, fitted on the other folds.
    """
    numbers = [name for name in weekly if name.isdigit()]
    spend = weekly[numbers].to_numpy(dtype=float)
    over = np.array(numbers, dtype=float) >= weekly[["campaign_weeks"]].to_numpy()
    known = over & ~np.isnan(spend)
    weeks = known.sum(axis=1)
    table = panel[KEYS].assign(bias=np.nan, weeks=weeks)
    if (weeks > 0).any():
        mean = np.divide(np.where(known, spend, 0.0).sum(axis=1), weeks, out=np.full(len(weeks), np.nan), where=weeks > 0)
        mu0, mu1 = (predicted_by_arm(mean[:, None], panel, arm)[:, 0] for arm in (0, 1))
        scores = dr_scores(mean, panel["treated"], nuisance["propensity"], mu0, mu1)
        table["bias"] = (scores[:, 1] - scores[:, 0]) * weekly["window_weeks"]
    return table[[*KEYS, *AFTER]]


def calibrate(after: pd.DataFrame, panel: pd.DataFrame, nuisance: pd.DataFrame, outcome: str) -> AfterCampaign | None:
    """What the weeks after say of the overlap-weighted effect on `outcome`; None where fewer than FEWEST of an arm have any.

    `after` is the table of `after_campaign`. Its households count by e (1 - e) and their weeks. The effect less the bias so found
    is free of it, and joined with the effect as observed like lots with observed campaigns (`targeting.stats.joined`).
    """
    weeks, households = after["weeks"].to_numpy(dtype=float), panel["household_id"].to_numpy()
    if any(len(np.unique(households[(weeks > 0) & (panel["treated"] == arm)])) < FEWEST for arm in (0, 1)):
        return None
    e = nuisance["propensity"].to_numpy(dtype=float)
    weight = e * (1 - e) * weeks
    value, moved_by = ratio_influence(*ato_terms(effect_data(panel, nuisance, outcome)))
    bias, bias_by = ratio_influence(weight * after["bias"].fillna(0.0), weight)
    covariance = joint_covariance(np.column_stack([moved_by - bias_by, moved_by, bias_by]), households)
    _, error, bias_error = np.sqrt(np.diag(covariance))
    calibrated = join(value - bias, value, covariance[:2, :2]).estimate
    return AfterCampaign(Estimate(bias, bias_error), Estimate(value, error), calibrated)
