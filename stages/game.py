"""Build the coupon game: a page on which people pick whom to mail, and see what the data say it would have earned.

Reads what the policies saw and decided, and the truth where the source is made up: nothing that estimates or decides reads this
stage. Writes one page that needs nothing else.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.economics import Economics, load_economics
from targeting.effect_tables import read_effects
from targeting.outputs import write_metrics, write_text
from targeting.overlap import in_overlap
from targeting.pages.game import Customers, Story, contact_places, fingerprint, game_metrics, game_page, pool, sizes
from targeting.pages.game_words import facts, findings, pipeline_words, segment_profiles, stakes
from targeting.panel import KEYS, require_aligned
from targeting.params import load_params
from targeting.policies import PolicyData
from targeting.policy_value import Evidence, evidence_of
from targeting.stage import run
from targeting.truth import truth_of_rows

PANEL = Path("data/trials/panel.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
EFFECTS = Path("data/cate")
ENSEMBLES = Path("data/ensemble")
SELECTED = Path("data/validate/selected.parquet")
SEGMENTS = Path("data/segments/time_zero.parquet")
ASSIGNMENTS = Path("data/policy/assignments.parquet")
TRUTH = Path("data/truth/truth.parquet")
OVERLAP = Path("metrics/nuisance.json")
VALIDATION = Path("metrics/validate.json")
POLICY = Path("metrics/policy.json")
PAGE = Path("plots/report/game.html")
METRICS = Path("metrics/game.json")
Vector = NDArray[np.float64]


def shown_effects(panel: pd.DataFrame, names: list[str], learner: str) -> pd.DataFrame:
    """The effects of the learner whose order is shown, rows as in the panel."""
    effects, _ = read_effects(names, EFFECTS, ENSEMBLES, panel)
    effects["selected"] = pd.read_parquet(SELECTED)
    require_aligned(panel, effects[learner], f"the effects of {learner}")
    return effects[learner]


def places_of(
    panel: pd.DataFrame, evidence: Evidence, cate: Vector, economics: Economics, contacted: NDArray[np.bool_], seed: int
) -> Vector:
    """Each row's place in the pipeline's order of contact, missing for rows that are not contacted."""
    seen = PolicyData(
        cate=cate,
        overlap=evidence.overlap,
        treated=evidence.treated,
        breakeven=economics.breakeven,
        household_id=evidence.household_id,
        seed=seed,
        fold=panel["fold"].to_numpy(),
    )
    return contact_places(seen.order, contacted)


def main() -> None:
    params = load_params("policy", "nuisance", "design", "learners", "seed")
    settings, design, seed = params["policy"], params["design"], params["seed"]
    outcome = settings["outcome"]
    panel, nuisance, segments, assignments = (pd.read_parquet(path) for path in (PANEL, NUISANCE, SEGMENTS, ASSIGNMENTS))
    for rows, path in ((nuisance, NUISANCE), (segments, SEGMENTS), (assignments, ASSIGNMENTS)):
        require_aligned(panel, rows, str(path))
    overlap, validation, policy = (json.loads(path.read_text(encoding="utf-8")) for path in (OVERLAP, VALIDATION, POLICY))
    learner = policy["order_shown"]
    effects = shown_effects(panel, params["learners"]["names"], learner)
    cate, lower, upper = (effects[f"{name}_{outcome}"].to_numpy(dtype=float) for name in ("cate", "lower", "upper"))
    truth = truth_of_rows(panel, pd.read_parquet(TRUTH))

    economics = load_economics(settings, panel[KEYS], design["campaign_type"])
    evidence = evidence_of(panel, nuisance, outcome, in_overlap(nuisance["propensity"], params["nuisance"]["overlap"]))
    # Where the pipeline recommends nobody, anybody may be its best guess.
    contacted = assignments["all" if policy["recommended"] == "none" else policy["recommended"]].to_numpy() == 1
    places = places_of(panel, evidence, cate, economics, contacted, seed)

    kept = pool(evidence, seed)
    size = sizes(int(kept.sum()))
    names = segments.drop_duplicates("segment").set_index("segment")["name"]
    customers = Customers(
        evidence=evidence.rows(kept),
        economics=economics.rows(kept),
        segment=np.unique(segments.loc[kept, "segment"], return_inverse=True)[1],
        facts=facts(panel[kept], min(design["recent_days"])),
        place=places[kept],
        uplift=cate[kept],
        lower=lower[kept],
        upper=upper[kept],
        true_uplift=None if truth is None else truth.loc[kept, f"effect_{outcome}"].to_numpy(dtype=float),
    )
    days = min(design["recent_days"])
    page = game_page(
        customers,
        size,
        segment_profiles(panel[kept], segments.loc[kept, "segment"].to_numpy(), names) if size.drawn else [],
        Story(
            stakes=stakes(customers.economics, outcome),
            findings=findings(validation, learner, customers.has_intervals),
            pipeline=pipeline_words(policy["recommended"], learner),
            doubts=overlap["why"] if overlap["answers"] == "nothing" else "",
            window=f"from a campaign's start to {design['post_days']} days after its end",
            recent_days=days,
            outcome=outcome,
        ),
        pool_of=fingerprint(panel.loc[kept, KEYS]),
    )
    write_metrics(game_metrics(customers, size), METRICS)
    write_text(page, PAGE)


if __name__ == "__main__":
    run("game", main)
