"""Build the coupon game: a page on which people pick whom to mail, and see what the data say it would have earned.

Reads what the policies saw and decided, and the truth where the source is made up: nothing that estimates or decides reads this
stage. Writes one page that needs nothing else.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from targeting.base.columns import CUSTOMERS, KEYS
from targeting.base.outputs import write_metrics, write_text
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.pages.game import (
    Customers,
    Story,
    contact_places,
    game_metrics,
    game_page,
    game_pool,
    game_sizes,
    pool_fingerprint,
)
from targeting.policy.contact_price import priced
from targeting.policy.economics import load_economics
from targeting.policy.value import evidence_of
from targeting.sentences.game import counted_words, decided_words, pipeline_words, ranking_words, stakes, what_players_see
from targeting.sentences.overlap import overlap_words
from targeting.trials.panel import require_aligned
from targeting.trials.units import in_own_units
from targeting.validation.truth import truth_of_rows
from targeting.words.features import covariate_words
from targeting.words.money import speak_in
from targeting.words.outcomes import outcome_words
from targeting.words.people import page_of_customers

CAUSED = Path("data/effects/discounts.parquet")
IDENTIFIERS = Path("data/tables/identifiers.parquet")
PANEL = Path("data/trials/panel.parquet")
UNITS = Path("data/trials/units.parquet")
NUISANCE = Path("data/trials/nuisance.parquet")
SEGMENTS = Path("data/segments/time_zero.parquet")
EVIDENCE = Path("data/policy/evidence.parquet")
ASSIGNMENTS = Path("data/policy/assignments.parquet")
TRUTH = Path("data/truth/truth.parquet")
OVERLAP = Path("metrics/nuisance.json")
VALIDATION = Path("metrics/validate.json")
POLICY = Path("metrics/policy.json")
PAGE = Path("plots/report/game.html")
METRICS = Path("metrics/game.json")


def main() -> None:
    params = load_params("data", "policy", "design", "seed")
    speak_in(params["data"]["currency"])
    settings, design, seed = params["policy"], params["design"], params["seed"]
    outcome = settings["outcome"]
    panel, nuisance, segments, assignments, seen = (
        pd.read_parquet(path) for path in (PANEL, NUISANCE, SEGMENTS, ASSIGNMENTS, EVIDENCE)
    )
    for rows, path in ((nuisance, NUISANCE), (segments, SEGMENTS), (assignments, ASSIGNMENTS), (seen, EVIDENCE)):
        require_aligned(panel, rows, str(path))
    overlap, validation, policy = (json.loads(path.read_text(encoding="utf-8")) for path in (OVERLAP, VALIDATION, POLICY))
    learner = policy["order_shown"]
    truth = truth_of_rows(panel, pd.read_parquet(TRUTH))

    economics = load_economics(
        priced(settings, pd.read_parquet(CAUSED)), panel[KEYS], design["campaign_type"], pd.read_parquet(IDENTIFIERS)
    )
    evidence = evidence_of(panel, nuisance, outcome, seen["overlap"].to_numpy())
    # Where the pipeline recommends nobody, anybody may be its best guess.
    contacted = assignments["all" if policy["recommended"] == "none" else policy["recommended"]].to_numpy() == 1
    places = contact_places(np.argsort(seen["shown_rank"].to_numpy()), contacted)

    kept = game_pool(evidence, seed)
    size = game_sizes(int(kept.sum()))
    names = segments.drop_duplicates("segment").set_index("segment")["name"]
    tills, days = params["data"]["source"] != CUSTOMERS, min(design["recent_days"])
    own = in_own_units(panel[kept], pd.read_parquet(UNITS))
    shown = what_players_see(own, segments.loc[kept, "segment"].to_numpy(), names, days, tills, bool(size.drawn))
    customers = Customers(
        evidence=evidence.rows(kept),
        economics=economics.rows(kept),
        segment=np.unique(segments.loc[kept, "segment"], return_inverse=True)[1],
        facts=shown.facts,
        place=places[kept],
        uplift=seen.loc[kept, "shown_cate"].to_numpy(),
        lower=seen.loc[kept, "shown_lower"].to_numpy(),
        upper=seen.loc[kept, "shown_upper"].to_numpy(),
        true_uplift=None if truth is None else truth.loc[kept, f"effect_{outcome}"].to_numpy(dtype=float),
    )
    page = game_page(
        customers,
        size,
        shown.profiles,
        Story(
            stakes=stakes(customers.economics, outcome),
            findings=ranking_words(validation, learner, customers.has_intervals),
            pipeline=pipeline_words(policy["recommended"], learner),
            doubts=overlap_words(overlap) if overlap["answers"] == "nothing" else "",
            counted=counted_words(outcome),
            decided=decided_words(overlap),
            window=f"from a campaign's start to {design['post_days']} days after its end" if tills else "as the table has it",
            own_facts=shown.own,
            recent_days=days,
            outcome=outcome,
        ),
        pool_of=pool_fingerprint(panel.loc[kept, KEYS]),
    )
    write_metrics(game_metrics(customers, size), METRICS)
    write_text(
        page if tills else page_of_customers(page, [*names, *map(covariate_words, panel.columns), outcome_words(outcome)]), PAGE
    )


if __name__ == "__main__":
    run("game", main)
