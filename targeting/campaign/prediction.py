"""Effects and propensities of a next campaign's households, by models of all trials, and of the last one's, looking back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import CUSTOMERS, KEYS
from targeting.base.parallel import in_processes
from targeting.campaign.models import (
    Blend,
    CampaignModels,
    Standing,
    blended,
    fit_learners,
    fit_propensity,
    past_of,
    reach_of_lots,
    standing_of,
    standings_of,
)
from targeting.learners.cross_fit import usual_settings
from targeting.learners.ensemble import CONSTANT
from targeting.learners.registry import Learner, find_learner
from targeting.trials.panel import RESTED, in_last_trial
from targeting.validation.selection import AVERAGE_EFFECT

FAR = 1.0  # widths of a covariate's range beyond its end: a household there is unlike all that was learned from
BATCH = 10_000  # households read at a time: some 100 MB a process, with as many trials as a year has
SELECTED = "selected"  # of policy.learner: what validation chooses
WEIGHTS = {"average": "average", "stack": "weight"}  # the column of an ensemble's weights


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
class ChosenLearners:
    """Which learners predict a next campaign, by their names: whose effects are used, who ranks, and the weights behind both.

    `blends` are by outcome the weights (see `blend_of`) of `learner`, `ranking` those of `ranks` on the outcome of the policies.
    """

    learner: str
    ranks: str
    blends: Mapping[str, Mapping[str, float]]
    ranking: Mapping[str, float]

    @classmethod
    def of(
        cls, learner: str, validation: Mapping[str, Any], weights: pd.DataFrame, outcomes: Iterable[str], outcome: str
    ) -> "ChosenLearners":
        """By policy.learner, which may leave the choice to metrics/validate.json, and the ensembles' `weights`."""
        ranks = learner
        if learner == SELECTED:
            learner, ranks = validation["selected"], validation["best"]
        return cls(
            learner, ranks, {name: blend_of(learner, weights, name) for name in outcomes}, blend_of(ranks, weights, outcome)
        )

    @property
    def fitted(self) -> list[str]:
        """The learners that are to be fitted."""
        return sorted({name for blend in (*self.blends.values(), self.ranking) for name in blend} - {CONSTANT})


def same_households(panel: pd.DataFrame, source: str, eligible: str) -> bool:
    """Whether those who can be mailed next are whom every trial had: nearly everybody each time, by data.source, design.eligible.

    Where mailed households leave, the light ones stay; and each campaign of a table of customers may have had its own.
    """
    return source != CUSTOMERS and eligible == RESTED and bool((panel["earlier_mailings"] > 0).any())


@dataclass(frozen=True)
class Models:
    """What predicts a next campaign: by outcome the learners' weights (see `blend_of`) and the learners with their settings.

    `ranking` are the weights of those that rank households by the effect on `outcome`, whether or not that is shown.
    `propensity` are the nuisances' models of the propensity and their weights. `by_standing` says that households are predicted
    by how they stand among their own (see `campaign.models`); else by their covariates as they are, as where those who can be
    mailed become others from campaign to campaign.
    """

    outcome: str
    ranking: Mapping[str, float]
    blends: Mapping[str, Mapping[str, float]]
    learners: Mapping[str, Mapping[str, Learner]]
    propensity: tuple[Sequence[str], Sequence[float]]
    clip: float
    seed: int
    by_standing: bool = False

    def wanted(self) -> dict[str, dict[str, Learner]]:
        """The learners that are to be fitted on each outcome, by name: what blends and ranking need, and no other."""
        behind = _behind(self.outcome, self.ranking, self.blends)
        return {outcome: {name: self.learners[outcome][name] for name in names} for outcome, names in behind.items()}


def _behind(outcome: str, ranking: Mapping[str, float], blends: Mapping[str, Mapping[str, float]]) -> dict[str, list[str]]:
    """The names of the learners behind each outcome's blend, with those that rank on `outcome`."""
    names = {target: [*blend, *(ranking if target == outcome else ())] for target, blend in blends.items()}
    return {target: [name for name in dict.fromkeys(own) if name != CONSTANT] for target, own in names.items()}


def chosen_models(
    chosen: ChosenLearners,
    tuned: Mapping[str, Mapping[str, Any]],
    nuisance_models: pd.DataFrame,
    params: Mapping[str, Any],
    by_standing: bool,
) -> Models:
    """The learners that are chosen, with the settings that tuning gave most folds.

    `tuned` has by learner and outcome the settings of each fold, `nuisance_models` is the table of the stage `nuisance`
    (nuisance, model, weight); `params` has the sections policy, learners, nuisance and seed of params.yaml.
    """
    outcome, known, clip = params["policy"]["outcome"], params["learners"]["models"], params["nuisance"]["clip"]
    learners = {
        target: {
            name: replace(find_learner(name, known), settings=usual_settings(tuned[name][target]["settings"])) for name in names
        }
        for target, names in _behind(outcome, chosen.ranking, chosen.blends).items()
    }
    own = nuisance_models[nuisance_models["nuisance"] == "propensity"]
    propensity = own["model"].tolist(), own["weight"].tolist()
    return Models(outcome, chosen.ranking, chosen.blends, learners, propensity, clip, params["seed"], by_standing)


