"""How each strategy of the league draws up its next list, by what it has seen so far: the pipeline's own path, made light.

Nuisances are the linear candidate's with one cross-fit, the propensity's penalty is fixed; the learners are two, untuned, and
learn from the stored nuisances; no policy goes by segments or a tree.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from study.estimate import MODELS, one_process
from study.league_retailer import OUTCOME, BeforeCampaign
from study.retailer import Params, economics_of
from targeting.campaign.experiment import assign_arms
from targeting.campaign.exploration import Exploration
from targeting.campaign.mailing import NextCampaign, known_by, mailing_list
from targeting.campaign.pilot import best_pilot, in_pilot, stakes_of
from targeting.campaign.prediction import Models, blend_of, fit_campaign, predict_next
from targeting.learners.cross_fit import cross_fit_effects
from targeting.learners.data import outcome_data
from targeting.learners.ensemble import CONSTANT, ensembles
from targeting.learners.registry import find_learner
from targeting.nuisance.cross_fit import cross_fit, nuisance_table, nuisance_tasks, observed_arm
from targeting.nuisance.lots import answers_by_lot
from targeting.nuisance.models import fixed_propensity
from targeting.nuisance.nested import HELD_OUT
from targeting.nuisance.noise import with_precision
from targeting.nuisance.overlap import Answers, overlap_verdict, positivity
from targeting.policy.beliefs import Forecast
from targeting.policy.decide import PolicyChoice, PolicyInputs, choose_policy
from targeting.policy.posterior import level_prior
from targeting.trials.designs import by_lot_alone, folded_panel
from targeting.trials.panel import covariate_names

# Quick ones that err apart: few components unshrunk, and all covariates shrunk.
LEARNERS = {name: find_learner(name, {"nonparam_dml": "linear"}) for name in ("linear_dml", "nonparam_dml")}
PLUG_IN, SHOWN, BEST_BET, THOMPSON, TEST_AND_ROLL = "plug_in", "shown", "best_bet", "thompson", "test_and_roll"
LEARNING = (PLUG_IN, SHOWN, BEST_BET, THOMPSON, TEST_AND_ROLL)
STRENGTH = 0.1  # of the propensity's logistic regression, within the range that the pipeline searches
NO_LOT = Exploration("epsilon_greedy", 0.0, 1.0)


@dataclass(frozen=True)
class FromTrials:
    """What the trials so far say: the panel with its nuisances, the choice of a policy, and the spread of what is unexplained.

    `blend` are the weights of the learners that rank, `forecast` is what is believed of effects, if the arms are `comparable` and
    one may decide by it.
    """

    panel: pd.DataFrame
    nuisance: pd.DataFrame
    blend: Mapping[str, float]
    choice: PolicyChoice
    comparable: bool
    forecast: Forecast | None
    residual_sd: float


def learn(rows: pd.DataFrame, params: Params) -> FromTrials:
    """From the rows of all trials so far to the recommended policy.

    Where they do not compare and those by lot do, from these alone, as `design=by_lot` has it, which a run then advises.
    """
    together = learn_from(rows, params)
    drawn = together.panel["by_lot"] == 1
    if together.comparable or not drawn.any() or drawn.all():
        return together
    by_lot = together.panel[drawn]
    own = by_lot[covariate_names(by_lot)], by_lot["treated"], together.nuisance.loc[drawn, "propensity"]
    alone = answers_by_lot(*own, params["nuisance"]["overlap"], params["seed"])
    return together if alone == Answers.NOTHING else learn_from(by_lot_alone(rows), params)


def learn_from(rows: pd.DataFrame, params: Params) -> FromTrials:
    """From the rows of some trials to the recommended policy."""
    panel, seed = folded_panel(rows, params["nuisance"]["folds"], params["seed"]), params["seed"]
    bounds = params["nuisance"]["overlap"]
    with one_process():
        nuisance = _nuisances(panel, params)
        data = {OUTCOME: outcome_data(panel, nuisance, _stored(panel, nuisance), OUTCOME)}
        tables = {}
        for name, learner in LEARNERS.items():
            settings = {OUTCOME: dict.fromkeys(data[OUTCOME].numbers, learner.settings)}
            tables[name] = cross_fit_effects(panel, data, learner, settings, seed)
        joint = ensembles(panel, tables, data)
    numbers = positivity(panel[covariate_names(panel)], panel["treated"], nuisance["propensity"], bounds, seed, panel["by_lot"])
    effects = joint.average
    policy, answers = {**params["policy"], "outcome": OUTCOME}, overlap_verdict(numbers).value
    inputs = PolicyInputs(panel, nuisance, effects, effects, economics_of(params), policy, bounds, answers, seed)
    choice = choose_policy(inputs)
    forecast = None if choice.beliefs is None else choice.beliefs.forecast
    predicted = observed_arm(panel["treated"], nuisance[f"mu0_{OUTCOME}"], nuisance[f"mu1_{OUTCOME}"])
    blend = blend_of("average", joint.weights, OUTCOME)
    return FromTrials(panel, nuisance, blend, choice, inputs.comparable, forecast, float((panel[OUTCOME] - predicted).std()))


def _nuisances(panel: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Nuisances and scores, row by row as the panel."""
    # The pipeline's linear model of the propensity, without the search of its penalty.
    known = partial(fixed_propensity, STRENGTH)
    tasks = [replace(task, build=known) if task.probability else task for task in nuisance_tasks(panel)]
    predictions, _ = cross_fit(tasks, panel, MODELS, params["nuisance"]["folds"], 1, params["seed"])
    return with_precision(panel, nuisance_table(panel, predictions, params["nuisance"]["clip"]))


