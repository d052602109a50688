"""Was a declared experiment drawn as declared: one test of all covariates at once, against the known chances of being treated."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from targeting.nuisance.models import with_logs
from targeting.nuisance.overlap import Answers, overlap_verdict, positivity

Vector = NDArray[np.float64]
DRAWS = 999
BATCH = 50  # draws at a time, so that a large table's fit into memory


def balance_p_value(covariates: Vector, treated: ArrayLike, chance: ArrayLike, seed: int) -> float:
    """How often lots with these chances would leave the arms as far apart as they are, in all covariates (n, p) together.

    With r = (T - e) / sqrt(e (1 - e)) and the columns U that span sqrt(e (1 - e)) times the covariates about their weighted mean,
    the statistic is |U' r|^2: Hansen and Bowers' omnibus d^2, which asks every covariate and all their combinations at once. Its
    law is that of DRAWS new lots, and needs no large sample: p = (1 + lots at least as far apart) / (1 + DRAWS).
    Source: Hansen & Bowers (2008), Statistical Science 23, 219-236; Phipson & Smyth (2010) for the one in both counts.
    """
    t, e = np.asarray(treated, dtype=float), np.asarray(chance, dtype=float)
    root = np.sqrt(e * (1 - e))
    centred = covariates - np.average(covariates, axis=0, weights=root**2)
    spread = centred.std(axis=0)
    standard = root[:, None] * centred[:, spread > 0] / spread[spread > 0]
    left, sizes, _ = np.linalg.svd(standard, full_matrices=False)
    directions = left[:, sizes > 1e-8 * sizes.max(initial=0.0)]  # columns that repeat each other count once

    def apart(arms: Vector) -> Vector:
        return np.square(directions.T @ ((arms - e[:, None]) / root[:, None])).sum(axis=0)

    rng, observed, further = np.random.default_rng(seed), float(apart(t[:, None])[0]), 0
    for first in range(0, DRAWS, BATCH):
        lots = rng.random((len(e), min(BATCH, DRAWS - first))) < e[:, None]
        # A hair below counts as well: sums in another order differ in their last bits.
        further += int((apart(lots.astype(float)) >= observed * (1 - 1e-9)).sum())
    return (1 + further) / (1 + DRAWS)


def answers_by_lot(
    covariates: pd.DataFrame, treated: ArrayLike, chance: ArrayLike, bounds: Sequence[float], seed: int
) -> Answers:
    """What rows by lot, of both arms and with known chances, can answer by themselves (see `overlap_verdict`).

    Covariates (n, p), the others (n,); `bounds` of the overlap as of `positivity`.
    """
    vary = covariates.loc[:, covariates.nunique() > 1]
    numbers = positivity(vary, treated, chance, bounds, seed, by_lot=np.ones(len(vary), dtype=bool))
    return overlap_verdict({**numbers, "balance_p": balance_p_value(with_logs(covariates), treated, chance, seed)})
