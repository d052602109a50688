"""A stage that has nothing to work on: every output is there, holds nothing, and says why."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from targeting.base.outputs import write_outputs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEFT_OUT = "left_out"  # the key or column that says it
NO_TILLS = "the data are a table of customers without receipts, so that how they shop cannot be said"


def leave_out(stage: str, why: str, outputs: Iterable[str]) -> None:
    """Write each output by its kind (JSON, CSV, Parquet, PNG, HTML) without content, and say on stderr why.

    Metrics are {left_out: why}, tables have a column left_out and no rows, pictures and pages hold the sentence.
    """
    nothing = pd.DataFrame(columns=[LEFT_OUT])
    page = f'<!doctype html><html lang="en"><title>{stage}</title><p>Left out: {why}.</p></html>\n'
    kinds: dict[str, Any] = {"json": {LEFT_OUT: why}, "csv": nothing, "parquet": nothing, "html": page}
    write_outputs(
        {name: sentence(f"Left out: {why}.") if name.endswith(".png") else kinds[name.rsplit(".")[-1]] for name in outputs}
    )
    print(f"{stage}: left out, as {why}.", file=sys.stderr)


def sentence(text: str) -> "Figure":
    """A picture that holds a sentence."""
    from matplotlib.figure import Figure  # here, as stages that draw nothing start without it

    figure = Figure(figsize=(9, 1.2), layout="constrained")
    figure.text(0.5, 0.5, text, ha="center", va="center")
    return figure
