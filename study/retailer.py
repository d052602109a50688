"""One whole made-up retailer through the project's own code: from its tills to every estimator and learner, and to a policy."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis.backends import BaseBackend
from numpy.typing import NDArray

from study.estimate import MODELS, estimate_rows, fit_nuisances, one_process, world_seed
from targeting.base.columns import KEYS, OUTCOMES, all_effect_columns
from targeting.effects.after_campaign import after_campaign
from targeting.learners.cross_fit import LearnerError, cross_fit_effects
from targeting.learners.data import OutcomeData, outcome_data
from targeting.learners.ensemble import ensembles, usable
from targeting.learners.registry import find_learner
from targeting.nuisance.nested import inner_nuisances
from targeting.nuisance.overlap import overlap_verdict, positivity
from targeting.policy.decide import PolicyChoice, PolicyInputs, choose_policy
from targeting.policy.economics import Economics
from targeting.policy.policies import POLICIES
from targeting.policy.tree_results import tree_decisions, tree_rows
from targeting.policy.value import profits
from targeting.sources import canonical_tables
from targeting.tables.covariates import keep_covariates
from targeting.tables.engine import connect
from targeting.tables.history import with_history
from targeting.tables.schemas import first_and_last_day
from targeting.trials.designs import folded_panel
from targeting.trials.lay_out import eligible_rows, planned_trials
from targeting.trials.panel import covariate_names
from targeting.trials.weeks import weekly_spend
from targeting.validation.judge import Chosen, choose_effects
from targeting.validation.selection import AVERAGE_EFFECT, NESTED, USED
from targeting.validation.truth import estimand_weights, judge_learners, truth_of_rows

OUTCOME = "purchase_amount"  # what learners are chosen by and policies earn
CHOSEN = "chosen"  # the learner that the rule puts first on all rows, whether or not it shows heterogeneity
SOURCE = {"source": "simulated", "first_day": "2016-01-04"}
# What of params.yaml decides a retailer's result.
SECTIONS = ("engine", "design", "nuisance", "learners", "policy", "seed")
Params = Mapping[str, Any]
Effects = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class JudgedRetailer:
    """A retailer's facts (overlap, verdict, choice, policies), and rows by learner, by estimator, and by true average effect."""

    facts: dict[str, Any]
    learners: list[dict[str, Any]]
    estimates: list[dict[str, Any]]
    truth: list[dict[str, Any]]


def judge_retailer(overlap: str, effect: str, number: int, households: int, weeks: int, params: Params) -> JudgedRetailer:
    """Retailer `number` of a cell, of so many households and weeks; `params` has the SECTIONS of params.yaml.

    Nuisances are the linear candidate's with one cross-fit, learners have their default settings; all else is as in the stages,
    but that no policy goes by segments. Learners and policies are judged on spend.
    """
    key = {"overlap": overlap, "effect": effect, "world": number}
    size = {"households": households, "weeks": weeks, "seed": world_seed(overlap, effect, number)}
    panel, weekly, truth = panel_and_truth(SOURCE | size | {"overlap": overlap, "effect": effect}, params)
    with one_process():
        nuisance = retailer_nuisances(panel, params)
        after = after_campaign(weekly, panel, nuisance)
        effects = learned_effects(panel, learning_data(panel, nuisance, params), params)
    bounds, economics = params["nuisance"]["overlap"], economics_of(params)
    chosen = choose_effects(panel, nuisance, effects, OUTCOME, bounds, params["seed"])
    choice, by_rule = chosen.choice, {CHOSEN: chosen.first, NESTED: chosen.nested, USED: chosen.selected}
    numbers = positivity(panel[covariate_names(panel)], panel["treated"], nuisance["propensity"], bounds, params["seed"])
    answers = overlap_verdict(numbers).value
    facts: dict[str, Any] = {**numbers, "answers": answers, "best": choice.overall.learner, "shown": choice.overall.shown}
    facts["average_share"] = (chosen.selected["learner"] == AVERAGE_EFFECT).mean()
    facts |= _recommendation(retailers_choice(panel, nuisance, after, chosen, answers, params), truth, economics)
    return JudgedRetailer(
        key | facts,
        [key | row for row in _learner_rows(effects | by_rule, truth, economics)],
        [key | row for row in estimate_rows(panel, nuisance)],
        [key | row for row in _true_effects(truth)],
    )


