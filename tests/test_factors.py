"""Factors on customers with a planted structure, and indices against slow formulas."""

import numpy as np
import pandas as pd
import pytest

from targeting.errors import DataError
from targeting.factors import (
    Factorisation,
    FactorSettings,
    explained_variance,
    explained_variance_columns,
    fit_factors,
    select_factors,
)

SETTINGS = FactorSettings(factors=2, skewness=1.0, penalty_scores=0.001, penalty_loadings=0.0, l1_ratio=0.5)


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
    loadings = pd.DataFrame(fitted.loadings / fitted.lengths[:, None], columns=features.columns)
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


def test_row_order_and_units_change_nothing():
    features = planted()
    factors = fit_factors(features, SETTINGS, seed=1).transform(features)
    order = np.random.default_rng(5).permutation(len(features))
    shuffled = features.iloc[order]
    np.testing.assert_allclose(fit_factors(shuffled, SETTINGS, seed=1).transform(shuffled), factors[order], atol=1e-3)
    # Min-max scaling takes units out of features that are not logged.
    rescaled = features.assign(a=features["a"] * 83)
    np.testing.assert_allclose(fit_factors(rescaled, SETTINGS, seed=1).transform(rescaled), factors, atol=1e-9)


def test_reseeding_changes_nothing_that_matters():
    features = planted()
    one, other = (fit_factors(features, SETTINGS, seed=seed).transform(features) for seed in (1, 2))
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_a_stored_factorisation_assigns_the_same_factors(tmp_path):
    features = planted()
    fitted = fit_factors(features, SETTINGS, seed=1)
    fitted.scaling.to_parquet(tmp_path / "scaling.parquet")
    pd.DataFrame(fitted.loadings).rename(columns=str).to_parquet(tmp_path / "loadings.parquet")
    loadings = pd.read_parquet(tmp_path / "loadings.parquet").to_numpy()
    stored = Factorisation(pd.read_parquet(tmp_path / "scaling.parquet"), loadings, SETTINGS)
    np.testing.assert_array_equal(stored.transform(features), fitted.transform(features))
    # A household alone gets what it gets among others.
    np.testing.assert_allclose(stored.transform(features.iloc[[7]]), fitted.transform(features)[[7]], atol=1e-3)


def test_more_factors_explain_more():
    table = select_factors(planted(), [1, 2, 3], SETTINGS, seed=1)
    assert table["explained_variance"].is_monotonic_increasing
    assert table["reconstruction_error"].is_monotonic_decreasing


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


def test_settings_come_from_the_parameters():
    section = {**vars(SETTINGS), "k": 7}
    assert FactorSettings.from_params(section) == SETTINGS
