"""The charts that only the report's page has (altair); every number in them stands in a table of the run."""

import altair as alt
import pandas as pd

from targeting.figures.intervals import interval_rows
from targeting.figures.vega import LEGEND_AT_THE_END, MONEY, WRAPPED, Spec, lines, named, records, spec, zero_line
from targeting.words.money import currency


def policies_spec(policies: pd.DataFrame) -> Spec:
    """What each policy earned off-policy, with its interval, and what the model promised of it; `mails` says whom it mails."""
    table = policies[policies["profit"].notna()].assign(mails=lambda rows: rows["mails"].map(lines))
    names = ("off-policy, with 95% interval", "promised by the model")
    layers = interval_rows(
        table,
        "mails",
        ("profit", "profit_ci_lower", "profit_ci_upper"),
        f"Profit per household and campaign ({currency()})",
        "profit",
    )
    promised = alt.Chart(records(table)).mark_point(filled=True, size=90, opacity=0.9)
    tips = ["mails:N", alt.Tooltip("profit_plugin:Q", title="promised by the model", format=MONEY)]
    promised = promised.encode(y=alt.Y("mails:N", sort=table["mails"].tolist(), axis=WRAPPED), x="profit_plugin:Q", tooltip=tips)
    shapes = alt.Shape("what:N", scale=alt.Scale(domain=list(names), range=["circle", "diamond"]))
    layers[1] = named(layers[1], names[0], names).encode(shape=shapes)
    layers += [named(promised, names[1], names).encode(shape=shapes), zero_line("x")]
    made = spec(alt.layer(*layers).properties(width="container", height=52 * len(table)))
    made["config"]["legend"]["layout"] = LEGEND_AT_THE_END
    return made
