"""Mailing lists of whole made-up retailers: what a list is expected to earn, against what it truly earns from those households.

`python -m study.lists [--worlds N]`; `make study` runs this. Each list's result is kept as those of `study.run` are.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from study.estimate import one_process, world_seed
from study.retailer import (
    MODELS,
    OUTCOME,
    SECTIONS,
    SOURCE,
    Params,
    economics_of,
    learned_effects,
    learning_data,
    panel_and_truth,
    retailer_nuisances,
    retailers_choice,
)
from study.retailers import WEEKS
from study.run import FOLDER, side_by_side
from study.summary import CELL
from study.worlds import OVERLAPS
from targeting.base.outputs import write_csv
from targeting.base.params import load_params
from targeting.campaign.mailing import NextCampaign, known_by, mailed_by_policy, seen_by_policy
from targeting.campaign.prediction import FAR, Models, blend_of, fit_campaign
from targeting.effects.after_campaign import after_campaign
from targeting.learners.ensemble import CONSTANT, ensembles
from targeting.learners.registry import find_learner
from targeting.nuisance.overlap import overlap_verdict, positivity
from targeting.policy.posterior import Belief
from targeting.policy.value import profits
from targeting.trials.designs import folded_panel
from targeting.trials.panel import TRIAL, covariate_names, in_last_trial
from targeting.validation.judge import choose_effects

LISTS = Path("study/lists.csv")
HOUSEHOLDS = {"none": 500, "heterogeneous": 1200, "constant": 1200}  # as where whole retailers are judged
N_RETAILERS = 12
FIRST = 100  # by number: no choice of method was settled on these retailers
WITHIN = 2.0  # standard deviations of what is expected


def main() -> None:
    """Judge the lists of every overlap and effect, and write their summary."""
    parser = argparse.ArgumentParser(description="Judge what mailing lists are expected to earn where the truth is known.")
    parser.add_argument("--worlds", type=int, default=N_RETAILERS, help="retailers per overlap and effect (default: %(default)s)")
    most = parser.parse_args().worlds
    write_csv(list_summary(run(FOLDER, most, HOUSEHOLDS, WEEKS, load_params(*SECTIONS))), LISTS)


def run(folder: Path, n_retailers: int, households: dict[str, int], weeks: int, params: dict[str, Any]) -> pd.DataFrame:
    """One row per list: see `judge_list`."""
    jobs = [
        (overlap, effect, number, size, weeks, params)
        for number in range(FIRST, FIRST + n_retailers)
        for effect, size in households.items()
        for overlap in OVERLAPS
    ]
    return pd.DataFrame(side_by_side(judge_list, jobs, folder, "Judging lists"))


def judge_list(overlap: str, effect: str, number: int, households: int, weeks: int, params: Params) -> dict[str, Any]:
    """The list that the campaigns before a retailer's last one make for that campaign's households, whose effects are known.

    All is learned from the earlier campaigns' rows, as the stages learn from all rows for the next campaign. Columns: overlap,
    effect, world, recommended, n (households), mailed (share); and in USD per household, against mailing nobody, expected_profit
    with its standard deviation sd, true_profit and oracle_profit.
    """
    key = {"overlap": overlap, "effect": effect, "world": number}
    size = {"households": households, "weeks": weeks, "seed": world_seed(overlap, effect, number)}
    panel, weekly, truth = panel_and_truth(SOURCE | size | {"overlap": overlap, "effect": effect}, params)
    last = in_last_trial(panel)
    own = [name for name in panel if name == "fold" or name.startswith(TRIAL)]  # both are of the trials at hand
    with one_process():
        earlier = folded_panel(panel[~last].drop(columns=own), params["nuisance"]["folds"], params["seed"])
        known = weekly[~last].reset_index(drop=True)
        recommended, mail, expected = _listed(earlier, known, panel[last].reset_index(drop=True), params)
    economics, true_effect = economics_of(params), truth.loc[last, f"effect_{OUTCOME}"].to_numpy()
    return key | {
        "recommended": recommended,
        "n": int(last.sum()),
        "mailed": float(mail.mean()),
        "expected_profit": expected.mean,
        "sd": expected.sd,
        "true_profit": float(profits(mail, true_effect, economics).mean()),
        "oracle_profit": float(profits(true_effect > economics.breakeven, true_effect, economics).mean()),
    }


def list_summary(lists: pd.DataFrame) -> pd.DataFrame:
    """One row per cell of lists that mail somebody, of n that were made.

    Columns: n, n_mailing, mailed (share of households), expected_profit, true_profit, oracle_profit, missed (expected less true,
    with its Monte Carlo standard error missed_se) and n_within (lists whose true profit lies WITHIN so many standard deviations
    of what was expected). Money in USD per household.
    """
    table = lists.assign(missed=lists["expected_profit"] - lists["true_profit"])
    table["n_within"] = table["missed"].abs() <= WITHIN * table["sd"]
    mailing = table[table["mailed"] > 0].groupby(CELL, sort=False)
    means = mailing[["mailed", "expected_profit", "true_profit", "oracle_profit", "missed"]].mean()
    counts = mailing.agg(n_mailing=("n_within", "size"), n_within=("n_within", "sum"))
    summary = means.join(mailing["missed"].sem().rename("missed_se")).join(counts)
    made = lists.groupby(CELL, sort=False).size().rename("n")
    summary = made.to_frame().join(summary).reset_index()
    return summary.fillna({"n_mailing": 0, "n_within": 0}).astype({"n_mailing": int, "n_within": int})


def _listed(
    panel: pd.DataFrame, weekly: pd.DataFrame, households: pd.DataFrame, params: Params
) -> tuple[str, NDArray[np.float64], Belief]:
    """The recommendation from panel and weeks, whom of `households` it mails (n,), and what this is believed to earn of each."""
    settings, bounds, seed = params["policy"], params["nuisance"]["overlap"], params["seed"]
    nuisance = retailer_nuisances(panel, params)
    data = learning_data(panel, nuisance, params)
    effects = learned_effects(panel, data, params)
    judged = choose_effects(panel, nuisance, effects, OUTCOME, bounds, seed)
    numbers = positivity(panel[covariate_names(panel)], panel["treated"], nuisance["propensity"], bounds, seed)
    after = after_campaign(weekly, panel, nuisance)
    choice = retailers_choice(panel, nuisance, after, judged, overlap_verdict(numbers).value, params)
    if choice.beliefs is None:
        return choice.recommended, np.zeros(len(households)), Belief(0.0, 0.0)

    learned = {name: table for name, table in effects.items() if name in params["learners"]["names"]}
    ranking = blend_of(judged.choice.overall.learner, ensembles(panel, learned, {OUTCOME: data}).weights, OUTCOME)
    learners = {name: find_learner(name, params["learners"]["models"]) for name in ranking if name != CONSTANT}
    blends, clip = {OUTCOME: {CONSTANT: 1.0}}, params["nuisance"]["clip"]
    models = Models(OUTCOME, ranking, blends, {OUTCOME: learners}, (MODELS, [1.0]), clip, seed, by_standing=True)
    fitted = fit_campaign(panel, nuisance, models, [households])
    predicted = fitted.predict(households).assign(household_id=households["household_id"])

    economics, forecast = economics_of(params), choice.beliefs.forecast
    campaign = NextCampaign("A", choice.recommended, economics, OUTCOME, bounds, settings["prudence"])
    known = known_by(predicted.assign(unlike=fitted.past.outside_range(households, FAR, fitted.now)), forecast, bounds)
    mail = mailed_by_policy(campaign.policy, seen_by_policy(campaign, known, seed))
    return choice.recommended, mail, forecast.profit(mail, known["ranking"], known["in_overlap"].to_numpy(), economics)


if __name__ == "__main__":
    main()
