"""Estimate the average effect of the campaigns on every outcome, over all trials and in each.

Reads the panel, the nuisances and their models' weights; writes one row per outcome, trial and estimator, the effects pooled by
precision with a test of whether the trials differ, the trimming path, the effect by number of earlier mailings, and what a
contact costs by the tills: coupon discounts of those mailed, and those that the mailing causes. Where a sample was learned from,
standard errors count that too, and what its halves' scores differ by is written for the policies.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from targeting.base.columns import OUTCOMES, outcomes_of
from targeting.base.identifiers import own_identifiers
from targeting.base.left_out import write_sentence
from targeting.base.lots import known_propensities
from targeting.base.outputs import write_csv, write_metrics, write_parquet, write_png
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.effects.discounts import caused_costs, discount_effects, profit_terms
from targeting.effects.estimators import ADJUSTED, effect_data, effect_table, evidence_by_trial
from targeting.effects.event_time import event_time
from targeting.effects.learning import SPLITS, compared_rows, learning, with_learning
from targeting.effects.pooling import pooling_table
from targeting.effects.trimming import trimming_table
from targeting.effects.wear_out import wear_out_metrics, wear_out_table
from targeting.figures.effects import forest_picture, forest_words
from targeting.figures.event_time import weeks_spec, weeks_words
from targeting.figures.people import speak_of
from targeting.figures.vega import png
from targeting.nuisance.halves import half_nuisances
from targeting.nuisance.overlap import crump_threshold
from targeting.trials.panel import require_aligned
from targeting.words.estimators import decided_by
from targeting.words.money import sign, speak_in

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
MODELS = Path("data/trials/nuisance_models.parquet")
IDENTIFIERS = Path("data/tables/identifiers.parquet")
TILL_COSTS = Path("data/trials/costs.parquet")
TERMS = Path("data/effects/terms.parquet")
CAUSED = Path("data/effects/discounts.parquet")
COSTS = Path("plots/costs.csv")
WEEKS = Path("data/trials/weeks.parquet")
EVENT_TIME = Path("plots/event_time.csv")
EVENT_PICTURE = Path("plots/event_time.png")
EFFECTS = Path("data/effects/ate.parquet")
SHIFTS = Path("data/effects/shifts.parquet")
TABLE = Path("plots/ate.csv")
POOLING = Path("plots/pooling.csv")
TRIMMING = Path("plots/trimming.csv")
WEAR_OUT = Path("plots/wear_out.csv")
FOREST = Path("plots/forest.png")
METRICS = Path("metrics/ate.json")


def main() -> None:
    params = load_params("data", "nuisance", "sample", "seed")
    speak_in(params["data"]["currency"])
    speak_of(params["data"]["source"])
    panel = pd.read_parquet(PANEL)
    nuisance = pd.read_parquet(NUISANCE)
    require_aligned(panel, nuisance, str(NUISANCE))

    outcomes = outcomes_of(panel.columns)
    crump = crump_threshold(nuisance["fitted_propensity"])
    tables, pooled, trimmed, worn = [], [], [], []
    for outcome in outcomes:
        data = effect_data(panel, nuisance, outcome)
        tables.append(effect_table(data, panel["campaign_id"].to_numpy(), outcome))
        pooled.append(pooling_table(data, outcome))
        trimmed.append(trimming_table(data, outcome, crump))
        worn.append(wear_out_table(data, panel["earlier_mailings"], outcome))
    pooling = pd.concat(pooled, ignore_index=True)
    kept = compared_rows(panel, params["sample"]["checks"], params["seed"])
    models, clip = pd.read_parquet(MODELS), params["nuisance"]["clip"]
    found = learning(panel[kept], nuisance[kept], half_nuisances(panel[kept], models, clip, SPLITS, params["seed"], outcomes))
    effects = with_learning(pd.concat(tables, ignore_index=True), found.errors)
    effects["evidence"] = effects["trial"].map(evidence_by_trial(panel))

    caused = discount_effects(panel, nuisance)
    costs = pd.concat([pd.read_parquet(TILL_COSTS), caused_costs(caused, len(panel))], ignore_index=True)
    weeks = event_time(pd.read_parquet(WEEKS), panel, nuisance, params["seed"])
    errors = [name for name in ("se", "se_sampling", "se_learning") if name in effects]
    metrics: dict[str, dict[str, float]] = {}
    for place, outcome in enumerate(outcomes):
        overall = effects[(effects["outcome"] == outcome) & (effects["trial"] == "all")].set_index("method")
        # An estimator with too few rows is missing in the table, and says nothing here.
        known = overall["estimate"].dropna()
        metrics[outcome] = {
            **known.to_dict(),
            **{f"{method}_{name}": overall.loc[method, name] for name in errors for method in ("aipw", "ato", "owate")},
            **wear_out_metrics(worn[place]),
            "range": np.ptp(known[known.index.isin(ADJUSTED)]),
        }
    metrics |= {"caused": dict(zip(caused["discount"], caused["estimate"], strict=True)), "by_week": weeks.metrics()}
    write_metrics(metrics, METRICS)
    write_parquet(effects, EFFECTS)
    write_parquet(found.shifts, SHIFTS)
    write_parquet(caused, CAUSED)
    write_parquet(profit_terms(panel, nuisance, OUTCOMES[0]), TERMS)
    write_csv(costs, COSTS)
    own = own_identifiers(effects["trial"], "campaign", pd.read_parquet(IDENTIFIERS))
    write_csv(effects.assign(trial=own), TABLE)
    write_csv(pooling, POOLING)
    write_csv(pd.concat(trimmed, ignore_index=True), TRIMMING)
    write_csv(pd.concat(worn, ignore_index=True), WEAR_OUT)
    write_csv(weeks.weeks, EVENT_TIME)
    if weeks.weeks.empty:
        write_sentence("Of no receipt is known when it was written.", EVENT_PICTURE)
    else:
        write_png(png(weeks_spec(weeks.weeks), *weeks_words(weeks.weeks, weeks.phases), sign=sign()), EVENT_PICTURE)
    lots = not np.isnan(known_propensities(panel)).any()
    decided = decided_by(lots, nuisance["propensity"].round(6).nunique())
    drawn = forest_picture(effects, pooling, outcomes[0], decided)
    write_png(png(drawn, *forest_words(effects, outcomes[0], decided), sign=sign()), FOREST)


if __name__ == "__main__":
    run("ate", main)
