"""Ask whether effects learned from the earlier trials would have ranked households in the last one.

Reads the panel, the nuisances and the effects learned from all trials; writes how the earlier trials' effects rank the last.
"""

from pathlib import Path

import pandas as pd

from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.learners.tables import read_learners
from targeting.sentences.forward import OBSTACLES
from targeting.trials.panel import read_aligned
from targeting.validation.forward import judge_forward

EFFECTS = Path("data/cate")


def main() -> None:
    params = load_params("learners", "policy", "nuisance", "seed")
    panel = pd.read_parquet("data/trials/panel.parquet")
    nuisance = read_aligned(panel, "data/trials/nuisance.parquet")
    wanted = [name for name in params["learners"]["forward"] if name in params["learners"]["names"]]
    out_of_fold = read_learners(wanted, EFFECTS, panel)

    found = judge_forward(panel, nuisance, out_of_fold, params)

    counts = {"n_trials": found.n_trials, "n_judged": found.n_judged}
    metrics = {"ran": False, "finding": OBSTACLES[found.obstacle]} if found.obstacle else {"ran": True}
    own = found.table[found.table["outcome"] == params["policy"]["outcome"]].set_index("learner")
    ranks = own[["autoc", "autoc_se", "autoc_p"]].to_dict("index")
    write_outputs({"metrics/forward.json": metrics | counts | ranks, "plots/forward.csv": found.table})


if __name__ == "__main__":
    run("forward", main)
