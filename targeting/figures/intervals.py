"""Points with intervals, row by row, as Vega-Lite charts (altair)."""

from typing import Any

import altair as alt
import pandas as pd

from targeting.figures.people import person
from targeting.figures.style import DARK
from targeting.figures.vega import AT_THE_END, MONEY, WRAPPED, interval_tips, records
from targeting.words.money import currency
from targeting.words.outcomes import outcome_words


def interval_rows(
    table: pd.DataFrame, label: str, columns: tuple[str, str, str], title: str, what: str, form: str = MONEY
) -> list[Any]:
    """A point with its interval for each row of the table, in the table's order."""
    value, lower, upper = columns
    base = alt.Chart(records(table)).encode(
        y=alt.Y(f"{label}:N", sort=table[label].tolist(), title=None, axis=WRAPPED),
        tooltip=[f"{label}:N", *interval_tips(what, value, lower, upper, form)],
    )
    return [
        base.mark_rule(size=2, color=DARK).encode(x=alt.X(f"{lower}:Q", title=title, axis=AT_THE_END), x2=f"{upper}:Q"),
        base.mark_point(filled=True, size=80, color=DARK, opacity=1).encode(x=f"{value}:Q"),
    ]


def effect_title(outcome: str) -> tuple[str, str]:
    """An axis of effects on `outcome`: its title, and the form of its numbers."""
    if outcome == "purchase_amount":
        return f"Effect on spend ({currency()} per {person()})", MONEY
    return f"Effect on {outcome_words(outcome)} per {person()}", ",.2f"
