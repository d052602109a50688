"""The panel and its folds."""

import numpy as np
import pandas as pd
import pytest

from targeting.base.columns import BEFORE, OUTCOMES, outcomes_of
from targeting.base.errors import DataError
from targeting.stats.folds import household_folds
from targeting.trials.panel import assemble, covariate_names, in_both_arms, require_aligned, require_outcome, require_trial
from targeting.trials.trials import Trial, in_trial


def test_folds_keep_a_households_rows_together_and_are_even():
    households = np.repeat(np.arange(103), [1 + number % 4 for number in range(103)])
    folds = household_folds(households, 5, seed=1)
    assert pd.Series(folds).groupby(households).nunique().max() == 1
    sizes = np.bincount(pd.Series(folds).groupby(households).first())
    assert sizes.max() - sizes.min() <= 1


def test_folds_depend_on_seed_but_not_on_order_or_repetition():
    households = np.arange(50)
    shuffled = np.random.default_rng(0).permutation(np.repeat(households, 2))
    folds = household_folds(households, 5, seed=1)
    assert (household_folds(shuffled, 5, seed=1) == folds[shuffled]).all()
    assert (household_folds(households, 5, seed=2) != folds).any()


def test_too_few_households_for_the_folds():
    with pytest.raises(DataError, match="3 households cannot fill 5 folds"):
        household_folds([1, 2, 3, 3], 5, seed=1)


def rows(treated: list[int], households: list[int]) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"household_id": households, "treated": treated, "purchase_amount": households, "purchase_count": households}
    )
    frame = frame.assign(before_purchase_amount=1.0, before_purchase_count=1.0, mailed_after=0)
    return frame.assign(x_age=np.arange(len(households), dtype=float), x_same=4.0)


def test_assembling_orders_rows_marks_trials_and_drops_constants():
    trials = [
        Trial(
            number,
            10 * number,
            pd.Timestamp("2020-01-01").date(),
            pd.Timestamp("2020-02-01").date(),
            pd.Timestamp("2020-03-01").date(),
            False,
            pd.Timestamp("2019-12-01").date(),
        )
        for number in (1, 2, 3)
    ]
    panel = assemble(pd.concat([in_trial(rows([0, 1], [2, 1]), trial) for trial in trials]))
    assert panel["household_id"].tolist() == [1, 2] * 3
    assert covariate_names(panel) == ["x_age", "x_trial_2", "x_trial_3"]
    assert panel["x_trial_2"].tolist() == [0, 0, 1, 1, 0, 0]


def one_trial(**columns: object) -> pd.DataFrame:
    trial = {"campaign_id": 10, "trial": 1, "time_zero": pd.Timestamp("2020-01-01"), "cut": False}
    return rows([0, 1, 1], [2, 1, 3]).assign(**trial, by_lot=0, known_propensity=np.nan, **columns)


def test_outcomes_are_what_is_neither_design_nor_history_nor_covariate():
    panel = assemble(one_trial()).assign(fold=0)
    assert outcomes_of(panel.columns) == OUTCOMES
    other = panel.drop(columns=[*OUTCOMES, *BEFORE]).assign(site_visits=1.0, conversions=0.0)
    assert outcomes_of(other.columns) == ("site_visits", "conversions")


def test_an_outcome_that_never_varies_is_left_out_and_cannot_decide():
    panel = assemble(one_trial(purchase_count=3))
    assert outcomes_of(panel.columns) == ("purchase_amount",)
    assert "before_purchase_count" not in panel
    require_outcome(panel, "purchase_amount")
    with pytest.raises(DataError, match=r"same in every row.*set policy.outcome to purchase_amount"):
        require_outcome(panel, "purchase_count")
    with pytest.raises(DataError, match=r"look at the dates of campaigns and transactions\."):
        require_outcome(assemble(one_trial(purchase_amount=0, purchase_count=0)), "purchase_amount")


@pytest.mark.parametrize("treated", [[0, 0], [1, 1]])
def test_a_trial_with_one_arm_is_left_out_and_no_trial_at_all_is_an_error(treated):
    both, one = (rows(arms, [1, 2]).assign(trial=number) for number, arms in enumerate(([0, 1], treated), start=1))
    assert in_both_arms(pd.concat([both, one])).tolist() == [True, True, False, False]
    require_trial(pd.concat([both, one]))
    with pytest.raises(DataError, match=r"No campaign mailed some of the households compared and not others") as error:
        require_trial(one)
    assert "out of the data" not in str(error.value)


def test_tables_of_other_rows_are_refused():
    panel = pd.DataFrame({"household_id": [1, 2], "campaign_id": [8, 8]})
    require_aligned(panel, panel.assign(extra=1), "data")
    with pytest.raises(DataError, match="data does not hold the panel's rows"):
        require_aligned(panel, panel.iloc[::-1].reset_index(drop=True), "data")
