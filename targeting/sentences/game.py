"""The coupon game in words: each segment's profile, what a coupon costs and must bring, and whom the pipeline would mail."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.base.columns import PREFIX
from targeting.base.errors import DataError
from targeting.policy.economics import Economics
from targeting.sentences.heterogeneity import heterogeneity_words, ranked_by
from targeting.sentences.policy_names import POLICY_WORDS
from targeting.words.features import covariate_words
from targeting.words.money import amount, money, one
from targeting.words.numbers import number
from targeting.words.outcomes import one_of, outcome_words

OWN_FACTS = 3  # of a customer of a user's own table that a player sees
WEEKS = 52  # of a year
NEEDED = ("monetary_per_week", "frequency_per_week", "recency", "monetary_avg_basket_sales")
# Visits a week from which on, and how that is said.
RHYTHMS = (
    (2.5, "Several times a week"),
    (1.5, "About twice a week"),
    (0.75, "About once a week"),
    (0.35, "About every second week"),
    (0.18, "About once a month"),
    (0.0, "Less than once a month"),
)
# Features whose mean in a segment may lie well above that of all customers, and what that says.
GOODS = {
    "share_grocery": "groceries",
    "share_fresh": "fresh food",
    "share_bakery": "bakery",
    "share_health_beauty": "health and beauty",
    "share_alcohol": "spirits",
    "share_other": "things besides food",
}
HABITS = {"discount_usage_pct": "Often on discount.", "private_label_ratio": "Often the store's own label."}
WELL_ABOVE, AT_LEAST = 1.15, 0.03  # times the mean of all, and this much more
BASKETS = ((1.2, "more than most"), (0.8, "as most do"), (0.0, "less than most"))


def facts(panel: pd.DataFrame, recent_days: int) -> pd.DataFrame:
    """What a player may see of each row: spend (USD) and visits in the last `recent_days` before time zero, days since the last.

    A fact that is the same for everybody, which the panel therefore leaves out, tells nobody apart and is left out here too.
    """
    sources = {"spend": f"spend_{recent_days}d", "visits": f"visits_{recent_days}d", "away": "recency"}
    return pd.DataFrame({name: panel[f"{PREFIX}{source}"] for name, source in sources.items() if f"{PREFIX}{source}" in panel})


def own_facts(panel: pd.DataFrame) -> dict[str, str]:
    """Of a table of customers the covariates that a player sees, the first few numbers among them, and what each is called."""
    names = [name for name in panel if name.startswith(PREFIX) and panel[name].nunique() > 2]
    return {name: covariate_words(name) for name in names[:OWN_FACTS]}


def own_profiles(
    panel: pd.DataFrame, segment: NDArray[np.int64], names: Mapping[int, str], seen: Mapping[str, str]
) -> list[dict[str, Any]]:
    """`segment_profiles` for a table of customers, whose segments are its own groups: the mean of each fact `seen`."""
    means = panel[list(seen)].groupby(segment).mean()
    return [
        {"number": int(label), "name": names[int(label)], "annual_spend": None, "behaviour": _on_average(own, seen)}
        for label, own in zip(means.index, means.to_dict("records"), strict=True)
    ]


@dataclass(frozen=True)
class Seen:
    """What a player sees: facts of each customer (a column each), what facts of a user's own table are called, and segments."""

    facts: pd.DataFrame
    own: Mapping[str, str]
    profiles: list[dict[str, Any]]


def what_players_see(
    panel: pd.DataFrame, segment: NDArray[np.int64], names: Mapping[int, str], recent_days: int, tills: bool, drawn: bool
) -> Seen:
    """Of customers `panel` (rows,) in their segments, by tills or by a table of customers; no profiles where none is drawn."""
    if not tills:
        own = own_facts(panel)
        return Seen(panel[list(own)], own, own_profiles(panel, segment, names, own) if drawn else [])
    return Seen(facts(panel, recent_days), {}, segment_profiles(panel, segment, names) if drawn else [])


def _on_average(means: Mapping[str, float], seen: Mapping[str, str]) -> str:
    said = ", ".join(f"{words} {means[name]:,.4g}" for name, words in seen.items())
    return f"On average {said}." if said else ""


def segment_profiles(panel: pd.DataFrame, segment: NDArray[np.int64], names: Mapping[int, str]) -> list[dict[str, Any]]:
    """One profile a segment, by rising number (rows,): number, name, annual_spend (USD) and behaviour in a few words.

    All of it is known before the campaign that a row stands for. Raises DataError where the panel lacks a feature for it.
    """
    lacking = [name for name in NEEDED if f"{PREFIX}{name}" not in panel]
    if lacking:
        raise DataError(f"The same for all households at time zero: {', '.join(lacking)}. The game cannot tell segments apart.")
    columns = [f"{PREFIX}{name}" for name in (*NEEDED, *GOODS, *HABITS) if f"{PREFIX}{name}" in panel]
    features = panel[columns].rename(columns=lambda name: name.removeprefix(PREFIX))
    overall, means = features.mean(), features.groupby(segment).mean()
    away = features["recency"].groupby(segment).median()
    return [
        {
            "number": int(label),
            "name": names[int(label)],
            "annual_spend": float(own["monetary_per_week"] * WEEKS),
            "behaviour": behaviour(own, overall, float(away[label])),
        }
        for label, own in means.iterrows()
    ]


