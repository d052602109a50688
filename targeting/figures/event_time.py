"""A picture of the effect week by week."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from targeting.effects.event_time import EventTime
from targeting.figures.style import ACCENT, DARK, LIGHT
from targeting.words.money import currency


def event_time_chart(found: EventTime) -> Figure:
    """The effect on spend by week around time zero; bars hold week by week, the band for all weeks at once."""
    weeks, phases = found.weeks, found.phases.set_index("phase")
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(
        weeks["week"], weeks["joint_lower"], weeks["joint_upper"], color=LIGHT, alpha=0.3, label="all weeks at once, 95%"
    )
    errors = [weeks["estimate"] - weeks["ci_lower"], weeks["ci_upper"] - weeks["estimate"]]
    axes.errorbar(weeks["week"], weeks["estimate"], yerr=errors, fmt="o", color=DARK, label="effect of the week, 95%")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.axvline(-0.5, color=ACCENT, linestyle="--", label="the campaign begins")
    said = [f"{name} {phases.loc[name, 'estimate']:+,.2f}" for name in ("during", "after") if name in phases.index]
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=20))
    axes.set(
        xlabel="Week, 0 being the first of the campaign (those before it are adjusted for)",
        ylabel=f"Effect on spend per household ({currency()} per week)",
        title=f"When the effect comes: per week {', '.join(said)} {currency()}",
    )
    axes.legend(loc="upper left", frameon=False)
    return figure
