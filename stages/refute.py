"""Try to refute the average effects: estimate them where the answer is known, or where it should hardly change.

Reads the panel, its nuisances and, for the trials moved back before their campaigns, the canonical tables; writes one verdict a
check, outcome and estimator, every repeat's estimate, and who could not be moved back.
"""

from pathlib import Path

import pandas as pd

from targeting.base.outputs import write_csv, write_figure, write_metrics
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.people import speak_of
from targeting.figures.refutation import refutation_chart
from targeting.nuisance.light import light_nuisances
from targeting.robustness.refutation import changed_panels, control_splits, known_reasons, unadjusted_differences, with_campaigns
from targeting.robustness.refutation_fits import estimate_all, estimate_controls, estimate_known_reasons
from targeting.robustness.refutation_verdicts import refutation_table, tally
from targeting.stats.resampling import by_lot
from targeting.tables.engine import connect, read_tables
from targeting.tables.history import HISTORY
from targeting.tables.schemas import SCHEMAS
from targeting.trials.negative_control import control_flow, control_metrics, control_panel, control_trials
from targeting.trials.panel import require_aligned
from targeting.words.money import speak_in

TABLES = Path("data/tables")
IDENTIFIERS = TABLES / "identifiers.parquet"
PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
VERDICTS = Path("plots/refutation.csv")
DRAWS = Path("plots/refutation_draws.csv")
FLOW = Path("plots/negative_control.csv")
PICTURE = Path("plots/refutation.png")
METRICS = Path("metrics/refute.json")


def main() -> None:
    params = load_params("data", "engine", "design", "refute", "nuisance", "sample", "seed")
    speak_in(params["data"]["currency"])
    speak_of(params["data"]["source"])
    checks, settings, seed = params["refute"], params["nuisance"], params["seed"]
    clip, folds, sample = settings["clip"], settings["folds"], params["sample"]["households"]
    panel = pd.read_parquet(PANEL)
    nuisance = pd.read_parquet(NUISANCE)
    require_aligned(panel, nuisance, str(NUISANCE))

    with connect(params["engine"]) as backend:
        names = [*SCHEMAS, *HISTORY]
        tables = dict(zip(names, read_tables(backend, TABLES, *names), strict=True))
        # Without tills nobody knows what customers bought before.
        tills = bool(tables["days"].count().execute())
        moved = control_trials(backend, tables, panel, checks["control_days"], params["design"]["recent_days"]) if tills else []
    control, flow = control_panel(moved), control_flow(moved)

    kept = by_lot(panel["household_id"], params["sample"]["checks"], seed)
    some = panel[kept].reset_index(drop=True)
    planned = changed_panels(some, nuisance.loc[kept, "propensity"], checks, seed)
    light = light_nuisances(some, clip, seed)
    changed = estimate_all(some, light, planned)
    splits = control_splits(control, folds, checks["control_splits"], seed, sample)
    controls = estimate_controls(splits, settings["models"], folds, clip, seed)
    reasons = known_reasons(control, nuisance, folds, checks["control_redraws"], seed, sample)
    redrawn = estimate_known_reasons(reasons, clip, seed)
    draws = with_campaigns(pd.concat([changed, *controls, *redrawn], ignore_index=True), pd.read_parquet(IDENTIFIERS))
    table = refutation_table(draws, checks, unadjusted_differences(control))

    write_metrics({**tally(table), "negative_control": control_metrics(control, flow)}, METRICS)
    write_csv(table, VERDICTS)
    write_csv(draws, DRAWS)
    write_csv(flow, FLOW)
    write_figure(refutation_chart(draws, table), PICTURE)


if __name__ == "__main__":
    run("refute", main)
