"""Whether the arms compare, for the report's page and as pictures: propensities and balance."""

import altair as alt
import numpy as np
import pandas as pd

from targeting.figures.style import ACCENT, DARK
from targeting.figures.vega import AT_THE_END, LEGEND_AT_THE_END, SHARE, Spec, records, spec, two
from targeting.nuisance.overlap import BALANCED, overlap_weights
from targeting.words.features import covariate_words
from targeting.words.numbers import percent

TENTHS = alt.Axis(format=".1f", values=[0, 0.2, 0.4, 0.6, 0.8, 1])
BINS = 20  # of the propensity, from 0 to 1
AS_THEY_ARE, WEIGHTED = "as they are", "overlap weights"


def propensity_table(treated: np.ndarray, propensity: np.ndarray) -> pd.DataFrame:
    """Each arm's distribution over BINS of the propensity, before and after overlap weights: weighting, arm, low, high, share."""
    edges = np.linspace(0, 1, BINS + 1)
    rows = []
    for weighting, weights in ((AS_THEY_ARE, np.ones(len(treated))), (WEIGHTED, overlap_weights(treated, propensity))):
        for arm, members in (("mailed", treated == 1), ("not mailed", treated == 0)):
            count, _ = np.histogram(propensity[members], edges, weights=weights[members])
            for low, high, share in zip(edges[:-1], edges[1:], count / count.sum(), strict=True):
                rows.append({"weighting": weighting, "arm": arm, "low": low, "high": high, "share": share})
    return pd.DataFrame(rows)


def propensity_spec(table: pd.DataFrame, weighting: str) -> Spec:
    """Mailed households' propensities upwards, the others' downwards, under one weighting of `propensity_table`."""
    return spec(_propensities(table, weighting).properties(width="container", height=230))


def _propensities(table: pd.DataFrame, weighting: str) -> alt.Chart:
    arms = ("mailed", "not mailed")
    rows = table[table["weighting"] == weighting]
    mirrored = rows.assign(height=rows["share"].where(rows["arm"] == arms[0], -rows["share"]))
    tips = [
        alt.Tooltip("arm:N"),
        alt.Tooltip("low:Q", title="propensity from", format=".2f"),
        alt.Tooltip("high:Q", title="to", format=".2f"),
        alt.Tooltip("share:Q", title="share of the arm", format=".1%"),
    ]
    bars = alt.Chart(records(mirrored)).mark_bar(stroke="white", strokeWidth=0.5)
    return bars.encode(
        x=alt.X("low:Q", title="Propensity of being mailed", bin="binned", scale=alt.Scale(domain=[0, 1]), axis=TENTHS),
        x2="high:Q",
        y=alt.Y("height:Q", title="Share of the arm", axis=alt.Axis(labelExpr="format(abs(datum.value), '.0%')")),
        color=alt.Color("arm:N", scale=two(arms, (ACCENT, DARK))),  # mailed households' colour in every picture
        tooltip=tips,
    )


def propensity_picture(table: pd.DataFrame, calibration: pd.DataFrame) -> Spec:
    """The rows' propensities as they are, and beside them the propensity's calibration by tenths of rows."""
    whole = alt.Scale(domain=[0, 1])
    base = alt.Chart(records(calibration)).encode(
        x=alt.X("predicted:Q", title="Predicted share mailed", scale=whole, axis=alt.Axis(format=SHARE, tickCount=5))
    )
    observed = alt.Y("observed_ci_lower:Q", title="Observed share mailed, 95% interval", scale=whole, axis=alt.Axis(format=SHARE))
    ends = alt.Chart(alt.Data(values=[{"at": 0}, {"at": 1}]))
    layers = [
        ends.mark_line(color="black", strokeDash=[2, 3], size=1).encode(x="at:Q", y="at:Q"),
        base.mark_rule(size=2, color=DARK).encode(y=observed, y2="observed_ci_upper:Q"),
        base.mark_point(filled=True, size=60, color=DARK, opacity=1).encode(y="observed:Q"),
    ]
    panel = {"width": 280, "height": 240}
    return spec(alt.hconcat(_propensities(table, AS_THEY_ARE).properties(**panel), alt.layer(*layers).properties(**panel)))


def propensity_words(overlap_share: float, bounds: tuple[float, float]) -> tuple[str, str]:
    """How many rows overlap, and how to read the picture."""
    low, high = bounds
    found = f"{percent(overlap_share)} of rows lie in the overlap, where the chance of being mailed is {low:g} to {high:g}"
    return found, "Left: both arms by propensity. Right: tenths of rows; on the dotted line the propensity is right in size."


def love_spec(balance: pd.DataFrame) -> Spec:
    """How far the arms differ in each covariate, before and after overlap weights; in the table's order."""
    when = {"smd": "before weighting", "smd_overlap": "after overlap weights"}
    table = balance.assign(covariate=balance["covariate"].map(covariate_words)).rename(columns=when)
    long = table.melt("covariate", list(when.values()), "when", "difference")
    long["difference"] = long["difference"].abs()
    limit = alt.Chart(alt.Data(values=[{"limit": BALANCED}])).mark_rule(color="#52606d", strokeDash=[4, 3]).encode(x="limit:Q")
    points = (
        alt.Chart(records(long))
        .mark_point(filled=True, size=55, opacity=0.95)
        .encode(
            y=alt.Y("covariate:N", sort=None, title=None),
            x=alt.X("difference:Q", title="Difference of the arms, in standard deviations", axis=AT_THE_END),
            color=alt.Color("when:N", scale=two(list(when.values()), (ACCENT, DARK))),
            shape=alt.Shape("when:N", scale=alt.Scale(domain=list(when.values()), range=["diamond", "circle"])),
            tooltip=["covariate:N", "when:N", alt.Tooltip("difference:Q", format=".2f")],
        )
    )
    made = spec(alt.layer(points, limit).properties(width="container", height=15 * len(table)))
    made["config"]["legend"]["layout"] = LEGEND_AT_THE_END
    return made


def love_words(balance: pd.DataFrame) -> tuple[str, str]:
    """How many covariates are balanced before and after weighting, and how to read the chart."""
    before, after = ((balance[name].abs() <= BALANCED).sum() for name in ("smd", "smd_overlap"))
    found = f"{before} of {len(balance)} covariates are balanced as found, {after} under overlap weights"
    return found, "Left of the dashed line a covariate counts as balanced."
