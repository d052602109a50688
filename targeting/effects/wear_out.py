"""The effect of a first mailing beside that of a repeated one, and how it goes with the number of earlier mailings."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from targeting.effects.by_segment import FEWEST, fewer_arm, over_rest
from targeting.effects.estimators import EffectData, ato
from targeting.stats.estimates import Estimate

MOST = 3  # earlier mailings from which on households count together
COLUMNS = ["outcome", "earlier_mailings", "n", "n_treated", "estimate", "se", "ci_lower", "ci_upper", "p"]
REPEATED, DIFFERENCE = "repeated", "repeated less first"


def wear_out_table(data: EffectData, earlier_mailings: ArrayLike, outcome: str) -> pd.DataFrame:
    """Overlap-weighted effects by number of earlier mailings (rows,) of the campaign's type; empty where nobody had any.

    Rows: 0, 1, 2, `3 or more`, then `repeated` (one or more) and `repeated less first`. Columns: outcome, earlier_mailings, n,
    n_treated, estimate, se, ci_lower, ci_upper, and p, two-sided, of the difference; missing where an arm has fewer than ten
    households. Errors are clustered by household, across groups too, as a household can be in several. The groups are no
    experiment: whom a retailer mails three times differs from whom it mails once.
    """
    number = np.asarray(earlier_mailings)
    if not (number > 0).any():
        return pd.DataFrame(columns=COLUMNS)
    groups = {str(count): number == count for count in range(MOST)} | {f"{MOST} or more": number >= MOST, REPEATED: number > 0}
    rows = [_row(name, data, members, _effect(data, members)) for name, members in groups.items() if members.any()]
    everybody = np.ones(len(number), dtype=bool)
    difference = _difference(data, number > 0)
    p = float(2 * norm.sf(abs(difference.value) / difference.se)) if difference.se > 0 else np.nan
    rows.append(_row(DIFFERENCE, data, everybody, difference) | {"p": p})
    return pd.DataFrame(rows).assign(outcome=outcome)[COLUMNS]


def _row(name: str, data: EffectData, members: NDArray[np.bool_], effect: Estimate) -> dict[str, object]:
    counts = {"n": int(members.sum()), "n_treated": int(data.treated[members].sum())}
    return {"earlier_mailings": name, **counts, "estimate": effect.value, **effect.columns(), "p": np.nan}


def _effect(data: EffectData, members: NDArray[np.bool_]) -> Estimate:
    if fewer_arm(data, members) < FEWEST:
        return Estimate(np.nan, np.nan)
    return ato(data.subset(members))


def _difference(data: EffectData, repeated: NDArray[np.bool_]) -> Estimate:
    if min(fewer_arm(data, repeated), fewer_arm(data, ~repeated)) < FEWEST:
        return Estimate(np.nan, np.nan)
    return over_rest(data, repeated)


def wear_out_metrics(table: pd.DataFrame) -> dict[str, float]:
    """Of the table of one outcome: first, repeated, and their difference with its p; nothing where nobody was mailed before."""
    if table.empty:
        return {}
    rows = table.set_index("earlier_mailings")
    kept = {"first": "0", "repeated": REPEATED, "repeated_less_first": DIFFERENCE}
    numbers = {
        f"{name}{suffix}": rows.loc[row, column]
        for name, row in kept.items()
        if row in rows.index
        for suffix, column in (("", "estimate"), ("_se", "se"))
    }
    return {**numbers, "repeated_less_first_p": rows.loc[DIFFERENCE, "p"]}
