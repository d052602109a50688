"""Estimate the average effect of the campaigns on every outcome, over all trials and in each.

Reads the panel, the nuisances and their models' weights; writes one row per outcome, trial and estimator, effects pooled by
precision, by trimming, by week and by number of earlier mailings, what the weeks after a campaign say of a bias, what a contact
costs by the tills, and, where a sample was learned from, what its halves' scores differ by.
"""

import pandas as pd

from targeting.base.columns import OUTCOMES, outcomes_of
from targeting.base.identifiers import own_identifiers
from targeting.base.lots import known_everywhere
from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.effects.after_campaign import after_campaign, calibrate
from targeting.effects.average_effects import all_average_effects
from targeting.effects.discounts import caused_costs, profit_terms
from targeting.effects.event_time import event_time
from targeting.figures.effects import forest_picture, forest_words
from targeting.figures.event_time import weeks_picture
from targeting.figures.people import speak_of
from targeting.figures.vega import png
from targeting.trials.panel import read_aligned
from targeting.words.estimators import decided_by
from targeting.words.money import sign, speak_in


def main() -> None:
    params = load_params("data", "nuisance", "sample", "seed")
    speak_in(params["data"]["currency"])
    speak_of(params["data"]["source"])
    panel = pd.read_parquet("data/trials/panel.parquet")
    nuisance = read_aligned(panel, "data/trials/nuisance.parquet")
    models, key = pd.read_parquet("data/trials/nuisance_models.parquet"), pd.read_parquet("data/tables/identifiers.parquet")

    found = all_average_effects(panel, nuisance, models, params)
    weekly = pd.read_parquet("data/trials/weeks.parquet")
    weeks, after = event_time(weekly, panel, nuisance, params["seed"]), after_campaign(weekly, panel, nuisance)
    costs = [pd.read_parquet("data/trials/costs.parquet"), caused_costs(found.caused, len(panel))]

    calibrated = calibrate(after, panel, nuisance, OUTCOMES[0]) if OUTCOMES[0] in panel else None
    controlled = {} if calibrated is None else calibrated.metrics()
    first, decided = outcomes_of(panel.columns)[0], decided_by(known_everywhere(panel), nuisance["propensity"].round(6).nunique())
    forest = forest_picture(found.effects, found.pooling, first, decided)
    write_outputs(
        {
            "metrics/ate.json": {**found.metrics, "by_week": weeks.metrics(), "after_campaign": controlled},
            "data/effects/after.parquet": after,
            "data/effects/ate.parquet": found.effects,
            "data/effects/shifts.parquet": found.shifts,
            "data/effects/discounts.parquet": found.caused,
            "data/effects/terms.parquet": profit_terms(panel, nuisance, OUTCOMES[0]),
            "plots/costs.csv": pd.concat(costs, ignore_index=True),
            "plots/ate.csv": found.effects.assign(trial=own_identifiers(found.effects["trial"], "campaign", key)),
            "plots/pooling.csv": found.pooling,
            "plots/trimming.csv": found.trimming,
            "plots/wear_out.csv": found.wear_out,
            "plots/event_time.csv": weeks.weeks,
            "plots/event_time.png": weeks_picture(weeks.weeks, weeks.phases),
            "plots/forest.png": png(forest, *forest_words(found.effects, first, decided), sign=sign()),
        }
    )


if __name__ == "__main__":
    run("ate", main)
