"""Made-up panels for the refutations: two trials, spend known at time zero, and perhaps something that is not known."""

import numpy as np
import pandas as pd

from targeting.stats.folds import household_folds


def world(
    seed: int, n: int = 600, effect: float = 0.0, hidden: float = 0.0, steepness: float = 0.1, odd_trial: float = 0.0
) -> pd.DataFrame:
    """Households with a row in each of two trials; campaigns prefer those who spend, and spend follows earlier spend.

    `effect` is what the campaign adds to both outcomes; `hidden` how strongly a trait in no covariate moves both treatment and
    outcomes; `steepness` how strongly treatment goes by earlier spend; `odd_trial` what campaign 8 adds to spend beyond `effect`.
    """
    rng = np.random.default_rng(seed)
    spend, trait = np.repeat(rng.gamma(2, 10, n // 2), 2), np.repeat(rng.normal(size=n // 2), 2)
    treated = (rng.random(n) < 1 / (1 + np.exp(-steepness * (spend - 20) - hidden * trait))).astype(int)
    household = np.repeat(np.arange(n // 2), 2)
    panel = pd.DataFrame({"household_id": household, "campaign_id": np.tile([27, 8], n // 2), "trial": np.tile([1, 2], n // 2)})
    common = effect * treated + 5 * hidden * trait
    panel = panel.assign(
        treated=treated,
        purchase_amount=2 * spend + common + odd_trial * treated * (panel["campaign_id"] == 8) + rng.normal(0, 6, n),
        purchase_count=0.1 * spend + common + rng.normal(0, 1, n),
        before_purchase_amount=2 * spend,
        before_purchase_count=0.1 * spend,
        x_spend=spend,
        x_noise=rng.random(n),
    )
    return panel.assign(fold=household_folds(household, 3, seed=1))
