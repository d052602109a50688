"""Grow a targeting rule that people can read, and decide by trees grown without the household's rows.

Reads the panel and the nuisances' scores; writes each row's decision and what its tree promised, and the rules of one tree grown
on all rows inside the overlap: in words, and as a table by which households outside the trials are decided. A second rule, of the
campaigns before the last, is there to be judged by the last one.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from targeting.base.columns import KEYS
from targeting.base.outputs import write_csv, write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.nuisance.overlap import in_overlap
from targeting.nuisance.scores import effect_scores
from targeting.policy.economics import load_economics
from targeting.policy.tree import (
    SIZES,
    choose_size,
    cross_fit_tree,
    grow,
    leaf_table,
    learn_tree,
    scored_profits,
)
from targeting.policy.tree_rule import rule_table
from targeting.trials.panel import household_covariates, in_last_trial, require_aligned

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
TREE = Path("data/policy/tree.parquet")
RULE = Path("data/policy/tree_rule.parquet")
RULES = Path("plots/policy_tree.csv")
METRICS = Path("metrics/policy_tree.json")


def main() -> None:
    params = load_params("policy", "nuisance", "design", "seed")
    panel, nuisance = pd.read_parquet(PANEL), pd.read_parquet(NUISANCE)
    require_aligned(panel, nuisance, str(NUISANCE))
    economics = load_economics(params["policy"], panel[KEYS], params["design"]["campaign_type"])
    profit = scored_profits(effect_scores(nuisance, params["policy"]["outcome"]), economics.cost, economics.margin)
    overlap = in_overlap(nuisance["propensity"], params["nuisance"]["overlap"])
    covariates, fold = panel[household_covariates(panel)].astype(float), panel["fold"].to_numpy()

    contact, promised = cross_fit_tree(covariates.to_numpy(), profit, fold, overlap, params["seed"])

    # One tree for readers, on everybody that the policy may reach; nothing is valued by it but its own leaves. Where nobody is
    # the best rule found, the best one that asks a question is shown too.
    inside, household_id = covariates[overlap], panel["household_id"].to_numpy()[overlap]
    learn = (inside.to_numpy(), profit[overlap], fold[overlap], params["seed"])
    chosen, asking = choose_size(*learn), choose_size(*learn, sizes=[size for size in SIZES if size.depth > 0])
    trees = {size: grow(inside.to_numpy(), profit[overlap], size, params["seed"]) for size in dict.fromkeys([chosen, asking])}
    tables = []
    for size, tree in trees.items():
        leaves = leaf_table(tree, inside, profit[overlap], household_id, contact[overlap])
        tables.append(leaves.assign(tree="chosen" if size == chosen else "best with a question"))
    rule = rule_table(trees[chosen], list(covariates)).assign(learned_from="all")
    earlier = overlap & ~in_last_trial(panel)
    if earlier.any():
        before = learn_tree(covariates.to_numpy()[earlier], profit[earlier], fold[earlier], params["seed"])
        rule = pd.concat([rule, rule_table(before, list(covariates)).assign(learned_from="earlier")], ignore_index=True)
    leaves = tables[0]
    metrics = {
        "depth": chosen.depth,
        "leaf_share": chosen.leaf_share,
        "n_leaves": len(leaves),
        "share": contact.mean(),
        "agreement": np.average(leaves["agreement"], weights=leaves["n"]),
    }
    write_metrics(metrics, METRICS)
    write_parquet(panel[KEYS].assign(policy_tree=contact.astype("int8"), promised=promised), TREE)
    write_parquet(rule, RULE)
    write_csv(pd.concat(tables, ignore_index=True), RULES)


if __name__ == "__main__":
    run("policy_tree", main)
