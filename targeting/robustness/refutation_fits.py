"""Refutations, the estimates: nuisances refitted on every changed panel, in a light setting, and the effects that follow.

Light means linear models, one split of the households, and the propensity's penalty as its usual search chose it once. The
original estimate that the others are compared with is fitted in the same way. Only the negative control, whose answer is about
confounding and not about a change, has the pipeline's own nuisances. The outcome's mean whatever the arm is fitted nowhere, as
neither estimator asks for it: its columns are missing (NaN).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from targeting.base.columns import outcomes_of
from targeting.base.errors import DataError
from targeting.base.lots import known_propensities
from targeting.base.parallel import in_processes
from targeting.base.progress import track
from targeting.effects.estimators import EffectData, aipw, ato, effect_data
from targeting.nuisance.cross_fit import Task, cross_fit, nuisance_table, nuisance_tasks, out_of_fold
from targeting.nuisance.models import fixed_propensity, outcome_model, propensity_model
from targeting.robustness.refutation import LEFT_OUT, ORIGINAL, Draw
from targeting.stats.estimates import Estimate
from targeting.stats.folds import household_folds, in_sample
from targeting.trials.panel import covariate_matrix

Vector = NDArray[np.float64]
MODEL = "linear"
# The two that the pipeline reports as its own: over all rows, and over the overlap.
ESTIMATORS: dict[str, Callable[[EffectData], Estimate]] = {"aipw": aipw, "ato": ato}
COLUMNS = ["check", "outcome", "estimator", "repeat", "estimate", "se"]
JACKKNIFE_GROUPS = 100  # the standard error of a difference is then itself uncertain by 7%


@dataclass(frozen=True)
class LightNuisances:
    """How nuisances are refitted: the propensity's inverse penalty `strength`, and the clipping bound of propensities.

    There is no `strength` where all chances are known, and no propensity to learn.
    """

    strength: float | None
    clip: float
    seed: int

    def fit(self, panel: pd.DataFrame) -> pd.DataFrame:
        """The panel's nuisances, cross-fitted over its column `fold`, as nuisance_table gives them but for the means.

        Raises DataError where the rows outside a fold lack an arm: nothing could be learned from them.
        """
        covariates, fold = covariate_matrix(panel), panel["fold"].to_numpy()
        numbers = np.unique(fold)
        if any(panel.loc[(fold != number) & in_sample(fold), "treated"].nunique() < 2 for number in numbers):
            raise DataError(
                "A refutation has a fold outside which all rows are treated, or none: there are too few treated or control "
                "households for nuisance.folds folds. Lower it, or bring more data."
            )
        names = list(outcomes_of(panel.columns))
        treated, outcomes = panel["treated"].to_numpy(), panel[names].to_numpy(dtype=float)
        predictions = {}
        if self.strength is not None:
            observed = np.isnan(known_propensities(panel))
            propensity = Task("propensity", treated.astype(float), observed, partial(fixed_propensity, self.strength), True)
            predictions[propensity.name] = self._out_of_fold(propensity, covariates, fold)
        for arm in (0, 1):
            values = self._out_of_fold(Task(f"mu{arm}", outcomes, treated == arm, _outcomes_at_once, False), covariates, fold)
            predictions |= {f"mu{arm}_{outcome}": values[:, column] for column, outcome in enumerate(names)}
        predictions |= _no_means(panel)
        return nuisance_table(panel, predictions, self.clip)

    def _out_of_fold(self, task: Task, covariates: Vector, fold: NDArray[np.int64]) -> Vector:
        values = np.empty_like(task.target)
        for number in np.unique(fold):
            held_out = fold == number
            # scikit-learn predicts a single outcome in one dimension, whatever it was given.
            found = out_of_fold(task, MODEL, covariates, fold, number, self.seed)
            values[held_out] = found.reshape(values[held_out].shape)
        return values


def light_nuisances(panel: pd.DataFrame, clip: float, seed: int) -> LightNuisances:
    """The light setting for a panel: with the penalty that the propensity's own search chooses on all rows of its sample.

    They choose one number out of six, and the refits keep it: that makes a draw five times as cheap as searching again.
    """
    observed = np.isnan(known_propensities(panel)) & in_sample(panel["fold"])
    if not observed.any():
        return LightNuisances(None, clip, seed)
    search = propensity_model(MODEL, seed).fit(covariate_matrix(panel)[observed], panel.loc[observed, "treated"])
    return LightNuisances(float(search[-1].C_), clip, seed)


def _outcomes_at_once(name: str, seed: int) -> BaseEstimator:
    """The linear model for several outcomes, each with a penalty of its own: they share the decomposition of the covariates."""
    return outcome_model(name, seed).set_params(ridgecv__alpha_per_target=True)


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
            ESTIMATORS[row.estimator],
            effect_data(full.panel, full_nuisance, row.outcome),
            effect_data(draw.panel, nuisance, row.outcome),
            light.seed,
        )
        for row in table.itertuples()
    ]
    return table


def difference_se(estimator: Callable[[EffectData], Estimate], full: EffectData, part: EffectData, seed: int) -> float:
    """Standard error of estimator(full) - estimator(part), where both share households, clustered by household.

    Delete-a-group jackknife: each of up to JACKKNIFE_GROUPS random groups of the full data's households is left out of both;
    sqrt((G - 1) / G * sum of squared deviations of the G differences from their mean). Nuisances stay, as in the estimators' own
    standard errors. To first order it is what the difference of the influence functions gives.
    Source: Kott (2001), Journal of Official Statistics 17, 521-526.
    """
    households = np.unique(full.household_id)
    groups = household_folds(households, min(JACKKNIFE_GROUPS, len(households)), seed)
    group_full, group_part = (groups[np.searchsorted(households, data.household_id)] for data in (full, part))
    differences = np.array(
        [
            estimator(full.subset(group_full != group)).value - estimator(part.subset(group_part != group)).value
            for group in np.unique(groups)
        ]
    )
    count = len(differences)
    return float(np.sqrt((count - 1) / count * np.square(differences - differences.mean()).sum()))


def estimate_all(panel: pd.DataFrame, light: LightNuisances, draws: Iterable[Draw]) -> pd.DataFrame:
    """The original estimate (check original, repeat 0), then that of each draw, in their order.

    Rows as estimate_draw gives them; shift_se is missing but where a trial is left out.
    """
    original = Draw(ORIGINAL, 0, panel)
    nuisance = light.fit(panel)
    results = in_processes(partial(_of_check, light, original, nuisance), ((draw,) for draw in draws))
    tables = [_estimates(original, nuisance), *track(results, "Refuting")]
    return pd.concat(tables, ignore_index=True).reindex(columns=[*COLUMNS, "shift_se"])


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


def estimate_known_reasons(draws: Iterable[Draw], light: LightNuisances) -> Iterator[pd.DataFrame]:
    """Each `known_reasons` draw of the negative control under light nuisances: rows as estimate_draw gives them."""
    yield from track(in_processes(partial(estimate_draw, light=light), ((draw,) for draw in draws)), "Mailing for known reasons")
