"""Read what campaigns drawn by lot did, and say what observed campaigns had said before them.

Reads the panel, its nuisances and segments, the calendar, who took part in draws and who was mailed; writes one row per campaign,
evidence, outcome and segment, none where no lots were given back, and what follows in words, also of lots that make no trial.
"""

import pandas as pd

from targeting.base.outputs import read_metrics, write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.campaign.readout import ProfitTerms, by_own_name, read_out, unread_lots
from targeting.sentences.readout import all_words, no_words_reason, together_words
from targeting.trials.panel import read_aligned
from targeting.words.money import speak_in


def main() -> None:
    params = load_params("data", "design", "policy", "seed")
    speak_in(params["data"]["currency"])
    settings, design = params["policy"], params["design"]
    panel, eligible = pd.read_parquet("data/trials/panel.parquet"), pd.read_parquet("data/trials/eligible.parquet")
    nuisance = read_aligned(panel, "data/trials/nuisance.parquet")
    segments = read_aligned(panel, "data/segments/time_zero.parquet")
    lots, targets = pd.read_parquet("data/lots/assignments.parquet"), pd.read_parquet("data/tables/campaign_targets.parquet")
    calendar, key = pd.read_parquet("data/tables/campaigns.parquet"), pd.read_parquet("data/tables/identifiers.parquet")
    policy = read_metrics("metrics/policy.json")

    terms = ProfitTerms(settings["outcome"], policy["cost"], policy["margin"], settings["prudence"], settings["effect_spread"])
    found = read_out(panel, nuisance, segments["name"], lots, targets, terms, params["seed"])
    unread = unread_lots(lots, calendar, eligible["campaign_id"].unique(), list(found.campaigns), design["campaign_type"])

    named = found.named(key)
    # By the numbers of campaigns, among which none is called as all of them together are.
    together = together_words(found.table, terms.outcome)
    words = all_words(named, by_own_name(unread, key), together, terms.outcome, design)
    reason = no_words_reason(words, params["data"]["source"])
    metrics = {"n_campaigns": len(named.campaigns), "reason": reason, "campaigns": named.campaigns, "words": words}
    write_outputs({"metrics/readout.json": metrics, "plots/readout.csv": named.table})


if __name__ == "__main__":
    run("readout", main)
