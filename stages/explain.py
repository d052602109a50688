"""Say what the best learner's effects depend on: importance and direction of covariates, and a shallow tree in words.

Reads the panel, the effects of the learner that each fold's others choose, meaningful or not, and whether any is shown to rank
households; writes tables and pictures.
"""

import pandas as pd

from targeting.base.columns import outcomes_of
from targeting.base.outputs import read_metrics, write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.learners import direction_chart, importance_chart, order_doubt, tree_chart
from targeting.figures.people import speak_of
from targeting.trials.panel import read_aligned
from targeting.trials.units import in_own_units
from targeting.validation.explanation import by_outcome, explain_effects
from targeting.words.money import speak_in


def main() -> None:
    params = load_params("data", "policy", "seed")
    speak_in(params["data"]["currency"])
    speak_of(params["data"]["source"])
    panel, units = pd.read_parquet("data/trials/panel.parquet"), pd.read_parquet("data/trials/units.parquet")
    effects = read_aligned(panel, "data/validate/nested.parquet")
    outcomes, shown = outcomes_of(panel.columns), params["policy"]["outcome"]

    found = explain_effects(in_own_units(panel, units), effects, outcomes, params["seed"])

    doubt = order_doubt(shown, read_metrics("metrics/validate.json")["heterogeneity"])
    own, tree = found.importances, found.trees[shown]
    directions = {outcome: (one.directions, one.r2) for outcome, one in own.items()}
    drawn_tree = tree_chart(tree.tree, found.covariates, own[shown].table, shown, tree.r2_out_of_fold, doubt)
    write_outputs(
        {
            "metrics/explain.json": found.metrics(),
            "plots/effect_importance.csv": by_outcome(own, "table"),
            "plots/effect_shap.csv": by_outcome(own, "directions"),
            "plots/effect_tree.csv": by_outcome(found.trees, "leaves"),
            "plots/effect_importance.png": importance_chart({o: (one.table, one.r2) for o, one in own.items()}, doubt),
            "plots/effect_shap.png": direction_chart(directions, doubt),
            "plots/effect_tree.png": drawn_tree,
        }
    )


if __name__ == "__main__":
    run("explain", main)
