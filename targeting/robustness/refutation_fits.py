"""Refutations, the estimates: nuisances refitted on every changed panel, in a light setting, and the effects that follow.

Light is what targeting.nuisance.light says; the original estimate that the others are compared with is fitted in the same way.
Only the negative control, whose answer is about confounding and not about a change, has the pipeline's own nuisances. The
outcome's mean whatever the arm is fitted nowhere, as neither estimator asks for it: its columns are missing (NaN).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import outcomes_of
from targeting.base.parallel import in_processes
from targeting.base.progress import track
from targeting.effects.estimators import RATIOS, EffectData, Terms, aipw, ato, effect_data
from targeting.nuisance.cross_fit import cross_fit, nuisance_table, nuisance_tasks
from targeting.nuisance.light import LightNuisances, light_nuisances
from targeting.robustness.refutation import LEFT_OUT, ORIGINAL, Draw, changed_panels, control_splits, known_reasons
from targeting.stats.estimates import Estimate
from targeting.stats.resampling import by_lot

Vector = NDArray[np.float64]
# The two that the pipeline reports as its own: over all rows, and over the overlap.
ESTIMATORS: dict[str, Callable[[EffectData], Estimate]] = {"aipw": aipw, "ato": ato}
COLUMNS = ["check", "outcome", "estimator", "repeat", "estimate", "se"]


def _no_means(panel: pd.DataFrame) -> dict[str, Vector]:
    return {f"mean_{outcome}": np.full(len(panel), np.nan) for outcome in outcomes_of(panel.columns)}


def estimate_draw(draw: Draw, light: LightNuisances) -> pd.DataFrame:
    """Refit and estimate: one row per outcome and estimator, with check, outcome, estimator, repeat, estimate, se."""
    return _estimates(draw, light.fit(draw.panel))


def _estimates(draw: Draw, nuisance: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for outcome in outcomes_of(draw.panel.columns):
        data = effect_data(draw.panel, nuisance, outcome)
        for name, estimator in ESTIMATORS.items():
            found = estimator(data)
            rows.append((draw.check, outcome, name, draw.repeat, found.value, found.se))
    return pd.DataFrame(rows, columns=COLUMNS)


def estimate_left_out(draw: Draw, light: LightNuisances, full: Draw, full_nuisance: pd.DataFrame) -> pd.DataFrame:
    """As estimate_draw, for a trial left out; further the column shift_se.

    That is the standard error of how far the estimate is from the full panel's, whose nuisances are `full_nuisance`.
    """
    nuisance = light.fit(draw.panel)
    table = _estimates(draw, nuisance)
    table["shift_se"] = [
        difference_se(
            RATIOS[row.estimator],
            effect_data(full.panel, full_nuisance, row.outcome),
            effect_data(draw.panel, nuisance, row.outcome),
        )
        for row in table.itertuples()
    ]
    return table


def difference_se(terms: Terms, full: EffectData, part: EffectData) -> float:
    """Standard error of the ratio by `terms` from all rows less that from a part of them, clustered by household.

    It is that of the difference of the two influence functions: sqrt(C / (C - 1) * sum of squares) of what each of C households
    moves the difference by, to first order. Nuisances stay, as in the estimators' own standard errors.
    """
    households = np.unique(full.household_id)
    moved = _moves(terms, full, households) - _moves(terms, part, households)
    return float(np.sqrt(len(moved) / (len(moved) - 1) * np.square(moved).sum()))


def _moves(terms: Terms, data: EffectData, households: NDArray[np.int64]) -> Vector:
    """By how much each of the `households` (C,), those that have rows among them, moves the estimate to first order."""
    top, bottom = terms(data)
    influence = (top - top.sum() / bottom.sum() * bottom) / bottom.sum()
    sums = np.zeros(len(households))
    np.add.at(sums, np.searchsorted(households, data.household_id), influence)
    return sums


def estimate_all(panel: pd.DataFrame, light: LightNuisances, draws: Iterable[Draw]) -> pd.DataFrame:
    """The original estimate (check original, repeat 0), then that of each draw, in their order.

    Rows as estimate_draw gives them; shift_se is missing but where a trial is left out.
    """
    original = Draw(ORIGINAL, 0, panel)
    nuisance = light.fit(panel)
    results = in_processes(partial(_of_check, light, original, nuisance), ((draw,) for draw in draws))
    tables = [_estimates(original, nuisance), *track(results, "Refuting")]
    return pd.concat(tables, ignore_index=True).reindex(columns=[*COLUMNS, "shift_se"])


def estimate_perturbed(
    panel: pd.DataFrame, nuisance: pd.DataFrame, control: pd.DataFrame, params: Mapping[str, Any]
) -> pd.DataFrame:
    """The original estimates, then those of every draw of every check, the negative `control`'s among them.

    Rows as `estimate_all` has them. `params` has the sections refute, nuisance, sample and seed of params.yaml: changes are made
    to the rows of sample.checks households at most.
    """
    checks, settings, seed, sample = params["refute"], params["nuisance"], params["seed"], params["sample"]
    clip, folds = settings["clip"], settings["folds"]
    kept = by_lot(panel["household_id"], sample["checks"], seed)
    some = panel[kept].reset_index(drop=True)
    planned = changed_panels(some, nuisance.loc[kept, "propensity"], checks, seed)
    changed = estimate_all(some, light_nuisances(some, clip, seed), planned)
    splits = control_splits(control, folds, checks["control_splits"], seed, sample["households"])
    controls = estimate_controls(splits, settings["models"], folds, clip, seed)
    reasons = known_reasons(control, nuisance, folds, checks["control_redraws"], seed, sample["households"])
    redrawn = estimate_known_reasons(reasons, clip, seed)
    return pd.concat([changed, *controls, *redrawn], ignore_index=True)


def _of_check(light: LightNuisances, full: Draw, full_nuisance: pd.DataFrame, draw: Draw) -> pd.DataFrame:
    return estimate_left_out(draw, light, full, full_nuisance) if draw.check == LEFT_OUT else estimate_draw(draw, light)


def estimate_controls(
    draws: Iterable[Draw], models: Sequence[str], n_folds: int, clip: float, seed: int
) -> Iterator[pd.DataFrame]:
    """Each negative-control draw under stacked nuisances of all `models`: rows as estimate_draw gives them."""
    for draw in draws:
        without = _no_means(draw.panel)
        tasks = [task for task in nuisance_tasks(draw.panel) if task.name not in without]
        predictions, _ = cross_fit(tasks, draw.panel, models, n_folds, 1, seed)
        yield _estimates(draw, nuisance_table(draw.panel, predictions | without, clip))


def estimate_known_reasons(draws: Iterable[Draw], clip: float, seed: int) -> Iterator[pd.DataFrame]:
    """Each `known_reasons` draw of the negative control: rows as estimate_draw gives them, in the light setting of the first."""
    rest = iter(draws)
    first = next(rest, None)
    if first is not None:
        fit = partial(estimate_draw, light=light_nuisances(first.panel, clip, seed))
        yield from track(in_processes(fit, ((draw,) for draw in chain([first], rest))), "Mailing for known reasons")
