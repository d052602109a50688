"""Write the mailing list of the next campaign, as of the day after the data end.

Reads the candidates, their predicted effects, what assigns segments, the recommended policy, what a contact earned by segment
and by the policy tree's rule, and what it will cost; writes one row per household.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from targeting.base.columns import PREFIX
from targeting.base.identifiers import own_identifiers
from targeting.base.outputs import write_csv, write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.campaign.exploration import Exploration
from targeting.campaign.mailing import NextCampaign, list_metrics, mailing_list
from targeting.policy.economics import Economics, next_economics
from targeting.policy.policies import Budget
from targeting.policy.tree_rule import follow_rule
from targeting.segments.stored import segment_names, segment_numbers

IDENTIFIERS = Path("data/tables/identifiers.parquet")
CANDIDATES = Path("data/score/candidates.parquet")
PREDICTIONS = Path("data/score/predictions.parquet")
SCALING = Path("data/segments/scaling.parquet")
LOADINGS = Path("data/segments/loadings.parquet")
CENTRES = Path("data/segments/centres.parquet")
SEGMENTS = Path("data/segments/segments.parquet")
POLICY = Path("metrics/policy.json")
BY_SEGMENT = Path("plots/what_if.csv")
TREE_RULE = Path("data/policy/tree_rule.parquet")
LIST = Path("data/score/mailing_list.csv")
ELIGIBLE = Path("data/score/eligible.parquet")
METRICS = Path("metrics/score.json")


def with_segments(candidates: pd.DataFrame, segmentation: dict[str, Any]) -> pd.DataFrame:
    """The candidates with the name of each one's segment, missing without a history, and what a contact earned in it."""
    scaling, loadings, centres, named = (pd.read_parquet(path) for path in (SCALING, LOADINGS, CENTRES, SEGMENTS))
    # As of the day after the data end totals cover the whole window: nothing needs bringing to its length.
    features = candidates.loc[candidates["has_history"], [f"{PREFIX}{name}" for name in scaling["feature"]]]
    numbers = segment_numbers(
        features.rename(columns=lambda name: name.removeprefix(PREFIX)), scaling, loadings, centres, segmentation
    )
    # Inside the overlap of all past campaigns, the rows by whose other folds the policy decides there.
    earned = pd.read_csv(BY_SEGMENT).set_index("segment")["profit"]
    return candidates.assign(segment=numbers.map(segment_names(named)), segment_profit=numbers.map(earned))


def main() -> None:
    params = load_params("segmentation", "policy", "nuisance", "design", "experiment", "seed")
    outcome, settings = params["policy"]["outcome"], params["experiment"]
    policy = json.loads(POLICY.read_text(encoding="utf-8"))
    predictions, campaign_type = pd.read_parquet(PREDICTIONS), params["design"]["campaign_type"]
    past = Economics(policy["cost"], policy["margin"])
    campaign = NextCampaign(
        campaign_type,
        policy["recommended"],
        next_economics(params["policy"], predictions["household_id"], campaign_type, past),
        outcome,
        params["nuisance"]["overlap"],
        params["policy"]["caution"],
        Budget(params["policy"]["budget_usd"], params["policy"]["budget_contacts"]),
    )
    exploration = Exploration(settings["method"], settings["epsilon"], settings["temperature"])
    candidates = with_segments(pd.read_parquet(CANDIDATES), params["segmentation"])
    rule = pd.read_parquet(TREE_RULE).query("learned_from == 'all'")
    eligible = candidates.set_index("household_id").loc[predictions["household_id"]].reset_index()
    known = predictions.rename(columns=lambda name: name.removesuffix(f"_{outcome}"))
    known = pd.concat([known, eligible["segment_profit"], follow_rule(rule, eligible)], axis=1)
    table = mailing_list(candidates, known, campaign, exploration, params["seed"])

    counts = list_metrics(table, candidates, known, campaign)
    off_policy = {
        name.replace("profit", "expected_profit"): policy[name] * counts["n_eligible"]
        for name in ("profit", "profit_ci_lower", "profit_ci_upper")
    }
    write_metrics({"policy": policy["recommended"], **counts, **off_policy}, METRICS)
    own = own_identifiers(table["household_id"], "household", pd.read_parquet(IDENTIFIERS))
    write_csv(table.assign(household_id=own), LIST)
    write_parquet(eligible[["household_id"]].assign(propensity=predictions["propensity"], segment=eligible["segment"]), ELIGIBLE)


if __name__ == "__main__":
    run("score", main)
