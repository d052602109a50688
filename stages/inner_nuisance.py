"""Cross-fit the nuisances that learners learn from: without the row's own fold and without the fold held out.

Reads the panel; writes one row per held-out fold and row of the panel outside it.
"""

import pandas as pd
from sklearn.metrics import r2_score, roc_auc_score

from targeting.base.columns import KEYS, outcomes_of
from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.nuisance.nested import inner_nuisances


def main() -> None:
    params = load_params("nuisance", "seed")
    settings = params["nuisance"]
    panel = pd.read_parquet("data/trials/panel.parquet")

    table = inner_nuisances(panel, settings["models"], settings["clip"], params["seed"])

    first = outcomes_of(panel.columns)[0]
    truth = table[KEYS].merge(panel, on=KEYS, validate="many_to_one")
    metrics = {
        "n_rows": len(table),
        "propensity_auc": roc_auc_score(truth["treated"], table["propensity"]),
        "outcome_r2": r2_score(truth[first], table[f"mean_{first}"]),
    }
    write_outputs({"metrics/inner_nuisance.json": metrics, "data/trials/inner_nuisance.parquet": table})


if __name__ == "__main__":
    run("inner_nuisance", main)
