"""Read what campaigns drawn by lot did, and say what observed campaigns had said before them.

Reads the panel, its nuisances and segments, the calendar, who took part in draws and who was mailed; writes one row per campaign,
evidence, outcome and segment, none where no lots were given back, and what follows in words, also of lots that make no trial.
"""

import json
from pathlib import Path

import pandas as pd

from targeting.base.columns import CUSTOMERS
from targeting.base.identifiers import own_identifiers
from targeting.base.outputs import write_csv, write_metrics
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.campaign.readout import ProfitTerms, read_out, unread_lots
from targeting.sentences.readout import NO_CHANCES, NO_LOTS, readout_words, together_words, unread_words
from targeting.trials.panel import require_aligned
from targeting.words.money import speak_in

IDENTIFIERS = Path("data/tables/identifiers.parquet")
CALENDAR = Path("data/tables/campaigns.parquet")
TARGETS = Path("data/tables/campaign_targets.parquet")
LOTS = Path("data/lots/assignments.parquet")
ELIGIBLE = Path("data/trials/eligible.parquet")
PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
SEGMENTS = Path("data/segments/time_zero.parquet")
POLICY = Path("metrics/policy.json")
TABLE = Path("plots/readout.csv")
METRICS = Path("metrics/readout.json")


def main() -> None:
    params = load_params("data", "design", "policy", "seed")
    speak_in(params["data"]["currency"])
    panel, nuisance, segments, lots, targets = (pd.read_parquet(path) for path in (PANEL, NUISANCE, SEGMENTS, LOTS, TARGETS))
    require_aligned(panel, nuisance, str(NUISANCE))
    require_aligned(panel, segments, str(SEGMENTS))
    policy = json.loads(POLICY.read_text(encoding="utf-8"))
    own = params["policy"]
    terms = ProfitTerms(own["outcome"], policy["cost"], policy["margin"], own["prudence"], own["effect_spread"])
    found = read_out(panel, nuisance, segments["name"], lots, targets, terms, params["seed"])

    laid_out = pd.read_parquet(ELIGIBLE, columns=["campaign_id"])["campaign_id"].unique()
    calendar, design = pd.read_parquet(CALENDAR), params["design"]
    unread = unread_lots(lots, calendar, laid_out, list(found.campaigns), design["campaign_type"])

    key = pd.read_parquet(IDENTIFIERS)
    table = found.table.assign(campaign_id=own_identifiers(found.table["campaign_id"], "campaign", key))
    names = own_identifiers(pd.Series(list(found.campaigns)), "campaign", key).astype(str)
    campaigns = dict(zip(names, found.campaigns.values(), strict=True))
    words = {name: readout_words(name, numbers, table, terms.outcome) for name, numbers in campaigns.items()}
    # By the numbers of campaigns, among which none is called as all of them together are.
    together = together_words(found.table, terms.outcome)
    if together:
        words["all campaigns by lot"] = together
    for name, why in zip(own_identifiers(pd.Series(list(unread)), "campaign", key).astype(str), unread.values(), strict=True):
        words[name] = [unread_words(name, why, design)]
    reason = "" if words else NO_CHANCES if params["data"]["source"] == CUSTOMERS else NO_LOTS
    write_metrics({"n_campaigns": len(campaigns), "reason": reason, "campaigns": campaigns, "words": words}, METRICS)
    write_csv(table, TABLE)


if __name__ == "__main__":
    run("readout", main)
