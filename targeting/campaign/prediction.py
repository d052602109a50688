"""Effects and propensities of households that are in no trial yet, from models learned on all trials.

A next campaign has no indicator of its own trial: it is taken to be like those of the past, each counted by its rows, so every
prediction is the average of those with each past trial's indicator set.

Counts that grow with the calendar, such as weeks with a purchase, pass the largest value of all past trials sooner or later, the
best customers' first. Nobody was seen there: such a household is predicted as if it stood at the edge of what was seen.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import KEYS, PREFIX, all_effect_columns, effect_columns
from targeting.base.errors import DataError
from targeting.base.lots import drawn_by_lot, known_propensities
from targeting.effects.estimators import ato, effect_data
from targeting.learners.cross_fit import usual_settings
from targeting.learners.data import stored_nuisances
from targeting.learners.ensemble import CONSTANT
from targeting.learners.fitted import effects_in_blocks
from targeting.learners.registry import Learner, find_learner
from targeting.learners.rows import Effects, HeldOut, Rows
from targeting.nuisance.models import propensity_model
from targeting.nuisance.scores import clipped
from targeting.stats.folds import in_sample
from targeting.trials.panel import household_covariates, in_last_trial
from targeting.validation.selection import AVERAGE_EFFECT

Vector = NDArray[np.float64]
FAR = 1.0  # widths of a covariate's range beyond its end: a household there is unlike all that was learned from
WEIGHTS = {"average": "average", "stack": "weight"}  # the column of an ensemble's weights


def outside_range(panel: pd.DataFrame, households: pd.DataFrame, reach: float = 0.0) -> pd.Series:
    """For each household the covariates (without prefix, joined by commas) outside the panel's range, else empty text.

    Only those that lie beyond an end of the range by more than `reach` times its width count.
    Raises DataError for a covariate of the panel that `households` lacks.
    """
    names = household_covariates(panel)
    absent = [name for name in names if name not in households]
    if absent:
        raise DataError(f"The candidates lack covariates of the panel: {', '.join(absent)}. Run `dvc repro` to rebuild them.")
    lowest, highest = panel[names].min(), panel[names].max()
    margin = reach * (highest - lowest)
    outside = (households[names] < lowest - margin) | (households[names] > highest + margin)
    short = np.array([name.removeprefix(PREFIX) for name in names])
    words = [", ".join(short[row]) for row in outside.to_numpy()]
    return pd.Series(words, index=households.index, dtype="str")


def blend_of(learner: str, weights: pd.DataFrame, outcome: str) -> dict[str, float]:
    """The learners behind a name that validation may choose, and their weights, which add up to 1.

    A learner is itself; `average` and `stack` have the mean over folds of their `weights` (outcome, fold, learner, average,
    weight), a constant effect among the stack's; `ate` is that constant alone.
    """
    if learner == AVERAGE_EFFECT:
        return {CONSTANT: 1.0}
    if learner in WEIGHTS:
        own = weights[weights["outcome"] == outcome]
        mean = own.groupby("learner", sort=False)[WEIGHTS[learner]].mean()
        return {str(name): float(weight) for name, weight in mean.items() if weight > 0}
    return {learner: 1.0}


@dataclass(frozen=True)
class Models:
    """What predicts a next campaign: by outcome the learners' weights (see `blend_of`) and the learners with their settings.

    `ranking` are the weights of those that rank households by the effect on `outcome`, whether or not that is shown.
    `propensity` are the nuisances' models of the propensity and their weights.
    """

    outcome: str
    ranking: Mapping[str, float]
    blends: Mapping[str, Mapping[str, float]]
    learners: Mapping[str, Mapping[str, Learner]]
    propensity: tuple[Sequence[str], Sequence[float]]
    clip: float
    seed: int


def chosen_models(
    outcome: str,
    ranking: Mapping[str, float],
    blends: Mapping[str, Mapping[str, float]],
    tuned: Mapping[str, Mapping[str, Any]],
    models: Mapping[str, str],
    nuisance_models: pd.DataFrame,
    clip: float,
    seed: int,
) -> Models:
    """The learners of `blends`, and those that rank on `outcome`, with the settings that tuning gave most folds.

    `tuned` has by learner and outcome the settings of each fold; `models` is learners.models, `nuisance_models` the table of the
    stage `nuisance` (nuisance, model, weight).
    """
    learners = {
        target: {
            name: replace(find_learner(name, models), settings=usual_settings(tuned[name][target]["settings"]))
            for name in dict.fromkeys([*blend, *(ranking if target == outcome else ())])
            if name != CONSTANT
        }
        for target, blend in blends.items()
    }
    own = nuisance_models[nuisance_models["nuisance"] == "propensity"]
    return Models(outcome, ranking, blends, learners, (own["model"].tolist(), own["weight"].tolist()), clip, seed)


@dataclass(frozen=True)
class Predicted:
    """Propensity and effects (cate_*, lower_*, upper_*, ranking) of the next campaign's eligible households.

    With outside_range and unlike: the covariates outside the panel's range, and those of them that are FAR outside.
    `backtest` has those of the last campaign's rows from the campaigns before it, `comparable` those of all rows but ranking from
    the earlier campaigns' other folds, both with keys; neither has rows where there is one campaign.
    """

    predictions: pd.DataFrame
    backtest: pd.DataFrame
    comparable: pd.DataFrame


def predict_campaigns(panel: pd.DataFrame, nuisance: pd.DataFrame, candidates: pd.DataFrame, models: Models) -> Predicted:
    """The next campaign's households, and the last campaign's as if it were the next; `comparable` has the models' outcome alone.

    `candidates` has household_id, eligible and the panel's covariates of households. Where nobody is
    eligible, as after campaigns that reached everybody in the end, `predictions` has no rows.
    """
    eligible = candidates[candidates["eligible"]].reset_index(drop=True)

    def predict(learn: NDArray[np.bool_], households: pd.DataFrame) -> pd.DataFrame:
        return predict_households(panel[learn], nuisance[learn], households, models, list(models.blends))

    def alike(learn: NDArray[np.bool_], rows: NDArray[np.bool_]) -> pd.DataFrame:
        return predict_households(panel[learn], nuisance[learn], panel[rows], replace(models, ranking={}), [models.outcome])

    beyond = {"outside_range": outside_range(panel, eligible), "unlike": outside_range(panel, eligible, FAR)}
    predictions = eligible[["household_id"]].assign(**beyond)
    predictions = pd.concat([predictions, predict(np.ones(len(panel), dtype=bool), eligible)], axis=1)
    last = in_last_trial(panel)
    if last.all():
        return Predicted(predictions, panel.loc[last, KEYS].head(0), panel[KEYS].head(0))
    # The earlier rows' nuisances have seen the last campaign's other households; `forward` fits them without.
    backtest = pd.concat([panel.loc[last, KEYS], predict(~last, panel[last])], axis=1).reset_index(drop=True)
    comparable = by_other_folds(panel["fold"].to_numpy(), ~last, alike)
    return Predicted(predictions, backtest, pd.concat([panel[KEYS], comparable], axis=1))


def prediction_metrics(predictions: pd.DataFrame, outcome: str) -> dict[str, float]:
    """How many households are predicted, lie outside the panel's range and far outside, and their effects on `outcome`."""
    effects = predictions[f"cate_{outcome}"]
    counts = {
        "n": len(predictions),
        **{f"n_{name}": int((predictions[name] != "").sum()) for name in ("outside_range", "unlike")},
    }
    return counts | ({f"{name}_cate": float(effects.agg(name)) for name in ("mean", "min", "max")} if len(predictions) else {})


