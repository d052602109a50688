"""Factors on customers with a planted structure, and indices against slow formulas."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import NMF

from targeting.base.errors import DataError
from targeting.segments.factor_selection import FactorRule, loadings_stability, matched_cosines, recommend_factors, select_factors
from targeting.segments.factors import (
    Factorisation,
    FactorSettings,
    explained_by_feature,
    explained_variance,
    explained_variance_columns,
    factor_shares,
    fit_factors,
    penalised_loss,
)
from targeting.stats.resampling import by_lot

SETTINGS = FactorSettings(factors=2, factor_starts=2, skewness=1.0, penalty_scores=0.001, penalty_loadings=0.0, l1_ratio=0.5)


def planted(n: int = 300, seed: int = 0) -> pd.DataFrame:
    """Two independent traits: one drives a and b, the other c and d; e is skewed noise."""
    rng = np.random.default_rng(seed)
    first, second = rng.random(n), rng.random(n)
    noise = rng.uniform(0, 0.05, (n, 4))
    values = np.column_stack([first, 2 * first, second, 3 * second]) + noise
    return pd.DataFrame(values, columns=list("abcd")).assign(e=rng.exponential(0.02, n) ** 2)


def test_planted_traits_come_back():
    features = planted()
    fitted = fit_factors(features, SETTINGS, seed=1)
    loadings = pd.DataFrame(fitted.directions, columns=features.columns)
    strongest = {frozenset(row.nlargest(2).index) for _, row in loadings.iterrows()}
    assert strongest == {frozenset("ab"), frozenset("cd")}
    assert explained_variance(fitted.scale(features), fitted.rebuild(fitted.transform(features))) > 0.95


def test_only_skewed_features_are_logged():
    scaling = fit_factors(planted(), SETTINGS, seed=1).scaling.set_index("feature")
    assert scaling["logged"].to_dict() == {"a": False, "b": False, "c": False, "d": False, "e": True}


def test_scaling_by_hand_and_clipping_outside_the_fit():
    features = planted()
    fitted = fit_factors(features, SETTINGS, seed=1)
    scaled = fitted.scale(features)
    assert (scaled.min(), scaled.max()) == (0, 1)
    np.testing.assert_allclose(scaled[:, 0], (features["a"] - features["a"].min()) / np.ptp(features["a"]))
    logs = np.log1p(features["e"])
    np.testing.assert_allclose(scaled[:, 4], (logs - logs.min()) / np.ptp(logs))
    assert fitted.scale(features.head(1) + 100).tolist() == [[1] * 5]


def test_explained_variance_against_slow_sums():
    rng = np.random.default_rng(0)
    scaled, rebuilt = rng.random((20, 3)), rng.random((20, 3))
    residuals = [scaled[i, j] - rebuilt[i, j] for i in range(20) for j in range(3)]
    assert explained_variance(scaled, rebuilt) == pytest.approx(1 - np.var(residuals) / np.var(scaled.ravel().tolist()))
    around_columns = sum((scaled[i, j] - np.mean(scaled[:, j])) ** 2 for i in range(20) for j in range(3))
    assert explained_variance_columns(scaled, rebuilt) == pytest.approx(1 - sum(r**2 for r in residuals) / around_columns)


@pytest.mark.slow
def test_row_order_and_units_change_nothing():
    features = planted()
    factors = fit_factors(features, SETTINGS, seed=1).transform(features)
    order = np.random.default_rng(5).permutation(len(features))
    shuffled = features.iloc[order]
    np.testing.assert_allclose(fit_factors(shuffled, SETTINGS, seed=1).transform(shuffled), factors[order], atol=1e-3)
    # Min-max scaling takes units out of features that are not logged.
    rescaled = features.assign(a=features["a"] * 83)
    np.testing.assert_allclose(fit_factors(rescaled, SETTINGS, seed=1).transform(rescaled), factors, atol=1e-9)


def test_the_currency_changes_nothing():
    features = planted().rename(columns={"e": "monetary_sales"})
    features["monetary_sales"] = 1000 * features["a"] * np.exp(features["c"])
    features.loc[3, "monetary_sales"] = 40_000  # skewed, so that it is logged
    in_euros = features.assign(monetary_sales=features["monetary_sales"] * 0.9)
    one, other = (fit_factors(table, SETTINGS, seed=1) for table in (features, in_euros))
    assert one.scaling.set_index("feature").loc["monetary_sales", "logged"]
    np.testing.assert_allclose(one.transform(features), other.transform(in_euros), rtol=1e-6, atol=1e-9)


def test_reseeding_changes_nothing_that_matters():
    features = planted()
    one, other = (fit_factors(features, SETTINGS, seed=seed).transform(features) for seed in (1, 2))
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_a_stored_factorisation_assigns_the_same_factors(tmp_path):
    features = planted()
    fitted = fit_factors(features, SETTINGS, seed=1)
    fitted.scaling.to_parquet(tmp_path / "scaling.parquet")
    fitted.loadings_table().to_parquet(tmp_path / "loadings.parquet")
    tables = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("scaling", "loadings"))
    stored = Factorisation.from_tables(*tables, SETTINGS)
    np.testing.assert_array_equal(stored.transform(features), fitted.transform(features))
    # A household alone gets to the last bits what it gets among others.
    np.testing.assert_allclose(stored.transform(features.iloc[[7]]), fitted.transform(features)[[7]], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("penalty", "l1_ratio"), [(0.0, 0.5), (0.02, 0.0), (0.02, 0.5), (0.02, 1.0)])
def test_scores_agree_with_the_solver_that_iterates(penalty, l1_ratio):
    features, settings = planted(), replace(SETTINGS, penalty_scores=penalty, l1_ratio=l1_ratio)
    fitted = fit_factors(features, settings, seed=1)
    model = NMF(2, alpha_W=penalty, alpha_H=0.0, l1_ratio=l1_ratio, tol=1e-12, max_iter=20_000)
    model.components_, model.n_components_ = fitted.loadings, 2
    scaled = fitted.scale(features)
    theirs = model.transform(scaled)
    ours = fitted.transform(features) * fitted.spread
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    losses = [penalised_loss(scaled, scores, fitted.loadings, settings) for scores in (ours, theirs)]
    assert losses[0] <= losses[1] * (1 + 1e-9)


def test_scores_are_in_standard_deviations():
    features = planted()
    np.testing.assert_allclose(fit_factors(features, SETTINGS, seed=1).transform(features).std(axis=0), 1)


@pytest.mark.slow
def test_the_best_of_several_starts_is_no_worse_than_one():
    features, settings = planted(), replace(SETTINGS, factors=4, penalty_scores=0.01)
    losses = []
    for starts in (0, 6):
        fitted = fit_factors(features, replace(settings, factor_starts=starts), seed=3)
        losses.append(
            penalised_loss(fitted.scale(features), fitted.transform(features) * fitted.spread, fitted.loadings, settings)
        )
    assert losses[1] <= losses[0] * (1 + 2e-3)


def test_the_penalised_loss_by_hand():
    settings = replace(SETTINGS, penalty_scores=0.1, penalty_loadings=0.2, l1_ratio=0.25)
    scaled, scores, loadings = np.array([[1.0, 2.0]]), np.array([[2.0]]), np.array([[0.5, 0.5]])
    # Residuals 0 and 1; scores: 2 features x 0.1 x (0.25 x 2 + 0.375 x 4); loadings: 1 household x 0.2 x (0.25 + 0.375 x 0.5).
    assert penalised_loss(scaled, scores, loadings, settings) == pytest.approx(0.5 + 0.2 * 2.0 + 0.2 * 0.4375)


def test_factor_shares_by_hand():
    shares = factor_shares(np.array([[3.0, 4.0], [0.0, 2.0], [0.0, 0.0]]))
    np.testing.assert_allclose(shares, [[9 / 25, 16 / 25], [0, 1], [0, 0]])


def test_explained_by_feature_against_its_own_mean():
    scaled = np.array([[0.0, 1.0], [1.0, 3.0]])
    table = explained_by_feature(scaled, np.array([[0.0, 1.0], [1.0, 2.0]]), ["a", "b"])
    assert table["feature"].tolist() == ["a", "b"]
    assert table["explained_variance"].tolist() == pytest.approx([1.0, 0.5])  # b: residual 1 of 2 around its mean


@pytest.mark.slow
def test_more_factors_explain_more():
    table = select_factors(planted(), [1, 2, 3], SETTINGS, resamples=3, seed=1)
    assert table["n_factors"].tolist() == [1, 2, 3]
    assert table["explained_variance"].is_monotonic_increasing
    assert table["reconstruction_error"].is_monotonic_decreasing
    assert table["stability_worst"][1] > 0.98  # two traits are planted
    assert (table["stability_worst"] <= table["stability"]).all()


@pytest.mark.slow
def test_of_many_households_some_by_lot_choose_the_number_of_factors():
    features = planted()
    drawn = features[by_lot(np.arange(len(features)), 60, 1)]
    some = select_factors(features, [2], SETTINGS, resamples=2, seed=1, at_most=60)
    pd.testing.assert_frame_equal(some, select_factors(drawn, [2], SETTINGS, resamples=2, seed=1))


def test_matched_cosines_do_not_depend_on_the_order_of_factors():
    directions = np.array([[1.0, 0.0, 0.0], [0.0, 0.6, 0.8]])
    assert matched_cosines(directions, directions[::-1]).tolist() == pytest.approx([1, 1])
    assert matched_cosines(directions, np.array([[0.0, 0.0, 1.0], [0.6, 0.8, 0.0]])).tolist() == pytest.approx([0.6, 0.8])


@pytest.mark.slow
def test_planted_factors_are_found_again_and_noise_is_not():
    features = planted()
    fitted = fit_factors(features, SETTINGS, seed=1)
    assert loadings_stability(features, fitted.directions, SETTINGS, resamples=4, seed=1).min() > 0.98
    noise = pd.DataFrame(np.random.default_rng(1).random((200, 8)), columns=list("abcdefgh"))
    settings = replace(SETTINGS, factors=4)
    fitted = fit_factors(noise, settings, seed=1)
    assert loadings_stability(noise, fitted.directions, settings, resamples=4, seed=1).mean(axis=0).min() < 0.95


def selection(**columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"n_factors": [2, 3, 4], "n_active": [2, 3, 4], **columns})


@pytest.mark.parametrize(
    ("explained", "stable", "number", "rule"),
    [
        ([0.8, 0.93, 0.95], [0.99, 0.95, 0.97], 3, FactorRule.FEWEST),
        ([0.8, 0.93, 0.95], [0.99, 0.5, 0.97], 4, FactorRule.FEWEST),
        ([0.8, 0.93, 0.95], [0.99, 0.5, 0.5], 2, FactorRule.MOST_EXPLAINED),
        ([0.8, 0.93, 0.95], [0.6, 0.7, 0.5], 3, FactorRule.MOST_STABLE),
    ],
)
def test_the_recommended_number_of_factors_follows_the_rule(explained, stable, number, rule):
    choice = recommend_factors(selection(explained_variance=explained, stability_worst=stable), enough=0.92, stable=0.9)
    assert (choice.recommended, choice.rule) == (number, rule)
    assert (choice.explained_variance, choice.stability_worst) == (explained[number - 2], stable[number - 2])


def test_a_number_with_empty_factors_is_never_recommended():
    table = selection(explained_variance=[0.8, 0.93, 0.95], stability_worst=[0.99, 0.99, 0.99]).assign(n_active=[2, 2, 4])
    assert recommend_factors(table, enough=0.92, stable=0.9).recommended == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b": np.nan}, "Features with missing values: b"),
        ({"c": -1.0}, "Features with negative values: c"),
        ({"d": 4.0}, "Features with one value for all households: d"),
    ],
)
def test_unusable_features_are_named(change, message):
    features = planted()
    for column, value in change.items():
        features.loc[features.index if value == 4.0 else features.index[:1], column] = value
    with pytest.raises(DataError, match=message):
        fit_factors(features, SETTINGS, seed=1)


def test_money_below_zero_counts_as_none_in_the_fit_and_after_it():
    features = planted().rename(columns={"e": "monetary_sales"})
    negative, zero = features.copy(), features.copy()
    negative.loc[:4, "monetary_sales"], zero.loc[:4, "monetary_sales"] = -3.0, 0.0
    fits = [fit_factors(frame, SETTINGS, seed=1) for frame in (negative, zero)]
    np.testing.assert_array_equal(fits[0].transform(negative), fits[1].transform(zero))
    np.testing.assert_array_equal(fits[0].transform(negative), fits[0].transform(zero))


def test_settings_come_from_the_parameters():
    section = {**vars(SETTINGS), "k": 7}
    assert FactorSettings.from_params(section) == SETTINGS
