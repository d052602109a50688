"""Curves and their areas of many households by causalml and scikit-uplift, the way their users call them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from causalml.metrics import get_cumgain, get_qini, get_toc, qini_score
from numpy.typing import NDArray
from sklift.metrics import qini_curve, uplift_curve

Vector = NDArray[np.float64]


def outside_curves(cate: Vector, score: Vector, seed: int) -> dict[str, Callable[[], Any]]:
    """Calls by what they compute; those of raw outcomes get made-up ones, a yes or no, since scikit-uplift takes no others."""
    rng = np.random.default_rng(seed)
    treated, bought = rng.integers(0, 2, len(cate)), rng.integers(0, 2, len(cate))
    raw = pd.DataFrame({"cate": cate, "y": bought, "w": treated})
    scores = pd.DataFrame({"cate": cate, "tau": score})
    return {
        "causalml: gain of scores, no bands": lambda: get_cumgain(scores),
        "causalml: TOC of scores, no bands": lambda: get_toc(scores),
        "causalml: Qini curve, no bands": lambda: get_qini(raw),
        "causalml: Qini area, interval by 200 half-samples": lambda: qini_score(raw, return_ci=True, random_state=seed),
        "scikit-uplift: Qini curve, no bands": lambda: qini_curve(bought, cate, treated),
        "scikit-uplift: uplift curve, no bands": lambda: uplift_curve(bought, cate, treated),
    }
