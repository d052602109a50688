"""Ask how far the average effects depend on choices: on the nuisances' own error, on the design, and on what else was mailed.

Reads the panel, the nuisances and every eligible row; writes effects refitted without some households, the two designs side by
side, other mailings by trial and arm, and the effects with and without these. Effects are of those that were learned from: all
that is fitted here again would say the same of the others, whatever their number.
"""

from functools import partial

import pandas as pd

from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.nuisance.cross_fit import one_split
from targeting.robustness.design_comparison import compare_designs, design_metrics
from targeting.robustness.other_mailings import concurrent_effects, concurrent_metrics, mailing_table
from targeting.robustness.refit import refit_effects, refit_metrics
from targeting.stats.folds import in_sample
from targeting.trials.designs import folded_panel
from targeting.trials.panel import read_aligned


def main() -> None:
    params = load_params("nuisance", "policy", "seed")
    settings, seed, outcome = params["nuisance"], params["seed"], params["policy"]["outcome"]
    folds, clip = settings["folds"], settings["clip"]
    panel, eligible = pd.read_parquet("data/trials/panel.parquet"), pd.read_parquet("data/trials/eligible.parquet")
    nuisance = read_aligned(panel, "data/trials/nuisance.parquet")

    mailings, sample = mailing_table(panel), in_sample(panel["fold"])
    eligible = eligible[~eligible["household_id"].isin(panel.loc[~sample, "household_id"])].reset_index(drop=True)
    panel, nuisance = (rows[sample].reset_index(drop=True) for rows in (panel, nuisance))
    refit = refit_effects(panel, nuisance, settings["refits"], clip, seed)
    # One split: the same for both designs, and enough to tell them apart.
    predict, folded = one_split(settings["models"], folds, seed), partial(folded_panel, n_folds=folds, seed=seed)
    designs = compare_designs(eligible, folded, predict, outcome, settings["overlap"], clip, seed)
    effects = concurrent_effects(panel, nuisance, predict, clip)

    metrics = {"refit": refit_metrics(refit), "designs": design_metrics(designs)}
    write_outputs(
        {
            "metrics/robustness.json": {**metrics, "concurrent": concurrent_metrics(panel, effects)},
            "plots/refit.csv": refit,
            "plots/designs.csv": designs,
            "plots/concurrent.csv": mailings,
            "plots/concurrent_effects.csv": effects,
        }
    )


if __name__ == "__main__":
    run("robustness", main)
