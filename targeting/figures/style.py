"""How every picture looks: seaborn's theme, colours, and a title that says what was found."""

import textwrap

import matplotlib
import seaborn as sns
from matplotlib.figure import Figure

matplotlib.use("Agg")
sns.set_theme(style="whitegrid", context="notebook", font="DejaVu Sans", font_scale=0.85)
# Colours that stay apart for colour-blind readers and in greyscale.
DARK, LIGHT, ACCENT = "#1b4965", "#9db4c0", "#c8553d"
WIDTH = 10  # inches; every picture is as wide on the pages that show it
LETTERS = 92  # of a title's line


def drawing(height: float) -> Figure:
    """An empty picture of the common width, its height in inches."""
    return Figure(figsize=(WIDTH, height), layout="constrained")


def entitle(figure: Figure, found: str, note: str = "") -> None:
    """A title over the whole picture that says what was found, and below it in small letters how to read it."""
    lines = textwrap.wrap(found, LETTERS)
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=12, fontweight="bold", parse_math=False)
    if note:
        figure.supxlabel("\n".join(textwrap.wrap(note, LETTERS + 30)), x=0.01, ha="left", fontsize=9, parse_math=False)
