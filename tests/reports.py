"""Made-up rows for the report, the committed run's numbers, and pages of both."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from playwright.sync_api import Page

from targeting.pages.rendering import render
from targeting.pages.report import report_context
from targeting.policy.beliefs import learn_beliefs
from targeting.policy.economics import Economics
from targeting.policy.lookup import Lookup, look_up
from targeting.policy.policies import Budget, PolicyData
from targeting.policy.value import Evidence
from targeting.policy.what_if import at_economics
from tests.conftest import ROOT

SEED = 3
BUDGET, NO_BUDGET = Budget(usd=700.0, contacts=45), Budget()
# Times the run's own: where the sliders of a made-up world can stand.
COSTS, MARGINS = (0.0, 0.3, 1.0, 1.5, 2.5), (0.8, 1.0, 1.2, 2.0)
REAL = {"source": "completejourney"}
HOSTILE = "</script><b>Bold</b> \"'&<img src=x onerror='window.hurt=1'>"


class World:
    """Made-up rows, two or so a household, whose effects differ; all that the stage `policy` would hold."""

    def __init__(self, lift: float, n: int = 900, costs: bool = False, margin: float = 0.3, budget: Budget = NO_BUDGET):
        rng = np.random.default_rng(7)
        self.n, self.fold = n, rng.integers(0, 5, n)
        household = rng.integers(0, n // 2, n)
        self.panel = pd.DataFrame({"household_id": household, "campaign_id": rng.integers(1, 4, n)})
        e = rng.uniform(0.05, 0.95, n)
        treated = (rng.random(n) < e).astype(float)
        effect = rng.normal(lift, 60, n)
        score1, score0 = effect + rng.normal(100, 90, n), rng.normal(100, 90, n)
        outcome = np.where(treated == 1, score1, score0)
        overlap = (e > 0.1) & (e < 0.9)
        self.evidence = Evidence(score0, score1, outcome, treated, household, overlap, e, score0, score1)
        cate = effect + rng.normal(0, 40, n)
        beliefs = learn_beliefs(cate, np.ones(n), self.fold, np.ones(n, dtype=int), self.evidence, spread=0.1, extrapolation=0.5)
        assert beliefs is not None
        self.beliefs = beliefs
        self.segments = pd.DataFrame({"segment": rng.integers(1, 5, n)})
        self.economics = Economics(rng.uniform(5, 15, n) if costs else 12.73, margin)
        self.data = PolicyData(
            cate=cate,
            overlap=overlap,
            treated=treated,
            breakeven=0.0,
            household_id=household,
            lower=cate - 50,
            tree=(cate > 30).astype(float),
            expected=beliefs.expected,
            uncertainty=beliefs.uncertainty,
            reach=beliefs.forecast.posterior.speaks_of(overlap),
            fold=self.fold,
            campaign_id=self.panel["campaign_id"].to_numpy(),
            budget=budget,
        )
        self.shown = cate + rng.normal(0, 10, n)

    def at(self, economics: Economics) -> PolicyData:
        return at_economics(self.data, economics, self.evidence, self.fold, self.segments["segment"].to_numpy())

    def lookup(self, stops: tuple[np.ndarray, np.ndarray] | None = None, comparable: bool = True) -> Lookup:
        own = self.economics.averages()
        if stops is None:
            stops = np.array(COSTS) * own["cost"], np.array(MARGINS) * own["margin"]
        data, segment = self.at(self.economics), self.segments["segment"].to_numpy()
        return look_up(
            data, self.shown, self.evidence, self.economics, segment, stops, SEED, self.beliefs if comparable else None
        )

    def arms(self) -> pd.DataFrame:
        return pd.DataFrame({"treated": self.evidence.treated, "propensity": self.evidence.propensity})


def results() -> tuple[dict, dict]:
    """The committed run's metrics and tables."""
    metrics = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "metrics").glob("*.json")}
    return metrics, {path.stem: pd.read_csv(path) for path in (ROOT / "plots").glob("*.csv")}


def written(
    path: Path, metrics: dict, tables: dict, world: World, stops: tuple[np.ndarray, np.ndarray] | None = None, **parameters: dict
) -> Path:
    """The report of these numbers and rows, with sections of the committed parameters replaced."""
    comparable = metrics["nuisance"]["answers"] != "nothing"
    whole = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")) | parameters
    context = report_context(metrics, tables, world.arms(), world.lookup(stops, comparable), whole, "abc123", {"python": "3.11"})
    path.write_text(render("index.html.jinja", context), encoding="utf-8")
    return path


def hostile_report(path: Path) -> Path:
    """The committed run's report, on made-up rows, with hostile names in the data."""
    metrics, tables = results()
    for name in ("segments", "segment_effects"):
        tables[name] = tables[name].assign(name=lambda rows: rows["name"] + HOSTILE)
    tables["segments"]["actions"] = HOSTILE
    return written(path, metrics, tables, World(20.0), data=REAL | {"path": HOSTILE})


def ready(page: Page) -> Page:
    page.wait_for_selector("body[data-ready]")
    return page
