"""Grow a targeting rule that people can read, and decide by trees grown without the household's rows.

Reads the panel and the nuisances' scores; writes each row's decision and what its tree promised, and in words the rules of one
tree grown on all rows inside the overlap.
"""

import pandas as pd

from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.policy.economics import economics_of_rows
from targeting.policy.tree_results import tree_results, tree_rows
from targeting.trials.panel import read_aligned
from targeting.trials.units import in_own_units


def main() -> None:
    params = load_params("policy", "nuisance", "design", "sample", "seed")
    outcome, bounds, seed = params["policy"]["outcome"], params["nuisance"]["overlap"], params["seed"]
    panel, units = pd.read_parquet("data/trials/panel.parquet"), pd.read_parquet("data/trials/units.parquet")
    nuisance = read_aligned(panel, "data/trials/nuisance.parquet")
    caused, key = pd.read_parquet("data/effects/discounts.parquet"), pd.read_parquet("data/tables/identifiers.parquet")

    economics, own = economics_of_rows(params, caused, panel, key), in_own_units(panel, units)
    rows = tree_rows(own, nuisance, economics, outcome, bounds, seed, params["sample"]["checks"])
    found = tree_results(rows, seed)

    outputs = {"data/policy/tree.parquet": found.decisions, "plots/policy_tree.csv": found.leaves}
    write_outputs({"metrics/policy_tree.json": found.metrics, **outputs})


if __name__ == "__main__":
    run("policy_tree", main)
