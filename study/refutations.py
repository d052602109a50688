"""False alarms and power of the refutation checks on worlds with known truth; `make study` runs this before the report.

It takes some four minutes of one processor, and keeps nothing of a run that was stopped.
"""

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from study.refutation_worlds import world
from targeting.base.outputs import write_csv
from targeting.base.parallel import in_processes
from targeting.base.progress import track
from targeting.nuisance.light import MU0, MU1, LightNuisances
from targeting.robustness.refutation import ORIGINAL, Draw, control_splits, placebos, trials_left_out
from targeting.robustness.refutation_fits import ESTIMATORS, estimate_draw, estimate_left_out
from targeting.robustness.refutation_verdicts import left_out_shift, negative_control, placebo_position
from targeting.stats.estimates import CONFIDENCE, Estimate, Z

REFUTATIONS = Path("study/refutations.csv")
OUTCOME = "purchase_amount"
# What the models' own searches choose on these worlds: penalties of 1 to 10.
LIGHT = LightNuisances(strength=1.0, penalties={MU0: 1.0, MU1: 1.0}, clip=0.01, seed=1)
FOLDS, SPLITS, PLACEBOS = 3, 3, 20
STRATA = 3  # in each of two trials: a stratum has some 100 of the 600 rows, as `placebos` asks

# A check, the estimator that it judges, and the share of a world's verdicts that are an alarm: 0 or 1 where there is one verdict.
Alarm = tuple[str, str, float]


def main() -> None:
    """Judge every world, each in a process of its own thread; write one row per check, setting and estimator."""
    jobs = [(case, strength, number) for case in CASES for strength, number in product(case.strengths, range(case.n_worlds))]
    table = pd.concat(track(in_processes(alarms, jobs), "Refuting worlds", len(jobs)), ignore_index=True)
    write_csv(alarm_summary(table), REFUTATIONS)


def of_negative_control(panel: pd.DataFrame) -> Iterator[Alarm]:
    """Does the check fail? The panel stands for the days before the campaign, so its true effect is to be 0."""
    draws = pd.concat([estimate_draw(draw, LIGHT) for draw in control_splits(panel, FOLDS, SPLITS, LIGHT.seed)])
    for estimator, own in _by_estimator(draws):
        yield "negative_control", estimator, float(negative_control(own, float("nan")).passed is False)


def of_placebos(panel: pd.DataFrame) -> Iterator[Alarm]:
    """The share of placebo intervals that exclude zero, and whether the original effect lies outside the placebos."""
    original = dict(_by_estimator(estimate_draw(Draw(ORIGINAL, 0, panel), LIGHT)))
    drawn = placebos(panel, LIGHT.fit(panel)["propensity"], STRATA, PLACEBOS, LIGHT.seed)
    draws = pd.concat([estimate_draw(draw, LIGHT) for draw in drawn], ignore_index=True)
    for estimator, own in _by_estimator(draws):
        yield "placebo_false_alarms", estimator, float((own["estimate"].abs() > Z * own["se"]).mean())
        position = placebo_position(own, _estimate(original[estimator]))
        yield "placebo_position", estimator, float(position.value <= 1 - CONFIDENCE)


def of_trials_left_out(panel: pd.DataFrame) -> Iterator[Alarm]:
    """Does leaving out one trial shift the estimate further than chance would?"""
    full, nuisance = Draw(ORIGINAL, 0, panel), LIGHT.fit(panel)
    original = dict(_by_estimator(estimate_draw(full, LIGHT)))
    draws = pd.concat([estimate_left_out(draw, LIGHT, full, nuisance) for draw in trials_left_out(panel)], ignore_index=True)
    for estimator, own in _by_estimator(draws):
        shift = left_out_shift(own, _estimate(original[estimator]))
        yield "trial_left_out_shift", estimator, float(shift.passed is False)


class Case(NamedTuple):
    """Which checks run on which worlds: `varied` is the argument of `world` that takes each of `strengths` in turn."""

    judge: Callable[[pd.DataFrame], Iterator[Alarm]]
    varied: str
    strengths: tuple[float, ...]
    n_worlds: int


CASES = (
    Case(of_negative_control, "hidden", (0, 0.25, 0.5, 1), 100),
    Case(of_placebos, "effect", (0, 2, 30), 60),
    Case(of_trials_left_out, "odd_trial", (0, 3, 15), 60),
)


def alarms(case: Case, strength: float, seed: int) -> pd.DataFrame:
    """What the checks say of one world: columns check, estimator, alarm, and setting, such as `hidden 0.25`."""
    argument: dict[str, Any] = {case.varied: strength}
    rows = case.judge(world(seed, **argument))
    return pd.DataFrame(rows, columns=["check", "estimator", "alarm"]).assign(setting=f"{case.varied} {strength:g}")


def alarm_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per check, setting and estimator, of the worlds' `alarms`.

    Columns: check, setting, estimator, n (worlds), share (mean alarm), share_se (its Monte Carlo standard error: over worlds,
    as a world's placebos are alike).
    """
    groups = table.groupby(["check", "setting", "estimator"], sort=False)["alarm"]
    return groups.agg(n="size", share="mean", share_se="sem").reset_index()


def _by_estimator(draws: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for estimator in ESTIMATORS:
        yield estimator, draws[(draws["outcome"] == OUTCOME) & (draws["estimator"] == estimator)]


def _estimate(rows: pd.DataFrame) -> Estimate:
    return Estimate(*rows[["estimate", "se"]].iloc[0])


if __name__ == "__main__":
    main()
