"""The experiment's design: sizes by formula and library, power and adjustment by simulation, arms drawn within strata."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from statsmodels.stats.power import NormalIndPower, TTestIndPower

from targeting.base.errors import DataError
from targeting.campaign.experiment import (
    Comparison,
    adjustment_r2,
    arms_by_stratum,
    assign_arms,
    comparisons,
    experiment_metrics,
    outcome_spread,
    power_table,
    sizes,
    sizes_by_trial,
    totals_shown,
)
from targeting.sentences.experiment import experiment_words
from tests.stored import require_stored

PUBLISHED = Comparison(sd=463.05, alpha=0.05)


def by_formula(effect: float, sd: float, power: float, alpha: float) -> float:
    """2 (z(1 - alpha / 2) + z(power))^2 sd^2 / effect^2, the textbook's households per arm; the other tail is left out."""
    return 2 * (norm.ppf(1 - alpha / 2) + norm.ppf(power)) ** 2 * (sd / effect) ** 2


def test_the_published_example():
    assert PUBLISHED.households(34.22, power=0.80) == 2874
    assert by_formula(34.22, 463.05, 0.80, 0.05) == pytest.approx(2874.3, abs=0.05)


@pytest.mark.parametrize("effect", [10.0, 42.43, 200.0])
@pytest.mark.parametrize(("power", "alpha"), [(0.8, 0.05), (0.9, 0.01)])
def test_sizes_agree_with_the_formula_and_with_the_t_test(effect, power, alpha):
    n = Comparison(sd=400.0, alpha=alpha).households(effect, power)
    assert n == pytest.approx(by_formula(effect, 400.0, power, alpha), abs=0.51)
    # The t-test allows for an estimated spread, which costs two to four households per arm.
    by_t = TTestIndPower().solve_power(effect / 400.0, power=power, alpha=alpha)
    assert n <= by_t <= n + 4


def test_adjustment_multiplies_the_size_by_what_variance_is_left():
    plain, adjusted = Comparison(400.0, 0.05), Comparison(400.0, 0.05, r2=0.75)
    assert adjusted.households(40.0, 0.8) == pytest.approx(plain.households(40.0, 0.8) / 4, abs=0.51)
    assert adjusted.detectable(0.8, 500) == pytest.approx(plain.detectable(0.8, 500) / 2)


def test_size_power_and_detectable_effect_are_one_relation():
    effect = PUBLISHED.detectable(0.8, 1000)
    assert PUBLISHED.households(effect, 0.8) == 1000
    assert float(PUBLISHED.power(effect, 1000)) == pytest.approx(0.8, abs=1e-5)  # the solver leaves out the other tail
    assert effect == pytest.approx(NormalIndPower().solve_power(nobs1=1000, power=0.8, alpha=0.05) * 463.05)


def test_an_effect_found_by_anybody_needs_two_households_an_arm():
    assert Comparison(1.0, 0.05).households(1000.0, 0.8) == 2


@pytest.mark.parametrize(("sd", "r2"), [(0.0, 0.5), (400.0, 1.0), (400.0, -0.1)])
def test_a_comparison_without_spread_is_refused(sd, r2):
    with pytest.raises(DataError, match="a spread above 0"):
        Comparison(sd, 0.05, r2)


def test_spread_is_within_arms_and_trials():
    # Within the four groups values lie 1 beside their mean: eight squares of 1 over 8 - 4 degrees of freedom.
    outcome = np.array([9, 11, 19, 21, 99, 101, 199, 201.0])
    trial, arm = np.repeat([1, 2], 4), np.tile(np.repeat([0, 1], 2), 2)
    assert outcome_spread(outcome, (trial, arm)) == pytest.approx(np.sqrt(8 / 4))
    with pytest.raises(DataError, match="nothing that an experiment could find"):
        outcome_spread(np.zeros(8), (trial, arm))


