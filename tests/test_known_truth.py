"""From the panel to the recommendation on made-up worlds whose truth is known, with the nuisances that the pipeline fits."""

import numpy as np
import pandas as pd
import pytest

from targeting.effects import EffectData, ato
from targeting.folds import household_folds
from targeting.nuisance import cross_fit, nuisance_table, nuisance_tasks
from targeting.overlap import in_overlap
from targeting.policies import PolicyData, assign
from targeting.policy_value import Economics, Evidence, recommend, value_table
from targeting.scores import effect_scores

pytestmark = pytest.mark.slow
ECONOMICS = Economics(cost=1.0, margin=0.5)
N_WORLDS = 24


def world(seed: int, effect: float) -> pd.DataFrame:
    """Households with two rows whose campaign goes to those who spend: poor overlap, and the same effect on everybody."""
    rng = np.random.default_rng(seed)
    n = 700
    household = np.repeat(np.arange(n // 2), 2)
    spend = np.repeat(rng.gamma(2, 10, n // 2), 2) * rng.uniform(0.8, 1.2, n)
    treated = (rng.random(n) < 1 / (1 + np.exp(5 - spend / 3))).astype(int)
    amount = 2 * spend + effect * treated + np.repeat(rng.normal(0, 4, n // 2), 2) + rng.normal(0, 6, n)
    panel = pd.DataFrame({"household_id": household, "campaign_id": np.tile([27, 8], n // 2), "treated": treated})
    panel = panel.assign(purchase_amount=amount, purchase_count=1.0 * (amount > 40), x_spend=spend, x_noise=rng.random(n))
    return panel.assign(fold=household_folds(household, 3, seed=1))


def run(seed: int, effect: float) -> tuple[bool, bool, float]:
    """Whether the interval of ATO covers the effect, whether a policy is recommended, and the overlap share.

    Effects by household are the difference of the outcome models themselves: no learner could agree more with the scores.
    """
    panel = world(seed, effect)
    predictions, _ = cross_fit(nuisance_tasks(panel), panel, ["linear"], n_folds=3, repeats=1, seed=1)
    nuisance = nuisance_table(panel, predictions, clip=0.01)
    treated, households = panel["treated"].to_numpy(dtype=float), panel["household_id"].to_numpy()
    outcome, mu0, mu1 = (
        panel["purchase_amount"].to_numpy(),
        predictions["mu0_purchase_amount"],
        predictions["mu1_purchase_amount"],
    )
    score, overlap = effect_scores(nuisance, "purchase_amount"), in_overlap(nuisance["propensity"], [0.1, 0.9])
    data = EffectData(
        outcome, treated, panel[["x_spend"]].to_numpy(), households, nuisance["propensity"].to_numpy(), mu0, mu1, score
    )
    estimate = ato(data)
    score0, score1 = (nuisance[f"score{arm}_purchase_amount"].to_numpy() for arm in (0, 1))
    evidence = Evidence(score0, score1, outcome, treated, households, overlap)
    decisions = assign(PolicyData(mu1 - mu0, overlap, treated, ECONOMICS.breakeven))
    recommended = recommend(value_table(decisions, mu1 - mu0, evidence, ECONOMICS))
    return estimate.lower <= effect <= estimate.upper, recommended != "none", float(overlap.mean())


def test_no_effect_is_not_sold_and_a_large_one_is_found_under_poor_overlap():
    nothing = [run(seed, effect=0.0) for seed in range(N_WORLDS)]
    something = [run(seed, effect=20.0) for seed in range(N_WORLDS)]
    assert np.mean([overlap for _, _, overlap in nothing]) < 0.6
    # Of 24 at 5%, more than 4 have a chance of 1 in 100.
    assert sum(recommended for _, recommended, _ in nothing) <= 4
    assert sum(recommended for _, recommended, _ in something) >= N_WORLDS - 2
    for worlds in (nothing, something):
        assert sum(covered for covered, _, _ in worlds) >= N_WORLDS - 5
