"""Cross-fitting folds by household: all rows of a household share a fold; and effects brought to one level in all folds.

A fold's effects come from the other folds' outcomes, so they are high where its own happen to be low. Compared over all folds,
the unlucky folds would come first, and effects look worse than they are, in order and in size.

Where a sample of the households is learned from, the others share one number, OUTSIDE: models of the whole sample predict them,
and no model learns from them.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from targeting.base.errors import DataError
from targeting.stats.resampling import by_lot

OUTSIDE = -1  # the fold of all households outside the sample
# By which a variance is inflated where fold j's outcomes are in fold k's effects and k's in those of j, so that their products
# count twice: by Cauchy and Schwarz the most that they can add (see targeting.validation.ranking).
CROSS_FITTED = 2.0


def household_folds(household_id: ArrayLike, n_folds: int, seed: int) -> NDArray[np.int64]:
    """A fold number (0 to n_folds - 1) a row, shape (n,); depends on the set of households and the seed, not on row order.

    Raises DataError when there are fewer households than folds.
    """
    # Here, as many stages need this module for its ranks and never make folds: sklearn takes half a second to load.
    from sklearn.model_selection import GroupKFold

    households = np.asarray(household_id)
    n_households = len(np.unique(households))
    if n_households < n_folds:
        raise DataError(f"{n_households} households cannot fill {n_folds} folds: lower nuisance.folds or bring more data.")
    # Over the sorted households, so that neither row order nor repeated rows move a household to another fold.
    unique = np.unique(households)
    fold_of = np.empty(n_households, dtype=np.int64)
    splitter = GroupKFold(n_splits=n_folds, shuffle=True, random_state=seed)
    for fold, (_, test) in enumerate(splitter.split(unique, groups=unique)):
        fold_of[test] = fold
    return fold_of[np.searchsorted(unique, households)]


def in_sample(fold: ArrayLike) -> NDArray[np.bool_]:
    """Which rows (n,) models may learn from: all whose fold is not OUTSIDE."""
    return np.asarray(fold) != OUTSIDE


def sampled_folds(household_id: ArrayLike, n_folds: int, seed: int, sample: int | None) -> NDArray[np.int64]:
    """The folds (n,) of `household_folds` for `sample` households drawn by lot, OUTSIDE for the others.

    All households are in it for None, and where there are fewer than twice as many: little would be saved, and what the few
    outside say of the error of learning would be noise.
    """
    worth_it = sample is not None and len(np.unique(np.asarray(household_id))) >= 2 * sample
    drawn = np.where(by_lot(household_id, sample if worth_it else None, seed), 0, OUTSIDE)
    return split_anew(drawn, household_id, n_folds, seed)


def split_anew(fold: NDArray[np.int64], household_id: ArrayLike, n_folds: int, seed: int) -> NDArray[np.int64]:
    """Another split (n,) of the same sample: its households by `household_folds`, the others OUTSIDE as they are."""
    inside, again = in_sample(fold), np.full(len(fold), OUTSIDE)
    again[inside] = household_folds(np.asarray(household_id)[inside], n_folds, seed)
    return again


def rank_within(values: ArrayLike, *groups: ArrayLike) -> NDArray[np.float64]:
    """Each row's rank (n,) among the rows that share its `groups`, such as its fold: (rank - 1/2) / rows, equals share theirs.

    A group of equals is at 1/2, however many they are: it comes neither before nor behind another one.
    """
    rows = pd.Series(np.asarray(values, dtype=float)).groupby([np.asarray(group) for group in groups])
    return ((rows.rank(method="average") - 0.5) / rows.transform("size")).to_numpy()


def levelled(values: ArrayLike, fold: ArrayLike) -> NDArray[np.float64]:
    """Each value (n,) less the mean of its fold, plus the mean of all; exactly the latter in a fold of equal values."""
    given = pd.Series(np.asarray(values, dtype=float))
    rows = given.groupby(np.asarray(fold))
    # The last bits of a mean are no spread.
    spread = (given - rows.transform("mean")).where(rows.transform("max") > rows.transform("min"), 0.0)
    return (given.mean() + spread).to_numpy()
