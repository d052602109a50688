"""A negative-control panel: the trials' households with an outcome that their campaign cannot have changed: purchases before it.

Everything moves back by some days: the outcome ends the day before time zero, and the covariates look only at days before the
outcome. Who is eligible, and who is treated, stay as they are; households that another campaign reached in these very days are
left out of both arms, since that mailing may have changed what they bought.
Source: Lipsitch, Tchetgen Tchetgen & Cohen (2010), Epidemiology 21, 383-388.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import ibis.expr.types as ir
import pandas as pd
from ibis.backends import BaseBackend

from targeting.base.columns import BEFORE, DISCOUNTS, OUTCOMES
from targeting.base.progress import track
from targeting.tables.covariates import at, keep_covariates
from targeting.trials.panel import FRONT, assemble, covariate_names
from targeting.trials.trials import outcomes_between

COUNTS = ["campaign_id", "outcome_from", "n_eligible", "n_treated_without_history", "n_control_without_history"]
COUNTS += ["n_treated_mailed_meanwhile", "n_control_mailed_meanwhile", "n_treated", "n_control", "used"]


@dataclass(frozen=True)
class ControlTrial:
    """One trial moved back: its rows, and who of its eligible households is left out.

    without_history had bought nothing before the outcome's first day; of the others, mailed_meanwhile were reached by a campaign
    that began between that day and time zero.
    """

    campaign_id: int
    outcome_from: date
    rows: pd.DataFrame
    without_history: pd.DataFrame
    mailed_meanwhile: pd.DataFrame

    @property
    def has_both_arms(self) -> bool:
        """Whether there is anybody to compare with."""
        return self.rows["treated"].nunique() == 2

    def flow(self) -> dict[str, object]:
        """Who is in it, who is not, and whether it is used: one row of a table."""
        missing, meanwhile = (int(rows["treated"].sum()) for rows in (self.without_history, self.mailed_meanwhile))
        treated = int(self.rows["treated"].sum())
        return {
            "campaign_id": self.campaign_id,
            "outcome_from": self.outcome_from,
            "n_eligible": len(self.rows) + len(self.without_history) + len(self.mailed_meanwhile),
            "n_treated_without_history": missing,
            "n_control_without_history": len(self.without_history) - missing,
            "n_treated_mailed_meanwhile": meanwhile,
            "n_control_mailed_meanwhile": len(self.mailed_meanwhile) - meanwhile,
            "n_treated": treated,
            "n_control": len(self.rows) - treated,
            "used": self.has_both_arms,
        }


def control_trial(tables: Mapping[str, ir.Table], covariates: ir.Table, eligible: pd.DataFrame, days: int) -> ControlTrial:
    """The rows of one trial, all of one time zero, with outcomes from `days` before it and covariates from before those.

    `eligible` holds the panel's rows of this trial; its keys, treatment and time zero are kept, its outcomes, covariates and
    folds are not. `tables` are those of `with_history`, and `covariates` of these, as of the outcome's first day
    among others. Households without a purchase before the outcome's first day have no
    covariates, and are set aside, as are those that a campaign of whatever type reached from that day on, before time zero.
    """
    time_zero = _time_zero(eligible)
    outcome_from = time_zero - timedelta(days=days)
    outcomes = outcomes_between(tables["receipts"], outcome_from, time_zero - timedelta(days=1))
    values = at(covariates, outcome_from).left_join(outcomes.drop(*DISCOUNTS), "household_id").drop("household_id_right")
    # Here too a household that buys nothing in the window has zeros.
    values = values.execute().fillna(dict.fromkeys(OUTCOMES, 0)).astype({"purchase_count": "int64"})
    # An outcome that never varies after campaigns has no effect to refute.
    values = values.drop(columns=[name for name in OUTCOMES if name not in eligible])
    kept = eligible.drop(columns=[*OUTCOMES, *BEFORE, *DISCOUNTS, *covariate_names(eligible), "fold"], errors="ignore")
    known = kept["household_id"].isin(values["household_id"])
    reached = kept["household_id"].isin(_newly_mailed(tables, outcome_from, time_zero))
    rows = kept[known & ~reached].merge(values, on="household_id", validate="one_to_one")
    return ControlTrial(int(eligible["campaign_id"].iloc[0]), outcome_from, rows, kept[~known], kept[known & reached])


def _time_zero(eligible: pd.DataFrame) -> date:
    return pd.Timestamp(eligible["time_zero"].iloc[0]).date()


def _newly_mailed(tables: Mapping[str, ir.Table], first: date, before: date) -> pd.Series:
    """Households that a campaign reached which began on day `first` or later, and before day `before`."""
    campaigns = tables["campaigns"]
    begun = campaigns.filter((campaigns.start_day >= first) & (campaigns.start_day < before))
    return tables["campaign_targets"].semi_join(begun, "campaign_id").select("household_id").distinct().execute()["household_id"]


def control_trials(
    backend: BaseBackend, tables: Mapping[str, ir.Table], panel: pd.DataFrame, days: int, recent_days: Sequence[int]
) -> list[ControlTrial]:
    """Every trial of the panel as `control_trial` moves it back, in their order.

    None without receipts, as then nobody knows what customers bought before.
    """
    if not tables["days"].count().execute():
        return []
    groups = [rows for _, rows in panel.groupby("trial")]
    time_zeros = [_time_zero(rows) - timedelta(days=days) for rows in groups]
    covariates = keep_covariates(backend, tables, time_zeros, recent_days)
    return [control_trial(tables, covariates, rows, days) for rows in track(groups, "Moving trials back")]


def control_panel(trials: Sequence[ControlTrial]) -> pd.DataFrame:
    """The trials with both arms as one panel, as `assemble` makes it; without a row where no trial has both."""
    usable = [trial.rows for trial in trials if trial.has_both_arms]
    return assemble(pd.concat(usable, ignore_index=True)) if usable else pd.DataFrame(columns=FRONT)


def control_flow(trials: Sequence[ControlTrial]) -> pd.DataFrame:
    """Who is in each trial, and who is not: COUNTS, one row per trial."""
    return pd.DataFrame([trial.flow() for trial in trials], columns=COUNTS)


def control_metrics(control: pd.DataFrame, flow: pd.DataFrame) -> dict[str, int]:
    """What the panel of `control_panel` holds, and by the trials' `flow`, one row per trial, who is left out."""
    return {
        "n_rows": len(control),
        "n_households": control["household_id"].nunique(),
        "n_trials": flow["used"].sum(),
        "n_treated": control["treated"].sum(),
        "n_without_history": flow["n_treated_without_history"].sum() + flow["n_control_without_history"].sum(),
        "n_mailed_meanwhile": flow["n_treated_mailed_meanwhile"].sum() + flow["n_control_mailed_meanwhile"].sum(),
    }
