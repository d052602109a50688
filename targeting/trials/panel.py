"""The panel: one row per household and trial; keys, treatment, outcomes, fold, then baseline covariates (prefix x_)."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import BEFORE, EARLIER, KEYS, OUTCOMES, PREFIX, discounts_of, outcomes_of
from targeting.base.errors import DataError

RESTED, FIRST = "rested", "first"  # whom an earlier mailing leaves eligible
TRIAL = f"{PREFIX}trial_"  # of an indicator of a trial
FURTHER = ["earlier_mailings", "mailed_after", "cut", "by_lot", "known_propensity"]  # where a panel has them
FRONT = [*KEYS, "trial", "time_zero", "treated", *OUTCOMES, *BEFORE, *FURTHER]


def assemble(rows: pd.DataFrame) -> pd.DataFrame:
    """Order the trials' rows by trial and household, and add an indicator x_trial_N for every trial but the first.

    Outcomes, discounts and covariates with one value in all rows say nothing and are left out.
    """
    panel = rows.sort_values(["trial", "household_id"], ignore_index=True)
    said = [name for name in (*outcomes_of(panel.columns), *discounts_of(panel.columns)) if panel[name].nunique() > 1]
    before = [f"{EARLIER}{name}" for name in said]
    front = [*KEYS, "trial", "time_zero", "treated", *said, *before, *FURTHER]
    front = [name for name in front if name in panel]
    covariates = [name for name in panel.columns if name.startswith(PREFIX) and panel[name].nunique() > 1]
    indicators = {f"{TRIAL}{number}": (panel["trial"] == number).astype(float) for number in sorted(panel["trial"].unique())[1:]}
    return panel[[*front, *covariates]].assign(**indicators)


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


def in_both_arms(rows: pd.DataFrame) -> pd.Series:
    """Which rows stand in a trial with treated and with control households, whose effect can be estimated: booleans.

    Another trial, such as the last wave of a campaign that reached everybody, stays in its households' past.
    """
    share = rows.groupby("trial")["treated"].transform("mean")
    return (share > 0) & (share < 1)


def require_trial(rows: pd.DataFrame) -> None:
    """Raise DataError unless one trial or more has treated and control households among the rows."""
    if not in_both_arms(rows).any():
        share = rows.groupby("trial")["treated"].mean()
        raise DataError(
            f"No campaign mailed some of the households compared and not others ({(share == 1).sum()} mailed all of them, "
            f"{(share == 0).sum()} none), so that no effect can be estimated: choose another design.campaign_type, or "
            "design=sequential_trials where that is not the design; until a campaign leaves some households out, "
            "`make segments` says who the customers are."
        )


def require_outcome(panel: pd.DataFrame, outcome: str, where: str = "the dates of campaigns and transactions") -> None:
    """Raise DataError unless the panel has `outcome`, that of the policies: one that is the same in every row is left out.

    `where` is what may be wrong then: of tills, that they lie outside the campaigns.
    """
    known = outcomes_of(panel.columns)
    if outcome not in known:
        raise DataError(
            f"policy.outcome is {outcome}, which is the same in every row, so that no campaign changes it: look at "
            f"{where}{f', or set policy.outcome to {known[0]}' if known else ''}."
        )


def require_aligned(panel: pd.DataFrame, other: pd.DataFrame, name: str) -> None:
    """Raise DataError unless `other` has the panel's rows in the panel's order."""
    if not panel[KEYS].equals(other[KEYS]):
        raise DataError(f"{name} does not hold the panel's rows in their order: run `dvc repro` to rebuild it.")


def read_aligned(panel: pd.DataFrame, path: str) -> pd.DataFrame:
    """A Parquet table with a row per row of the panel. Raises DataError as `require_aligned` does."""
    table = pd.read_parquet(path)
    require_aligned(panel, table, path)
    return table
