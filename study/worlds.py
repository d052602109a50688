"""Made-up trial panels whose truth is known: who could be mailed, with which probability, and what it does to whom.

A world has the form that targeting.trials.panel defines. Households are independent draws; a household has a row in each
trial until it is treated, and its rows share what the covariates do not show. Everything that decides treatment is a
covariate, so that adjustment can succeed; neither the propensity nor an outcome is exactly what the linear models on logs
can express.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from targeting.base.columns import BEFORE, KEYS, OUTCOMES
from targeting.stats.folds import household_folds
from targeting.trials.panel import assemble

Vector = NDArray[np.float64]
OVERLAPS = ("randomised", "good", "poor")
EFFECTS = ("none", "constant", "heterogeneous")
ESTIMANDS = ("ate", "ato", "att")
CAMPAIGNS = (101, 102, 103)
HISTORY_WEEKS = (12, 26, 40)  # before each trial's time zero
WINDOW_WEEKS = 8
SEASON = (1.0, 0.9, 1.2)
RANDOM_SHARE = (0.25, 0.35, 0.3)  # treated by lot, by trial
# Logit of the propensity: base rate by trial, and slope in the retailer's score of a household.
RATES = {"good": (-1.1, -0.6, -0.8), "poor": (-1.3, -0.7, -1.0)}
SLOPES = {"good": 1.0, "poor": 3.0}
UNSEEN = 0.2  # spread of what covariates do not show, on the log scale
LOWEST = 0.005  # no propensity is nearer to 0 or 1
CONSTANT = {"purchase_amount": 60.0, "purchase_count": 1.0}  # effect on everybody, USD and baskets


@dataclass(frozen=True)
class World:
    """A panel and its truth, row by row alike.

    `truth` has the keys, propensity, and per outcome mu0_* and mu1_*: the expected outcome as control and as treated, given the
    covariates.
    """

    panel: pd.DataFrame
    truth: pd.DataFrame

    def effect(self, outcome: str) -> Vector:
        """What treatment adds to the outcome on average, given each row's covariates, shape (rows,)."""
        return (self.truth[f"mu1_{outcome}"] - self.truth[f"mu0_{outcome}"]).to_numpy()


def draw_world(overlap: str, effect: str, n_households: int, n_folds: int, seed: int) -> World:
    """A world of so many households, with cross-fitting folds by household; a name in OVERLAPS, one in EFFECTS."""
    rows = _draw_rows(overlap, effect, n_households, np.random.default_rng(seed))
    panel = assemble(rows.drop(columns=[name for name in rows.columns if name.startswith("true_")]))
    truth = rows.sort_values(["trial", "household_id"], ignore_index=True)
    truth = truth[[*KEYS, *(name for name in truth.columns if name.startswith("true_"))]]
    panel["fold"] = household_folds(panel["household_id"], n_folds, seed)
    return World(panel, truth.rename(columns=lambda name: name.removeprefix("true_")))


def population_effects(overlap: str, effect: str, n_households: int, seed: int) -> dict[str, dict[str, float]]:
    """By outcome, the true effect over the population of rows (ate), over those alike to either arm (ato), on the treated (att).

    Weights are 1, e (1 - e) and e of the true propensity e, over one large draw.
    """
    rows = _draw_rows(overlap, effect, n_households, np.random.default_rng(seed))
    e = rows["true_propensity"]
    weights = {"ate": np.ones(len(rows)), "ato": e * (1 - e), "att": e}
    return {
        outcome: {
            name: float(np.average(rows[f"true_mu1_{outcome}"] - rows[f"true_mu0_{outcome}"], weights=weight))
            for name, weight in weights.items()
        }
        for outcome in OUTCOMES
    }


def _draw_rows(overlap: str, effect: str, n_households: int, rng: np.random.Generator) -> pd.DataFrame:
    """The rows of all trials, with truth in columns true_*."""
    households = _households(n_households, rng)
    eligible = np.ones(n_households, dtype=bool)
    trials = []
    for number, campaign in enumerate(CAMPAIGNS):
        covariates = _covariates(households, HISTORY_WEEKS[number], rng)
        e = treatment_chance(covariates, overlap, number)
        treated = (rng.random(n_households) < e).astype(int)
        means = _means(covariates, effect, number)
        rows = pd.DataFrame({"household_id": np.arange(1, n_households + 1), "campaign_id": campaign, "trial": number + 1})
        rows["time_zero"] = pd.Timestamp("2020-01-06") + pd.Timedelta(weeks=HISTORY_WEEKS[number])
        rows["treated"] = treated
        rows = rows.join(_outcomes(means, treated, households["unseen"].to_numpy(), rng))
        before = (covariates["x_spend_56d"], covariates["x_visits_56d"])
        known = {"earlier_mailings": 0, "mailed_after": 0, "cut": False, "by_lot": 0, "known_propensity": np.nan}
        rows = rows.assign(**dict(zip(BEFORE, before, strict=True)), **known)
        rows = pd.concat([rows, covariates, means.add_prefix("true_")], axis=1).assign(true_propensity=e)
        trials.append(rows[eligible])
        eligible &= treated == 0
    return pd.concat(trials, ignore_index=True)


