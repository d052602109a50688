"""The panel: one row per household and trial; keys, treatment, outcomes, fold, then baseline covariates (prefix x_)."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import BEFORE, KEYS, OUTCOMES, PREFIX
from targeting.base.errors import DataError

TRIAL = f"{PREFIX}trial_"  # of an indicator of a trial
FRONT = [*KEYS, "trial", "time_zero", "treated", *OUTCOMES, *BEFORE, "mailed_after", "cut"]


def assemble(rows: pd.DataFrame) -> pd.DataFrame:
    """Order the trials' rows by trial and household, and add an indicator x_trial_N for every trial but the first.

    Covariates with one value in all rows carry no information and are left out.
    """
    panel = rows.sort_values(["trial", "household_id"], ignore_index=True)
    covariates = [name for name in panel.columns if name.startswith(PREFIX) and panel[name].nunique() > 1]
    indicators = {f"{TRIAL}{number}": (panel["trial"] == number).astype(float) for number in sorted(panel["trial"].unique())[1:]}
    return panel[[*FRONT, *covariates]].assign(**indicators)


def covariate_names(panel: pd.DataFrame) -> list[str]:
    """The covariates' columns, in the panel's order."""
    return [name for name in panel.columns if name.startswith(PREFIX)]


def household_covariates(panel: pd.DataFrame) -> list[str]:
    """The covariates that describe a household rather than its trial: all that a next campaign's households have too."""
    return [name for name in covariate_names(panel) if not name.startswith(TRIAL)]


def in_last_trial(panel: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows (rows,) belong to the latest trial."""
    return (panel["trial"] == panel["trial"].max()).to_numpy()


def covariate_matrix(panel: pd.DataFrame) -> NDArray[np.float64]:
    """Shape (rows, covariates)."""
    return panel[covariate_names(panel)].to_numpy(dtype=float)


def require_both_arms(panel: pd.DataFrame) -> None:
    """Raise DataError for a trial without treated or without control households, where no effect can be estimated."""
    share = panel.groupby("campaign_id")["treated"].mean()
    for arm, value in (("treated", 0.0), ("control", 1.0)):
        lacking = share.index[share == value].tolist()
        if lacking:
            raise DataError(
                f"Campaigns without an eligible {arm} household: {', '.join(map(str, lacking))}. Their effect cannot be "
                "estimated: choose another design.campaign_type, or leave these campaigns out of the data."
            )


def require_aligned(panel: pd.DataFrame, other: pd.DataFrame, name: str) -> None:
    """Raise DataError unless `other` has the panel's rows in the panel's order."""
    if not panel[KEYS].equals(other[KEYS]):
        raise DataError(f"{name} does not hold the panel's rows in their order: run `dvc repro` to rebuild it.")
