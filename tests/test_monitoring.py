"""Monitoring: drift found where it is and rarely where it is not, and a verdict by the written rule."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp
from statsmodels.stats.multitest import multipletests

from targeting.economics import Economics
from targeting.monitoring import DRIFT, REALISED, Realised, drift_table, realised_table, stability_index, verdict_of

ECONOMICS = Economics(cost=2.0, margin=0.5)


def test_stability_index_by_hand():
    # Cut at the median of 1, 2, 3, 4: two below or at 2, two above; of the new four one below. Half a value more in each bin:
    # p = (2.5, 2.5) / 5, q = (1.5, 3.5) / 5.
    by_hand = (0.3 - 0.5) * np.log(0.3 / 0.5) + (0.7 - 0.5) * np.log(0.7 / 0.5)
    assert stability_index([1, 2, 3, 4], [2, 3, 4, 5], bins=2) == pytest.approx(by_hand)
    assert stability_index([1, 2, 3, 4], [4, 3, 2, 1]) == 0
    assert np.isfinite(stability_index(np.arange(100), np.full(50, 1e9)))
    assert stability_index([0, 0, 0, 0, 1], [0, 0, 0, 0, 1]) == pytest.approx(0)


def tables(rng: np.random.Generator, shift: float, n: int = 400, features: int = 12) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features of which half move by `shift` standard deviations."""
    names = [f"f{number}" for number in range(features)]
    training, new = (pd.DataFrame(rng.normal(size=(n, features)), columns=names) for _ in range(2))
    return training, new + shift * (np.arange(features) < features // 2)


def test_tests_are_those_of_other_libraries():
    training, new = tables(np.random.default_rng(0), 0.3)
    table = drift_table(training, new)
    assert list(table) == DRIFT
    assert table["name"].tolist() == list(training)
    for row in table.itertuples():
        exact = ks_2samp(training[row.name], new[row.name], method="exact")
        assert row.ks == pytest.approx(exact.statistic)
        assert row.p == pytest.approx(exact.pvalue, abs=0.03)  # the asymptotic one is near it, and the same everywhere
        assert (row.training_mean, row.new_mean) == (training[row.name].mean(), new[row.name].mean())
    np.testing.assert_allclose(table["q"], multipletests(table["p"], method="fdr_bh")[1])


@pytest.mark.slow
def test_false_alarms_are_as_rare_as_promised_and_drift_is_found():
    rng = np.random.default_rng(1)
    calm = [drift_table(*tables(rng, 0.0)) for _ in range(300)]
    alarms = np.mean([(table["q"] < 0.05).any() for table in calm])
    assert alarms == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 300))
    assert not any(table["drifted"].any() for table in calm)
    for shift, least in ((0.3, 0.0), (0.8, 0.95)):  # small shifts are beyond chance, and not large
        moved = [drift_table(*tables(rng, shift)) for _ in range(50)]
        assert np.mean([(table["q"] < 0.05)[:6].mean() for table in moved]) > 0.8
        assert np.mean([table["drifted"][:6].mean() for table in moved]) >= least
        assert np.mean([table["drifted"][6:].mean() for table in moved]) == 0
    small = [drift_table(*tables(rng, 0.3)) for _ in range(50)]
    assert np.mean([table["drifted"].mean() for table in small]) < 0.05


def test_drift_ignores_the_order_of_rows():
    training, new = tables(np.random.default_rng(0), 0.3)
    pd.testing.assert_frame_equal(
        drift_table(training, new), drift_table(training.iloc[::-1], new.sample(frac=1, random_state=1))
    )


def test_predicted_and_realised_by_hand():
    # Ten households whose effects are predicted as 0 to 9, realised two above it for the even and two below for the odd.
    predicted = np.arange(10.0)
    score = predicted + np.tile([2.0, -2.0], 5)
    mailed = (predicted > 4).astype(float)
    table = realised_table(Realised(predicted, score, mailed, np.arange(10)), ECONOMICS).set_index("group")
    assert [table.index.name, *table.columns] == REALISED
    assert table.index.tolist() == ["all", "1", "2", "3", "4", "5", "profit"]
    assert table.loc["all", ["n", "predicted", "realised", "surprise"]].tolist() == [10, 4.5, 4.5, 0]
    assert table.loc["all", "surprise_se"] == pytest.approx(np.sqrt(10 / 9 * 40) / 10)
    assert table.loc["1", ["n", "predicted", "realised"]].tolist() == [2, 0.5, 0.5]
    # Contacts 5 to 9 promise 0.5 * 35 - 10 and earn 0.5 * (3 + 8 + 5 + 10 + 7) - 10, a household of ten.
    assert table.loc["profit", ["predicted", "realised"]].tolist() == [pytest.approx(0.75), pytest.approx(0.65)]


def realised(rng: np.random.Generator, promise: float, truth: float, n: int = 400, mailed: float = 1.0) -> pd.DataFrame:
    predicted = promise + rng.normal(0, 3, n)
    score = truth + (predicted - promise) + rng.normal(0, 40, n)
    return realised_table(Realised(predicted, score, np.full(n, mailed), np.arange(n)), ECONOMICS)


def drift_of(drifted: list[str], n_features: int = 8) -> pd.DataFrame:
    names = [*(f"f{number}" for number in range(n_features)), "propensity", "effect"]
    return pd.DataFrame({"name": names, "drifted": [name in drifted for name in names]})


def test_the_rule():
    rng = np.random.default_rng(3)
    fine = realised(rng, 10, 10)
    assert verdict_of(drift_of([]), fine).verdict == "keep"
    assert verdict_of(drift_of(["f0"]), fine).verdict == "keep"
    assert "1 of 8 features drifted" in verdict_of(drift_of(["f0"]), fine).why
    many = verdict_of(drift_of(["f0", "f1"]), fine)
    assert (many.verdict, many.why) == ("retrain", "2 of 8 features drifted.")
    assert verdict_of(drift_of(["effect"]), fine).why == "The predicted effect drifted."
    wrong = verdict_of(drift_of([]), realised(rng, 30, 10))
    assert wrong.verdict == "retrain"
    assert wrong.why.startswith("Effects on the mean were not as predicted")
    loss = verdict_of(drift_of(["f0", "f1"]), realised(rng, 10, -12))
    assert loss.verdict == "stop"
    assert loss.why.startswith("The policy's contacts lost ")
    assert "2 of 8 features drifted" in loss.why
    # Who mails nobody has nothing to stop.
    assert verdict_of(drift_of([]), realised(rng, -12, -12, mailed=0.0)).verdict == "keep"


def test_no_second_campaign_no_verdict():
    verdict = verdict_of(pd.DataFrame(columns=DRIFT), pd.DataFrame(columns=REALISED))
    assert verdict.verdict == "unknown"
    assert "two or more campaigns" in verdict.why


@pytest.mark.slow
def test_a_model_that_is_right_is_rarely_doubted():
    rng = np.random.default_rng(5)
    verdicts = [verdict_of(drift_of([]), realised(rng, 10, 10)).verdict for _ in range(400)]
    assert verdicts.count("keep") / 400 == pytest.approx(0.95, abs=4 * np.sqrt(0.05 * 0.95 / 400))
