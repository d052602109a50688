"""Say what the best learner's effects depend on: importance and direction of covariates, and a shallow tree in words.

Reads the panel, the effects of the learner that each fold's others choose, meaningful or not, and whether any is shown to rank
households; writes tables and pictures.
"""

import json
from pathlib import Path

import pandas as pd

from targeting.base.columns import PREFIX, outcomes_of
from targeting.base.outputs import write_csv, write_figure, write_metrics
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.learners import direction_chart, importance_chart, order_doubt, tree_chart
from targeting.figures.people import speak_of
from targeting.stats.folds import in_sample
from targeting.trials.panel import covariate_names, require_aligned
from targeting.trials.units import in_own_units
from targeting.validation.explanation import explaining_tree, grouped_importance
from targeting.words.money import speak_in

PANEL = Path("data/trials/panel.parquet")
UNITS = Path("data/trials/units.parquet")
NESTED = Path("data/validate/nested.parquet")
VALIDATE = Path("metrics/validate.json")
IMPORTANCE = Path("plots/effect_importance.csv")
DIRECTIONS = Path("plots/effect_shap.csv")
LEAVES = Path("plots/effect_tree.csv")
IMPORTANCE_PICTURE = Path("plots/effect_importance.png")
DIRECTION_PICTURE = Path("plots/effect_shap.png")
TREE_PICTURE = Path("plots/effect_tree.png")
METRICS = Path("metrics/explain.json")


def main() -> None:
    params = load_params("data", "policy", "seed")
    speak_in(params["data"]["currency"])
    speak_of(params["data"]["source"])
    panel, nested = pd.read_parquet(PANEL), pd.read_parquet(NESTED)
    require_aligned(panel, nested, str(NESTED))
    own = in_own_units(panel[covariate_names(panel)], pd.read_parquet(UNITS))
    covariates = own.rename(columns=lambda name: name.removeprefix(PREFIX))
    # Of those that were learned from, whatever the number of all: whom the models predict besides, they predict alike.
    sample = in_sample(panel["fold"])
    covariates, fold = covariates[sample], panel.loc[sample, "fold"].to_numpy()

    outcomes = outcomes_of(panel.columns)
    cates = {outcome: nested.loc[sample, f"cate_{outcome}"].to_numpy() for outcome in outcomes}
    importances = {o: grouped_importance(covariates, cate, fold, params["seed"]) for o, cate in cates.items()}
    trees = {o: explaining_tree(covariates, cate, fold, params["seed"]) for o, cate in cates.items()}

    metrics = {
        outcome: {
            "tree_r2": trees[outcome].r2,
            "tree_r2_out_of_fold": trees[outcome].r2_out_of_fold,
            "importance_r2": importances[outcome].r2,
            "most_important": importances[outcome].table["group"].iloc[0],
        }
        for outcome in outcomes
    }
    write_metrics(metrics, METRICS)
    write_csv(pd.concat([found.table.assign(outcome=o) for o, found in importances.items()], ignore_index=True), IMPORTANCE)
    write_csv(pd.concat([found.directions.assign(outcome=o) for o, found in importances.items()], ignore_index=True), DIRECTIONS)
    write_csv(pd.concat([found.leaves.assign(outcome=o) for o, found in trees.items()], ignore_index=True), LEAVES)
    shown = params["policy"]["outcome"]
    doubt = order_doubt(shown, json.loads(VALIDATE.read_text(encoding="utf-8"))["heterogeneity"])
    groups, tree = importances[shown].table, trees[shown]
    write_figure(importance_chart({o: (found.table, found.r2) for o, found in importances.items()}, doubt), IMPORTANCE_PICTURE)
    write_figure(direction_chart({o: (found.directions, found.r2) for o, found in importances.items()}, doubt), DIRECTION_PICTURE)
    write_figure(tree_chart(tree.tree, list(covariates.columns), groups, shown, tree.r2_out_of_fold, doubt), TREE_PICTURE)


if __name__ == "__main__":
    run("explain", main)
