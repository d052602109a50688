"""The units of a table's covariates: what models learn does not hang on them, and people read the table's own."""

import numpy as np
import pandas as pd
import pytest

from targeting.learners.cross_fit import cross_fit_effects
from targeting.learners.data import outcome_data
from targeting.learners.registry import find_learner
from targeting.nuisance.cross_fit import cross_fit, nuisance_table, nuisance_tasks
from targeting.nuisance.nested import inner_nuisances
from targeting.nuisance.noise import with_precision
from targeting.policy.economics import Economics
from targeting.policy.tree_results import tree_results, tree_rows
from targeting.sources.customer_table import CustomerRows
from targeting.trials.customers import customer_panel, customer_trials
from targeting.trials.units import covariate_units, in_own_units, in_units, no_units
from tests.tables_of_customers import email_test
from tests.test_cate import BASE_MODELS
from tests.test_customer_table import customers


@pytest.mark.slow
@pytest.mark.parametrize("change", ["standardised", "in thousands"])
def test_the_units_of_covariates_change_nothing_but_what_people_read(backend, tmp_path, change):
    """Nuisances by both models, effects by a linear learner, a forest and boosting, and the rule of a tree."""
    rows = email_test(600).assign(age=np.random.default_rng(2).integers(18, 90, 600))
    changed = {
        "standardised": {name: (rows[name] - rows[name].mean()) / rows[name].std() for name in ("history", "age")},
        "in thousands": {"history": rows["history"] / 1000},
    }[change]
    found = [_fitted(customers(backend, own, tmp_path, numeric=["history", "age"])) for own in (rows, rows.assign(**changed))]
    (panel, units, nuisance, effects, tree), (_, other_units, other, other_effects, other_tree) = found
    spread = panel["purchase_amount"].std()
    assert np.abs(nuisance - other).max(axis=None) < 1e-6 * spread
    for name, effect in effects.items():
        assert effect.std() > 1
        assert np.abs(effect - other_effects[name]).max() < 1e-6 * effect.std(), name
    pd.testing.assert_frame_equal(tree.decisions, other_tree.decisions, rtol=1e-6)
    assert units["covariate"].tolist() == other_units["covariate"].tolist() == ["x_history", "x_age"]
    assert rows["history"].to_numpy() == pytest.approx(in_own_units(panel, units)["x_history"].to_numpy())


def _fitted(own: CustomerRows) -> tuple:
    units, panel = covariate_units(own.rows), customer_panel(customer_trials(own.rows), 3, seed=1)
    predictions, _ = cross_fit(nuisance_tasks(panel), panel, ["linear", "boosting"], 3, 1, seed=1)
    nuisance = with_precision(panel, nuisance_table(panel, predictions, 0.01))
    inner, effects = inner_nuisances(panel, ["linear"], 0.01, seed=1), {}
    data = {"purchase_amount": outcome_data(panel, nuisance, inner, "purchase_amount")}
    for name in ("linear_dml", "causal_forest", "x"):
        learner = find_learner(name, BASE_MODELS | {"x": "boosting"})
        settings = {"purchase_amount": dict.fromkeys(data["purchase_amount"].numbers, learner.settings)}
        effects[name] = cross_fit_effects(panel, data, learner, settings, seed=1)["cate_purchase_amount"].to_numpy()
    rows = tree_rows(in_own_units(panel, units), nuisance, Economics(1.5, 0.3), "purchase_amount", (0.05, 0.95), seed=1)
    tree = tree_results(rows, seed=1)
    return panel, units, nuisance.select_dtypes(float), effects, tree


def test_units_are_of_the_covariates_with_more_than_two_values_and_can_be_undone():
    huge, count = [1.7e308, -1.7e308, 0.0, 0.0], [3.0, 5.0, 7.0, 9.0]
    rows = pd.DataFrame({"x_huge": huge, "x_flag": [0.0, 1.0, 1.0, 1.0], "x_count": count})
    units = covariate_units(rows).set_index("covariate")
    assert units["origin"].to_dict() == {"x_huge": -1.7e308, "x_count": 3.0}
    assert units.loc["x_count", "unit"] == pytest.approx(3.0)  # the lower quartile of the distances 2, 4 and 6
    standard = in_units(rows, units.reset_index())
    assert standard["x_count"].tolist() == pytest.approx([0.0, 2 / 3, 4 / 3, 2.0])
    assert np.isfinite(standard).all(axis=None)
    assert standard["x_flag"].equals(rows["x_flag"])
    pd.testing.assert_frame_equal(in_own_units(standard[["x_flag", "x_count"]], units.reset_index()), rows[["x_flag", "x_count"]])
    assert in_own_units(rows, no_units()).equals(rows)


def test_a_few_values_far_below_the_others_stretch_no_unit():
    amounts = np.random.default_rng(1).lognormal(3, 1, 2000)
    units = [covariate_units(pd.DataFrame({"x_spend": own})).loc[0] for own in (amounts, np.append(amounts, [-999.0] * 9))]
    assert units[1]["unit"] == pytest.approx(units[0]["unit"], rel=0.1)
    # Where all but a few rows have the highest value there is nothing above: the unit is the distance to the lowest.
    most = pd.DataFrame({"x_share": [1.0] * 500 + [0.5, 0.0]})
    assert covariate_units(most)[["origin", "unit"]].to_numpy().tolist() == [[1.0, 1.0]]


def test_whole_numbers_with_a_heavy_tail_are_the_same_in_thousands():
    amounts = np.round(np.random.default_rng(2).pareto(0.8, 3000) * 50)
    dollars, thousands = (pd.DataFrame({"x_spend": own}) for own in (amounts, amounts / 1000))
    same = in_units(dollars, covariate_units(dollars)) == in_units(thousands, covariate_units(thousands))
    assert same.all(axis=None)
