"""Cross-fitting folds by household: all rows of a household share a fold."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import GroupKFold

from targeting.errors import DataError


def household_folds(household_id: ArrayLike, n_folds: int, seed: int) -> NDArray[np.int64]:
    """A fold number (0 to n_folds - 1) a row, shape (n,); depends on the set of households and the seed, not on row order.

    Raises DataError when there are fewer households than folds.
    """
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
