"""docs/benchmarks.md from the stored results: `python -m benchmarks.public.report`, which `make benchmarks` runs last."""

from pathlib import Path
from typing import Any

import pandas as pd

from scripts.render_readme import ROOT, text_environment
from targeting.words.money import speak_in

EFFECTS = Path("benchmarks/public/effects.csv")
AVERAGES = Path("benchmarks/public/averages.csv")
PAGE = Path("docs/benchmarks.md")
TEMPLATE = "benchmarks.md.jinja"
FAMILIES = ("IHDP", "ACIC 2016", "LaLonde")


def errors_by_method(effects: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per package and method, in the order of the file: sqrt PEHE by table, and the mean over IHDP's replications.

    What was not measured is missing, and so is the mean of a method that lacks a replication.
    """
    wide = effects.pivot_table(index=["package", "method"], columns="table", values="sqrt_pehe", sort=False)
    replications = [name for name in wide if name.startswith(FAMILIES[0])]
    rows = wide.assign(ihdp=wide[replications].mean(axis=1, skipna=False) if replications else float("nan")).reset_index()
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def tables_of(results: pd.DataFrame, family: str) -> list[str]:
    """The names of a family's tables, in the order of the file."""
    return [name for name in pd.unique(results["table"]) if name.startswith(family)]


def render(effects: pd.DataFrame, averages: pd.DataFrame) -> str:
    """The page's text, every figure in it from the two tables."""
    speak_in("USD")
    return (
        text_environment()
        .get_template(TEMPLATE)
        .render(
            methods=errors_by_method(effects),
            effect_sd=effects.groupby("table")["effect_sd"].first().to_dict(),
            averages=averages.to_dict("records"),
            tables={family: tables_of(effects, family) for family in FAMILIES},
        )
    )


def write_page() -> None:
    """Write the page from the stored tables."""
    text = render(*(pd.read_csv(ROOT / path) for path in (EFFECTS, AVERAGES)))
    (ROOT / PAGE).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_page()
