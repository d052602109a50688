"""Campaigns that a rule decided: what the tables say of a household foretells whether it was mailed, as of a model's own list.

Nobody compares there: mailed and not mailed households are different people. Beside campaigns that do compare, the rows of such
a one would bend the propensity of all, and learned from them would be what models make of it, not what mailings do. By whom a
campaign mailed, and before any outcome is looked at, it is decided that it is no trial; it stays in its households' past.
Source: Rubin (2008), For objective causal inference, design trumps analysis, Annals of Applied Statistics 2, 808-840.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from targeting.base.lots import drawn_by_lot
from targeting.trials.panel import covariate_names

FORETOLD = 0.98  # area under the curve; lists that a model wrote reach 0.99, what retailers choose by hand 0.95
FEWEST = 10  # households of an arm: with fewer hardly anybody compares, and nothing is learned of who was chosen
FOLDS = 5
STRENGTH = 0.1  # of the logistic regression: weak, as a trial may have few of an arm


def foretold_trials(rows: pd.DataFrame, seed: int) -> list[int]:
    """The trials among `rows`, with trial, treated, covariates x_* and where lots were drawn by_lot, whose mailing is foretold.

    An observed trial with fewer than FEWEST households of an arm, or whose households a model of its own covariates, fitted on
    others of them, tells apart with an area under the curve of FORETOLD. None where all are so: the overlap says what then.
    """
    found = [number for number, own in _observed(rows) if _area(own, seed) >= FORETOLD]
    return found if len(found) < rows["trial"].nunique() else []


def without_foretold(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The rows of all other trials."""
    return rows[~rows["trial"].isin(foretold_trials(rows, seed))]


def _observed(rows: pd.DataFrame) -> Iterator[tuple[int, pd.DataFrame]]:
    by_lot = drawn_by_lot(rows)
    for number, own in (rows if by_lot is None else rows[~by_lot]).groupby("trial"):
        yield int(number), own


def _area(own: pd.DataFrame, seed: int) -> float:
    """Of one trial; 1 where an arm has too few to learn from."""
    treated = own["treated"].to_numpy()
    if np.bincount(treated, minlength=2).min() < FEWEST:
        return 1.0
    model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, solver="newton-cholesky"))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    chance = cross_val_predict(model, own[covariate_names(own)].to_numpy(dtype=float), treated, cv=folds, method="predict_proba")
    return float(roc_auc_score(treated, chance[:, 1]))
