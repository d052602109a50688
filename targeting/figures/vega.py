"""What Vega-Lite charts (altair) share: one specification for the report's page and for the picture in a file."""

import textwrap
from collections.abc import Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import altair as alt
import matplotlib
import pandas as pd
import vl_convert
from PIL import Image

from targeting.base.outputs import PICTURE_WIDTH
from targeting.figures.style import ACCENT, DARK

Spec = dict[str, Any]
MONEY, SHARE = "$,.2f", ".0%"  # "$" is the currency's sign to d3, whichever page or picture names
WRAPPED = alt.Axis(labelExpr="split(datum.label, '\\n')")  # words in lines, as `lines` makes them
# Where long labels leave an axis little room, its title, and the legend, grow over them.
AT_THE_END, LEGEND_AT_THE_END = alt.Axis(titleAnchor="end"), {"top": {"anchor": "end"}}
DASHED = [6, 4]
# Samples of lines in a legend: as long as it takes to tell dashed ones, and no further apart for it.
LINES = alt.Legend(symbolSize=900, symbolStrokeWidth=2.5, rowPadding=-12)
# Of a picture in a file: its pixels for one of the page, the letters of a title's line, and more colours than charts have.
SCALE, LETTERS, COLOURS = 1.5, 84, 256


def spec(chart: Any) -> Spec:
    """The specification; its text alternative is the page's, not the drawing's."""
    styled = chart.configure(font="system-ui, DejaVu Sans, sans-serif", aria=False, background="transparent")
    styled = styled.configure_view(stroke=None).configure_axis(
        labelFontSize=12,
        titleFontSize=12,
        titleFontWeight="normal",
        labelLimit=230,
        labelOverlap=True,
        labelFlush=False,  # else the outermost labels stand beside their ticks
        tickCount=8,
        gridColor="#e4e9ed",
    )
    return dict(styled.configure_legend(labelFontSize=12, title=None, orient="top", labelLimit=300, columns=1).to_dict())


@cache
def _fonts() -> None:
    """Letters of matplotlib's own font in every picture, so that a machine's fonts change none."""
    vl_convert.register_font_directory(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf"))


def png(chart: Spec, title: str, *notes: str, sign: str = "$") -> bytes:
    """The chart as a picture under its title, which says what was found; notes in small letters below it.

    `sign` stands before amounts of money.
    """
    _fonts()
    whole = chart | {
        "title": {
            "text": textwrap.wrap(title, LETTERS),
            "subtitle": [line for note in notes for line in textwrap.wrap(note, LETTERS + 24)],
            "anchor": "start",
            "frame": "bounds",
            "fontSize": 14,
            "subtitleFontSize": 12,
            "offset": 12,
        },
        "config": chart["config"] | {"font": "DejaVu Sans", "background": "white"},
        "padding": 8,
    }
    if "width" in chart:
        whole |= {"width": PICTURE_WIDTH / SCALE, "autosize": {"type": "fit-x", "contains": "padding"}}
    numbers = {"decimal": ".", "thousands": ",", "grouping": [3], "currency": [sign, ""]}
    return _lean(vl_convert.vegalite_to_png(whole, scale=SCALE, format_locale=numbers))


def _lean(picture: bytes) -> bytes:
    """The picture with a palette in place of four bytes a pixel, which makes its file an eighth as large."""
    with Image.open(BytesIO(picture)) as drawn:
        reduced = drawn.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    file = BytesIO()
    reduced.save(file, format="png", optimize=True)
    return file.getvalue()


def two(names: Sequence[str], colours: Sequence[str] = (DARK, ACCENT)) -> alt.Scale:
    """The scale of a chart's two colours by name."""
    return alt.Scale(domain=list(names), range=list(colours))


def named(chart: Any, name: str, names: Sequence[str], dashed: bool = False) -> Any:
    """The chart in the colour that `name` has among two names, with its entry in the legend; the second dashed if so wanted."""
    marked = chart.transform_calculate(what=f"'{name}'")
    if not dashed:
        return marked.encode(color=alt.Color("what:N", scale=two(names)))
    return marked.encode(color=alt.Color("what:N", scale=two(names), legend=LINES), strokeDash=dashed_second("what", names))


def dashed_second(column: str, names: Sequence[str]) -> alt.StrokeDash:
    """Lines of the first of two names drawn through, of the second dashed; with a legend that shows it."""
    return alt.StrokeDash(f"{column}:N", scale=alt.Scale(domain=list(names), range=[[1, 0], DASHED]), legend=LINES)


def records(table: pd.DataFrame) -> alt.Data:
    """Rows as JSON; what is missing as null."""
    return alt.Data(values=table.astype(object).where(table.notna(), None).to_dict("records"))


def lines(words: str) -> str:
    """Words in lines short enough for an axis on a phone."""
    return "\n".join(textwrap.wrap(words, 28))


def zero_line(channel: str) -> Any:
    """A thin line at nothing, across `x` or `y`."""
    return alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color="black", size=0.8).encode(**{channel: "zero:Q"})


def interval_tips(what: str, value: str, lower: str, upper: str, form: str = MONEY) -> list[alt.Tooltip]:
    """What is told where the pointer rests: a value and its interval."""
    return [
        alt.Tooltip(f"{value}:Q", title=what, format=form),
        alt.Tooltip(f"{lower}:Q", title="95% interval from", format=form),
        alt.Tooltip(f"{upper}:Q", title="to", format=form),
    ]
