"""What predicts a next campaign, fitted: propensity and effects of households that are in no trial yet.

A next campaign has no indicator of its own trial: it is taken to be like those of the past, so every prediction is the average
of those with each past trial's indicator set. Effects count a trial by what it can compare, propensities by its rows. All that it
takes is here, and no row of the past.

Counts that grow with the calendar, such as baskets so far, are larger in a next campaign than in any past one, for everybody. So
a household is taken to stand in a past trial where it stands among its own: as many standard deviations above the mean of those
who could be mailed then, as it is above the mean of those who can be mailed now. So do earlier mailings, whose number grows for
everybody too: that who was mailed more often than others answers less is kept, and that all answer less by now is not learned
from so few campaigns. What still lies outside all that was seen is predicted as if it stood at the edge.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from targeting.base.columns import PREFIX, all_effect_columns, effect_columns
from targeting.base.errors import DataError
from targeting.base.lots import drawn_by_lot, known_propensities
from targeting.base.parallel import in_processes
from targeting.effects.estimators import ato, effect_data
from targeting.learners.data import stored_nuisances
from targeting.learners.ensemble import CONSTANT
from targeting.learners.fitted import Fitted
from targeting.learners.registry import Learner
from targeting.learners.rows import Effects, HeldOut, Rows
from targeting.nuisance.models import fixed_propensity, propensity_model
from targeting.nuisance.scores import clip_bound
from targeting.stats.blocks import BLOCK, blocks
from targeting.stats.folds import in_sample
from targeting.trials.panel import household_covariates

Vector = NDArray[np.float64]
ROUNDING = 1e-12  # of a mean square: a variance below it is that of a constant; and of a range, which no household leaves by it
MOST = 0.5  # of the largest trial's rows: with fewer, such as a pilot's, a trial's rows are not all who could be mailed


@dataclass(frozen=True)
class Standing:
    """By what households stand among their own: the mean and the standard deviation of each covariate (p,)."""

    mean: Vector
    spread: Vector


@dataclass(frozen=True)
class Past:
    """What past trials say of a household's covariates: their names, least and most (p,), and the standings of each trial's rows.

    Of each trial, `shares` is its part of the rows whose chance was estimated, of which propensities are learned, and `weights`
    its part of what can be compared: the sum of e (1 - e) over its rows. A campaign that mailed by a rule, all but to the letter,
    says nothing of effects, however many rows it has, and what a model makes of its indicator is arbitrary.
    """

    names: list[str]
    least: Vector
    most: Vector
    shares: Vector
    weights: Vector
    trials: list[Standing]

    def in_each_trial(self, households: pd.DataFrame, own: Standing | None = None) -> Vector:
        """The households as if in each trial, shape (trials * n, covariates), with an indicator of every trial but the first.

        They stand in each as they do by their `own`; with None they have the covariates that they have. What lies outside the
        range is held at its edge.
        """
        copies = []
        for place, there in enumerate(self._placed(households, own)):
            indicators = np.zeros((len(there), len(self.shares) - 1))
            if place > 0:
                indicators[:, place - 1] = 1.0
            copies.append(np.column_stack([there.clip(self.least, self.most), indicators]))
        return np.vstack(copies)

    def _placed(self, households: pd.DataFrame, own: Standing | None) -> Iterator[Vector]:
        """The covariates (n, p) that the households would have in each trial, wherever they lie."""
        values = households[self.names].to_numpy(dtype=float)
        for trial in self.trials:
            if own is None:
                yield values
            else:
                grown = np.divide(trial.spread, own.spread, out=np.ones_like(own.spread), where=own.spread > 0)
                yield trial.mean + (values - own.mean) * grown

    def count(self, held_out: HeldOut) -> int:
        """How many households there are where each has a row for every trial."""
        return len(held_out.propensity) // len(self.shares)

    def over_trials(self, values: Vector, weights: Vector) -> Vector:
        """Numbers of the households in each trial (trials * n,), averaged over the trials by these `weights`: (n,)."""
        return weights @ values.reshape(len(weights), -1)

    def outside_range(self, households: pd.DataFrame, reach: float = 0.0, own: Standing | None = None) -> pd.Series:
        """For each household the covariates (without prefix, joined by commas) outside the past's range, else empty text.

        They lie there as they are, and also as `in_each_trial` puts them, in trials that have most of the weights: a count may
        grow with everybody's, and a yes or no that has become rarer is put beyond its end. Only those that lie beyond an end of
        the range by more than `reach` times its width count.
        Raises DataError for a covariate of the past that `households` lacks.
        """
        absent = [name for name in self.names if name not in households]
        if absent:
            raise DataError(f"The candidates lack covariates of the panel: {', '.join(absent)}. Run `dvc repro` to rebuild them.")
        # Who stands at the end of its own is not outside for the rounding of where that puts it.
        margin = np.maximum(reach, ROUNDING) * (self.most - self.least)

        def beyond(values: Vector) -> NDArray[np.bool_]:
            return (values < self.least - margin) | (values > self.most + margin)

        placed = zip(self.weights, self._placed(households, own), strict=True)
        weight = np.sum([part * beyond(values) for part, values in placed], axis=0)
        outside = beyond(households[self.names].to_numpy(dtype=float)) & (weight > 0.5)
        short = np.array([name.removeprefix(PREFIX) for name in self.names])
        words = np.full(len(outside), "", dtype=object)
        for row in np.flatnonzero(outside.any(axis=1)):
            words[row] = ", ".join(short[outside[row]])
        return pd.Series(words, index=households.index, dtype="str")


@dataclass(frozen=True)
class Propensity:
    """How likely a past campaign would have reached a household: models and their weights, or where all chances are known a mean.

    Chances are kept inside the bound, as the nuisances' are, and rounded to four decimals: strata are cut at these numbers, alike
    on every processor.
    """

    models: list[BaseEstimator]
    weights: list[float]
    bound: float
    known: float | None = None

    def chances(self, past: Past, copies: Vector) -> Vector:
        """Chances (n,) of households given as if in each past trial."""
        if self.known is not None:
            return np.full(len(copies) // len(past.shares), self.known)
        total = np.zeros(len(copies))
        for model, weight in zip(self.models, self.weights, strict=True):
            total += weight * model.predict_proba(copies)[:, 1]
        return np.clip(past.over_trials(total, past.shares).round(4), self.bound, 1 - self.bound)


@dataclass(frozen=True)
class Blend:
    """Effects on an outcome: learners, weights that add up to 1, and the constant with its interval if it is one of them."""

    weights: dict[str, float]
    learners: dict[str, Fitted]
    average: tuple[float, ...]
    outcome: str

    def effects(self, past: Past, held_out: HeldOut) -> Effects:
        """Effects (n,) of households given as if in each past trial.

        Those of a single learner with its interval, whose ends are averaged over trials like them. Raises DataError for effects
        that are not finite.
        """
        if len(self.weights) > 1:
            parts = [weight * self._cate(name, past, held_out) for name, weight in self.weights.items()]
            return Effects(np.sum(parts, axis=0))
        (name,) = self.weights
        if name == CONSTANT:
            return Effects(*(np.full(past.count(held_out), end) for end in self.average))
        found = self.learners[name].effects(held_out)
        ends = (None if values is None else past.over_trials(values, past.weights) for values in (found.lower, found.upper))
        return Effects(self._finite(name, past.over_trials(found.cate, past.weights)), *ends)

    def _cate(self, name: str, past: Past, held_out: HeldOut) -> Vector:
        if name == CONSTANT:
            return np.full(past.count(held_out), self.average[0])
        return self._finite(name, past.over_trials(self.learners[name].cate(held_out), past.weights))

    def _finite(self, name: str, cate: Vector) -> Vector:
        if not np.isfinite(cate).all():
            raise DataError(f"Learner {name} gave effects on {self.outcome} that are not finite: choose another policy.learner.")
        return cate


@dataclass(frozen=True)
class CampaignModels:
    """All that predicts: `blends` by outcome, `ranking` the learners by which households are ranked, if there are any.

    `lots` has the least and the largest propensity of past rows on whom a lot decided, None without any: households in between
    can be compared, whatever their propensity (by_lot). `now` is by what the households to predict stand among their own; None
    takes their covariates as they are.
    """

    past: Past
    propensity: Propensity
    blends: dict[str, Blend]
    ranking: Blend | None
    lots: tuple[float, float] | None
    now: Standing | None = None

    def predict(self, households: pd.DataFrame, size: int = BLOCK) -> pd.DataFrame:
        """Propensity, by_lot, effects with intervals and ranking of `households` (n,), under their row numbers.

        At most `size` rows at a time, a household having one for each past trial.
        """
        if households.empty:
            names = all_effect_columns(self.blends) + ["ranking"] * (self.ranking is not None)
            return pd.DataFrame(columns=["propensity", "by_lot", *names], index=households.index, dtype=float)
        own = households[self.past.names]
        places = blocks(len(own), max(size // len(self.past.shares), 1))
        return pd.concat([self._predict(own.iloc[place]) for place in places])

    def _predict(self, households: pd.DataFrame) -> pd.DataFrame:
        copies = self.past.in_each_trial(households, self.now)
        chance = self.propensity.chances(self.past, copies)
        held_out = HeldOut(copies, np.tile(chance, len(self.past.shares)))
        least, most = self.lots or (np.inf, -np.inf)
        by_lot = ((least <= chance) & (chance <= most)).astype(int)
        table = pd.DataFrame({"propensity": chance, "by_lot": by_lot}, index=households.index)
        for outcome, blend in self.blends.items():
            found = blend.effects(self.past, held_out)
            for name, values in zip(effect_columns(outcome), (found.cate, found.lower, found.upper), strict=True):
                table[name] = np.nan if values is None else values
        if self.ranking is not None:
            table["ranking"] = self.ranking.effects(self.past, held_out).cate
        return table


def past_of(panel: pd.DataFrame, propensity: ArrayLike) -> Past:
    """The past as the panel's rows and their propensities (rows,) have it."""
    names, standings = household_covariates(panel), standings_of(panel)
    estimated = np.isnan(known_propensities(panel))
    counted = panel.loc[estimated, "trial"] if estimated.any() else panel["trial"]
    shares = counted.value_counts(normalize=True).reindex(list(standings), fill_value=0.0).to_numpy()
    e = np.asarray(propensity, dtype=float)
    weights = pd.Series(e * (1 - e), index=panel.index).groupby(panel["trial"]).sum().to_numpy()
    ends = (panel[names].min().to_numpy(dtype=float), panel[names].max().to_numpy(dtype=float))
    return Past(names, *ends, shares, weights / weights.sum(), list(standings.values()))


