"""Estimate public tables whose truth is known, and write docs/benchmarks.md: `make benchmarks`.

`python -m benchmarks.public [--ihdp FOLDER] [--own]`: IHDP takes part where its folder is named; `--own` renews the project's
numbers alone and keeps the other packages' as they are stored.
"""

import argparse
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.public import project
from benchmarks.public.report import AVERAGES, EFFECTS, ROOT, write_page
from benchmarks.public.tables import Benchmark, acic, ihdp, lalonde, panel_of
from targeting.base.outputs import write_csv
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.trials.units import in_own_units

OWN = "project"
Row = dict[str, Any]


def measure(benchmark: Benchmark, params: dict[str, Any], own_alone: bool) -> tuple[list[Row], list[Row]]:
    """Rows of the two tables, of errors by row and of average effects, that one benchmark gives."""
    with tempfile.TemporaryDirectory() as folder:
        panel, units = panel_of(benchmark, params["nuisance"]["folds"], params["seed"], Path(folder))
    nuisance = project.nuisances(panel, params)
    averages: dict[tuple[str, str], Any] = {(OWN, k): own for k, own in project.average_effects(panel, nuisance).items()}
    effects = {}
    if benchmark.effect is not None:
        effects = {(OWN, name): cate for name, cate in project.effects(panel, nuisance, params).items()}
    if not own_alone:
        from benchmarks.public import peers  # what only it needs is not installed everywhere

        table = in_own_units(panel, units)  # others get the table's own numbers
        if benchmark.effect is None:
            averages |= peers.average_effects(table, params["nuisance"]["folds"], params["seed"])
        else:
            effects = effects | peers.effects(table, params["seed"])
    return list(_errors(benchmark, effects)), list(_averages(benchmark, averages))


def _errors(benchmark: Benchmark, effects: dict[tuple[str, str], Any]) -> Iterator[Row]:
    for (package, method), cate in effects.items():
        yield {
            "table": benchmark.name,
            "n": len(benchmark.rows),
            "effect_sd": float(np.std(benchmark.effect)),
            "package": package,
            "method": method,
            "sqrt_pehe": float(np.sqrt(np.mean(np.square(cate - benchmark.effect)))),
        }


def _averages(benchmark: Benchmark, averages: dict[tuple[str, str], Any]) -> Iterator[Row]:
    known = benchmark.true_averages
    for (package, method), own in averages.items():
        for estimand, (value, error) in own.items():
            if estimand in known:
                truth, truth_se = known[estimand]
                row = {"table": benchmark.name, "estimand": estimand, "truth": truth, "truth_se": truth_se}
                yield row | {"package": package, "method": method, "estimate": value, "se": error}


def renewed(path: Path, rows: list[Row]) -> pd.DataFrame:
    """What is stored, with these rows of one table in the place of those by the same packages; tables stay in their order."""
    new = pd.DataFrame(rows)
    if not path.exists():
        return new
    old = pd.read_csv(path)
    kept = old[~((old["table"] == new["table"].iloc[0]) & old["package"].isin(new["package"]))]
    order = {name: place for place, name in enumerate(pd.unique(pd.concat([old["table"], new["table"]])))}
    return pd.concat([new, kept]).sort_values("table", key=lambda names: names.map(order), kind="stable", ignore_index=True)


def main() -> None:
    """Estimate every table, keep what was measured, and write the page."""
    parser = argparse.ArgumentParser(description="Estimate public tables whose truth is known.")
    parser.add_argument("--ihdp", type=Path, help="the folder of IHDP's replications, ihdp_npci_1.csv and so on")
    parser.add_argument("--own", action="store_true", help="renew the project's numbers alone")
    arguments = parser.parse_args()
    params = load_params("nuisance", "learners", "seed")
    for benchmark in chain(lalonde(), acic(), ihdp(arguments.ihdp) if arguments.ihdp else ()):
        print(benchmark.name, flush=True)
        for path, rows in zip((EFFECTS, AVERAGES), measure(benchmark, params, arguments.own), strict=True):
            if rows:
                write_csv(renewed(ROOT / path, rows), ROOT / path)
    write_page()


if __name__ == "__main__":
    run("benchmarks", main)
