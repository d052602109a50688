"""Thresholds of the refutations, as the section `refute` of the parameters has them."""

SETTINGS = {
    "placebo_ratio": 0.5,
    "cause_shift_se": 0.1,
    "cause_shift_relative": 0.1,
    "subset_share": 0.8,
    "subset_stability": 0.7,
}
