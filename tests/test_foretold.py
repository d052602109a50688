"""Campaigns that a rule decided: told from those that a retailer's own choice or a lot did, and no trials."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from targeting.base.columns import KEYS
from targeting.trials.designs import folded_panel
from targeting.trials.foretold import FEWEST, foretold_trials, without_foretold

N = 400


def trial(number: int, treated: np.ndarray, x: np.ndarray, **more: int) -> pd.DataFrame:
    columns = {"household_id": np.arange(N), "campaign_id": number, "trial": number, "treated": treated.astype(int)}
    covariates = {f"x_{name}": x[:, name] for name in range(x.shape[1])}
    return pd.DataFrame({**columns, "time_zero": pd.Timestamp("2020-01-01"), "purchase_amount": x[:, 0], **covariates, **more})


@pytest.fixture
def drawn():
    """Covariates (n, 4) of a campaign's households, a uniform number for each, and what a model would make of them."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(N, 4))
    return x, rng.random(N), 20 * x[:, 0] + 30 * np.exp(x[:, 1] / 2) - 10 * x[:, 2]


def test_a_models_list_is_foretold_and_a_leaning_choice_is_not(drawn):
    x, u, score = drawn
    leaning, strongly, listed = u < expit(x[:, 0]), u < expit(2.5 * x[:, 0] + 2.5 * x[:, 1]), score > np.quantile(score, 0.8)
    rows = pd.concat([trial(1, leaning, x), trial(2, listed, x), trial(3, strongly, x)], ignore_index=True)
    assert foretold_trials(rows, seed=1) == [2]
    assert without_foretold(rows, seed=1)["trial"].unique().tolist() == [1, 3]
    # Units change nothing, and neither do other trials.
    assert foretold_trials(rows.assign(x_0=1000 * rows["x_0"] - 7), seed=1) == [2]
    assert foretold_trials(rows[rows["trial"] < 3], seed=1) == [2]
    # Where no campaign is left, all stay, and the overlap says that nothing compares.
    alone = rows[rows["trial"] == 2]
    assert without_foretold(alone, seed=1).equals(alone)


def test_a_campaign_that_mailed_all_but_a_few_compares_nobody(drawn):
    x, u, _ = drawn
    for left_out in (FEWEST - 1, FEWEST):
        rows = pd.concat([trial(1, u < 0.5, x), trial(2, np.arange(N) >= left_out, x)])
        assert foretold_trials(rows, seed=1) == ([2] if left_out < FEWEST else [])


def test_a_campaign_by_lot_is_never_foretold_however_its_chances_lean(drawn):
    x, u, score = drawn
    rows = pd.concat([trial(1, u < 0.5, x, by_lot=0), trial(2, score > np.median(score), x, by_lot=1)])
    assert foretold_trials(rows, seed=1) == []
    assert foretold_trials(rows.assign(by_lot=0), seed=1) == [2]


def test_a_panel_leaves_foretold_campaigns_out(drawn):
    x, u, score = drawn
    rows = pd.concat([trial(1, u < 0.5, x), trial(2, score > np.median(score), x)])
    panel, alone = folded_panel(rows, 4, seed=1), folded_panel(rows[rows["trial"] == 1], 4, seed=1)
    pd.testing.assert_frame_equal(panel, alone)
    assert panel[KEYS[0]].nunique() == N