def test_r2_is_the_squared_correlation_within_groups():
    rng = np.random.default_rng(0)
    trial = np.repeat([1, 2], 500)
    predicted = rng.normal(size=1000)
    outcome = 100.0 * trial + 3 * predicted + rng.normal(0, 4, 1000)
    centred = [values - np.repeat([values[:500].mean(), values[500:].mean()], 500) for values in (outcome, predicted)]
    assert adjustment_r2(outcome, predicted, (trial,)) == pytest.approx(np.corrcoef(*centred)[0, 1] ** 2)
    # Trials' different levels are no skill, nor does the predictions' scale matter.
    assert adjustment_r2(outcome, 100.0 * trial, (trial,)) == 0
    assert adjustment_r2(outcome, 7 * predicted - 50 * trial, (trial,)) == pytest.approx(
        adjustment_r2(outcome, predicted, (trial,))
    )


@pytest.mark.slow
def test_power_and_reduction_by_simulation():
    """Experiments with effect 12 and a prediction that explains 0.64 of the spread: as often found as promised, either way."""
    rng = np.random.default_rng(1)
    n, effect, sd, r2, repeats = 150, 12.0, 40.0, 0.64, 4000
    plain, adjusted = Comparison(sd, 0.05), Comparison(sd, 0.05, r2)
    found = np.zeros(2)
    variances = np.zeros(2)
    for _ in range(repeats):
        predicted = rng.normal(0, sd * np.sqrt(r2), (2, n))
        outcome = predicted + rng.normal(0, sd * np.sqrt(1 - r2), (2, n)) + np.array([[0.0], [effect]])
        centred_y, centred_m = (values - values.mean(axis=1, keepdims=True) for values in (outcome, predicted))
        slope = (centred_y * centred_m).sum() / np.square(centred_m).sum()
        for place, values in enumerate((outcome, outcome - slope * predicted)):
            difference, variance = values[1].mean() - values[0].mean(), values.var(axis=1, ddof=1).sum() / n
            found[place] += abs(difference) > 1.96 * np.sqrt(variance)
            variances[place] += variance
    for comparison, count in zip((plain, adjusted), found, strict=True):
        expected = float(comparison.power(effect, n))
        assert count / repeats == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / repeats))
    assert variances[1] / variances[0] == pytest.approx(1 - r2, abs=0.01)


def test_the_power_curve_rises_and_meets_the_sample_size():
    table = power_table(Comparison(400.0, 0.05), Comparison(400.0, 0.05, 0.7), 40.0, 0.8, [100, 942, 3140])
    plain, adjusted = (table[table["adjustment"] == name].reset_index(drop=True) for name in ("none", "cuped"))
    assert plain["power"].is_monotonic_increasing
    assert (adjusted["power"] > plain["power"]).all()
    assert plain["power"].iloc[2] == pytest.approx(0.8, abs=1e-3)
    assert adjusted["power"].iloc[1] == pytest.approx(0.8, abs=1e-3)
    assert plain["detectable"].iloc[2] == pytest.approx(40.0, rel=1e-3)


def households(n: int = 501, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "household_id": rng.permutation(10 * n)[:n],
            "segment": rng.choice(["Bulk Shoppers", "Lapsed Shoppers", "VIP Heavy"], n, p=[0.5, 0.45, 0.05]),
            "propensity": rng.random(n).round(2),
        }
    )


def test_arms_are_even_in_every_stratum_and_in_all():
    data = households()
    arms = assign_arms(data, strata=3, limit=None, seed=1)
    assert arms["household_id"].tolist() == sorted(data["household_id"])
    counts = arms_by_stratum(arms)
    assert (counts["control"] - counts["treated"]).abs().max() <= 1
    assert abs(counts["control"].sum() - counts["treated"].sum()) == 1
    assert counts[["control", "treated"]].to_numpy().sum() == 501
    sizes = arms["propensity_stratum"].value_counts()
    assert sizes.index.sort_values().tolist() == [1, 2, 3]
    assert sizes.max() - sizes.min() <= 1
    merged = arms.merge(data, on="household_id")
    assert merged.groupby("propensity_stratum")["propensity"].agg(["min", "max"]).to_numpy().ravel().tolist() == sorted(
        merged.groupby("propensity_stratum")["propensity"].agg(["min", "max"]).to_numpy().ravel()
    )


