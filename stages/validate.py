"""Judge every learner's effects by doubly robust scores of households it never saw, and choose one, or none.

Reads the panel, the nuisances and every learner's effects; writes the effects that are used, and those of the best learner
whether or not they mean anything, one row per row of the panel.
"""

from pathlib import Path

import pandas as pd

from targeting.base.outputs import write_csv, write_figure, write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.people import speak_of
from targeting.figures.validation import agreement_chart, calibration_chart, toc_chart
from targeting.learners.tables import read_effects
from targeting.sentences.selection import with_reasons
from targeting.trials.panel import require_aligned
from targeting.validation.judge import choose_effects, judge
from targeting.validation.selection import NESTED, heterogeneity_verdict, with_choice
from targeting.words.money import speak_in

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
EFFECTS = Path("data/cate")
ENSEMBLES = Path("data/ensemble")
SELECTED = Path("data/validate/selected.parquet")
NESTED_EFFECTS = Path("data/validate/nested.parquet")
LEARNERS = Path("plots/learners.csv")
TOC = Path("plots/toc.csv")
UPLIFT = Path("plots/uplift.csv")
CALIBRATION = Path("plots/calibration.csv")
AGREEMENT = Path("plots/agreement.csv")
TOC_PICTURE = Path("plots/toc.png")
CALIBRATION_PICTURE = Path("plots/calibration.png")
AGREEMENT_PICTURE = Path("plots/agreement.png")
METRICS = Path("metrics/validate.json")


def main() -> None:
    params = load_params("data", "learners", "policy", "nuisance", "seed")
    speak_in(params["data"]["currency"])
    speak_of(params["data"]["source"])
    outcome, seed = params["policy"]["outcome"], params["seed"]
    panel, nuisance = pd.read_parquet(PANEL), pd.read_parquet(NUISANCE)
    require_aligned(panel, nuisance, str(NUISANCE))
    effects, left_out = read_effects(params["learners"]["names"], EFFECTS, ENSEMBLES, panel)

    chosen = choose_effects(panel, nuisance, effects, outcome, params["nuisance"]["overlap"], seed)
    judged = judge(panel, nuisance, effects, chosen, outcome, seed)
    learners = with_choice(judged.learners, chosen.choice, outcome, left_out)

    counts = {"n_judged": chosen.inside.sum(), "n_learners": len(effects), "n_left_out": len(left_out)}
    write_metrics(heterogeneity_verdict(chosen.choice) | counts | judged.metrics, METRICS)
    write_parquet(chosen.selected, SELECTED)
    write_parquet(chosen.nested, NESTED_EFFECTS)
    write_csv(with_reasons(learners, chosen.choice, outcome, left_out), LEARNERS)
    write_csv(judged.toc, TOC)
    write_csv(judged.uplift, UPLIFT)
    write_csv(judged.calibration, CALIBRATION)
    write_csv(judged.correlations, AGREEMENT)
    write_figure(toc_chart(judged.toc, judged.uplift, judged.learners, NESTED, outcome), TOC_PICTURE)
    write_figure(calibration_chart(judged.calibration, NESTED, outcome), CALIBRATION_PICTURE)
    write_figure(agreement_chart(judged.correlations), AGREEMENT_PICTURE)


if __name__ == "__main__":
    run("validate", main)
