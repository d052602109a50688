"""Judge whether what was learned still holds: the last campaign as new data, the campaigns before it as training data.

Reads the panel, the nuisances, and what the earlier campaigns' rows say: propensities and effects of all households, for drift;
the last one's predicted effects, segments and the policy tree's rule, for what was promised. A later data drop with one more
campaign moves everything on by one.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from targeting.base.columns import KEYS, PREFIX
from targeting.base.outputs import write_csv, write_metrics
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.campaign.mailing import NextCampaign, mailed_by_policy
from targeting.campaign.monitoring import DRIFT, FEWEST, MODELLED, REALISED, Realised, drift_table, realised_table, verdict_of
from targeting.nuisance.overlap import in_overlap
from targeting.nuisance.scores import effect_scores
from targeting.policy.economics import Economics, load_economics
from targeting.policy.policies import Budget, held_out_means
from targeting.policy.tree_rule import follow_rule
from targeting.trials.panel import household_covariates, in_last_trial, require_aligned

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
BACKTEST = Path("data/score/backtest.parquet")
COMPARABLE = Path("data/score/comparable.parquet")
SEGMENTS = Path("data/segments/time_zero.parquet")
TREE_RULE = Path("data/policy/tree_rule.parquet")
POLICY = Path("metrics/policy.json")
DRIFT_TABLE = Path("plots/monitoring.csv")
EFFECTS = Path("plots/monitoring_effects.csv")
METRICS = Path("metrics/monitor.json")


def without_prefix(name: str) -> str:
    return name.removeprefix(PREFIX)


def described(panel: pd.DataFrame, comparable: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """What may drift, a row per row of the panel: covariates of households, propensity, and the effect unless all are alike.

    Indicators of trials tell the campaigns apart by themselves, and are left out.
    """
    covariates = panel[household_covariates(panel)]
    table = covariates.rename(columns=without_prefix).assign(propensity=comparable["propensity"])
    effect = comparable[f"cate_{outcome}"]
    # Each fold has its own model: where that gives everybody the average effect, effects differ between folds alone.
    return table.assign(effect=effect) if effect.groupby(panel["fold"]).nunique().max() > 1 else table


def rules_of_the_earlier(
    panel: pd.DataFrame, score: np.ndarray, overlap: np.ndarray, new: np.ndarray, economics: Economics
) -> pd.DataFrame:
    """What a contact earned in the earlier campaigns, by segment and by the leaf of their tree, for each row of the last one."""
    segments, rule = pd.read_parquet(SEGMENTS), pd.read_parquet(TREE_RULE).query("learned_from == 'earlier'")
    require_aligned(panel, segments, str(SEGMENTS))
    contact = economics.margin * score - economics.cost
    # Of two parts, the mean over the other one: that of the new rows comes from the earlier ones.
    by_segment = held_out_means(contact, segments["segment"].to_numpy(), new.astype(int), overlap)[new]
    return follow_rule(rule, panel[new].reset_index(drop=True)).assign(segment_profit=by_segment)


def main() -> None:
    params = load_params("policy", "nuisance", "design", "seed")
    outcome, bounds = params["policy"]["outcome"], params["nuisance"]["overlap"]
    panel, nuisance, backtest, comparable = (pd.read_parquet(path) for path in (PANEL, NUISANCE, BACKTEST, COMPARABLE))
    require_aligned(panel, nuisance, str(NUISANCE))
    policy = json.loads(POLICY.read_text(encoding="utf-8"))
    kind = params["design"]["campaign_type"]
    economics = load_economics(params["policy"], panel[KEYS], kind)
    new = in_last_trial(panel) & (panel["trial"] > panel["trial"].min())
    everywhere, score = in_overlap(nuisance["propensity"], bounds), effect_scores(nuisance, outcome)
    overlap = everywhere[new]

    drift, effects = pd.DataFrame(columns=DRIFT), pd.DataFrame(columns=REALISED)
    if overlap.sum() >= FEWEST:
        require_aligned(panel[new].reset_index(drop=True), backtest, str(BACKTEST))
        require_aligned(panel, comparable, str(COMPARABLE))
        rows = described(panel, comparable, outcome)
        # A household once, by its latest row: the test takes rows as independent.
        drift = drift_table(rows[~new].groupby(panel.loc[~new, "household_id"]).tail(1), rows[new])

        predicted = backtest[f"cate_{outcome}"].to_numpy()
        settings = params["policy"]
        budget = Budget(settings["budget_usd"], settings["budget_contacts"])
        local = economics.rows(new.to_numpy())
        campaign = NextCampaign(kind, policy["recommended"], local, outcome, bounds, settings["caution"], budget)
        by_rules = rules_of_the_earlier(panel, score, everywhere, new.to_numpy(), economics)
        known = pd.concat([backtest.rename(columns=lambda name: name.removesuffix(f"_{outcome}")), by_rules], axis=1)
        arrays = predicted, score[new], mailed_by_policy(campaign, known, overlap, params["seed"]), backtest["household_id"]
        effects = realised_table(Realised(*(np.asarray(values)[overlap] for values in arrays)), local.rows(overlap))
    verdict = verdict_of(drift, effects)
    features = drift[~drift["name"].isin(MODELLED)]

    metrics = {
        "verdict": verdict.verdict,
        "why": verdict.why,
        "campaign": panel["campaign_id"].iloc[-1],
        "n_judged": overlap.sum(),
        "n_features": len(features),
        "n_drifted": features["drifted"].sum(),
        **{f"{row.group}_{name}": getattr(row, name) for row in effects.itertuples() for name in ("predicted", "realised")},
    }
    write_metrics(metrics, METRICS)
    write_csv(drift, DRIFT_TABLE)
    write_csv(effects, EFFECTS)


if __name__ == "__main__":
    run("monitor", main)
