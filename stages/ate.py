"""Estimate the average effect of the campaigns on both outcomes, over all trials and in each.

Reads the panel and the nuisances; writes one row an outcome, trial and estimator.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from targeting.effects import ADJUSTED, EffectData, effect_table
from targeting.outputs import write_csv, write_metrics
from targeting.panel import OUTCOMES, covariate_matrix, require_aligned
from targeting.scores import effect_scores
from targeting.stage import run

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
EFFECTS = Path("plots/ate.csv")
METRICS = Path("metrics/ate.json")


def main() -> None:
    panel = pd.read_parquet(PANEL)
    nuisance = pd.read_parquet(NUISANCE)
    require_aligned(panel, nuisance, str(NUISANCE))

    tables = []
    for outcome in OUTCOMES:
        data = EffectData(
            outcome=panel[outcome].to_numpy(dtype=float),
            treated=panel["treated"].to_numpy(dtype=float),
            covariates=covariate_matrix(panel),
            household_id=panel["household_id"].to_numpy(),
            propensity=nuisance["propensity"].to_numpy(),
            mu0=nuisance[f"mu0_{outcome}"].to_numpy(),
            mu1=nuisance[f"mu1_{outcome}"].to_numpy(),
            score=effect_scores(nuisance, outcome),
        )
        tables.append(effect_table(data, panel["campaign_id"].to_numpy(), outcome))
    effects = pd.concat(tables, ignore_index=True)

    metrics = {}
    for outcome in OUTCOMES:
        pooled = effects[(effects["outcome"] == outcome) & (effects["trial"] == "all")].set_index("method")
        # An estimator with too few rows is missing in the table, and says nothing here.
        known = pooled["estimate"].dropna()
        metrics[outcome] = {
            **known.to_dict(),
            "aipw_se": pooled.loc["aipw", "se"],
            "ato_se": pooled.loc["ato", "se"],
            "range": np.ptp(known[known.index.isin(ADJUSTED)]),
        }
    write_metrics(metrics, METRICS)
    write_csv(effects, EFFECTS)


if __name__ == "__main__":
    run("ate", main)