def _stored(panel: pd.DataFrame, nuisance: pd.DataFrame) -> pd.DataFrame:
    """The stored nuisances in the form of `inner_nuisances`, whose fits leave two folds out and take thrice as long."""
    fold = panel["fold"].to_numpy()
    return pd.concat([nuisance[fold != number].assign(**{HELD_OUT: number}) for number in np.unique(fold)], ignore_index=True)


def predictions(learned: FromTrials, seen: BeforeCampaign, params: Params) -> pd.DataFrame:
    """What models of all trials say of the households that may be mailed next, as the stage `predict` has it."""
    constant, clip = {OUTCOME: {CONSTANT: 1.0}}, params["nuisance"]["clip"]
    models = Models(
        OUTCOME, learned.blend, constant, {OUTCOME: LEARNERS}, (MODELS, [1.0]), clip, params["seed"], by_standing=True
    )
    eligible = seen.candidates[seen.candidates["eligible"]]
    return predict_next([seen.candidates], fit_campaign(learned.panel, learned.nuisance, models, [eligible]))


def next_list(
    strategy: str, seen: BeforeCampaign, learned: FromTrials, predicted: pd.DataFrame, left: int, params: Params, seed: int
) -> pd.DataFrame:
    """The next campaign's list by one of LEARNING: household_id, mail, propensity and what else `mailing_list` says.

    `left` campaigns are to come, this one among them. A pilot's households have `by_lot` 1, of Thompson's list all.
    """
    candidates = seen.candidates.assign(segment="")
    policy = params["policy"]
    recommended = learned.choice.recommended
    if strategy == SHOWN and recommended != "none":
        recommended = recommended if learned.choice.valued.set_index("policy").loc[recommended, "shown"] else "none"
    bounds = params["nuisance"]["overlap"]
    campaign = NextCampaign("A", recommended, economics_of(params), OUTCOME, bounds, policy["prudence"])
    known = known_by(predicted, learned.forecast, bounds)
    if strategy == PLUG_IN:
        # The published study's rule: whoever's predicted effect exceeds the breakeven, wherever it is.
        campaign = NextCampaign("A", "prudent", economics_of(params), OUTCOME, (0.0, 1.0))
        known = predicted.assign(expected=predicted["ranking"], uncertainty=0.0, unlike="", in_overlap=True, reach=True)
    exploration = Exploration("thompson", 0.0, 1.0, params["experiment"]["floor"], left) if strategy == THOMPSON else NO_LOT
    table = mailing_list(candidates, known, campaign, exploration, seed)
    table["by_lot"] = int(strategy == THOMPSON) * candidates["eligible"].to_numpy()
    return with_pilot(table, learned, predicted, left, params, seed) if strategy == TEST_AND_ROLL else table


def with_pilot(
    table: pd.DataFrame, learned: FromTrials, predicted: pd.DataFrame, left: int, params: Params, seed: int
) -> pd.DataFrame:
    """The list with the best pilot of the campaigns `left`, if one pays, drawn by lot in place of what the policy says."""
    prior, economics = level_prior(learned.panel[OUTCOME], params["policy"]["effect_spread"]), economics_of(params)
    asked, stakes = stakes_of(
        learned.forecast,
        predicted,
        params["nuisance"]["overlap"],
        prior,
        (float(economics.cost), float(economics.margin)),
        left,
        learned.residual_sd,
        params["policy"]["prudence"],
        seed,
    )
    n, _ = best_pilot(stakes)
    if not n:
        return table
    drawn = predicted[predicted["household_id"].isin(in_pilot(stakes, n, asked))]
    arms = assign_arms(drawn.assign(segment=""), params["experiment"]["strata"], None, seed).set_index("household_id")
    own = table["household_id"].isin(arms.index).to_numpy()
    table.loc[own, "mail"] = (arms.loc[table.loc[own, "household_id"], "arm"] == "treated").astype(int).to_numpy()
    table.loc[own, "propensity"], table.loc[own, "by_lot"] = 0.5, 1
    return table
