"""Made-up customers for the coupon game, pages of them, and how a test plays one."""

from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import Page

from targeting.pages.game import Customers, Story, contact_places, game_page, game_sizes
from targeting.policy.economics import Economics
from targeting.policy.value import Evidence
from targeting.sentences.game import pipeline_words

HOSTILE = "</script><script>window.hurt = 1</script> \" ' & <img src=x onerror='window.hurt=1'>"
NAMES = ["VIP Heavy", HOSTILE, "Light Grocery"]


def evidence_of(n: int, seed: int = 0, effect: float = 20.0) -> Evidence:
    """Scores about an effect for two rows per household, all inside the overlap."""
    rng = np.random.default_rng(seed)
    household = np.repeat(np.arange(n // 2) * 7 + 3, 2)
    score0, treated = rng.normal(200, 80, n), (rng.random(n) < 0.4).astype(float)
    score1 = score0 + effect + rng.normal(0, 150, n) + np.repeat(rng.normal(0, 40, n // 2), 2)
    return Evidence(
        score0=score0,
        score1=score1,
        outcome=rng.gamma(2, 100, n),
        treated=treated,
        household_id=household,
        overlap=np.ones(n, dtype=bool),
        propensity=rng.uniform(0.2, 0.8, n),
        mu0=score0,
        mu1=score1,
    )


def customers_of(n: int = 2400, *, intervals: bool = False, truth: bool = False, effect: float = 20.0) -> Customers:
    rng = np.random.default_rng(1)
    uplift = rng.normal(effect, 25, n)
    missing = np.full(n, np.nan)
    return Customers(
        evidence=evidence_of(n, effect=effect),
        economics=Economics(cost=10.0, margin=0.4),
        segment=rng.integers(0, len(NAMES), n),
        facts=pd.DataFrame({"spend": rng.gamma(2, 60, n).round(2), "visits": rng.poisson(4, n), "away": rng.poisson(6, n)}),
        place=contact_places(np.argsort(-uplift, kind="stable"), np.ones(n, dtype=bool)),
        uplift=uplift,
        lower=uplift - 30 if intervals else missing,
        upper=uplift + 30 if intervals else missing,
        true_uplift=rng.normal(effect, 30, n) if truth else None,
    )


def story_of(recommended: str = "none", *, doubts: str = "") -> Story:
    return Story(
        stakes="A coupon costs $10.00.",
        findings="Estimates.",
        pipeline=pipeline_words(recommended, "x"),
        doubts=doubts,
        counted="what each customer really spent",
        decided="campaigns were not randomised",
        window="for four weeks",
        recent_days=28,
        own_facts={},
        outcome="purchase_amount",
    )


def written(tmp_path: Path, customers: Customers, recommended: str = "none", names: list[str] = NAMES, doubts: str = "") -> Path:
    profiles = [{"name": name, "annual_spend": 1000.0, "behaviour": "Often."} for name in names]
    size = game_sizes(len(customers.uplift))
    path = tmp_path / "game.html"
    path.write_text(game_page(customers, size, profiles, story_of(recommended, doubts=doubts), "abc123"), encoding="utf-8")
    return path


def give(page: Page, *counts: int) -> None:
    """Types how many coupons each segment gets."""
    for box, count in zip(page.locator("[data-count]").all(), counts, strict=False):
        box.fill(str(count))
        box.press("Enter")


def drawn(page: Page) -> np.ndarray:
    return np.array(page.evaluate("currentGame().rows"))


def picked(page: Page) -> np.ndarray:
    """1 for picked customers of the draw, in its order, else 0."""
    return np.isin(np.arange(len(drawn(page))), page.evaluate("[...currentGame().picked]")).astype(float)


def compared(page: Page) -> pd.DataFrame:
    """The rows of the comparison as the page computed them."""
    script = """() => { const game = currentGame(); return comparison(game.weights, game.own, game.data)
        .map(({ kind, coupons, promised, profit, truth }) => ({ kind, coupons, promised, ...profit, truth })); }"""
    return pd.DataFrame(page.evaluate(script)).set_index("kind")
