"""Try to refute the average effects: estimate them where the answer is known, or where it should hardly change.

Reads the panel, its nuisances and the negative-control panel; writes one verdict a check, outcome and estimator, and every
repeat's estimate.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from targeting.base.columns import OUTCOMES
from targeting.base.outputs import write_csv, write_figure, write_metrics
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.refutation import refutation_chart
from targeting.robustness.refutation import (
    Draw,
    can_judge,
    control_splits,
    placebos,
    random_causes,
    subsets,
    trials_left_out,
)
from targeting.robustness.refutation_fits import estimate_all, estimate_controls, light_nuisances
from targeting.robustness.refutation_verdicts import refutation_table, tally
from targeting.trials.panel import require_aligned

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
CONTROL = Path("data/trials/negative_control.parquet")
VERDICTS = Path("plots/refutation.csv")
DRAWS = Path("plots/refutation_draws.csv")
PICTURE = Path("plots/refutation.png")
METRICS = Path("metrics/refute.json")


def plan(panel: pd.DataFrame, propensity: pd.Series, checks: dict[str, Any], seed: int) -> Iterator[Draw]:
    """Every draw of the effects' own panel, check by check."""
    yield from placebos(panel, propensity, checks["placebo_strata"], checks["placebo_repeats"], seed)
    yield from random_causes(panel, checks["cause_repeats"], seed)
    yield from subsets(panel, checks["subset_share"], checks["subset_repeats"], seed)
    yield from trials_left_out(panel)


def main() -> None:
    params = load_params("refute", "nuisance", "seed")
    panel = pd.read_parquet(PANEL)
    nuisance = pd.read_parquet(NUISANCE)
    control = pd.read_parquet(CONTROL)
    require_aligned(panel, nuisance, str(NUISANCE))

    clip, folds, seed = params["nuisance"]["clip"], params["nuisance"]["folds"], params["seed"]
    changed = estimate_all(panel, light_nuisances(panel, clip, seed), plan(panel, nuisance["propensity"], params["refute"], seed))
    splits = control_splits(control, folds, params["refute"]["control_splits"], seed)
    controls = estimate_controls(splits, params["nuisance"]["models"], folds, clip, seed)
    draws = pd.concat([changed, *controls], ignore_index=True)

    arms = control.groupby("treated")[list(OUTCOMES)].mean()
    unadjusted = (arms.loc[1] - arms.loc[0]).to_dict() if can_judge(control) else {}
    table = refutation_table(draws, params["refute"], unadjusted)
    write_metrics(tally(table), METRICS)
    write_csv(table, VERDICTS)
    write_csv(draws, DRAWS)
    write_figure(refutation_chart(draws), PICTURE)


if __name__ == "__main__":
    run("refute", main)
