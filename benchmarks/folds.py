"""The loop in which plain learners are timed: every fold and outcome of the last run's panel, on all processors."""

import sys
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray

from targeting.base.columns import OUTCOMES
from targeting.base.params import load_params

# Of a learner's name: its effects of one held-out fold, given base models by learner, panel, outcome, fold and seed.
Effects = Callable[[str, Mapping[str, str], pd.DataFrame, str, int, int], NDArray[np.float64]]


def time_every_fold(effects: Effects) -> None:
    """Learn and predict by the learner that the command names."""
    params = load_params("learners", "seed")
    panel = pd.read_parquet("data/trials/panel.parquet")
    jobs = [(outcome, fold) for outcome in OUTCOMES for fold in np.unique(panel["fold"])]
    Parallel(n_jobs=-1)(delayed(effects)(sys.argv[1], params["learners"]["models"], panel, *job, params["seed"]) for job in jobs)
