"""Grow a targeting rule that people can read, and decide by trees grown without the household's rows.

Reads the panel and the nuisances' scores; writes each row's decision and what its tree promised, and in words the rules of one
tree grown on all rows inside the overlap.
"""

from pathlib import Path

import pandas as pd

from targeting.base.columns import KEYS
from targeting.base.outputs import write_csv, write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.policy.contact_price import priced
from targeting.policy.economics import load_economics
from targeting.policy.tree_results import tree_results, tree_rows
from targeting.trials.panel import require_aligned
from targeting.trials.units import in_own_units

CAUSED = Path("data/effects/discounts.parquet")
IDENTIFIERS = Path("data/tables/identifiers.parquet")
PANEL = Path("data/trials/panel.parquet")
UNITS = Path("data/trials/units.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
TREE = Path("data/policy/tree.parquet")
RULES = Path("plots/policy_tree.csv")
METRICS = Path("metrics/policy_tree.json")


def main() -> None:
    params = load_params("policy", "nuisance", "design", "sample", "seed")
    panel, nuisance = in_own_units(pd.read_parquet(PANEL), pd.read_parquet(UNITS)), pd.read_parquet(NUISANCE)
    require_aligned(panel, nuisance, str(NUISANCE))
    economics = load_economics(
        priced(params["policy"], pd.read_parquet(CAUSED)),
        panel[KEYS],
        params["design"]["campaign_type"],
        pd.read_parquet(IDENTIFIERS),
    )
    outcome, bounds = params["policy"]["outcome"], params["nuisance"]["overlap"]
    rows = tree_rows(panel, nuisance, economics, outcome, bounds, params["seed"], params["sample"]["checks"])
    found = tree_results(rows, params["seed"])

    write_metrics(found.metrics, METRICS)
    write_parquet(found.decisions, TREE)
    write_csv(found.leaves, RULES)


if __name__ == "__main__":
    run("policy_tree", main)
