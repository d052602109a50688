"""The last campaign as new data for what the campaigns before it taught: who was reached, and what happened to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import PREFIX
from targeting.base.lots import drawn_by_lot
from targeting.campaign.mailing import NextCampaign, mailed_by_policy, seen_by_policy
from targeting.campaign.monitoring import DRIFT, FEWEST, REALISED, Realised, drift_table, realised_table
from targeting.nuisance.overlap import comparable
from targeting.policy.beliefs import learn_beliefs
from targeting.policy.economics import Economics
from targeting.policy.policies import Budget
from targeting.policy.value import evidence_of
from targeting.trials.panel import household_covariates, in_last_trial

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Earlier:
    """What the campaigns before the last say, of the last one's rows (`backtest`) and of all rows (`comparable`).

    backtest has ranking, the effect by the learner that ranks, and comparable propensity and cate_*; `ranking` (rows,) are all
    rows' out-of-fold effects by the same learner, and `after` is the table of `after_campaign`: of both only what is of earlier
    campaigns is used.
    """

    backtest: pd.DataFrame
    comparable: pd.DataFrame
    ranking: Vector
    after: pd.DataFrame | None = None


@dataclass(frozen=True)
class LastCampaign:
    """A `drift_table` and a `realised_table`, without rows where too few can judge; and how many rows inside the overlap do."""

    drift: pd.DataFrame
    effects: pd.DataFrame
    n_judged: int


def judge_last_campaign(
    panel: pd.DataFrame, nuisance: pd.DataFrame, earlier: Earlier, economics: Economics, policy: str, params: Mapping[str, Any]
) -> LastCampaign:
    """Drift from the earlier campaigns' households to the last one's, and what `policy` promised of these and earned.

    `economics` are of the panel's rows; `params` has policy, nuisance (overlap), design (campaign_type) and seed.
    """
    settings, bounds = params["policy"], params["nuisance"]["overlap"]
    outcome = settings["outcome"]
    new = in_last_trial(panel) & (panel["trial"] > panel["trial"].min()).to_numpy()
    everywhere = comparable(panel, nuisance["propensity"], bounds)
    overlap = everywhere[new]
    evidence, old = evidence_of(panel, nuisance, outcome, everywhere, after=earlier.after), ~new
    weight = nuisance[f"precision_{outcome}"].to_numpy(dtype=float)
    fold, trial = (panel[name].to_numpy() for name in ("fold", "trial"))
    drawn, beliefs = drawn_by_lot(panel), None
    if new.any():
        known = (earlier.ranking[old], weight[old], fold[old], trial[old], evidence.rows(old))
        beliefs = learn_beliefs(*known, settings["effect_spread"], drawn[old], settings["extrapolation"])
    if overlap.sum() < FEWEST or beliefs is None:
        return LastCampaign(pd.DataFrame(columns=DRIFT), pd.DataFrame(columns=REALISED), int(overlap.sum()))
    rows = described(panel, earlier.comparable, outcome)
    # A household once, by its latest row: the test takes rows as independent.
    drift = drift_table(rows[~new].groupby(panel.loc[~new, "household_id"]).tail(1), rows[new])

    local = economics.rows(new)
    expected, uncertainty = beliefs.forecast.effects(earlier.backtest["ranking"], overlap)
    # Only rows inside the overlap are judged, so that whom else the policy would mail plays no part.
    said = {"expected": expected, "uncertainty": uncertainty, "in_overlap": overlap, "reach": overlap, "unlike": ""}
    known = earlier.backtest.assign(**said)
    budget = Budget(settings["budget_usd"], settings["budget_contacts"])
    kind = params["design"]["campaign_type"]
    campaign = NextCampaign(kind, policy, local, outcome, bounds, settings["prudence"], budget)
    realised = Realised(
        predicted=known["expected"].to_numpy()[overlap],
        score=evidence.score[new][overlap],
        mailed=mailed_by_policy(campaign.policy, seen_by_policy(campaign, known, params["seed"]))[overlap],
        household_id=known["household_id"].to_numpy()[overlap],
    )
    return LastCampaign(drift, realised_table(realised, local.rows(overlap)), int(overlap.sum()))


def described(panel: pd.DataFrame, comparable: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """What may drift, a row per row of the panel: covariates of households, propensity, and the effect unless all are alike.

    Indicators of trials tell the campaigns apart by themselves, and are left out.
    """
    covariates = panel[household_covariates(panel)].rename(columns=lambda name: name.removeprefix(PREFIX))
    table = covariates.assign(propensity=comparable["propensity"])
    effect = comparable[f"cate_{outcome}"]
    # Each fold has its own model: where that gives everybody the average effect, effects differ between folds alone.
    return table.assign(effect=effect) if effect.groupby(panel["fold"]).nunique().max() > 1 else table