def standings_of(panel: pd.DataFrame) -> dict[int, Standing]:
    """By what households stand among their own, for each trial: its rows.

    A trial that took in few, as a pilot does, knows of no others: there it is the standing of the nearest trial that did not.
    """
    names, sizes = household_covariates(panel), panel["trial"].value_counts().sort_index()
    whole = {
        int(trial): standing_of([panel[panel["trial"] == trial]], names) for trial in sizes.index[sizes >= MOST * sizes.max()]
    }
    return {int(trial): whole[min(whole, key=lambda other: abs(other - trial))] for trial in sizes.index}


def standing_of(batches: Iterable[pd.DataFrame], names: Sequence[str]) -> Standing:
    """By what households stand among their own, who come in batches; of nobody no mean is known, and none is needed."""
    n, total, squares = 0, np.zeros(len(names)), np.zeros(len(names))
    for batch in batches:
        values = batch[list(names)].to_numpy(dtype=float)
        n, total, squares = n + len(values), total + values.sum(axis=0), squares + np.square(values).sum(axis=0)
    mean = total / max(n, 1)
    variance = np.maximum(squares / max(n, 1) - mean**2, 0.0)
    # What is left of a constant after rounding is no spread.
    return Standing(mean, np.sqrt(np.where(variance > ROUNDING * mean**2, variance, 0.0)))