def panel_and_truth(data: Params, params: Params) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The panel of a made-up retailer's trials as the stages ingest and trials make it, its weekly spend, and its rows' truth."""
    with connect(params["engine"]) as backend:
        tables = canonical_tables(backend, data)
        return laid_out(backend, tables, tables["truth"].execute(), params)


def laid_out(
    backend: BaseBackend, canonical: Mapping[str, ir.Table], truth: pd.DataFrame, params: Params
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The panel of a retailer's trials, by its canonical tables, its weekly spend, and the truth of its rows."""
    design, tables = params["design"], with_history(backend, canonical)
    trials = planned_trials(tables, design)
    covariates = keep_covariates(backend, tables, [trial.time_zero for trial in trials], design["recent_days"])
    rows = eligible_rows(tables, covariates, trials, design)
    panel = folded_panel(rows, params["nuisance"]["folds"], params["seed"])
    weekly, known = weekly_spend(tables, trials, panel, first_and_last_day(tables["receipts"])[0]), truth_of_rows(panel, truth)
    if known is None:
        raise ValueError("The retailer's truth names none of the panel's campaigns: only type A has known effects.")
    return panel, weekly, known


def retailer_nuisances(panel: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Those of `fit_nuisances` for the parameters of a run, fitted once."""
    settings = params["nuisance"]
    return fit_nuisances(panel, settings["folds"], 1, settings["clip"], params["seed"])


def learning_data(panel: pd.DataFrame, nuisance: pd.DataFrame, params: Params) -> OutcomeData:
    """What effects on spend are learned from, fold by fold."""
    inner = inner_nuisances(panel, MODELS, params["nuisance"]["clip"], params["seed"])
    return outcome_data(panel, nuisance, inner, OUTCOME)


def learned_effects(panel: pd.DataFrame, data: OutcomeData, params: Params) -> Effects:
    """Out-of-fold effects on spend of every learner that does not fail, then of their average and stack, as the stages fit them.

    The columns of the other outcome are there and missing.
    """
    tables = untuned_effects(panel, data, OUTCOME, params)
    return {name: table.reindex(columns=[*KEYS, *all_effect_columns(OUTCOMES)]) for name, table in tables.items()}


def untuned_effects(panel: pd.DataFrame, data: OutcomeData, outcome: str, params: Params) -> Effects:
    """Out-of-fold effects on one outcome by every learner with its default settings, then by their average and stack.

    A learner that fails is left out, as by the stage.
    """
    by_outcome = {outcome: data}
    tables: Effects = {}
    for name in params["learners"]["names"]:
        learner = find_learner(name, params["learners"]["models"])
        settings = {outcome: dict.fromkeys(data.numbers, learner.settings)}
        try:
            tables[name] = cross_fit_effects(panel, by_outcome, learner, settings, params["seed"])
        except LearnerError:
            continue
    joint = ensembles(panel, usable(panel, tables), by_outcome)
    return tables | {"average": joint.average, "stack": joint.stack}


def economics_of(params: Params) -> Economics:
    """The cost and margin of the parameters, the same for every household."""
    return Economics(params["policy"]["cost"], params["policy"]["margin"])


def retailers_choice(
    panel: pd.DataFrame, nuisance: pd.DataFrame, after: pd.DataFrame, judged: Chosen, answers: str, params: Params
) -> PolicyChoice:
    """The policies, as the stages `policy_tree` and `policy` decide and value them; none by segments.

    `after` is the table of `after_campaign`, `judged` has the effects to decide by, `answers` is what the overlap allows to be
    said.
    """
    economics, bounds = economics_of(params), params["nuisance"]["overlap"]
    inputs = PolicyInputs(
        panel=panel,
        nuisance=nuisance,
        effects=judged.selected,
        ranking=judged.nested,
        economics=economics,
        settings={**params["policy"], "outcome": OUTCOME},
        bounds=bounds,
        answers=answers,
        seed=params["seed"],
        after=after,
        tree=tree_decisions(tree_rows(panel, nuisance, economics, OUTCOME, bounds, params["seed"]), params["seed"]),
    )
    return choose_policy(inputs)


def _recommendation(chosen: PolicyChoice, truth: pd.DataFrame, economics: Economics) -> dict[str, Any]:
    """The recommended policy, what it is expected to earn and what it truly earns, and the true profits of others.

    USD per row, against mailing nobody. `profit` is measured off-policy, `true_profit` is that of the same decisions, and
    `applied_profit` that of the rule as a next campaign follows it, learned from all rows. The others are mailing all, as done,
    everybody inside the overlap, and the oracle's, who mails exactly those whose true effect exceeds the breakeven, everywhere or
    inside the overlap.
    """
    recommended = chosen.recommended
    effect = truth[f"effect_{OUTCOME}"].to_numpy()
    names = (recommended, "all", "inside", "current")
    true = {name: float(profits(chosen.decisions[name], effect, economics).mean()) for name in names}
    valued, inside = chosen.valued.set_index("policy").loc[recommended], chosen.data.overlap
    return {
        "recommended": recommended,
        **valued[["profit", "expected_profit", "chance_of_loss", "shown"]].rename({"shown": "shown_to_pay"}).to_dict(),
        "true_profit": true[recommended],
        "applied_profit": applied_profit(chosen, effect, economics),
        "inside_profit": true["inside"],
        "inside_oracle_profit": float(profits(inside & (effect > economics.breakeven), effect, economics).mean()),
        "all_profit": true["all"],
        "current_profit": true["current"],
        "oracle_profit": _rule_profit(effect, effect, economics),
    }


def applied_profit(chosen: PolicyChoice, effect: NDArray[np.float64], economics: Economics) -> float:
    """What the recommended rule truly earns per row as a next campaign follows it, by the beliefs of all rows."""
    return 0.0 if chosen.recommended == "none" else float(profits(_applied(chosen), effect, economics).mean())


def _applied(chosen: PolicyChoice) -> NDArray[np.float64]:
    """Whom the recommended rule contacts so (rows,)."""
    if chosen.beliefs is None:
        raise ValueError("Nothing is recommended where nothing is believed.")
    posterior, centred = chosen.beliefs.forecast.posterior, chosen.beliefs.centred
    data = replace(chosen.data, expected=posterior.mean(centred), uncertainty=posterior.sd(centred, chosen.data.overlap))
    return POLICIES[chosen.recommended](data)


def _rule_profit(believed: NDArray[np.float64], effect: NDArray[np.float64], economics: Economics) -> float:
    """The true profit per row of mailing whoever's effect is believed to exceed the breakeven."""
    return float(profits(believed > economics.breakeven, effect, economics).mean())


def _learner_rows(effects: Effects, truth: pd.DataFrame, economics: Economics) -> list[dict[str, Any]]:
    """By learner the rank correlation with the true effects, their root mean squared error (pehe), and the plug-in rule's profit.

    Effects that are alike for all rank nobody, and have a correlation of 0. The plug-in rule mails whoever's effect exceeds the
    breakeven by the learner itself, as the published study does; its profit is the true one.
    """
    claims = judge_learners(effects, truth)
    effect = truth[f"effect_{OUTCOME}"].to_numpy()
    return [
        {
            "learner": claim.name,
            "rank_correlation": np.nan if np.ptp(effect) == 0 else np.nan_to_num(claim.rank_correlation),
            "pehe": claim.rmse,
            "plugin_profit": _rule_profit(effects[claim.name][f"cate_{OUTCOME}"].to_numpy(), effect, economics),
        }
        for claim in claims[claims["outcome"] == OUTCOME].itertuples(index=False)
    ]


def _true_effects(truth: pd.DataFrame) -> list[dict[str, Any]]:
    """The true average effect on the households at hand by outcome and estimand (ate, att, ato)."""
    return [
        {"outcome": outcome, "estimand": name.lower(), "truth": np.average(truth[f"effect_{outcome}"], weights=weights)}
        for outcome in OUTCOMES
        for name, weights in estimand_weights(truth, by_design=True).items()
    ]
