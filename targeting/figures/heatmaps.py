"""What heatmaps share: numbers that can be read on every cell, in greyscale too."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

# By the contrast that WCAG 2 measures, black and white letters read alike on this luminance; seaborn changes at 0.41.
MIDDLE = 0.18


def legible(axes: Axes) -> None:
    """Numbers of seaborn's only heatmap in `axes` in black on bright cells and in white on dark ones."""
    mesh = axes.collections[0]
    filled = ~np.ma.getmaskarray(np.ma.asarray(mesh.get_array())).ravel()
    for colour, text in zip(np.asarray(mesh.get_facecolor())[filled], axes.texts, strict=True):
        text.set_color("black" if _luminance(to_rgb(colour)) > MIDDLE else "white")


def _luminance(colour: tuple[float, float, float]) -> float:
    """The relative luminance of a colour of sRGB, from 0 for black to 1 for white."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))
