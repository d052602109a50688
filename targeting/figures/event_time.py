"""The effect week by week, for the report's page and as a picture; its numbers stand in plots/event_time.csv."""

from typing import Any

import altair as alt
import pandas as pd

from targeting.base.left_out import sentence
from targeting.figures.style import ACCENT, DARK, LIGHT
from targeting.figures.vega import DASHED, Spec, interval_tips, png, records, spec, zero_line
from targeting.words.money import currency, money, sign

UNDATED = "Of no receipt is known when it was written."


def weeks_spec(weeks: pd.DataFrame) -> Spec:
    """The effect on spend by week, of plots/event_time.csv: intervals of each week, and a band that holds for all at once."""
    base = alt.Chart(records(weeks)).encode(
        x=alt.X(
            "week:Q",
            title="Week, 0 being the campaign's first",
            axis=alt.Axis(tickMinStep=1),
            scale=alt.Scale(nice=False, padding=12),
        ),
        tooltip=["week:Q", *interval_tips("effect a week", "estimate", "ci_lower", "ci_upper")],
    )
    title = f"Effect on spend ({currency()} per household and week)"
    layers = [
        base.mark_area(color=LIGHT, opacity=0.35).encode(y=alt.Y("joint_lower:Q", title=title), y2="joint_upper:Q"),
        base.mark_rule(size=2, color=DARK).encode(y="ci_lower:Q", y2="ci_upper:Q"),
        base.mark_point(filled=True, size=60, color=DARK, opacity=1).encode(y="estimate:Q"),
        zero_line("y"),
        alt.Chart(alt.Data(values=[{"begins": -0.5}])).mark_rule(color=ACCENT, strokeDash=DASHED).encode(x="begins:Q"),
    ]
    return spec(alt.layer(*layers).properties(width="container", height=280))


def weeks_picture(weeks: pd.DataFrame, phases: pd.DataFrame) -> Any:
    """The chart as a picture under what was found by week and by phase (as `EventTime` has them); a sentence without weeks."""
    return sentence(UNDATED) if weeks.empty else png(weeks_spec(weeks), *weeks_words(weeks, phases), sign=sign())


def weeks_words(weeks: pd.DataFrame, phases: pd.DataFrame) -> tuple[str, str]:
    """What was found by week and by phase of the campaign (as `EventTime` has them), and how to read the chart."""
    mean = phases.set_index("phase")
    said = [
        f"{money(mean.loc[name, 'estimate'])} {words} (standard error {money(mean.loc[name, 'se'])})"
        for name, words in (("during", "per week while it runs"), ("after", "per week after it"))
        if name in mean.index
    ]
    begun = weeks[weeks["week"] >= 0]
    apart = ((begun["joint_lower"] > 0) | (begun["joint_upper"] < 0)).sum()
    stands = f"{apart or 'no'} single week{'s stand' if apart > 1 else ' stands'} out"
    how = (
        "Right of the dashed line the campaign has begun; weeks before it are adjusted for. Bars: each week's 95% interval; "
        "band: all weeks at once."
    )
    return f"A mailing moves a household's spend by {' and '.join(said)}; {stands}", how
