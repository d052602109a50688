"""Estimate the average effect of the campaigns on every outcome, over all trials and in each.

Reads the panel and the nuisances; writes one row per outcome, trial and estimator, the effects pooled by precision with a test of
whether the trials differ, and the trimming path.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from targeting.base.columns import outcomes_of
from targeting.base.identifiers import own_identifiers
from targeting.base.outputs import write_csv, write_figure, write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.effects.estimators import ADJUSTED, effect_data, effect_table
from targeting.effects.pooling import pooling_table
from targeting.effects.trimming import trimming_table
from targeting.figures.effects import forest_plot
from targeting.nuisance.overlap import crump_threshold
from targeting.trials.panel import require_aligned
from targeting.words.money import speak_in

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
IDENTIFIERS = Path("data/tables/identifiers.parquet")
EFFECTS = Path("data/effects/ate.parquet")
TABLE = Path("plots/ate.csv")
POOLING = Path("plots/pooling.csv")
TRIMMING = Path("plots/trimming.csv")
FOREST = Path("plots/forest.png")
METRICS = Path("metrics/ate.json")


def main() -> None:
    speak_in(load_params("data")["data"]["currency"])
    panel = pd.read_parquet(PANEL)
    nuisance = pd.read_parquet(NUISANCE)
    require_aligned(panel, nuisance, str(NUISANCE))

    outcomes = outcomes_of(panel.columns)
    crump = crump_threshold(nuisance["fitted_propensity"])
    tables, pooled, trimmed = [], [], []
    for outcome in outcomes:
        data = effect_data(panel, nuisance, outcome)
        tables.append(effect_table(data, panel["campaign_id"].to_numpy(), outcome))
        pooled.append(pooling_table(data, outcome))
        trimmed.append(trimming_table(data, outcome, crump))
    effects, pooling = pd.concat(tables, ignore_index=True), pd.concat(pooled, ignore_index=True)

    metrics = {}
    for outcome in outcomes:
        overall = effects[(effects["outcome"] == outcome) & (effects["trial"] == "all")].set_index("method")
        # An estimator with too few rows is missing in the table, and says nothing here.
        known = overall["estimate"].dropna()
        metrics[outcome] = {
            **known.to_dict(),
            "aipw_se": overall.loc["aipw", "se"],
            "ato_se": overall.loc["ato", "se"],
            "range": np.ptp(known[known.index.isin(ADJUSTED)]),
        }
    write_metrics(metrics, METRICS)
    write_parquet(effects, EFFECTS)
    own = own_identifiers(effects["trial"], "campaign", pd.read_parquet(IDENTIFIERS))
    write_csv(effects.assign(trial=own), TABLE)
    write_csv(pooling, POOLING)
    write_csv(pd.concat(trimmed, ignore_index=True), TRIMMING)
    write_figure(forest_plot(effects, pooling, outcomes[0]), FOREST)


if __name__ == "__main__":
    run("ate", main)
