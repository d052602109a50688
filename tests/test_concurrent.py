"""Other campaigns inside the outcome window: counted by hand, and taken out in worlds where their effect is known."""

import numpy as np
import pandas as pd
import pytest

from targeting.effects.estimators import RATIOS, effect_data
from targeting.nuisance.cross_fit import cross_fit, nuisance_table, nuisance_tasks
from targeting.robustness.other_mailings import censored_terms, concurrent_effects, mailing_table
from targeting.stats.folds import household_folds
from tests.stored import require_stored


def world(n: int = 3000, seed: int = 0, mailed: bool = True) -> pd.DataFrame:
    """The campaign adds 10; another mailing follows it more often where x and treatment are high, and adds 50."""
    rng = np.random.default_rng(seed)
    x = rng.random(n)
    treated = (rng.random(n) < 0.3 + 0.4 * x).astype(int)
    after = (rng.random(n) < treated * (0.2 + 0.5 * x)).astype(int) * mailed
    amount = 100 * x + 10 * treated + 50 * after + rng.normal(0, 5, n)
    return pd.DataFrame(
        {
            "household_id": np.arange(n),
            "campaign_id": 8,
            "trial": 1,
            "treated": treated,
            "purchase_amount": amount,
            "purchase_count": amount / 10,
            "before_purchase_amount": 100 * x,
            "before_purchase_count": 10 * x,
            "mailed_after": after,
            "x_spend": x,
            "x_campaigns_running": (x > 0.5).astype(float),
            "fold": household_folds(np.arange(n), 4, seed=1),
        }
    )


def predict(tasks, rows):
    return cross_fit(tasks, rows, ["linear"], 4, 1, 1)[0]


def effects(panel: pd.DataFrame) -> pd.Series:
    nuisance = nuisance_table(panel, predict(nuisance_tasks(panel), panel), clip=0.01)
    table = concurrent_effects(panel, nuisance, predict, clip=0.01)
    return table[table["outcome"] == "purchase_amount"].set_index(["effect", "method"])


def test_counts_worked_by_hand():
    panel = world(6).assign(treated=[1, 1, 0, 0, 1, 0], mailed_after=[2, 0, 0, 1, 0, 0], x_campaigns_running=[0, 1, 0, 0, 3, 0])
    table = mailing_table(panel).set_index("arm")
    assert table.loc["treated", ["n", "n_running", "n_mailed_after"]].tolist() == [3, 2, 1]
    assert table.loc["control", ["n", "n_running", "n_mailed_after"]].tolist() == [3, 0, 1]
    assert table.loc["control", "share_mailed_after"] == pytest.approx(1 / 3)


@pytest.mark.slow
def test_censoring_finds_the_effect_of_the_campaign_alone():
    table = effects(world())
    # A fifth to seven tenths of the treated are mailed again: as mailed the campaign adds 10 + 50 * 0.45 on average.
    assert table.loc[("as_mailed", "aipw"), "estimate"] == pytest.approx(32.5, abs=2.5)
    for method in ("aipw", "ato"):
        assert table.loc[("censored", method), "estimate"] == pytest.approx(10, abs=1.5)
        assert table.loc[("censored", method), "se"] < 1
    assert table.loc[("excluded", "aipw"), "n"] < table.loc[("censored", "aipw"), "n"] == 3000


def test_where_nobody_is_mailed_again_all_agree():
    table = effects(world(400, mailed=False))
    for method in ("aipw", "ato"):
        assert table.xs(method, level="method")["estimate"].nunique() == 1


def test_without_censoring_the_terms_are_those_of_the_effects_as_mailed():
    panel = world(300)
    nuisance = nuisance_table(panel, predict(nuisance_tasks(panel), panel), clip=0.01)
    data = effect_data(panel, nuisance, "purchase_amount")
    ones = np.ones(300)
    for method in ("aipw", "ato"):
        terms = censored_terms(method, data.outcome, data.treated, ones, data.propensity, ones, data.mu0, data.mu1)
        np.testing.assert_allclose(terms, RATIOS[method](data))


@pytest.mark.slow
def test_effects_of_one_world_are_as_they_were_when_all_were_judged():
    table = effects(world(800, 0))
    for effect, method in (("as_mailed", "aipw"), ("censored", "aipw"), ("censored", "ato")):
        row = table.loc[(effect, method)]
        figures = {name: float(row[name]) for name in ("estimate", "se", "ci_lower", "ci_upper")}
        require_stored(f"other mailings, {effect} by {method}", figures)


@pytest.mark.long
def test_intervals_of_the_censored_effect_cover_it():
    tables = [effects(world(800, seed)).loc[("censored", "aipw")] for seed in range(40)]
    covered = sum(table["ci_lower"] <= 10 <= table["ci_upper"] for table in tables)
    assert covered >= 34  # of 40 at 95%, fewer have a chance of 1 in 100


@pytest.mark.slow
def test_the_same_rows_give_the_same_table():
    panel = world(300)
    first, second = effects(panel), effects(panel)
    pd.testing.assert_frame_equal(first, second)
