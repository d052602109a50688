"""Refitted standard errors: against the spread over worlds, where overlap is weak and the analytic error does not know."""

import numpy as np
import pandas as pd
import pytest

from targeting.effects.estimators import ESTIMATORS, effect_data
from targeting.nuisance.cross_fit import cross_fit, nuisance_table, nuisance_tasks
from targeting.robustness.refit import refit_draws, refit_table
from targeting.stats.estimates import Estimate
from targeting.stats.folds import household_folds
from tests.stored import require_stored


def world(seed: int, steep: float, n: int = 600) -> pd.DataFrame:
    """Two rows per household; spend raises treatment, the more the steeper; the effect is 0."""
    rng = np.random.default_rng(seed)
    household = np.repeat(np.arange(n // 2), 2)
    spend = np.repeat(rng.gamma(2, 10, n // 2), 2)
    noise = rng.normal(size=(n, 6))
    treated = (rng.random(n) < 1 / (1 + np.exp(steep * (20 - spend) / 10))).astype(int)
    amount = spend + noise[:, 0] + rng.normal(0, 5, n) + np.repeat(rng.normal(0, 5, n // 2), 2)
    panel = pd.DataFrame({"household_id": household, "campaign_id": 8, "trial": 1, "treated": treated})
    panel = panel.assign(purchase_amount=amount, purchase_count=amount, before_purchase_amount=spend, before_purchase_count=spend)
    for column in range(6):
        panel[f"x_noise_{column}"] = np.exp(noise[:, column])
    return panel.assign(x_spend=spend, fold=household_folds(household, 4, seed=1))


def estimates(panel: pd.DataFrame) -> dict[str, Estimate]:
    predictions, _ = cross_fit(nuisance_tasks(panel), panel, ["linear"], 4, 1, 1)
    data = effect_data(panel, nuisance_table(panel, predictions, 0.01), "purchase_amount")
    return {method: ESTIMATORS[method](data) for method in ("aipw", "ato")}


NO_ESTIMATE = {"att": Estimate(0.0, 0.0), "dml": Estimate(0.0, 0.0)}


@pytest.mark.slow
@pytest.mark.parametrize("steep", [0.5, 1.0])
def test_refits_of_one_world_are_as_they_were_when_all_were_judged(steep):
    panel = world(0, steep)
    draws = refit_draws(panel, 4, 0.01, 1)["purchase_amount"]
    figures = {f"{method} {number}": float(value) for method in draws for number, value in enumerate(draws[method])}
    once = {f"{method} once": float(estimate.value) for method, estimate in estimates(panel).items()}
    require_stored(f"refits, steepness {steep}", figures | once)


@pytest.mark.long
@pytest.mark.parametrize("steep", [0.5, 1.0])
def test_refitting_finds_the_spread_over_worlds(steep):
    panels = [world(seed, steep) for seed in range(50)]
    found = [estimates(panel) for panel in panels]
    tables = [refit_table(refit_draws(panel, 25, 0.01, 1)["purchase_amount"], found[0] | NO_ESTIMATE) for panel in panels[:5]]
    refitted = pd.concat(tables).groupby("method")["se_refit"].mean()
    for method in ("aipw", "ato"):
        spread = np.std([estimate[method].value for estimate in found], ddof=1)
        # The spread over 50 worlds is known to 10%, the mean of five standard errors from 25 draws to 7%.
        assert 0.7 < refitted[method] / spread < 1.4, method


@pytest.mark.slow
def test_draws_hang_on_the_seed_alone():
    panel = world(0, 0.5, n=200)
    first, again = (refit_draws(panel, 3, 0.01, 1) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert not np.allclose(first, refit_draws(panel, 3, 0.01, 2))
    assert list(first["purchase_amount"].columns) == list(first["purchase_count"].columns) == ["aipw", "att", "ato", "dml"]


def test_the_interval_takes_the_larger_error():
    draws = pd.DataFrame({"aipw": [1.0, 3.0, 5.0], "ato": [2.0, 2.1, 1.9]})
    table = refit_table(draws, {"aipw": Estimate(2.0, 1.0), "ato": Estimate(2.0, 1.0)}).set_index("method")
    assert table["se_refit"].tolist() == pytest.approx([4.0, 0.2])  # spreads of 2 and 0.1 times sqrt(0.8 / 0.2)
    assert ((table["ci_upper"] - table["ci_lower"]) / (2 * 1.959964)).tolist() == pytest.approx([4.0, 1.0])
    assert table["estimate"].tolist() == [2.0, 2.0]
