"""Ask whether effects learned from the earlier trials would have ranked households in the last one.

Reads the panel, the nuisances and the effects learned from all trials; writes how the earlier trials' effects rank the last.
"""

from pathlib import Path

import pandas as pd

from targeting.base.columns import KEYS, outcomes_of
from targeting.base.outputs import write_csv, write_metrics
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.learners.registry import find_learner
from targeting.nuisance.overlap import comparable
from targeting.nuisance.scores import effect_scores
from targeting.stats.folds import in_sample
from targeting.trials.panel import in_last_trial, require_aligned
from targeting.validation.forward import forward_effects, forward_table

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
EFFECTS = Path("data/cate")
FORWARD = Path("plots/forward.csv")
METRICS = Path("metrics/forward.json")
COLUMNS = ["outcome", "learner", "n", "mean_predicted", "mean_effect", "autoc", "autoc_se", "autoc_p"]
COLUMNS += ["blp_slope", "blp_se", "blp_p", "agreement"]


def main() -> None:
    params = load_params("learners", "policy", "nuisance", "seed")
    wanted = [name for name in params["learners"]["forward"] if name in params["learners"]["names"]]
    out_of_fold = {name: pd.read_parquet(EFFECTS / f"{name}.parquet") for name in wanted}
    # A learner that failed has no rows: there is nothing to compare with.
    out_of_fold = {name: table for name, table in out_of_fold.items() if len(table)}
    learners = list(out_of_fold)
    panel = pd.read_parquet(PANEL)
    nuisance = pd.read_parquet(NUISANCE)
    require_aligned(panel, nuisance, str(NUISANCE))
    for name, table in out_of_fold.items():
        require_aligned(panel, table, f"the effects of {name}")
    # The nuisances of households outside the sample have seen the last trial's outcomes.
    sample = in_sample(panel["fold"])
    panel, nuisance = panel[sample].reset_index(drop=True), nuisance[sample].reset_index(drop=True)
    out_of_fold = {name: table[sample].reset_index(drop=True) for name, table in out_of_fold.items()}
    last = in_last_trial(panel)
    judged = last & comparable(panel, nuisance["propensity"], params["nuisance"]["overlap"])
    why = ""
    if last.all():
        why = "There is one trial: none comes before it."
    elif not learners:
        why = "No learner of learners.forward is among learners.names and has effects."
    elif panel.loc[judged, "household_id"].nunique() < 2:
        why = "The last trial has no two households inside the overlap."
    if why:
        write_metrics({"ran": False, "finding": why, "n_trials": panel["trial"].nunique()}, METRICS)
        write_csv(pd.DataFrame(columns=COLUMNS), FORWARD)
        return

    chosen = {name: find_learner(name, params["learners"]["models"]) for name in learners}
    settings = params["nuisance"]
    learned = forward_effects(panel, nuisance, chosen, settings["models"], settings["clip"], params["seed"])
    effects = panel[KEYS].merge(learned, on=KEYS, how="left", validate="one_to_one")
    scores = {name: effect_scores(nuisance, name)[judged] for name in outcomes_of(panel.columns)}
    table = forward_table(
        effects[judged].reset_index(drop=True),
        panel.loc[judged, "fold"].to_numpy(),
        scores,
        {name: own[judged].reset_index(drop=True) for name, own in out_of_fold.items()},
        learners,
    )[COLUMNS]

    own = table[table["outcome"] == params["policy"]["outcome"]].set_index("learner")
    metrics = {"ran": True, "n_trials": panel["trial"].nunique(), "n_judged": judged.sum()}
    write_metrics(metrics | {name: own.loc[name, ["autoc", "autoc_se", "autoc_p"]].to_dict() for name in learners}, METRICS)
    write_csv(table, FORWARD)


if __name__ == "__main__":
    run("forward", main)