def behaviour(own: pd.Series, overall: pd.Series, days_away: float) -> str:
    """How a segment shops, from its mean features, those of all customers, and the median days since the last visit."""
    rhythm = next(words for least, words in RHYTHMS if own["frequency_per_week"] >= least)
    basket = own["monetary_avg_basket_sales"]
    compared = next(words for least, words in BASKETS if basket >= least * overall["monetary_avg_basket_sales"])
    said = [f"{rhythm}, {money(basket, 0)} per visit, {compared}.", f"Last visit {days(days_away)} before."]
    goods = [words for name, words in GOODS.items() if _well_above(own, overall, name)]
    if goods:
        said.append(f"Buys more {' and '.join(goods[:2])} than most.")
    return " ".join([*said, *(words for name, words in HABITS.items() if _well_above(own, overall, name))])


def _well_above(own: pd.Series, overall: pd.Series, name: str) -> bool:
    return name in own and own[name] >= WELL_ABOVE * overall[name] and own[name] - overall[name] >= AT_LEAST


def days(value: float) -> str:
    """A number of whole days: 1 day, 12 days."""
    count = round(value)
    return f"{count} day" if count == 1 else f"{count} days"


def stakes(economics: Economics, outcome: str) -> str:
    """What a coupon costs, what an extra sale leaves, and what a coupon must therefore bring."""
    average = economics.averages()
    varies = np.ndim(economics.cost) > 0 or np.ndim(economics.margin) > 0
    on_average = " on average" if varies else ""
    cost, breakeven = money(average["cost"]), average["breakeven"]
    if outcome == "purchase_amount":
        leaves, must = f"every extra {one()} of sales leaves {money(average['margin'])}", f"{money(breakeven)} of extra sales"
    else:
        counted, _, unit = amount(breakeven, outcome).partition(" ")
        leaves, must = f"every extra {one_of(outcome)} leaves {money(average['margin'])}", f"{counted} extra {unit}"
        if outcome == "purchase_count":
            leaves, must = f"every extra visit leaves {money(average['margin'])}", f"{number(breakeven)} extra visits"
    return f"A coupon costs {cost}{on_average}, and {leaves}: it pays only where it brings more than {must}."


def counted_words(outcome: str) -> str:
    """What the scores are of: what each customer spent, or its conversions."""
    return "what each customer really spent" if outcome == "purchase_amount" else f"each customer's {outcome_words(outcome)}"


def decided_words(overlap: Mapping[str, Any]) -> str:
    """Why a profit is an estimate, by what decided who was mailed: `overlap` is metrics/nuisance.json."""
    if "balance_p" in overlap:
        return "lots decided who was mailed, and chance has its part in it"
    return "campaigns were not randomised"


def ranking_words(validation: Mapping[str, Any], learner: str, with_intervals: bool) -> str:
    """How far to believe the uplift of single customers, from what validate found."""
    shown = f"Uplifts shown are the estimates of {ranked_by(learner)}, for each customer by a model that never saw that household"
    intervals = "with 95% intervals." if with_intervals else "which gives no interval for a single customer."
    said = "" if validation["heterogeneity"] else " So differences between single customers are guesses."
    return f"{shown}, {intervals} {heterogeneity_words(validation)}{said}"


@dataclass(frozen=True)
class PipelineWords:
    """What the pipeline recommends: a sentence, the label of its row in comparisons (empty for no row), and if it is nobody."""

    sentence: str
    label: str
    nobody: bool


def pipeline_words(recommended: str, learner: str) -> PipelineWords:
    """What the pipeline recommends in words, `recommended` a policy, and `learner` the one in whose order coupons go."""
    if recommended == "none":
        sentence = (
            "The pipeline recommends mailing nobody: no policy is expected to earn more. Its best guess, should coupons go out "
            f"all the same, is the customers whom {ranked_by(learner)} ranks first."
        )
        return PipelineWords(sentence, "The pipeline's best guess", nobody=True)
    if recommended == "current":
        sentence = "The pipeline recommends to go on as the retailer did: that is current practice."
        return PipelineWords(sentence, "", nobody=False)
    sentence = f"The pipeline mails {POLICY_WORDS[recommended]}; where coupons run short, whom {ranked_by(learner)} ranks first."
    return PipelineWords(sentence, "The pipeline's policy", nobody=False)
