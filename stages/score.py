"""Write the mailing list of the next campaign, as of the day after the data end.

Reads the candidates, their predicted effects, what assigns segments, the recommended policy, what is believed of effects, and
what a contact will cost; writes one row per household, as CSV for people and as Parquet in parts for programs.
"""

import json
from pathlib import Path

import pandas as pd
from pyarrow.parquet import read_schema

from targeting.base.columns import PREFIX
from targeting.base.identifiers import next_campaign, own_identifiers
from targeting.base.outputs import write_csv, write_metrics, write_parquet, write_parts
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.campaign.exploration import Exploration
from targeting.campaign.mailing import NextCampaign, known_by, list_metrics, mailing_list
from targeting.policy.beliefs import Forecast
from targeting.policy.contact_price import priced
from targeting.policy.economics import Economics, next_economics
from targeting.policy.policies import Budget
from targeting.segments.stored import segment_names, segment_numbers
from targeting.segments.time_zero import features_at_the_end
from targeting.sentences.mailing import with_reasons
from targeting.words.features import covariate_words
from targeting.words.money import speak_in
from targeting.words.people import as_customers

CAUSED = Path("data/effects/discounts.parquet")
IDENTIFIERS = Path("data/tables/identifiers.parquet")
CALENDAR = Path("data/tables/campaigns.parquet")
CANDIDATES = Path("data/score/candidates.parquet")
PREDICTIONS = Path("data/score/predictions.parquet")
SCALING = Path("data/segments/scaling.parquet")
LOADINGS = Path("data/segments/loadings.parquet")
CENTRES = Path("data/segments/centres.parquet")
SEGMENTS = Path("data/segments/segments.parquet")
POLICY = Path("metrics/policy.json")
LIST = Path("data/score/mailing_list.csv")
PARTS = Path("data/score/mailing_list")
ELIGIBLE = Path("data/score/eligible.parquet")
METRICS = Path("metrics/score.json")


def main() -> None:
    params = load_params("data", "segmentation", "policy", "nuisance", "design", "experiment", "seed")
    speak_in(params["data"]["currency"])
    outcome, settings = params["policy"]["outcome"], params["experiment"]
    policy = json.loads(POLICY.read_text(encoding="utf-8"))
    predictions, campaign_type = pd.read_parquet(PREDICTIONS), params["design"]["campaign_type"]
    past, key = Economics(policy["cost"], policy["margin"]), pd.read_parquet(IDENTIFIERS)
    campaign = NextCampaign(
        campaign_type,
        policy["recommended"],
        next_economics(priced(params["policy"], pd.read_parquet(CAUSED)), predictions["household_id"], campaign_type, past, key),
        outcome,
        params["nuisance"]["overlap"],
        params["policy"]["prudence"],
        Budget(params["policy"]["budget_usd"], params["policy"]["budget_contacts"]),
    )
    exploration = Exploration(*(settings[name] for name in ("method", "epsilon", "temperature", "floor", "campaigns")))
    scaling, loadings, centres, named = (pd.read_parquet(path) for path in (SCALING, LOADINGS, CENTRES, SEGMENTS))
    columns = read_schema(CANDIDATES).names
    features = [] if named.empty else scaling["feature"].tolist()  # a table of customers says itself which group each is in
    wanted = {f"{PREFIX}{name}" for name in features}
    candidates = pd.read_parquet(CANDIDATES, columns=[name for name in columns if not name.startswith(PREFIX) or name in wanted])
    if features:
        described = features_at_the_end(candidates, features)
        numbers = segment_numbers(described, scaling, loadings, centres, params["segmentation"])
        candidates = candidates.assign(segment=numbers.map(segment_names(named)))
    eligible = candidates[["household_id", "segment"]].set_index("household_id").loc[predictions["household_id"]].reset_index()
    forecast = Forecast.of(**policy["belief"]) if policy["belief"] else None
    known = known_by(predictions, forecast, campaign.overlap)
    table = mailing_list(candidates, known, campaign, exploration, params["seed"])

    counts = list_metrics(table, candidates, known, campaign, forecast)
    write_metrics({"policy": policy["recommended"], **counts}, METRICS)
    own = own_identifiers(table["household_id"], "household", key)
    listed = with_reasons(table, campaign).assign(household_id=own)
    if named.empty:
        listed["reason"] = [as_customers(reason, map(covariate_words, columns)) for reason in listed["reason"]]
    listed.insert(0, "campaign_id", next_campaign(pd.read_parquet(CALENDAR)["campaign_id"], key))
    write_csv(listed, LIST)
    write_parts(listed, PARTS)
    past = predictions[["propensity", "by_lot"]].assign(segment=eligible["segment"])
    write_parquet(past.assign(household_id=eligible["household_id"])[["household_id", *past.columns]], ELIGIBLE)


if __name__ == "__main__":
    run("score", main)
