"""Write the mailing list of the next campaign, as of the day after the data end.

Reads the candidates, their predicted effects, what assigns segments, the recommended policy, what is believed of effects, and
what a contact will cost; writes one row per household, as CSV for people and as Parquet in parts for programs.
"""

from pathlib import Path

import pandas as pd
from pyarrow.parquet import read_schema

from targeting.base.columns import PREFIX
from targeting.base.identifiers import as_listed
from targeting.base.outputs import read_metrics, write_outputs, write_parts
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.campaign.next_list import campaign_to_come, exploration_of, next_mailing
from targeting.segments.stored import StoredSegments
from targeting.sentences.mailing import list_with_reasons
from targeting.words.features import covariate_words
from targeting.words.money import speak_in
from targeting.words.people import as_customers

CANDIDATES = "data/score/candidates.parquet"


def main() -> None:
    params = load_params("data", "segmentation", "policy", "nuisance", "design", "experiment", "seed")
    speak_in(params["data"]["currency"])
    predictions, policy = pd.read_parquet("data/score/predictions.parquet"), read_metrics("metrics/policy.json")
    caused, key = pd.read_parquet("data/effects/discounts.parquet"), pd.read_parquet("data/tables/identifiers.parquet")
    segments = StoredSegments.read(
        "data/segments/scaling.parquet",
        "data/segments/loadings.parquet",
        "data/segments/centres.parquet",
        "data/segments/segments.parquet",
        params["segmentation"],
    )
    columns, wanted = read_schema(CANDIDATES).names, {f"{PREFIX}{name}" for name in segments.features}
    candidates = pd.read_parquet(CANDIDATES, columns=[name for name in columns if not name.startswith(PREFIX) or name in wanted])
    candidates["segment"] = segments.at_the_end(candidates)

    campaign = campaign_to_come(policy, predictions, caused, key, params)
    found = next_mailing(
        candidates, predictions, campaign, exploration_of(params["experiment"]), policy["belief"], params["seed"]
    )

    listed = list_with_reasons(found.table, campaign)
    if not segments.features:
        listed["reason"] = [as_customers(reason, map(covariate_words, columns)) for reason in listed["reason"]]
    listed = as_listed(listed, pd.read_parquet("data/tables/campaigns.parquet"), key)
    outputs = {"data/score/mailing_list.csv": listed, "data/score/eligible.parquet": found.eligible}
    write_outputs({"metrics/score.json": found.metrics, **outputs})
    write_parts(listed, Path("data/score/mailing_list"))


if __name__ == "__main__":
    run("score", main)
