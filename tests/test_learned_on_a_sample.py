"""Learned on a sample, valued on everybody: whom models see, and intervals that cover when both errors count."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from targeting.base.errors import DataError
from targeting.effects.estimators import ESTIMATORS, effect_data, effect_table
from targeting.effects.learning import NAMES, SPLITS, compared_rows, learning, with_learning
from targeting.nuisance import cross_fit as cross_fit_module
from targeting.nuisance.cross_fit import cross_fit, nuisance_table, nuisance_tasks
from targeting.nuisance.halves import half_nuisances
from targeting.nuisance.models import fixed_propensity, outcome_model
from targeting.nuisance.nested import inner_nuisances
from targeting.nuisance.noise import with_precision
from targeting.policy.economics import Economics
from targeting.policy.posterior import Known, fit_posterior, weighted_fit
from targeting.policy.value import evidence_of, value_table
from targeting.stats.folds import OUTSIDE, household_folds, in_sample, sampled_folds
from targeting.stats.joint import joint_covariance
from targeting.trials.designs import folded_panel
from targeting.trials.panel import covariate_matrix
from tests.stored import require_stored

METHODS = {method: ESTIMATORS[method] for method in ("aipw", "ato")}
TRUTH = 8.0
WORLDS = 200
N_SAMPLE = 250


def world(seed: int, n: int = 2000) -> pd.DataFrame:
    """A row per household; those who spend are mailed more and gain more: 4 + 4 x_spend, 8 on average.

    What decides treatment bends where the models do not, so that a small sample teaches something else each time.
    """
    rng = np.random.default_rng(seed)
    household = rng.permutation(n) + 1
    spend, noise = rng.exponential(1.0, n), rng.normal(size=(n, 6))
    treated = (rng.random(n) < 1 / (1 + np.exp(0.6 - 1.2 * np.tanh(2 * spend - 2)))).astype(int)
    amount = 12 * np.sqrt(spend) + 2 * noise[:, 0] * spend + (4 + 4 * spend) * treated + rng.normal(0, 6, n)
    panel = pd.DataFrame({"household_id": household, "campaign_id": 8, "trial": 1, "treated": treated})
    panel = panel.assign(purchase_amount=amount, before_purchase_amount=spend, x_spend=spend)
    return panel.assign(**{f"x_noise_{column}": noise[:, column] for column in range(6)})


def sampled(panel: pd.DataFrame, sample: int | None, seed: int = 1) -> pd.DataFrame:
    return panel.assign(fold=sampled_folds(panel["household_id"], 3, seed, sample))


def learned(panel: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Nuisances and the weights of their one candidate."""
    predictions, models = cross_fit(nuisance_tasks(panel), panel, ["linear"], 3, 1, seed=1)
    return with_precision(panel, nuisance_table(panel, predictions, 0.01)), models


def unsearched(name: str, seed: int) -> Pipeline:
    return fixed_propensity(1.0)


