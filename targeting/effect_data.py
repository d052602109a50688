"""From the panel and its nuisances to what the estimators of average effects need."""

import pandas as pd

from targeting.effects import EffectData
from targeting.panel import covariate_matrix
from targeting.scores import effect_scores


def effect_data(panel: pd.DataFrame, nuisance: pd.DataFrame, outcome: str) -> EffectData:
    """What the estimators need of one outcome."""
    return EffectData(
        outcome=panel[outcome].to_numpy(dtype=float),
        treated=panel["treated"].to_numpy(dtype=float),
        covariates=covariate_matrix(panel),
        household_id=panel["household_id"].to_numpy(),
        propensity=nuisance["propensity"].to_numpy(),
        mu0=nuisance[f"mu0_{outcome}"].to_numpy(),
        mu1=nuisance[f"mu1_{outcome}"].to_numpy(),
        score=effect_scores(nuisance, outcome),
    )
