"""Made-up tables as an e-mail or coupon test leaves them, whose effects are known."""

import numpy as np
import pandas as pd

TABLE = {
    "customer_id": "customer_id",
    "treated": "mailed",
    "outcomes": {"purchase_amount": "spend", "visits": "visit"},
    "propensity": 0.5,
    "numeric": ["history"],
    "categorical": ["channel"],
}


def email_test(n: int, seed: int = 0, chosen: bool = False) -> pd.DataFrame:
    """One row per customer: mailing adds 20 of spend and 0.3 visits on the web, and nothing elsewhere.

    Customers are mailed by lot with a chance of one half, or, if they are `chosen`, the likelier the more they bought before.
    """
    rng = np.random.default_rng(seed)
    history, channel = rng.gamma(2, 50, n).round(2), rng.choice(["Web", "Phone", "Shop"], n)
    chance = 1 / (1 + np.exp((100 - history) / 60)) if chosen else np.full(n, 0.5)
    mailed = (rng.random(n) < chance).astype(int)
    gains = mailed * (channel == "Web")
    visit = (rng.random(n) < 0.2 + 0.3 * gains).astype(int)
    spend = np.maximum(0.3 * history + 20 * gains + rng.normal(0, 8, n), 0).round(2)
    return pd.DataFrame(
        {"customer_id": np.arange(n), "mailed": mailed, "spend": spend, "visit": visit, "history": history, "channel": channel}
    )
