"""Covariates of a user's own table as numbers: what is missing is said, and each common value of a category is a column."""

from collections.abc import Sequence

import pandas as pd

from targeting.base.columns import PREFIX
from targeting.base.errors import DataError
from targeting.tables.features import FEATURES

RARE = 0.01  # share of rows below which values of a category go together: of so few no effect can be told
MOST_VALUES = 30  # columns of one category
MISSING, OTHER = "missing", "other"


def encoded(read: pd.DataFrame, numeric: Sequence[str], categorical: Sequence[str]) -> pd.DataFrame:
    """The covariates x_*, rows as in `read`, whose columns are named `numeric NAME` and `categorical NAME`.

    A number that is missing becomes the median, and x_NAME_missing is 1 there. A category has a column x_NAME_VALUE, 0 or 1, for
    every value but the most frequent; a missing one counts as a value, and rare ones go together as `other`. A name that a
    feature of the tills has, such as recency, gets an underscore behind it. Columns with one value in all rows are left out.
    Raises DataError for covariates that would have one name.
    """
    columns: dict[str, pd.Series] = {}
    for key in numeric:
        _add(columns, _number(read[key].astype(float), key.split(" ", 1)[1]))
    for name in categorical:
        _add(columns, _indicators(read[f"categorical {name}"], name))
    table = pd.DataFrame(columns, index=read.index)
    return table.loc[:, table.nunique() > 1]


def unused(read: pd.DataFrame, numeric: Sequence[str], categorical: Sequence[str]) -> dict[str, str]:
    """By name, the columns of which `encoded` makes no covariate, and why; arguments as there."""
    reasons = {}
    for key in [*numeric, *(f"categorical {name}" for name in categorical)]:
        values = read[key]
        largest = int(values.value_counts(dropna=False).max())
        if values.isna().all():
            reason = "it is empty"
        elif largest == len(values):
            reason = "it has one value in all rows"
        elif key not in numeric and largest < _enough(values):
            reason = f"it has no value that {RARE:.0%} of the rows share: group its values"
        else:
            continue
        reasons[key.split(" ", 1)[1]] = reason
    return reasons


def _add(columns: dict[str, pd.Series], more: dict[str, pd.Series]) -> None:
    more = {_unlike_features(name): values for name, values in more.items()}
    twice = [name for name in more if name in columns]
    if twice:
        raise DataError(f"Two covariates would be called {twice[0].removeprefix(PREFIX)}: rename one of the columns.")
    columns |= more


def _unlike_features(column: str) -> str:
    """The column's name; with an underscore behind it where a feature of the tills has it, as here it means something else."""
    return f"{column}_" if column.removeprefix(PREFIX) in FEATURES else column


def _number(values: pd.Series, name: str) -> dict[str, pd.Series]:
    if values.isna().all():
        return {}
    filled = {f"{PREFIX}{name}": values.fillna(values.median())}
    return filled | ({f"{PREFIX}{name}_{MISSING}": values.isna().astype(float)} if values.isna().any() else {})


def _enough(values: pd.Series) -> float:
    """From how many rows on a value is an indicator of its own."""
    return max(2, RARE * len(values))


def _indicators(values: pd.Series, name: str) -> dict[str, pd.Series]:
    texts = values.astype("object").where(values.notna(), MISSING).astype(str)
    counts = texts.value_counts().rename_axis("value").reset_index(name="n").sort_values(["n", "value"], ascending=[False, True])
    common = counts[counts["n"] >= _enough(texts)].head(MOST_VALUES + 1)["value"]
    if len(counts) > len(common):
        texts = texts.where(texts.isin(common), OTHER)
        common = pd.concat([common, pd.Series([OTHER])])
    # The first is what the others are compared with.
    return {f"{PREFIX}{name}_{value}": (texts == value).astype(float) for value in common.drop_duplicates().iloc[1:]}
