"""Judge every learner's effects by doubly robust scores of households it never saw, and choose one, or none.

Reads the panel, the nuisances and every learner's effects; writes the effects that are used, and those of the best learner
whether or not they mean anything, one row per row of the panel.
"""

from pathlib import Path

import pandas as pd

from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.people import speak_of
from targeting.figures.validation import agreement_chart, calibration_chart, toc_chart
from targeting.learners.tables import read_effects
from targeting.sentences.selection import learners_with_reasons
from targeting.trials.panel import read_aligned
from targeting.validation.judge import choose_effects, judge
from targeting.validation.selection import NESTED, heterogeneity_verdict, with_choice
from targeting.words.money import speak_in

EFFECTS, ENSEMBLES = Path("data/cate"), Path("data/ensemble")


def main() -> None:
    params = load_params("data", "learners", "policy", "nuisance", "seed")
    speak_in(params["data"]["currency"])
    speak_of(params["data"]["source"])
    outcome, seed = params["policy"]["outcome"], params["seed"]
    panel = pd.read_parquet("data/trials/panel.parquet")
    nuisance = read_aligned(panel, "data/trials/nuisance.parquet")
    effects, left_out = read_effects(params["learners"]["names"], EFFECTS, ENSEMBLES, panel)

    chosen = choose_effects(panel, nuisance, effects, outcome, params["nuisance"]["overlap"], seed)
    judged = judge(panel, nuisance, effects, chosen, outcome, seed)

    learners = with_choice(judged.learners, chosen.choice, outcome, left_out)
    counts = {"n_judged": chosen.inside.sum(), "n_learners": len(effects), "n_left_out": len(left_out)}
    write_outputs(
        {
            "metrics/validate.json": heterogeneity_verdict(chosen.choice) | counts | judged.metrics,
            "data/validate/selected.parquet": chosen.selected,
            "data/validate/nested.parquet": chosen.nested,
            "plots/learners.csv": learners_with_reasons(learners, chosen.choice, outcome, left_out),
            "plots/toc.csv": judged.toc,
            "plots/uplift.csv": judged.uplift,
            "plots/calibration.csv": judged.calibration,
            "plots/agreement.csv": judged.correlations,
            "plots/toc.png": toc_chart(judged.toc, judged.uplift, judged.learners, NESTED, outcome),
            "plots/calibration.png": calibration_chart(judged.calibration, NESTED, outcome),
            "plots/agreement.png": agreement_chart(judged.correlations),
        }
    )


if __name__ == "__main__":
    run("validate", main)