@pytest.fixture
def one_penalty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The propensity without the search for its penalty, which takes most of the time."""
    monkeypatch.setattr(cross_fit_module, "propensity_model", unsearched)


def judged(seed: int) -> pd.DataFrame:
    """What one world says: method, estimate, se, se_sampling, se_learning, ci_lower, ci_upper."""
    panel = sampled(world(seed), N_SAMPLE, seed)
    nuisance, models = learned(panel)
    errors = learning(panel, nuisance, half_nuisances(panel, models, 0.01, SPLITS, seed, ["purchase_amount"]), METHODS).errors
    data = effect_data(panel, nuisance, "purchase_amount")
    table = with_learning(effect_table(data, panel["campaign_id"].to_numpy(), "purchase_amount", METHODS), errors)
    return table[table["trial"] == "all"].set_index("method")


def test_the_sample_is_of_whole_households_and_knows_no_order_of_rows():
    households = np.repeat(np.arange(300), 2)
    fold = sampled_folds(households, 4, 7, 100)
    assert len(np.unique(households[in_sample(fold)])) == 100
    assert (fold[::2] == fold[1::2]).all()
    assert sorted(np.unique(fold)) == [OUTSIDE, 0, 1, 2, 3]
    order = np.random.default_rng(0).permutation(600)
    assert (sampled_folds(households[order], 4, 7, 100) == fold[order]).all()
    assert (sampled_folds(households, 4, 8, 100) != fold).any()


@pytest.mark.parametrize("sample", [None, 151, 1000])
def test_without_a_sample_or_with_too_large_a_one_everybody_is_in_it(sample):
    households = np.arange(300)
    assert (sampled_folds(households, 4, 7, sample) == household_folds(households, 4, 7)).all()


def test_a_sample_with_too_little_of_an_arm_is_refused():
    rows = world(0, 400).assign(treated=lambda rows: (rows["household_id"] <= 80).astype(int))
    assert in_sample(folded_panel(rows, 3, 1, 200)["fold"]).sum() == 200
    words = r"The 60 households of sample.households have \d+ treated and \d+ control rows, and models need 30 of each: raise it"
    with pytest.raises(DataError, match=words):
        folded_panel(rows, 3, 1, 60)


@pytest.mark.slow
def test_outside_the_sample_one_model_of_all_of_it_predicts_and_inside_nothing_changes():
    panel = sampled(world(0, 600), 200)
    inside = in_sample(panel["fold"])
    nuisance, models = learned(panel)
    alone, alone_models = learned(panel[inside].reset_index(drop=True))
    names = ["propensity", "mean_purchase_amount", "mu0_purchase_amount", "mu1_purchase_amount"]
    np.testing.assert_allclose(nuisance.loc[inside, names[1:]], alone[names[1:]])
    np.testing.assert_allclose(nuisance.loc[inside, "propensity"], alone["propensity"], atol=1e-12)
    pd.testing.assert_frame_equal(models, alone_models)
    learn = inside & (panel["treated"] == 1)
    model = outcome_model("linear", 1).fit(covariate_matrix(panel)[learn], panel.loc[learn, "purchase_amount"])
    expected = model.predict(covariate_matrix(panel)[~inside])
    np.testing.assert_allclose(nuisance.loc[~inside, "mu1_purchase_amount"], expected)
    inner = inner_nuisances(panel, ["linear"], 0.01, 1)
    pd.testing.assert_frame_equal(inner, inner_nuisances(panel[inside].reset_index(drop=True), ["linear"], 0.01, 1))


@pytest.mark.slow
def test_no_model_learns_from_an_outcome_outside_the_sample():
    panel = sampled(world(0, 600), 200)
    outside = ~in_sample(panel["fold"])
    changed = panel.assign(purchase_amount=panel["purchase_amount"].where(~outside, 1e4))
    before, after = learned(panel)[0], learned(changed)[0]
    models = [name for name in before if name.startswith(("propensity", "mean_", "mu"))]
    pd.testing.assert_frame_equal(before[models], after[models])
    mailed = outside & (panel["treated"] == 1)
    assert (before.loc[mailed, "score1_purchase_amount"] != after.loc[mailed, "score1_purchase_amount"]).all()


@pytest.mark.slow
def test_the_error_of_learning_is_half_the_distance_of_two_halves():
    """One split, by hand: a model of each half, the mean score of the rows outside by either, half their difference."""
    panel = sampled(world(3, 900), 300)
    nuisance, models = learned(panel)
    outcomes = ["purchase_amount"]
    ((first, second),) = half_nuisances(panel, models, 0.01, 1, 1, outcomes)
    outside = ~in_sample(panel["fold"])
    assert first["household_id"].tolist() == second["household_id"].tolist() == panel.loc[outside, "household_id"].tolist()
    half = household_folds(panel.loc[~outside, "household_id"], 2, 1)
    for number, own in ((0, first), (1, second)):
        rows = panel[~outside][half == number]
        learn = rows[rows["treated"] == 0]
        model = outcome_model("linear", 1).fit(covariate_matrix(learn), learn["purchase_amount"])
        np.testing.assert_allclose(own["mu0_purchase_amount"], model.predict(covariate_matrix(panel[outside])))
    scores = [(own["score1_purchase_amount"] - own["score0_purchase_amount"]).mean() for own in (first, second)]
    found = learning(panel, nuisance, [(first, second)], METHODS)
    errors = found.errors.set_index(NAMES)["se_learning"]
    assert errors["purchase_amount", "all", "aipw"] == pytest.approx(abs(scores[0] - scores[1]) / 2)
    shift = found.shifts["shift1_purchase_amount_0"] - found.shifts["shift0_purchase_amount_0"]
    assert shift.mean() == pytest.approx((scores[0] - scores[1]) / 2)


@pytest.mark.slow
def test_of_many_households_outside_some_show_the_error_of_learning():
    panel = sampled(world(3, 1500), 300)
    nuisance, models = learned(panel)
    outside = ~in_sample(panel["fold"])
    assert compared_rows(panel, None, 1).all()
    assert compared_rows(panel, 1200, 1).all()
    kept = compared_rows(panel, 500, 1)
    assert kept[~outside].all()
    assert panel.loc[kept & outside, "household_id"].nunique() == 500

    def found(rows: np.ndarray) -> pd.Series:
        halves = half_nuisances(panel[rows], models, 0.01, SPLITS, 1, ["purchase_amount"])
        return learning(panel[rows], nuisance[rows], halves, METHODS).errors.set_index(NAMES)["se_learning"]

    # What two models disagree about on average, 500 of 1,200 households show to a tenth or so.
    few, all_of_them = found(kept), found(np.ones(len(panel), dtype=bool))
    name = ("purchase_amount", "all", "aipw")
    assert few[name] == pytest.approx(all_of_them[name], rel=0.25)


def test_both_errors_add_up_as_variances_and_without_a_sample_nothing_is_added():
    table = pd.DataFrame({"outcome": "spend", "trial": "all", "method": ["naive", "ato"], "estimate": [1.0, 10.0]})
    table = table.assign(se=[2.0, 3.0], ci_lower=0.0, ci_upper=0.0, n=5)
    errors = pd.DataFrame({"outcome": "spend", "trial": "all", "method": ["ato"], "se_learning": [4.0]})
    wide = with_learning(table, errors)
    assert wide["se"].tolist() == [2.0, 5.0]
    assert wide["se_sampling"].tolist() == [2.0, 3.0]
    assert wide["se_learning"].tolist() == [0.0, 4.0]
    assert wide["ci_upper"].tolist() == pytest.approx([1 + 1.959964 * 2, 10 + 1.959964 * 5])
    pd.testing.assert_frame_equal(with_learning(table, errors.head(0)), table)
    panel = sampled(world(0, 300), None)
    nuisance, models = learned(panel)
    nothing = learning(panel, nuisance, half_nuisances(panel, models, 0.01, SPLITS, 1, ["purchase_amount"]))
    assert nothing.errors.empty
    assert nothing.shifts.empty


@pytest.mark.slow
def test_one_world_is_as_it_was_when_all_were_judged(one_penalty):
    table = judged(0)
    require_stored("learned on a sample", {f"{m} {name}": table.loc[m, name] for m in METHODS for name in ("estimate", "se")})


@pytest.mark.long
def test_intervals_cover_the_truth_in_92_to_98_of_100_worlds(one_penalty):
    """The mean effect is 8; of the overlap, the mean weighted by e (1 - e) over a large draw.

    aipw's error of learning is on the wide side: half a sample has far more extreme weights than the whole.
    """
    large = world(10**6, 400_000)
    e = 1 / (1 + np.exp(0.6 - 1.2 * np.tanh(2 * large["x_spend"] - 2)))
    truth = {"aipw": TRUTH, "ato": np.average(4 + 4 * large["x_spend"], weights=e * (1 - e))}
    tables = [judged(seed) for seed in range(WORLDS)]
    for method in METHODS:
        covered = [own.loc[method, "ci_lower"] < truth[method] < own.loc[method, "ci_upper"] for own in tables]
        assert 0.92 <= np.mean(covered) <= {"ato": 0.98, "aipw": 0.99}[method], method


def test_a_policys_profit_and_what_is_believed_of_it_count_the_error_of_learning():
    """By hand: of 4 rows 3 lie outside, two splits move the scores of those contacted by a mean of 1 and of -7."""
    panel = pd.DataFrame({"household_id": [1, 2, 3, 4], "campaign_id": 8, "treated": [1, 0, 1, 0], "spend": [9.0, 1.0, 5.0, 3.0]})
    nuisance = pd.DataFrame({"propensity": 0.5, "mu0_spend": 2.0, "mu1_spend": 4.0, "score0_spend": 2.0}, index=range(4))
    nuisance["score1_spend"] = [12.0, 4.0, 8.0, 6.0]
    shifts = panel.loc[1:, ["household_id", "campaign_id"]].assign(
        shift0_spend_0=[0.0, 1.0, 0.0], shift0_spend_1=0.0, shift1_spend_0=[3.0, 1.0, 9.0], shift1_spend_1=[-21.0, 0.0, 0.0]
    )
    plain = evidence_of(panel, nuisance, "spend", np.ones(4, dtype=bool))
    wide = evidence_of(panel, nuisance, "spend", np.ones(4, dtype=bool), shifts)
    policies = pd.DataFrame({"all": 1.0, "current": panel["treated"], "some": [1.0, 1.0, 1.0, 0.0]})
    economics = Economics(cost=1.0, margin=0.5)
    narrow_table, wide_table = (value_table(policies, np.ones(4), own, economics).set_index("policy") for own in (plain, wide))
    # Of the three outside: "some" contacts two, moved by 3 and 0 in one split, by -21 and 0 in the other.
    moved = np.sqrt(((0.5 * 3 / 3) ** 2 + (0.5 * -21 / 3) ** 2) / 2)
    expected = np.hypot(narrow_table.loc["some", "profit_se"], moved)
    assert wide_table.loc["some", "profit_se"] == pytest.approx(expected)
    assert wide_table.loc["current", "profit_se"] == pytest.approx(
        np.hypot(narrow_table.loc["current", "profit_se"], 0.5 / 3 / 2**0.5)
    )
    spread = [table.loc["some", "roi_ci_upper"] - table.loc["some", "roi"] for table in (narrow_table, wide_table)]
    assert spread[1] == pytest.approx(np.hypot(spread[0], 1.959964 * moved / 0.75))
    pd.testing.assert_series_equal(narrow_table["profit"], wide_table["profit"])
    # A level alone is a weighted mean: what moves it is the weighted mean of the shifts.
    weight = np.array([1.0, 2.0, 1.0, 4.0])
    _, influence = weighted_fit(np.ones((4, 1)), wide.score, weight)
    variance = joint_covariance(influence, panel["household_id"])
    moved = np.square(weight @ wide.shift / weight.sum()).mean()
    known = Known(np.zeros(4), wide.score, weight, panel["household_id"].to_numpy())
    assert fit_posterior(replace(known, shift=wide.shift), np.inf).level.sd == pytest.approx(np.sqrt(variance[0, 0] + moved))
    assert fit_posterior(known, np.inf).level.sd == pytest.approx(np.sqrt(variance[0, 0]))
