"""The published study's design as rows of the sequential one: treated at their first campaign, controls drawn by a rule."""

import numpy as np
import pandas as pd
import pytest

from targeting.base.errors import DataError
from targeting.trials.designs import by_lot_alone, design_flow, first_campaign_rows


def eligible(n: int = 3000, seed: int = 0) -> tuple[pd.DataFrame, set[int]]:
    """Three trials; a third of the households is targeted in one of them and stands in those before as a control."""
    rng = np.random.default_rng(seed)
    households = np.arange(n)
    first = rng.integers(1, 4, n)  # the first trial with a history
    target = np.where(rng.random(n) < 1 / 3, rng.choice([1, 2, 3], n, p=[0.2, 0.5, 0.3]), 99)
    rows = [
        pd.DataFrame({"household_id": households, "trial": trial, "treated": (target == trial).astype(int)})[
            (first <= trial) & (target >= trial)
        ]
        for trial in (1, 2, 3)
    ]
    return pd.concat(rows, ignore_index=True).assign(earlier_mailings=0), set(households[target < 99])


def test_treated_are_kept_and_every_never_targeted_household_is_a_control_once():
    rows, targeted = eligible()
    chosen = first_campaign_rows(rows, targeted, seed=1)
    kept = rows[chosen]
    assert kept["household_id"].is_unique
    assert kept["treated"].sum() == rows["treated"].sum()
    controls = kept[kept["treated"] == 0]
    assert set(controls["household_id"]) == set(rows["household_id"]) - targeted


def test_controls_are_spread_like_the_treated():
    rows, targeted = eligible()
    always = rows.groupby("household_id")["trial"].transform("size") == 3
    kept = rows[first_campaign_rows(rows, targeted, seed=1) & always]
    controls = kept.loc[kept["treated"] == 0, "trial"].value_counts(normalize=True).sort_index()
    treated = rows.loc[rows["treated"] == 1, "trial"].value_counts(normalize=True).sort_index()
    # About 650 controls eligible for all trials: a share has a standard error of at most 0.02.
    np.testing.assert_allclose(controls, treated, atol=0.06)


def test_the_draw_hangs_on_the_seed_and_not_on_the_order():
    rows, targeted = eligible()
    chosen = first_campaign_rows(rows, targeted, seed=1)
    shuffled = rows.sample(frac=1, random_state=0)
    pd.testing.assert_series_equal(first_campaign_rows(shuffled, targeted, seed=1).sort_index(), chosen, check_names=False)
    assert (first_campaign_rows(rows, targeted, seed=2) != chosen).any()


def test_what_happens_after_time_zero_moves_no_control():
    rows, targeted = eligible()
    busy = rows.assign(purchase_amount=np.random.default_rng(0).random(len(rows)))
    pd.testing.assert_series_equal(first_campaign_rows(busy, targeted, seed=1), first_campaign_rows(rows, targeted, seed=1))


def test_only_first_mailings_are_compared():
    rows, targeted = eligible()
    again = rows[rows["treated"] == 1].assign(trial=4, earlier_mailings=1)
    chosen = first_campaign_rows(pd.concat([rows, again], ignore_index=True), targeted, seed=1)
    pd.testing.assert_series_equal(chosen.head(len(rows)), first_campaign_rows(rows, targeted, seed=1))
    assert not chosen.tail(len(again)).any()


def test_a_trial_without_treated_gets_no_control():
    rows = pd.DataFrame({"household_id": [1, 2, 2, 3], "trial": [1, 1, 2, 2], "treated": [0, 0, 0, 1], "earlier_mailings": 0})
    assert first_campaign_rows(rows, {3}, seed=0).tolist() == [False, False, True, True]


def test_flow_adds_up():
    rows, targeted = eligible()
    flow = design_flow(rows, first_campaign_rows(rows, targeted, seed=1), targeted)
    parts = flow[["n_targeted_later", "n_in_other_trial", "n_treated", "n_control"]].sum(axis=1)
    assert parts.tolist() == flow["n_eligible"].tolist()
    everything = design_flow(rows, pd.Series(True, index=rows.index), targeted)
    assert everything[["n_targeted_later", "n_in_other_trial"]].to_numpy().sum() == 0


def test_by_lot_alone_leaves_every_other_row_out():
    rows = pd.DataFrame({"household_id": [1, 2, 3], "by_lot": [0, 1, 1]})
    assert by_lot_alone(rows)["household_id"].tolist() == [2, 3]
    with pytest.raises(DataError, match=r"there are none: .* data\.table\.propensity"):
        by_lot_alone(rows.head(1))
