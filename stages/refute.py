"""Try to refute the average effects: estimate them where the answer is known, or where it should hardly change.

Reads the panel, its nuisances and the negative-control panel; writes one verdict a check, outcome and estimator, and every
repeat's estimate.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from targeting.outputs import write_csv, write_figure, write_metrics
from targeting.panel import OUTCOMES, require_aligned
from targeting.params import load_params
from targeting.refutation import (
    NEGATIVE_CONTROL,
    ORIGINAL,
    Draw,
    can_judge,
    control_splits,
    placebos,
    random_causes,
    subsets,
    trials_left_out,
)
from targeting.refutation_figures import refutation_chart
from targeting.refutation_fits import estimate_all, light_nuisances
from targeting.refutation_verdicts import refutation_table, tally
from targeting.stage import run

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
CONTROL = Path("data/trials/negative_control.parquet")
VERDICTS = Path("plots/refutation.csv")
DRAWS = Path("plots/refutation_draws.csv")
PICTURE = Path("plots/refutation.png")
METRICS = Path("metrics/refute.json")


def plan(panel: pd.DataFrame, propensity: pd.Series, control: pd.DataFrame, params: dict[str, Any]) -> Iterator[Draw]:
    """Every draw, check by check."""
    checks, seed = params["refute"], params["seed"]
    repeats = {name: checks[f"{name}_repeats"] for name in ("placebo", "cause", "subset")}
    yield from placebos(panel, propensity, checks["placebo_strata"], repeats["placebo"], seed)
    yield from random_causes(panel, repeats["cause"], seed)
    yield from subsets(panel, checks["subset_share"], repeats["subset"], seed)
    yield from trials_left_out(panel)
    yield from control_splits(control, params["nuisance"]["folds"], checks["control_splits"], seed)


def main() -> None:
    params = load_params("refute", "nuisance", "seed")
    panel = pd.read_parquet(PANEL)
    nuisance = pd.read_parquet(NUISANCE)
    control = pd.read_parquet(CONTROL)
    require_aligned(panel, nuisance, str(NUISANCE))

    clip, seed = params["nuisance"]["clip"], params["seed"]
    settings = {ORIGINAL: light_nuisances(panel, clip, seed)}
    if can_judge(control):
        settings[NEGATIVE_CONTROL] = light_nuisances(control, clip, seed)
    draws = estimate_all(panel, settings, plan(panel, nuisance["propensity"], control, params))

    arms = control.groupby("treated")[list(OUTCOMES)].mean()
    unadjusted = (arms.loc[1] - arms.loc[0]).to_dict() if can_judge(control) else {}
    table = refutation_table(draws, params["refute"], unadjusted)
    write_metrics(tally(table), METRICS)
    write_csv(table, VERDICTS)
    write_csv(draws, DRAWS)
    write_figure(refutation_chart(draws), PICTURE)


if __name__ == "__main__":
    run("refute", main)