def fit_propensity(panel: pd.DataFrame, models: Sequence[str], weights: Sequence[float], clip: float, seed: int) -> Propensity:
    """The nuisances' models of the propensity, learned from all rows of the sample whose chance is not known."""
    known = known_propensities(panel)
    observed = np.isnan(known) & in_sample(panel["fold"])
    if not observed.any():
        return Propensity([], [], 0.0, float(np.nanmean(known).round(4)))
    covariates, treated = learnable(panel)[observed], panel["treated"].to_numpy()[observed]
    fitted = [_settled(propensity_model(model, seed).fit(covariates, treated), covariates, treated) for model in models]
    return Propensity(fitted, list(weights), clip_bound(treated, clip))


def _settled(found: BaseEstimator, covariates: Vector, treated: Vector) -> BaseEstimator:
    """The model without the search of its penalty, which predicts nothing and which a stored file need not hold."""
    return fixed_propensity(found[-1].C_).fit(covariates, treated) if isinstance(found, Pipeline) else found


def fit_learners(
    panel: pd.DataFrame, nuisance: pd.DataFrame, learners: Mapping[str, Mapping[str, Learner]], seed: int
) -> dict[str, dict[str, Fitted]]:
    """Learners by outcome and name, each fitted once on all rows of the sample, side by side. The one place that knows learners.

    They learn from the stored nuisances, rounded as where learners are judged, so that no last bit grows another tree. A
    household that was in a trial is among the rows learned from, as it was then.
    """
    sample = in_sample(panel["fold"])
    covariates, treated = learnable(panel)[sample], panel["treated"].to_numpy()[sample]
    rows = {
        outcome: Rows(
            covariates,
            treated,
            panel[outcome].to_numpy(dtype=float)[sample],
            *stored_nuisances(nuisance[sample], outcome).T,
        )
        for outcome, own in learners.items()
        if own
    }
    jobs = [(outcome, name) for outcome, own in learners.items() for name in own]
    found = in_processes(partial(_fit_learner, rows, learners, seed), jobs) if jobs else ()
    fitted: dict[str, dict[str, Fitted]] = {outcome: {} for outcome in learners}
    for (outcome, name), own in zip(jobs, found, strict=True):
        fitted[outcome][name] = own
    return fitted