def _households(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """What stays with a household: visits per week, USD per basket, tastes, and what no covariate shows (`unseen`)."""
    visits = rng.gamma(1.4, 0.8, n) * np.exp(rng.normal(0, 0.3, n))
    grocery, fresh, beauty, _ = rng.dirichlet([5.0, 2.4, 1.5, 0.7], n).T
    return pd.DataFrame(
        {
            "visits": visits,
            "basket": 13 * rng.gamma(2.8, 1, n) / np.sqrt(1 + visits / 4),  # who comes daily buys little at a time
            "deals": rng.beta(4, 4.5, n),
            "private_label": rng.beta(3, 7, n),
            "share_grocery": grocery,
            "share_fresh": fresh,
            "share_health_beauty": beauty,
            "income_from": np.where(rng.random(n) < 0.3, np.exp(rng.normal(3.7, 0.6, n)).round(), 0.0),
            "unseen": rng.normal(0, UNSEEN, n),
        }
    )


def _covariates(households: pd.DataFrame, weeks: int, rng: np.random.Generator) -> pd.DataFrame:
    """Baseline covariates as the retailer sees them after so many weeks; spend in USD, recency in days."""
    n = len(households)
    rate = households["visits"].to_numpy() * np.exp(rng.normal(0, 0.25, n))  # visits per week of late: habits drift
    basket = households["basket"].to_numpy()
    visits = 1 + rng.poisson(weeks * households["visits"])
    active = np.maximum(rng.binomial(weeks, 1 - np.exp(-households["visits"])), 1)
    month, month_before = rng.poisson(4 * rate), rng.poisson(4 * rate)
    spend, spend_before = (basket * count * np.exp(rng.normal(0, 0.2, n)) for count in (month, month_before))
    deals = np.clip(households["deals"] + rng.normal(0, 0.05, n), 0.01, 0.99)
    covariates = {
        "recency": np.minimum(np.floor(rng.exponential(7 / rate)), 7 * weeks),
        "frequency": visits,
        "purchase_regularity": active / weeks,
        "monetary_per_week": basket * visits / weeks * np.exp(rng.normal(0, 0.1, n)),
        "monetary_avg_basket_sales": basket * np.exp(rng.normal(0, 0.3 / np.sqrt(visits))),
        "discount_usage_pct": deals,
        "spend_28d": spend,
        "visits_28d": month,
        "spend_56d": spend + spend_before,
        "visits_56d": month + month_before,
        "redemptions": rng.poisson(0.3 * deals),
        "campaigns_b": rng.poisson(0.1 + 0.1 * (rate > 1)),
        "display_share": rng.beta(2, 15, n),
    }
    tastes = households[["private_label", "share_grocery", "share_fresh", "share_health_beauty", "income_from"]]
    return pd.DataFrame(covariates).astype(float).join(tastes).add_prefix("x_")


def treatment_chance(covariates: pd.DataFrame, overlap: str, number: int) -> Vector:
    """True probability of being treated in trial `number` (from 0), shape (rows,): by lot, or by the retailer's score.

    The score ranks by spend, then by regularity, recency and liking of deals; it levels off at both ends.
    """
    if overlap == "randomised":
        return np.full(len(covariates), RANDOM_SHARE[number])
    score = (
        0.7 * (np.log1p(covariates["x_monetary_per_week"]) - 3.2) / 0.9
        + 0.4 * (covariates["x_purchase_regularity"] - 0.55) / 0.25
        - 0.3 * (np.log1p(covariates["x_recency"]) - 1.9)
        + 0.2 * (covariates["x_discount_usage_pct"] - 0.47) / 0.17
    )
    logit = RATES[overlap][number] + SLOPES[overlap] * 1.5 * np.tanh(score / 1.5)
    return (LOWEST + (1 - 2 * LOWEST) * expit(logit)).to_numpy()


def _means(covariates: pd.DataFrame, effect: str, number: int) -> pd.DataFrame:
    """Expected outcomes mu0_* and mu1_* given the covariates: earlier spend carried on, less for those who stay away."""
    habit = (0.55 + 0.6 * covariates["x_purchase_regularity"]) * np.exp(-covariates["x_recency"] / 90)
    spend = 0.6 * covariates["x_monetary_per_week"] + 0.4 * covariates["x_spend_56d"] / 8
    rate = 0.6 * covariates["x_frequency"] / HISTORY_WEEKS[number] + 0.4 * covariates["x_visits_56d"] / 8
    carried = SEASON[number] * WINDOW_WEEKS * habit
    amount, count = 10 + 1.25 * carried * spend**0.95, 0.3 + 1.1 * carried * rate**0.95
    if effect == "none":
        gains = dict.fromkeys(OUTCOMES, 0.0)
    elif effect == "constant":
        gains = dict(CONSTANT)
    else:  # more for those who like deals and spend, less than nothing for those who dislike them
        gain = 350 * (covariates["x_discount_usage_pct"] - 0.2) * amount / (amount + 250)
        gains = {"purchase_amount": gain, "purchase_count": 0.5 * gain / amount * count}
    means = {"purchase_amount": amount, "purchase_count": count}
    return pd.DataFrame({f"mu{arm}_{outcome}": means[outcome] + arm * gains[outcome] for outcome in OUTCOMES for arm in (0, 1)})


def _outcomes(means: pd.DataFrame, treated: NDArray[np.int64], unseen: Vector, rng: np.random.Generator) -> pd.DataFrame:
    """Outcomes with these means: so many baskets, none for some, each with what it holds; few baskets make noisy spend."""
    amount, count = (np.where(treated == 1, means[f"mu1_{name}"], means[f"mu0_{name}"]) for name in OUTCOMES)

    def noise(spread: float) -> Vector:
        return np.exp(rng.normal(-(spread**2) / 2, spread, len(means)))  # its mean is 1

    # What a household's rows share moves all its trials alike.
    baskets = rng.poisson(count * np.exp(unseen - UNSEEN**2 / 2) * noise(0.2))
    return pd.DataFrame({"purchase_amount": baskets * amount / count * noise(0.2), "purchase_count": baskets.astype(float)})
