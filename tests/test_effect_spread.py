"""How large an average effect may be before any is seen: what the default for tables of customers earns in e-mail tests."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from targeting.base.parallel import in_processes
from targeting.base.sections import TABLE_SPREAD, TILLS_SPREAD
from targeting.nuisance.noise import with_precision
from targeting.nuisance.scores import dr_scores
from targeting.policy.decide import PolicyInputs, choose_policy
from targeting.policy.economics import Economics
from targeting.policy.value import profits
from tests.stored import require_stored

N, FOLDS, N_WORLDS = 2000, 5, 60
NO_PRIOR = 100.0
SPREADS = {"tills": TILLS_SPREAD, "table": TABLE_SPREAD, "no prior": NO_PRIOR}
MARGIN = 0.3


@dataclass(frozen=True)
class EmailTest:
    """Mailing adds this part of the mean outcome on average: nothing for one half of the customers, twice as much for the other.

    `visits` are counted, one customer in ten; else a few in a hundred buy for 100 each. A contact pays from `breakeven`, in means
    of the outcome, on.
    """

    lift: float
    visits: bool
    breakeven: float


CELLS = [EmailTest(lift, visits, 0.1) for lift in (0.0, 0.4, 1.0) for visits in (True, False)]


def earned(seed: int, test: EmailTest) -> dict[str, float]:
    """What the recommendation earns on a test's own customers by each spread, in means of the outcome at the margin."""
    rng = np.random.default_rng([seed, int(100 * test.lift), test.visits])
    x = rng.normal(size=(N, 3))
    moved = x[:, 2] > 0
    base = np.exp(0.4 * x[:, 0] - 0.08) * (0.1 if test.visits else 0.02)  # the chance that a customer comes, or buys
    treated = (rng.random(N) < 0.5).astype(int)
    came = rng.random(N) < base * (1 + 2 * test.lift * moved * treated)
    worth = 1.0 if test.visits else 100.0
    outcome = came * (1.0 if test.visits else rng.gamma(1.5, worth / 1.5, N))
    mean = worth * base.mean()
    panel, nuisance = fitted(np.column_stack([x, moved]), treated, outcome, seed)
    effects = pd.DataFrame({"cate_sales": nuisance["mu1_sales"] - nuisance["mu0_sales"]})
    economics = Economics(MARGIN * test.breakeven * mean, MARGIN)
    truth = profits(np.ones(N), worth * base * 2 * test.lift * moved, economics)
    found = {"oracle": np.maximum(truth, 0).mean(), "all": truth.mean()}
    for name, spread in SPREADS.items():
        settings = {"outcome": "sales", "prudence": 0.5, "effect_spread": spread, "caution": 0.3}
        settings |= {"extrapolation": 0.5, "budget_usd": None, "budget_contacts": None}
        inputs = PolicyInputs(panel, nuisance, effects, effects, economics, settings, (0.1, 0.9), "everybody", seed)
        chosen = choose_policy(inputs)
        found[name] = (chosen.decisions[chosen.recommended].to_numpy() * truth).mean() if chosen.recommended != "none" else 0.0
    return {name: float(value / (MARGIN * mean)) for name, value in found.items()}


def fitted(x: np.ndarray, treated: np.ndarray, outcome: np.ndarray, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The panel and its nuisances: linear models of each arm, cross-fitted, and the chance that the lots had."""
    fold = np.random.default_rng(seed).permutation(N) % FOLDS
    arms = np.empty((N, 2))
    for number in range(FOLDS):
        for arm in (0, 1):
            learn = (fold != number) & (treated == arm)
            arms[fold == number, arm] = LinearRegression().fit(x[learn], outcome[learn]).predict(x[fold == number])
    chance = np.full(N, 0.5)
    score0, score1 = dr_scores(outcome, treated, chance, arms[:, 0], arms[:, 1]).T
    panel = pd.DataFrame(
        {
            "household_id": np.arange(N),
            "campaign_id": 1,
            "trial": 1,
            "treated": treated,
            "fold": fold,
            "by_lot": 1,
            "sales": outcome,
        }
    )
    named = {"mean": arms.mean(axis=1), "mu0": arms[:, 0], "mu1": arms[:, 1], "score0": score0, "score1": score1}
    nuisance = pd.DataFrame({"propensity": chance, **{f"{name}_sales": values for name, values in named.items()}})
    return panel, with_precision(panel, nuisance, ["sales"])


@pytest.mark.slow
@pytest.mark.parametrize("test", CELLS, ids=str)
def test_a_test_of_each_kind_is_as_it_was_when_all_were_judged(test):
    require_stored(f"effect spread, {test}", dict(earned(0, test)))


@pytest.fixture(scope="module")
def tests() -> dict[EmailTest, pd.DataFrame]:
    """What is earned by kind of test; a row per test."""
    found = list(in_processes(earned, ((seed, test) for test in CELLS for seed in range(N_WORLDS))))
    return {test: pd.DataFrame(found[place * N_WORLDS : (place + 1) * N_WORLDS]) for place, test in enumerate(CELLS)}


@pytest.mark.long
@pytest.mark.parametrize("test", [test for test in CELLS if test.lift > 0], ids=str)
def test_where_mailing_moves_much_a_table_needs_the_wider_prior(tests, test):
    own = tests[test].mean()
    assert own["table"] > own["tills"] - 0.03  # what it costs where many come, and both know nearly all
    if not test.visits:  # a handful of purchases cannot overrule a prior of a tenth
        assert own["table"] > 1.25 * own["tills"]


@pytest.mark.long
@pytest.mark.parametrize("visits", [True, False])
def test_where_mailing_moves_nothing_the_default_of_a_table_loses_little(tests, visits):
    lost = -tests[EmailTest(0.0, visits, 0.1)].mean()
    assert lost["table"] < 0.04
    assert lost["table"] < lost["no prior"]
    assert lost["table"] < 0.4 * lost["all"]