def fit_campaign(
    panel: pd.DataFrame, nuisance: pd.DataFrame, models: Models, candidates: Iterable[pd.DataFrame]
) -> CampaignModels:
    """What predicts a next campaign, learned from these rows; the nuisances have the panel's rows in their order.

    `candidates` are all households that can be mailed next, in batches, with the covariates of households.
    """
    panel, nuisance = panel.reset_index(drop=True), nuisance.reset_index(drop=True)
    fitted = fit_learners(panel, nuisance, models.wanted(), models.seed)

    def own(blend: Mapping[str, float], outcome: str) -> Blend:
        return blended(panel, nuisance, fitted[outcome], blend, outcome)

    blends = {outcome: own(blend, outcome) for outcome, blend in models.blends.items()}
    ranking = own(models.ranking, models.outcome) if models.ranking else None
    chances = fit_propensity(panel, *models.propensity, models.clip, models.seed)
    past = past_of(panel, nuisance["propensity"])
    now = standing_of(candidates, past.names) if models.by_standing else None
    return CampaignModels(past, chances, blends, ranking, reach_of_lots(panel, past, chances, models.by_standing), now)


@dataclass(frozen=True)
class LookedBack:
    """Propensity and effects (cate_*, lower_*, upper_*) of past campaigns' rows, with keys; no rows where there is one campaign.

    `backtest` has those of the last campaign's rows from the campaigns before it, with ranking, `comparable` those of all rows
    from the same campaigns' other folds, of the models' outcome alone.
    """

    backtest: pd.DataFrame
    comparable: pd.DataFrame


def look_back(panel: pd.DataFrame, nuisance: pd.DataFrame, models: Models) -> LookedBack:
    """The last campaign's households as if it were the next."""
    last = in_last_trial(panel)
    if last.all():
        return LookedBack(panel.loc[last, KEYS].head(0), panel[KEYS].head(0))
    alone = replace(models, ranking={}, blends={models.outcome: models.blends[models.outcome]})
    alike = partial(_predict_alike, panel, nuisance, alone, standings_of(panel))
    # The earlier rows' nuisances have seen the last campaign's other households; `forward` fits them without.
    found = fit_campaign(panel[~last], nuisance[~last], models, [panel[last]]).predict(panel[last])
    backtest = pd.concat([panel.loc[last, KEYS], found], axis=1).reset_index(drop=True)
    comparable = by_other_folds(panel["fold"].to_numpy(), ~last, alike)
    return LookedBack(backtest, pd.concat([panel[KEYS], comparable], axis=1))


def _predict_alike(
    panel: pd.DataFrame,
    nuisance: pd.DataFrame,
    models: Models,
    standings: Mapping[int, Standing],
    learn: NDArray[np.bool_],
    rows: NDArray[np.bool_],
) -> pd.DataFrame:
    """Predictions of these `rows`, each as it stands among its own trial's, by models of the rows to `learn` from."""
    fitted = fit_campaign(panel[learn], nuisance[learn], models, ())
    found = []
    for trial, own in panel[rows].groupby("trial"):
        now = standings[int(trial)] if models.by_standing else None
        found.append(replace(fitted, now=now).predict(own))
    return pd.concat(found).loc[panel.index[rows]]


def predict_next(batches: Iterable[pd.DataFrame], models: CampaignModels) -> pd.DataFrame:
    """Propensity, effects and ranking of the next campaign's eligible households, with outside_range and unlike.

    These are the covariates outside the panel's range, and those of them that are FAR outside. Each of the `batches` of
    candidates has household_id, eligible and the covariates of households; they are predicted side by side, and no more of them
    than there are cores is held at once. No rows where nobody is eligible, as after campaigns that reached everybody in the end.
    """
    parts = list(in_processes(partial(_predict_batch, models), ((batch,) for batch in batches)))
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _predict_batch(models: CampaignModels, candidates: pd.DataFrame) -> pd.DataFrame:
    eligible, past = candidates[candidates["eligible"]].reset_index(drop=True), models.past
    beyond = {name: past.outside_range(eligible, far, models.now) for name, far in (("outside_range", 0.0), ("unlike", FAR))}
    return pd.concat([eligible[["household_id"]].assign(**beyond), models.predict(eligible)], axis=1)


def prediction_metrics(predictions: pd.DataFrame, outcome: str) -> dict[str, float]:
    """How many households are predicted, lie outside the panel's range and far outside, and their effects on `outcome`."""
    effects = predictions[f"cate_{outcome}"]
    counts = {
        "n": len(predictions),
        **{f"n_{name}": int((predictions[name] != "").sum()) for name in ("outside_range", "unlike")},
    }
    return counts | ({f"{name}_cate": float(effects.agg(name)) for name in ("mean", "min", "max")} if len(predictions) else {})


def by_other_folds(
    fold: NDArray[np.int64], learn: NDArray[np.bool_], predict: Callable[[NDArray[np.bool_], NDArray[np.bool_]], pd.DataFrame]
) -> pd.DataFrame:
    """Every row predicted from the rows to `learn` from (rows,) of the other folds, in the order of the rows; folds side by side.

    `predict` gets whom to learn from and whom to predict (rows,) and returns one row each of the latter, under their row numbers.
    Rows that are not learned from are predicted like those that are, by the model of their own fold, so that the two differ in
    nothing but the households: no model was fitted on their rows, and each errs alike for both.
    """
    parts = in_processes(predict, ((learn & (fold != number), fold == number) for number in np.unique(fold)))
    return pd.concat(list(parts)).sort_index()