def test_arms_follow_the_seed_and_not_the_order_of_rows():
    data = households()
    arms = assign_arms(data, 3, None, seed=1)
    pd.testing.assert_frame_equal(arms, assign_arms(data.sample(frac=1, random_state=3), 3, None, seed=1))
    assert not arms["arm"].equals(assign_arms(data, 3, None, seed=2)["arm"])
    assert (arms["seed"] == 1).all()


def times_treated(draws: int) -> pd.Series:
    """How often each of 25 households is treated, by lots of as many seeds."""
    data = households(25)
    return sum((assign_arms(data, 2, None, seed)["arm"] == "treated").astype(int) for seed in range(draws))


def test_some_lots_are_as_they_were_when_many_were_drawn():
    require_stored("arms by lot", {str(number): int(times) for number, times in enumerate(times_treated(40))})


@pytest.mark.long
def test_every_household_is_treated_half_of_the_time():
    draws = 2000
    treated = times_treated(draws)
    # That one of 25 households is beyond four and a half standard errors has a chance of 2 in 10,000.
    assert np.abs(treated / draws - 0.5).max() < 4.5 * np.sqrt(0.25 / draws)


def test_a_limit_takes_an_even_share_of_every_stratum():
    data = households()
    arms = assign_arms(data, 3, limit=100, seed=1)
    assert len(arms) == 100
    assert arms["household_id"].is_unique
    assert (arms["arm"] == "treated").sum() == 50
    whole = assign_arms(data, 3, None, seed=1).groupby(["segment", "propensity_stratum"]).size()
    part = arms.groupby(["segment", "propensity_stratum"]).size().reindex(whole.index, fill_value=0)
    assert (part - whole * 100 / 501).abs().max() <= 1


@pytest.mark.slow
def test_a_limit_takes_every_household_as_often():
    draws = 400
    data = households()
    taken = sum(data["household_id"].isin(assign_arms(data, 3, 100, seed)["household_id"]).to_numpy() for seed in range(draws))
    assert np.abs(taken / draws - 100 / 501).max() < 5 * np.sqrt(0.16 / draws)


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_households_for_two_arms_give_none(n):
    arms = assign_arms(households().head(n), 3, None, seed=1)
    assert arms.empty
    assert list(arms) == list(assign_arms(households(), 3, None, seed=1))
    counts = arms_by_stratum(arms)
    assert counts.empty
    assert list(counts) == ["segment", "propensity_stratum", "control", "treated"]


def test_with_nobody_left_the_size_is_said_and_nothing_that_nobody_finds():
    metrics = experiment_metrics((Comparison(10, 0.05), Comparison(10, 0.05, 0.5)), 5, 0.8, 0, 0, 0.0)
    assert metrics["n_total"] > metrics["n_total_adjusted"] > 0
    assert {"campaigns", "detectable", "power_assigned", "half_width_adjusted"}.isdisjoint(metrics)
    assert "all others that bought were mailed" in experiment_words(metrics, 0.8, "purchase_amount")
    assert 0 not in totals_shown(metrics["n_total"], 0)


def test_a_campaign_that_says_nothing_of_the_spread_keeps_its_row():
    """One campaign of 60 rows, one of three households, one where nobody bought."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"campaign_id": np.repeat([1, 2, 3], [60, 3, 30]), "treated": np.arange(93) % 2})
    rows = rows.assign(trial=rows["campaign_id"], outcome=np.r_[rng.normal(50, 9, 60), 1.0, 2.0, 5.0, np.zeros(30)])
    rows["predicted"] = rows["outcome"] + np.r_[rng.normal(0, 3, 60), np.zeros(33)]
    table = sizes_by_trial(rows, None, 0.05, effect=4.0, power=0.8).set_index("campaign_id")
    assert table["n_eligible"].tolist() == [60, 3, 30]
    alone = sizes(*comparisons(rows[:60], None, 0.05), 4.0, 0.8)
    assert table.loc[1, list(alone)].to_dict() == pytest.approx(alone)
    assert table.loc[[2, 3], ["sd", "n_total", "campaigns"]].isna().all(axis=None)


def test_a_household_is_drawn_once():
    with pytest.raises(DataError, match="some are there twice"):
        assign_arms(pd.concat([households().head(3)] * 2), 3, None, seed=1)
