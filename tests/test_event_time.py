"""Effects by week: against a slow loop over weeks, where they are known, and where some rows lack a week."""

import numpy as np
import pandas as pd
import pytest

from targeting.effects.estimators import ato, effect_data
from targeting.effects.event_time import event_time
from targeting.figures.event_time import weeks_words
from targeting.nuisance.models import outcome_model
from targeting.tables.covariates import baseline_covariates
from targeting.tables.history import with_history
from targeting.tables.schemas import first_and_last_day
from targeting.trials.designs import folded_panel
from targeting.trials.lay_out import lay_out, planned_trials
from targeting.trials.weeks import weekly_spend
from targeting.words.money import money
from tests.effect_worlds import panel_and_truth
from tests.frames import in_pandas

EFFECT = {-2: 0.0, -1: 0.0, 0: 1.0, 1: 3.0, 2: 3.0, 3: 0.0}  # campaigns run for two weeks, or three


def weeks(seed: int, n: int = 1200) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Weekly spend by row, its panel, and the true propensities; the last week of campaign 8 is not known."""
    panel, _ = panel_and_truth(seed, n)
    rng = np.random.default_rng(seed)
    panel["trial"] = (panel["campaign_id"] == 8) + 1
    e = 1 / (1 + np.exp(1.2 - panel["x_spend"] / 90))
    usual = panel["x_spend"] / 8
    table = {str(w): usual + effect * panel["treated"] + rng.normal(0, 4, n) for w, effect in EFFECT.items()}
    weekly = panel[["household_id", "campaign_id"]].assign(campaign_weeks=np.where(panel["trial"] == 1, 2.0, 3.0), **table)
    weekly.loc[panel["trial"] == 2, "3"] = np.nan
    return weekly, panel, pd.DataFrame({"propensity": e})


def test_each_week_is_the_overlap_weighted_effect_of_its_rows():
    weekly, panel, nuisance = weeks(1)
    found = event_time(weekly, panel, nuisance, seed=0).weeks.set_index("week")
    assert found.index.tolist() == [-2, -1, 0, 1, 2, 3]
    for number in (1, 3):
        known = weekly[str(number)].notna().to_numpy()
        own = panel[known].assign(spend=weekly.loc[known, str(number)], before_spend=0.0).reset_index(drop=True)
        table = nuisance[known].reset_index(drop=True).assign(mean_spend=0.0, score0_spend=0.0, score1_spend=0.0)
        for arm in (0, 1):
            predicted = pd.Series(np.nan, index=own.index)
            for fold in own["fold"].unique():
                learn, held = (own["treated"] == arm) & (own["fold"] != fold), own["fold"] == fold
                x = own.filter(like="x_").to_numpy()
                predicted[held] = outcome_model("linear", 0).fit(x[learn], own.loc[learn, "spend"]).predict(x[held])
            table[f"mu{arm}_spend"] = predicted
        slow = ato(effect_data(own, table, "spend"))
        # Weeks known of the same rows share a penalty, chosen for all of them.
        assert found.loc[number, "estimate"] == pytest.approx(slow.value, abs=0.05 * slow.se)
        assert found.loc[number, "se"] == pytest.approx(slow.se, rel=0.01)
        assert found.loc[number, ["n", "n_treated"]].tolist() == [len(own), own["treated"].sum()]


@pytest.mark.slow
def test_effects_and_phases_are_covered():
    covered, joint = [], []
    for seed in range(60):
        found = event_time(*weeks(seed), seed=0)
        truth = np.array(list(EFFECT.values()))
        own = found.weeks
        covered.append((own["ci_lower"] <= truth) & (truth <= own["ci_upper"]))
        joint.append(((own["joint_lower"] <= truth) & (truth <= own["joint_upper"])).all())
    assert np.mean(covered) == pytest.approx(0.95, abs=0.035)
    assert np.mean(joint) == pytest.approx(0.95, abs=0.085)


def test_phases_are_means_over_the_weeks_of_every_campaign():
    weekly, panel, nuisance = weeks(3)
    found = event_time(weekly, panel, nuisance, seed=0)
    by_week, phases = found.weeks.set_index("week")["estimate"], found.phases.set_index("phase")
    assert phases["estimate"].to_dict() == pytest.approx(
        {"before": by_week[[-2, -1]].mean(), "during": by_week[[0, 1]].mean(), "after": by_week[3]}
        | {"after less during": by_week[3] - by_week[[0, 1]].mean()}
    )
    assert phases.loc["after less during", "p"] < 0.05  # 0 after 2 a week
    assert found.metrics()["during"] == phases.loc["during", "estimate"]
    short = event_time(weekly.drop(columns=["3"]), panel, nuisance, seed=0)
    assert "after" not in short.metrics()
    during, after = (
        f"{money(phases.loc[name, 'estimate'])} per week {words} (standard error {money(phases.loc[name, 'se'])})"
        for name, words in (("during", "while it runs"), ("after", "after it"))
    )
    apart = (found.weeks["joint_lower"] * found.weeks["joint_upper"] > 0) & (found.weeks["week"] >= 0)
    title = weeks_words(found.weeks, found.phases)[0]
    assert title.startswith(f"A mailing moves a household's spend by {during} and {after}; {apart.sum() or 'no'} single week")
    assert "after it" not in weeks_words(short.weeks, short.phases)[0]
    flat = found.weeks.assign(joint_lower=-1.0, joint_upper=1.0)
    assert weeks_words(flat, found.phases)[0].endswith("; no single week stands out")


@pytest.mark.slow
def test_weekly_spend_is_what_a_slow_loop_over_lines_gives(backend, tables):
    design = {"name": "sequential_trials", "campaign_type": "A", "eligible": "rested", "post_days": 28, "min_follow_up_days": 28}
    design["recent_days"] = [28]
    tables, trials = with_history(backend, tables), planned_trials(tables, design)
    covariates = baseline_covariates(tables, [trial.time_zero for trial in trials], [28])
    layout = lay_out(tables, covariates, trials, design, seed=1)
    panel = folded_panel(layout.eligible[layout.chosen], 3, seed=1)
    first = first_and_last_day(tables["transactions"])[0]
    found = weekly_spend(tables, trials, panel, first)
    assert found[["household_id", "campaign_id"]].equals(panel[["household_id", "campaign_id"]])
    lines = in_pandas(tables["transactions"])
    lines["day"] = pd.to_datetime(lines["day"])
    by_number = {trial.number: trial for trial in trials}
    for place in np.random.default_rng(0).choice(len(panel), 25, replace=False):
        row, trial = panel.iloc[place], by_number[panel["trial"].iloc[place]]
        own = lines[lines["household_id"] == row["household_id"]]
        for week in (column for column in found if column.lstrip("-").isdigit()):
            start = pd.Timestamp(trial.time_zero) + pd.Timedelta(weeks=int(week))
            end = start + pd.Timedelta(days=6)
            value = found.loc[place, week]
            if start < pd.Timestamp(first) or end > pd.Timestamp(trial.window_end):
                assert np.isnan(value)
            else:
                assert value == pytest.approx(own.loc[own["day"].between(start, end), "sales"].sum())
