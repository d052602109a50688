"""What the refutations find on made-up panels whose truth is known: false alarms, and what they are there to find."""

import numpy as np
import pandas as pd
import pytest

from study.refutation_worlds import world
from targeting.nuisance.light import LightNuisances
from targeting.robustness.refutation import (
    LEFT_OUT,
    ORIGINAL,
    Draw,
    control_splits,
    placebos,
    random_causes,
    subsets,
    trials_left_out,
)
from targeting.robustness.refutation_fits import estimate_all, estimate_controls, estimate_draw
from targeting.robustness.refutation_verdicts import left_out_shift, negative_control, refutation_table
from targeting.stats.estimates import Estimate
from tests.refutation_settings import NOT_RUN, SETTINGS
from tests.stored import require_stored

LIGHT = LightNuisances(1.0, {"mu0": 1.0, "mu1": 1.0}, 0.01, 1)
OUTCOME, ESTIMATOR = "purchase_amount", "ato"


def own(table: pd.DataFrame, estimator: str = ESTIMATOR) -> pd.DataFrame:
    return table[(table["outcome"] == OUTCOME) & (table["estimator"] == estimator)]


def placebo_table(panel: pd.DataFrame, repeats: int, n_strata: int = 5) -> pd.DataFrame:
    propensity = LIGHT.fit(panel)["propensity"]
    return pd.concat([estimate_draw(draw, LIGHT) for draw in placebos(panel, propensity, n_strata, repeats, seed=1)])


def figures(table: pd.DataFrame) -> dict[str, object]:
    """Estimates and standard errors by check, estimator and number."""
    rows = enumerate(own(table).itertuples())
    return {f"{row.check} {number} {name}": float(getattr(row, name)) for number, row in rows for name in ("estimate", "se")}


@pytest.mark.slow
def test_draws_of_one_world_are_as_they_were_when_all_were_judged():
    panel = world(0, effect=10.0, hidden=1.0, odd_trial=15.0)
    require_stored("refutations, placebos", figures(placebo_table(panel, 3)))
    splits = pd.concat([estimate_draw(draw, LIGHT) for draw in control_splits(panel, 3, 2, seed=1)])
    require_stored("refutations, controls", figures(splits))
    require_stored("refutations, trials left out", figures(estimate_all(panel, LIGHT, trials_left_out(panel))))


@pytest.mark.long
@pytest.mark.parametrize(("effect", "hidden"), [(0.0, 0.0), (10.0, 0.0), (0.0, 1.0)], ids=["nothing", "effect", "hidden"])
def test_placebos_raise_no_more_false_alarms_than_they_should(effect, hidden):
    """Whatever the campaign did, and also where something unseen confounds it: placebos cannot see that."""
    tables = [own(placebo_table(world(seed, effect=effect, hidden=hidden), 20)) for seed in range(12)]
    alarms = np.mean([(table["estimate"].abs() > 1.96 * table["se"]).mean() for table in tables])
    assert alarms < 0.1  # 5% with a Monte Carlo error of 1.5%, a world's placebos being alike
    means = np.array([table["estimate"].mean() for table in tables])
    assert abs(means.mean()) < 3.5 * means.std(ddof=1) / np.sqrt(len(means))


@pytest.mark.slow
def test_strata_of_a_few_rows_would_hand_the_real_effect_to_the_placebo():
    panels = [world(seed, effect=30.0) for seed in range(3)]
    coarse, fine = (np.mean([own(placebo_table(panel, 8, n))["estimate"].mean() for panel in panels]) for n in (5, 100))
    assert abs(coarse) < 2 < 8 < fine


def verdicts(panel: pd.DataFrame, control: pd.DataFrame) -> pd.DataFrame:
    propensity = LIGHT.fit(panel)["propensity"]
    draws = [
        *placebos(panel, propensity, 5, 40, seed=1),
        *random_causes(panel, 5, seed=1),
        *subsets(panel, 0.8, 20, seed=1),
        *trials_left_out(panel),
    ]
    controls = estimate_controls(control_splits(control, 3, 2, seed=1), ["linear"], 3, 0.01, seed=1)
    estimated = pd.concat([estimate_all(panel, LIGHT, draws), *controls], ignore_index=True)
    return own(refutation_table(estimated, SETTINGS, NOT_RUN)).set_index("check")


@pytest.mark.slow
def test_a_large_effect_without_confounding_passes_everything():
    found = verdicts(world(3, effect=30.0), world(3))
    assert found["passed"].drop("placebo_position").all()
    assert found.loc["placebo_position", "value"] == pytest.approx(1 / 41)


@pytest.mark.long
def test_no_effect_lies_within_its_placebos():
    positions = []
    for seed in range(12):
        panel = world(seed)
        effect = own(estimate_draw(Draw(ORIGINAL, 0, panel), LIGHT))["estimate"].iloc[0]
        placebo = own(placebo_table(panel, 19))["estimate"]
        positions.append((1 + (placebo.abs() >= abs(effect)).sum()) / 20)
    # A p-value is uniform: of 12 below 0.1, more than 4 have a chance below 1 in 200.
    assert sum(position <= 0.1 for position in positions) <= 4
    assert np.mean(positions) == pytest.approx(0.5, abs=0.25)  # three standard deviations


@pytest.mark.long
@pytest.mark.parametrize("estimator", ["aipw", "ato"])
def test_a_hidden_confounder_makes_the_negative_control_fail(estimator):
    def passed(seed: int, hidden: float) -> bool | None:
        draws = [estimate_draw(draw, LIGHT) for draw in control_splits(world(seed, hidden=hidden), 3, 3, seed=1)]
        return negative_control(own(pd.concat(draws), estimator), np.nan).passed

    # Of 24 at 5%, more than 4 fail with a chance of 1 in 100.
    assert sum(passed(seed, 0.0) is False for seed in range(24)) <= 4
    assert sum(passed(seed, 1.0) is False for seed in range(12)) >= 11


@pytest.mark.long
def test_a_trial_unlike_the_others_is_found():
    def passed(seed: int, effect: float) -> bool | None:
        panel = world(seed, odd_trial=effect)
        table = estimate_all(panel, LIGHT, trials_left_out(panel))
        parts = dict(iter(own(table).groupby("check")))
        original = Estimate(*parts[ORIGINAL][["estimate", "se"]].iloc[0])
        return left_out_shift(parts[LEFT_OUT], original).passed

    assert sum(passed(seed, 0.0) is False for seed in range(12)) <= 3
    assert [passed(seed, 15.0) for seed in range(6)] == [False] * 6


@pytest.mark.long
def test_the_same_seed_gives_the_same_verdicts():
    panel, control = world(5, n=300), world(6, n=300)
    pd.testing.assert_frame_equal(verdicts(panel, control), verdicts(panel, control))
