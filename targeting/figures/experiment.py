"""What an experiment can find, for the report's page and as a picture; its numbers stand in plots/power.csv."""

import altair as alt
import pandas as pd

from targeting.figures.people import people
from targeting.figures.vega import LINES, SHARE, Spec, dashed_second, records, spec, two
from targeting.words.numbers import number, percent


def power_spec(curve: pd.DataFrame, effect: str, power: float) -> Spec:
    """Chance of finding the effect (its size in words), by households in the experiment, with and without adjustment."""
    names = ("adjusted for what was predicted", "not adjusted")
    table = curve.assign(adjustment=curve["adjustment"].map({"cuped": names[0], "none": names[1]}))
    lines = (
        alt.Chart(records(table))
        .mark_line(size=2.5)
        .encode(
            x=alt.X("n_total:Q", title=f"{people().capitalize()}, half of them mailed", scale=alt.Scale(nice=False)),
            y=alt.Y(
                "power:Q",
                title=f"Chance of finding {effect}",
                axis=alt.Axis(format=SHARE),
                scale=alt.Scale(domain=[0, 1]),
            ),
            color=alt.Color("adjustment:N", scale=two(names), legend=LINES),
            strokeDash=dashed_second("adjustment", names),
            tooltip=["adjustment:N", alt.Tooltip("n_total:Q", format=","), alt.Tooltip("power:Q", format=SHARE)],
        )
    )
    wanted = alt.Chart(alt.Data(values=[{"power": power}])).mark_rule(color="#52606d", strokeDash=[4, 3]).encode(y="power:Q")
    return spec(alt.layer(lines, wanted).properties(width="container", height=260))


def power_words(effect: str, power: float, n_adjusted: int, n_plain: int, taking_part: int) -> tuple[str, str]:
    """How many households find the effect (its size in words) with a chance of `power`, and how to read the chart."""
    found = (
        f"{number(n_adjusted, 0)} {people()}, half of them mailed, find an effect of {effect} with a chance of {percent(power)}"
    )
    return found, (
        f"Without the adjustment it takes {number(n_plain, 0)}. {number(taking_part, 0)} can take part in the next campaign. "
        f"Dashed across: {percent(power)}."
    )