def _fit_learner(
    rows: Mapping[str, Rows], learners: Mapping[str, Mapping[str, Learner]], seed: int, outcome: str, name: str
) -> Fitted:
    learner = learners[outcome][name]
    return learner.learned(rows[outcome], learner.settings, seed)


def blended(
    panel: pd.DataFrame, nuisance: pd.DataFrame, fitted: Mapping[str, Fitted], blend: Mapping[str, float], outcome: str
) -> Blend:
    """A blend of learners `fitted` on this outcome; its constant is the overlap-weighted effect of all the panel's rows.

    Rows outside the sample count for that constant too.
    """
    average: tuple[float, ...] = ()
    if CONSTANT in blend:
        found = ato(effect_data(panel, nuisance, outcome))
        average = (found.value, found.lower, found.upper)
    return Blend(dict(blend), {name: fitted[name] for name in blend if name != CONSTANT}, average, outcome)


def learnable(panel: pd.DataFrame) -> Vector:
    """Household covariates, then an indicator for every trial but the first, shape (rows, covariates)."""
    trials = sorted(panel["trial"].unique())[1:]
    indicators = [(panel["trial"] == number).to_numpy(dtype=float) for number in trials]
    return np.column_stack([panel[household_covariates(panel)].to_numpy(dtype=float), *indicators])


def reach_of_lots(panel: pd.DataFrame, past: Past, propensity: Propensity, by_standing: bool) -> tuple[float, float] | None:
    """The least and the largest chance that past campaigns would have given those on whom a lot decided; None without any."""
    drawn = panel[drawn_by_lot(panel)]
    if drawn.empty:
        return None
    standings, size = dict(zip(sorted(panel["trial"].unique()), past.trials, strict=True)), max(BLOCK // len(past.trials), 1)
    chances = [
        propensity.chances(past, past.in_each_trial(rows.iloc[place], standings[trial] if by_standing else None))
        for trial, rows in drawn.groupby("trial")
        for place in blocks(len(rows), size)
    ]
    return float(np.min([part.min() for part in chances])), float(np.max([part.max() for part in chances]))
