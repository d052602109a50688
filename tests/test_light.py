"""Nuisances in the light setting, in which they are refitted again and again."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from study.refutation_worlds import world
from targeting.base.columns import outcomes_of
from targeting.base.errors import DataError
from targeting.nuisance.cross_fit import cross_fit, nuisance_table, nuisance_tasks
from targeting.nuisance.light import MEAN, MU0, MU1, light_nuisances
from targeting.nuisance.models import outcome_model, with_logs
from targeting.trials.panel import covariate_matrix


@pytest.mark.slow
def test_they_are_one_cross_fit_of_the_linear_models_with_penalties_chosen_once():
    panel = world(0)
    light = light_nuisances(panel, 0.01, 1, (MEAN, MU0, MU1))
    table = light.fit(panel)
    covariates, treated, fold = covariate_matrix(panel), panel["treated"].to_numpy(), panel["fold"].to_numpy()
    learned_from = {MEAN: np.ones(len(panel), dtype=bool), MU0: treated == 0, MU1: treated == 1}
    for kind, (column, outcome) in product(light.penalties, enumerate(outcomes_of(panel.columns))):
        # Each outcome by itself, as the usual model searches and as plain ridge regression fits.
        rows, target, penalty = learned_from[kind], panel[outcome].to_numpy(dtype=float), light.penalties[kind][column]
        assert penalty == outcome_model("linear", 1).fit(covariates[rows], target[rows])[-1].alpha_
        for number in np.unique(fold):
            learned, held_out = rows & (fold != number), fold == number
            scaler = StandardScaler().fit(with_logs(covariates[learned]))
            ridge = Ridge(penalty).fit(scaler.transform(with_logs(covariates[learned])), target[learned])
            expected = ridge.predict(scaler.transform(with_logs(covariates[held_out])))
            np.testing.assert_allclose(table.loc[held_out, f"{kind}_{outcome}"], expected)
    predictions, _ = cross_fit(nuisance_tasks(panel), panel, ["linear"], 3, 1, seed=1)
    full = nuisance_table(panel, predictions, 0.01)
    np.testing.assert_allclose(table["propensity"], full["propensity"], atol=0.1)  # which searches in every fold
    alone = panel.drop(columns=["purchase_count", "before_purchase_count"])
    by_itself = light_nuisances(alone, 0.01, seed=1).fit(alone)
    wanted = [name for name in by_itself if not name.startswith("mean")]
    pd.testing.assert_frame_equal(by_itself[wanted], table[wanted])
    assert "mu0_purchase_count" not in by_itself
    assert by_itself["mean_purchase_amount"].isna().all()  # nobody asked for it


def test_a_fold_that_takes_an_arm_away_is_named():
    panel = world(0)
    panel["fold"] = panel["treated"]
    with pytest.raises(DataError, match=r"too few treated or control households for nuisance\.folds"):
        light_nuisances(panel, 0.01, seed=1)


def test_known_chances_are_kept_and_none_is_learned_where_all_are_known():
    panel = world(0)
    panel["by_lot"] = np.arange(len(panel)) % 2
    panel["known_propensity"] = np.where(panel["by_lot"] == 1, 0.0005, np.nan)
    table = light_nuisances(panel, 0.01, seed=1).fit(panel)
    assert (table.loc[panel["by_lot"] == 1, "propensity"] == 0.0005).all()
    assert (table.loc[panel["by_lot"] == 0, "propensity"] >= 0.01).all()
    light = light_nuisances(panel.assign(by_lot=1, known_propensity=0.4), 0.01, seed=1)
    assert light.strength is None
    assert (light.fit(panel.assign(by_lot=1, known_propensity=0.4))["propensity"] == 0.4).all()
