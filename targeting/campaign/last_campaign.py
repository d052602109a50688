"""The last campaign as new data for what the campaigns before it taught: who was reached, and what happened to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import PREFIX
from targeting.campaign.mailing import NextCampaign, known_by, mailed_by_policy
from targeting.campaign.monitoring import DRIFT, FEWEST, REALISED, Realised, drift_table, realised_table
from targeting.nuisance.overlap import in_overlap
from targeting.nuisance.scores import effect_scores
from targeting.policy.economics import Economics
from targeting.policy.policies import Budget, held_out_means
from targeting.trials.panel import household_covariates, in_last_trial


@dataclass(frozen=True)
class Earlier:
    """What the campaigns before the last say, of the last one's rows (`backtest`) and of all rows (`comparable`, `segment`).

    backtest and comparable have propensity, cate_*, lower_*, upper_*; `rule` is the tree grown on the earlier campaigns.
    """

    backtest: pd.DataFrame
    comparable: pd.DataFrame
    segment: NDArray[np.int64]
    rule: pd.DataFrame


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
    everywhere, score = in_overlap(nuisance["propensity"], bounds), effect_scores(nuisance, outcome)
    overlap = everywhere[new]
    if overlap.sum() < FEWEST:
        return LastCampaign(pd.DataFrame(columns=DRIFT), pd.DataFrame(columns=REALISED), int(overlap.sum()))
    rows = described(panel, earlier.comparable, outcome)
    # A household once, by its latest row: the test takes rows as independent.
    drift = drift_table(rows[~new].groupby(panel.loc[~new, "household_id"]).tail(1), rows[new])

    local, backtest = economics.rows(new), earlier.backtest
    budget = Budget(settings["budget_usd"], settings["budget_contacts"])
    kind = params["design"]["campaign_type"]
    campaign = NextCampaign(kind, policy, local, outcome, bounds, settings["caution"], budget)
    # Of two parts, the mean over the other one: that of the new rows comes from the earlier ones.
    contact = economics.margin * score - economics.cost
    by_segment = held_out_means(contact, earlier.segment, new.astype(int), everywhere)[new]
    known = known_by(backtest, panel[new].reset_index(drop=True), pd.Series(by_segment), earlier.rule, outcome)
    mailed = mailed_by_policy(campaign, known, overlap, params["seed"])
    realised = Realised(
        predicted=backtest[f"cate_{outcome}"].to_numpy()[overlap],
        score=score[new][overlap],
        mailed=mailed[overlap],
        household_id=backtest["household_id"].to_numpy()[overlap],
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
