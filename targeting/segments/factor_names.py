"""Name factors by written rules from their loadings, and say whether each speaks of value or of need.

A theme's weight in a factor is the sum of its features' squared loadings. The strongest theme names the factor; a second of
at least half its weight joins the name. Where two factors would share a name, the weaker takes its next theme in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.words.features import THEMES, WORDINGS

SECOND = 0.5  # of the strongest theme's weight: from here on the second theme is part of the name
TOLD = 3  # features that a reading tells
FAINT = 0.15  # loadings below this, of a factor of length 1, tell nothing


@dataclass(frozen=True)
class FactorName:
    """A factor in words: its name, what a high score means, and whether it speaks of value or of need."""

    name: str
    reading: str
    kind: str


def theme_weights(loadings: pd.Series) -> pd.Series:
    """Sum of squared loadings by theme, the strongest first; `loadings` has the features as its index."""
    themes = [WORDINGS[str(feature)].theme for feature in loadings.index]
    weights = loadings.pow(2).groupby(themes).sum()
    return weights[weights > 0].sort_values(ascending=False, kind="stable")


def name_factors(directions: NDArray[np.float64], features: Sequence[str]) -> list[FactorName]:
    """A name for each factor, no two alike; `directions` has shape (factors, features), each row of length 1."""
    names: list[FactorName] = []
    for row in directions:
        loadings = pd.Series(row, index=list(features))
        weights = theme_weights(loadings)
        taken = {factor.name for factor in names}
        candidates = _candidates(weights)
        name = next((candidate for candidate in candidates if candidate not in taken), f"{candidates[0]} {len(names) + 1}")
        value = sum(weight for theme, weight in weights.items() if THEMES[str(theme)].kind == "value")
        names.append(FactorName(name, _reading(loadings), "value" if value >= weights.sum() / 2 else "need"))
    return names


def _candidates(weights: pd.Series) -> list[str]:
    """Names from best to next best: by the rule, then the strongest theme with each other theme in turn."""
    first, *others = [str(theme) for theme in weights.index]
    joined = [f"{THEMES[first].modifier} {THEMES[other].noun}" for other in others]
    if others and weights[others[0]] >= SECOND * weights[first]:
        return joined
    return [THEMES[first].noun, *joined]


def _reading(loadings: pd.Series) -> str:
    strongest = loadings.sort_values(ascending=False, kind="stable")
    told = strongest[strongest >= FAINT].head(TOLD)
    words = [f"{WORDINGS[str(feature)].words} ({loading:.2f})" for feature, loading in told.items()]
    return f"high in {', '.join(words)}"


def factor_table(directions: NDArray[np.float64], features: Sequence[str], names: Sequence[FactorName]) -> pd.DataFrame:
    """One row per factor: factor, name, kind, reading, and its three strongest features with their loadings (0 to 1)."""
    rows = []
    for number, (row, factor) in enumerate(zip(directions, names, strict=True), start=1):
        strongest = np.argsort(-row, kind="stable")[:TOLD]
        top = {f"feature_{place}": features[column] for place, column in enumerate(strongest, start=1)}
        sizes = {f"loading_{place}": row[column] for place, column in enumerate(strongest, start=1)}
        rows.append({"factor": f"F{number}", "name": factor.name, "kind": factor.kind, "reading": factor.reading, **top, **sizes})
    return pd.DataFrame(rows)
