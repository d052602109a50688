"""The list of the next campaign: who is mailed, what that is expected to earn, and among whom an experiment would draw."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from targeting.campaign.exploration import Exploration
from targeting.campaign.mailing import NextCampaign, known_by, list_metrics, mailing_list
from targeting.policy.beliefs import Forecast
from targeting.policy.contact_price import priced
from targeting.policy.economics import Economics, next_economics
from targeting.policy.policies import Budget


@dataclass(frozen=True)
class NextList:
    """The list as `mailing_list` has it, its metrics, and who is eligible: household_id, propensity, by_lot, segment."""

    table: pd.DataFrame
    metrics: dict[str, Any]
    eligible: pd.DataFrame


def campaign_to_come(
    policy: Mapping[str, Any], predictions: pd.DataFrame, caused: pd.DataFrame, key: pd.DataFrame, params: Mapping[str, Any]
) -> NextCampaign:
    """The next campaign by the recommended policy of metrics/policy.json, among the households of `predictions`.

    `caused` are the discounts that a mailing causes, `key` is data/tables/identifiers.parquet; `params` has the sections policy,
    design and nuisance of params.yaml.
    """
    settings, campaign_type = params["policy"], params["design"]["campaign_type"]
    past, households = Economics(policy["cost"], policy["margin"]), predictions["household_id"]
    return NextCampaign(
        campaign_type,
        policy["recommended"],
        next_economics(priced(settings, caused), households, campaign_type, past, key),
        settings["outcome"],
        params["nuisance"]["overlap"],
        settings["prudence"],
        Budget(settings["budget_usd"], settings["budget_contacts"]),
    )


def exploration_of(settings: Mapping[str, Any]) -> Exploration:
    """How much is left to the lot, by the section `experiment` of params.yaml."""
    return Exploration(*(settings[name] for name in ("method", "epsilon", "temperature", "floor", "campaigns")))


def next_mailing(
    candidates: pd.DataFrame,
    predictions: pd.DataFrame,
    campaign: NextCampaign,
    exploration: Exploration,
    belief: Mapping[str, float] | None,
    seed: int,
) -> NextList:
    """Who of the `candidates` (as of `mailing_list`) is mailed next, by the `predictions` of those eligible.

    `belief` is that of metrics/policy.json, None where nothing is believed of effects.
    """
    forecast = Forecast.of(**belief) if belief else None
    known = known_by(predictions, forecast, campaign.overlap)
    table = mailing_list(candidates, known, campaign, exploration, seed)
    segments = candidates.set_index("household_id")["segment"].loc[predictions["household_id"]]
    eligible = predictions[["household_id", "propensity", "by_lot"]].assign(segment=segments.to_numpy())
    counts = list_metrics(table, candidates, known, campaign, forecast)
    return NextList(table, {"policy": campaign.policy, **counts}, eligible)
