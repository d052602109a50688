"""How many households stay in their segment from one half of the weeks to the other, in words."""

import pandas as pd

from targeting.words.numbers import percent


def people_move(moves: pd.DataFrame, same: float | None) -> str:
    """The share that stays, and the segments that keep most and fewest: a mean hides how far apart these are.

    `moves` is plots/segment_transitions.csv, `same` halves_same of metrics/stability.json, missing where nobody bought in both.
    """
    if same is None or pd.isna(same):
        return "No household bought in both halves of the weeks"
    said = f"{percent(same)} of households that bought in both halves of the weeks are in the same segment in both"
    own = moves[(moves["earlier"] == moves["later"]) & (moves.groupby("earlier")["n"].transform("sum") > 0)]
    if len(own) < 2:
        return said
    shares = own.set_index("earlier")["share"]
    most, fewest = shares.idxmax(), shares.idxmin()
    return f"{said}: of {most} {percent(shares[most])} stay, of {fewest} {percent(shares[fewest])}"
