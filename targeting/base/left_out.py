"""A stage that has nothing to work on: every output is there, holds nothing, and says why."""

import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from targeting.base.outputs import write_csv, write_figure, write_metrics, write_parquet, write_text

LEFT_OUT = "left_out"  # the key or column that says it
NO_TILLS = "the data are a table of customers without receipts, so that how they shop cannot be said"


def leave_out(stage: str, why: str, outputs: Iterable[Path]) -> None:
    """Write each output by its kind (JSON, CSV, Parquet, PNG, HTML) without content, and say on stderr why.

    Metrics are {left_out: why}, tables have a column left_out and no rows, pictures and pages hold the sentence.
    """
    for path in sorted(outputs, key=lambda path: path.suffix != ".json"):  # metrics first, as everywhere
        nothing = pd.DataFrame(columns=[LEFT_OUT])
        match path.suffix:
            case ".json":
                write_metrics({LEFT_OUT: why}, path)
            case ".csv":
                write_csv(nothing, path)
            case ".parquet":
                write_parquet(nothing, path)
            case ".png":
                write_sentence(f"Left out: {why}.", path)
            case _:
                write_text(f'<!doctype html><html lang="en"><title>{stage}</title><p>Left out: {why}.</p></html>\n', path)
    print(f"{stage}: left out, as {why}.", file=sys.stderr)


def write_sentence(text: str, path: Path) -> None:
    """A picture that holds a sentence."""
    from matplotlib.figure import Figure  # here, as stages that draw nothing start without it

    figure = Figure(figsize=(9, 1.2), layout="constrained")
    figure.text(0.5, 0.5, text, ha="center", va="center")
    write_figure(figure, path)
