"""From a whole made-up retailer's tills to the average effect, by the pipeline's own functions: intervals hold the truth."""

import numpy as np
import pandas as pd
import pytest

from targeting.covariates import baseline_covariates, promoted_lines
from targeting.effects import effect_data, effect_table
from targeting.engine import connect
from targeting.folds import household_folds
from targeting.nuisance import cross_fit, nuisance_table, nuisance_tasks
from targeting.panel import OUTCOMES, assemble
from targeting.sources import canonical_tables
from targeting.tables import first_and_last_day
from targeting.trials import in_trial, plan_trials, trial_rows
from targeting.truth import estimand_weights, judge_effects, judge_propensities, truth_of_rows
from tests.conftest import ENGINE

pytestmark = pytest.mark.slow
DATA = {"source": "simulated", "first_day": "2016-01-04", "households": 400, "weeks": 36, "effect": "heterogeneous"}
WORLDS = 8


def panel_and_truth(data: dict[str, object]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The panel of a made-up retailer's trials, and the truth of its rows."""
    with connect(ENGINE) as backend:
        tables = canonical_tables(backend, data)
        lines, campaigns, targets = tables["transactions"], tables["campaigns"], tables["campaign_targets"]
        promoted = promoted_lines(lines, tables["promotions"])
        rows = []
        for trial in plan_trials(campaigns.execute(), "A", 28, 28, *first_and_last_day(lines)):
            covariates = baseline_covariates(tables, promoted, trial.time_zero, [28, 56])
            frame = trial_rows(trial, lines, campaigns, targets).inner_join(covariates, "household_id").execute()
            rows.append(in_trial(frame, trial))
        truth = tables["truth"].execute()
    panel = assemble(pd.concat(rows, ignore_index=True).sort_values(["trial", "household_id"], ignore_index=True))
    panel["fold"] = household_folds(panel["household_id"], 3, seed=1)
    known = truth_of_rows(panel, truth)
    assert known is not None
    return panel, known


def judged(overlap: str, seed: int) -> pd.DataFrame:
    """Every estimator's claim about one world, and the propensities'."""
    panel, truth = panel_and_truth(DATA | {"overlap": overlap, "seed": seed})
    predictions, _ = cross_fit(nuisance_tasks(panel), panel, ["linear"], n_folds=3, repeats=1, seed=1)
    nuisance = nuisance_table(panel, predictions, clip=0.01)
    effects = pd.concat(
        [effect_table(effect_data(panel, nuisance, name), panel["campaign_id"].to_numpy(), name) for name in OUTCOMES]
    )
    weights = estimand_weights(truth, by_design=True)
    claims = pd.concat([judge_effects(effects, truth, weights), judge_propensities(nuisance["propensity"], truth)])
    return claims[claims["trial"] == "all"].assign(seed=seed)


@pytest.mark.parametrize("overlap", ["randomised", "good"])
def test_intervals_hold_the_truth(overlap):
    claims = pd.concat([judged(overlap, seed) for seed in range(WORLDS)])
    covered = claims.groupby(["outcome", "name"])["covered"].sum()
    for outcome in OUTCOMES:
        for method in ("aipw", "ato"):
            # Of 8 at 95% fewer than 6 have a chance of 1 in 170.
            assert covered[outcome, method] >= WORLDS - 2, (outcome, method)
    own = claims[(claims["outcome"] == "purchase_amount") & (claims["name"] == "aipw")]
    width = (own["ci_upper"] - own["ci_lower"]).mean()
    assert np.abs(own["error"].mean()) < width / 2  # and no bias as large as one world's uncertainty
    if overlap == "good":
        naive = claims[(claims["outcome"] == "purchase_amount") & (claims["name"] == "naive")]
        assert naive["covered"].sum() == 0
        assert claims.loc[claims["what"] == "propensity", "rank_correlation"].min() > 0.8
