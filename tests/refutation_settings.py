"""Thresholds of the refutations, as the section `refute` of the parameters has them, and a negative control that was not run."""

import pandas as pd

SETTINGS = {
    "placebo_ratio": 0.5,
    "cause_shift_se": 0.1,
    "cause_shift_relative": 0.1,
    "subset_share": 0.8,
    "subset_stability": 0.7,
}
NOT_RUN = pd.DataFrame({"outcome": [], "difference": []})  # between the arms, on the negative control