def predict_households(
    panel: pd.DataFrame, nuisance: pd.DataFrame, households: pd.DataFrame, models: Models, outcomes: Sequence[str]
) -> pd.DataFrame:
    """Propensity and effects with intervals of `households` (n,), learned from these rows; under the households' row numbers.

    And ranking, the effect by the learners that rank, if there are any; and by_lot, 1 where some of the rows learned from were
    mailed by lot: households like these can then be compared, whatever their propensity.
    """
    if households.empty:
        names = all_effect_columns(outcomes) + ["ranking"] * bool(models.ranking)
        return pd.DataFrame(columns=["propensity", "by_lot", *names], index=households.index, dtype=float)
    chance = predict_propensity(panel, households, *models.propensity, models.clip, models.seed)
    table = pd.DataFrame({"propensity": chance, "by_lot": int(drawn_by_lot(panel).any())}, index=households.index)
    for outcome in outcomes:
        training = Training(panel.reset_index(drop=True), nuisance.reset_index(drop=True), models.learners[outcome])
        found = predict_effects(training, households, chance, models.blends[outcome], outcome, models.seed)
        for name, values in zip(effect_columns(outcome), (found.cate, found.lower, found.upper), strict=True):
            table[name] = np.nan if values is None else values
        if outcome == models.outcome and models.ranking:
            table["ranking"] = predict_effects(training, households, chance, models.ranking, outcome, models.seed).cate
    return table


@dataclass(frozen=True)
class Training:
    """What effects are learned from: the panel and its nuisances, row by row alike, and each learner with its settings."""

    panel: pd.DataFrame
    nuisance: pd.DataFrame
    learners: Mapping[str, Learner]


