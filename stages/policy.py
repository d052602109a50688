"""Decide whom each policy would contact, value every policy off-policy, and say which to use.

Reads the panel's arms, the nuisances' scores, the effects, whether a learner ranks, the segments at time zero and the tree's
decisions; writes every policy's decision, and what the policies saw and are valued by, one row per row of the panel; and what the
report looks up at other costs and margins.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from targeting.base.columns import KEYS
from targeting.base.errors import DataError
from targeting.base.outputs import write_csv, write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.learners.tables import read_effects
from targeting.nuisance.overlap import in_overlap
from targeting.policy.economics import Economics, load_economics
from targeting.policy.learner_curves import learner_curves, order_shown
from targeting.policy.lookup import look_up, slider_steps
from targeting.policy.policies import Budget, PolicyData, assign, unavailable
from targeting.policy.value import Evidence, best_candidate, evidence_of, recommend, value_table, with_absent
from targeting.policy.value_checks import check_table
from targeting.policy.what_if import (
    at_economics,
    breakeven_scenarios,
    confounding_table,
    cost_margin_grid,
    segment_what_if,
    turning_shifts,
)
from targeting.sentences.policy import recommendation_words
from targeting.trials.panel import require_aligned

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
EFFECTS = Path("data/cate")
ENSEMBLES = Path("data/ensemble")
SELECTED = Path("data/validate/selected.parquet")
SEGMENTS = Path("data/segments/time_zero.parquet")
TREE = Path("data/policy/tree.parquet")
OVERLAP = Path("metrics/nuisance.json")
VALIDATION = Path("metrics/validate.json")
COSTS = Path("plots/costs.csv")
SENSITIVITY = Path("plots/sensitivity.csv")
ASSIGNMENTS = Path("data/policy/assignments.parquet")
EVIDENCE = Path("data/policy/evidence.parquet")
LOOKUP = Path("data/policy/lookup")
POLICIES = Path("plots/policies.csv")
CURVE = Path("plots/roi_curve.csv")
LEARNER_CURVES = Path("plots/roi_curve_learners.csv")
LEARNER_PEAKS = Path("plots/roi_learners.csv")
GRID = Path("plots/cost_margin.csv")
SCENARIOS = Path("plots/breakeven.csv")
WHAT_IF = Path("plots/what_if.csv")
CONFOUNDING = Path("plots/policy_confounding.csv")
METRICS = Path("metrics/policy.json")


def headline(table: pd.DataFrame, economics: Economics, recommended: str) -> dict[str, Any]:
    """What metrics/policy.json says of the policies."""
    by_policy = table.set_index("policy")
    interval = ["profit", "profit_ci_lower", "profit_ci_upper"]
    return {
        **economics.averages(),
        "recommended": recommended,
        "recommendation": recommendation_words(table, recommended),
        **by_policy.loc[recommended, ["n", "share", *interval, "total_profit", "optimism"]].to_dict(),
        **best_candidate(table),
        **by_policy.loc["breakeven", interval].add_prefix("breakeven_").to_dict(),
        **by_policy.loc["all", interval].add_prefix("all_").to_dict(),
    }


def what_policies_see(
    effects: pd.DataFrame, panel: pd.DataFrame, tree: pd.DataFrame, evidence: Evidence, params: dict[str, Any]
) -> PolicyData:
    """All but what follows from cost and margin."""
    settings = params["policy"]
    return PolicyData(
        cate=effects[f"cate_{settings['outcome']}"].to_numpy(),
        overlap=evidence.overlap,
        treated=evidence.treated,
        breakeven=0.0,
        household_id=evidence.household_id,
        seed=params["seed"],
        caution=settings["caution"],
        lower=effects[f"lower_{settings['outcome']}"].to_numpy(),
        tree=tree["policy_tree"].to_numpy(dtype=float),
        fold=panel["fold"].to_numpy(),
        campaign_id=panel["campaign_id"].to_numpy(),
        budget=Budget(settings["budget_usd"], settings["budget_contacts"]),
    )


def evidence_table(
    panel: pd.DataFrame, segments: pd.DataFrame, data: PolicyData, shown: pd.DataFrame, evidence: Evidence, economics: Economics
) -> pd.DataFrame:
    """What decided and values policies, one row per row of the panel.

    `shown` are the effects with their intervals (cate, lower, upper; rows,) in whose order the curve is drawn.
    """
    return panel[KEYS].assign(
        fold=data.fold,
        segment=segments["segment"],
        overlap=data.overlap,
        treated=evidence.treated,
        propensity=evidence.propensity,
        score=evidence.score,
        beyond_control=evidence.outcome - evidence.score0,
        cate=data.cate,
        lower=data.lower,
        policy_tree=data.tree,
        contact_rank=np.argsort(data.order),
        shown_cate=shown["cate"],
        shown_lower=shown["lower"],
        shown_upper=shown["upper"],
        shown_rank=np.argsort(replace(data, cate=shown["cate"].to_numpy()).order),
        cost=economics.cost,
        margin=economics.margin,
    )


def main() -> None:
    params = load_params("policy", "nuisance", "design", "learners", "seed")
    settings = params["policy"]
    outcome, learner, seed = settings["outcome"], settings["learner"], params["seed"]
    panel = pd.read_parquet(PANEL, columns=[*KEYS, "treated", "fold", outcome])
    nuisance, segments, tree = (pd.read_parquet(path) for path in (NUISANCE, SEGMENTS, TREE))
    for rows, path in ((nuisance, NUISANCE), (segments, SEGMENTS), (tree, TREE)):
        require_aligned(panel, rows, str(path))
    effects, left_out = read_effects(params["learners"]["names"], EFFECTS, ENSEMBLES, panel)
    effects["selected"] = pd.read_parquet(SELECTED)
    require_aligned(panel, effects["selected"], str(SELECTED))
    if learner in left_out:
        raise DataError(f"policy.learner is {learner}, and {left_out[learner]}: choose another one, or `selected`.")

    economics = load_economics(settings, panel[KEYS], params["design"]["campaign_type"])
    evidence = evidence_of(panel, nuisance, outcome, in_overlap(nuisance["propensity"], params["nuisance"]["overlap"]))
    groups = (panel["fold"].to_numpy(), segments["segment"].to_numpy())
    seen = what_policies_see(effects[learner], panel, tree, evidence, params)
    data = at_economics(seen, economics, evidence, *groups)
    decisions = assign(data)
    promised = {
        "segment": decisions["segment"].to_numpy() * np.asarray(data.segment_profit),
        "policy_tree": tree["promised"].to_numpy(),
    }
    table = value_table(decisions, data.cate, evidence, economics, promised, seed)
    overlap = json.loads(OVERLAP.read_text(encoding="utf-8"))
    comparable = overlap["answers"] != "nothing"
    recommended = recommend(table, comparable)

    cates = {name: rows[f"cate_{outcome}"].to_numpy() for name, rows in effects.items()}
    curves, learners = learner_curves(cates, learner, data, evidence, economics)
    costs = pd.read_csv(COSTS)
    tills = costs[costs["campaign_id"] == "all"].set_index("basis")["cost"].to_dict()
    shifts = turning_shifts(table, decisions, recommended, economics)

    order = order_shown(learner, json.loads(VALIDATION.read_text(encoding="utf-8")), cates)
    shown = effects[order][[f"{end}_{outcome}" for end in ("cate", "lower", "upper")]].set_axis(
        ["cate", "lower", "upper"], axis=1
    )
    best = learners.set_index("learner").loc[order, [f"profit_peak_{name}" for name in ("share", "share_lower", "share_upper")]]
    metrics = headline(table, economics, recommended) | best.to_dict() | {"order_shown": order}
    if not comparable:
        metrics["recommendation"] = f"Mail nobody. {overlap['why']}"
    write_metrics(metrics, METRICS)
    write_parquet(pd.concat([panel[KEYS], pd.Series(data.cate, name="cate"), decisions.astype("int8")], axis=1), ASSIGNMENTS)
    write_parquet(evidence_table(panel, segments, data, shown, evidence, economics), EVIDENCE)
    stops = slider_steps(economics, outcome)
    lookup = look_up(data, shown["cate"].to_numpy(), evidence, economics, groups[1], stops, seed, comparable)
    for name, looked_up in vars(lookup).items():
        write_parquet(looked_up, LOOKUP / f"{name}.parquet")
    write_csv(with_absent(table.merge(check_table(decisions, evidence, economics), on="policy"), unavailable(data)), POLICIES)
    drawn = curves[curves["learner"] == order]
    write_csv(drawn[[name for name in curves if not name.startswith("over_chosen") and name != "learner"]], CURVE)
    write_csv(curves, LEARNER_CURVES)
    write_csv(learners, LEARNER_PEAKS)
    write_csv(cost_margin_grid(data, evidence, economics, *groups, seed, comparable), GRID)
    write_csv(breakeven_scenarios(data, evidence, economics, tills), SCENARIOS)
    write_csv(segment_what_if(segments, data.cate, evidence, economics), WHAT_IF)
    write_csv(confounding_table(shifts, pd.read_csv(SENSITIVITY), outcome), CONFOUNDING)


if __name__ == "__main__":
    run("policy", main)