def predict_effects(
    training: Training, households: pd.DataFrame, propensity: Vector, blend: Mapping[str, float], outcome: str, seed: int
) -> Effects:
    """Effects on `outcome` of `households` (n,), by learners fitted on the sample. The one place that knows learners.

    `propensity` (n,) is what some learners blend with, `blend` the learners' weights; its constant is the overlap-weighted effect
    of all rows. Learners learn from the panel's stored nuisances, rounded as where they are judged, so that no last bit grows
    another tree. A household that was in a trial is among the rows learned from, as it was then. Ends of intervals are averaged
    over past trials like the effects; None for a blend or a learner that has none.
    Raises DataError for effects that are not finite.
    """
    panel, nuisance, sample = training.panel, training.nuisance, in_sample(training.panel["fold"])
    rows = Rows(
        _learnable(panel)[sample],
        panel["treated"].to_numpy()[sample],
        panel[outcome].to_numpy(dtype=float)[sample],
        *stored_nuisances(nuisance[sample], outcome).T,
    )
    shares, copies = _in_each_trial(panel, households)
    held_out = HeldOut(copies, np.tile(propensity, len(shares)))
    parts = {}
    for name in blend:
        if name == CONSTANT:
            average = ato(effect_data(panel, nuisance, outcome))
            parts[name] = Effects(*(np.full(len(households), end) for end in (average.value, average.lower, average.upper)))
            continue
        learner = training.learners[name]
        found = effects_in_blocks(learner.learned(rows, learner.settings, seed), held_out)
        ends = (None if values is None else shares @ values.reshape(len(shares), -1) for values in (found.lower, found.upper))
        parts[name] = Effects(shares @ found.cate.reshape(len(shares), -1), *ends)
        if not np.isfinite(parts[name].cate).all():
            raise DataError(f"Learner {name} gave effects on {outcome} that are not finite: choose another policy.learner.")
    if len(parts) == 1:
        return next(iter(parts.values()))
    return Effects(np.sum([weight * parts[name].cate for name, weight in blend.items()], axis=0))


def predict_propensity(
    panel: pd.DataFrame, households: pd.DataFrame, models: Sequence[str], weights: Sequence[float], clip: float, seed: int
) -> Vector:
    """How likely a past campaign would have reached each of `households` (n,), by the nuisances' models and their weights.

    Rounded to four decimals and clipped (see `clipped`): strata are cut at these numbers, alike on every processor. Learned from
    rows of the sample whose chance is not known; where there are none, it is the mean of the known ones.
    """
    known = known_propensities(panel)
    observed = np.isnan(known) & in_sample(panel["fold"])
    if not observed.any():
        return np.full(len(households), known.mean().round(4))
    shares, copies = _in_each_trial(panel, households)
    covariates, treated = _learnable(panel)[observed], panel["treated"].to_numpy()[observed]
    total = np.zeros(len(copies))
    for model, weight in zip(models, weights, strict=True):
        total += weight * propensity_model(model, seed).fit(covariates, treated).predict_proba(copies)[:, 1]
    return clipped((shares @ total.reshape(len(shares), -1)).round(4), treated, clip)


def by_other_folds(
    fold: NDArray[np.int64], learn: NDArray[np.bool_], predict: Callable[[NDArray[np.bool_], NDArray[np.bool_]], pd.DataFrame]
) -> pd.DataFrame:
    """Every row predicted from the rows to `learn` from (rows,) of the other folds, in the order of the rows.

    `predict` gets whom to learn from and whom to predict (rows,) and returns one row each of the latter, under their row numbers.
    Rows that are not learned from are predicted like those that are, by the model of their own fold, so that the two differ in
    nothing but the households: no model was fitted on their rows, and each errs alike for both.
    """
    return pd.concat([predict(learn & (fold != number), fold == number) for number in np.unique(fold)]).sort_index()


def _learnable(panel: pd.DataFrame) -> Vector:
    """Household covariates, then an indicator for every trial but the first, shape (rows, covariates)."""
    trials = sorted(panel["trial"].unique())[1:]
    indicators = [(panel["trial"] == number).to_numpy(dtype=float) for number in trials]
    return np.column_stack([panel[household_covariates(panel)].to_numpy(dtype=float), *indicators])


def _in_each_trial(panel: pd.DataFrame, households: pd.DataFrame) -> tuple[Vector, Vector]:
    """Each past trial's share of rows, shape (trials,), and the households as if in each, shape (trials * n, covariates).

    What lies outside the panel's range is held at its edge.
    """
    shares = panel["trial"].value_counts(normalize=True).sort_index().to_numpy()
    seen = panel[household_covariates(panel)]
    values = households[seen.columns].clip(seen.min(), seen.max(), axis=1).to_numpy(dtype=float)
    blocks = []
    for place in range(len(shares)):
        indicators = np.zeros((len(values), len(shares) - 1))
        if place > 0:
            indicators[:, place - 1] = 1.0
        blocks.append(np.column_stack([values, indicators]))
    return shares, np.vstack(blocks)
