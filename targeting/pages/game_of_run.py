"""The coupon game of a run: its customers, what the pipeline says of them, and the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from targeting.base.columns import CUSTOMERS, KEYS
from targeting.pages.game import (
    Customers,
    Sizes,
    Story,
    contact_places,
    game_metrics,
    game_page,
    game_pool,
    game_sizes,
    pool_fingerprint,
)
from targeting.policy.economics import Economics
from targeting.policy.value import evidence_of
from targeting.sentences.game import (
    Seen,
    counted_words,
    decided_words,
    pipeline_words,
    ranking_words,
    stakes,
    what_players_see,
)
from targeting.sentences.overlap import overlap_words
from targeting.words.features import covariate_words
from targeting.words.outcomes import outcome_words
from targeting.words.people import page_of_customers


@dataclass(frozen=True)
class GameInputs:
    """What a game is made of, all with the panel's rows in its order.

    panel: covariates in their own units. nuisance, segments, assignments, seen: as the stages leave them, seen being
    data/policy/evidence.parquet. economics: of contacting each row. truth: as of `truth_of_rows`.
    """

    panel: pd.DataFrame
    nuisance: pd.DataFrame
    segments: pd.DataFrame
    assignments: pd.DataFrame
    seen: pd.DataFrame
    economics: Economics
    truth: pd.DataFrame | None


def game_of_run(
    played: GameInputs, metrics: Mapping[str, Mapping[str, Any]], params: Mapping[str, Any]
) -> tuple[str, dict[str, float]]:
    """The page as HTML, and the game's metrics.

    `metrics` are those of the stages nuisance, validate and policy; `params` has the sections data, policy, design and seed.
    """
    outcome, panel = params["policy"]["outcome"], played.panel
    evidence = evidence_of(panel, played.nuisance, outcome, played.seen["overlap"].to_numpy())
    kept = game_pool(evidence, params["seed"])
    size = game_sizes(int(kept.sum()))
    tills, days = params["data"]["source"] != CUSTOMERS, min(params["design"]["recent_days"])
    segment, names = played.segments.loc[kept, "segment"].to_numpy(), _names(played.segments)
    shown = what_players_see(panel[kept], segment, names, days, tills, bool(size.drawn))
    # Where the pipeline recommends nobody, anybody may be its best guess.
    recommended = metrics["policy"]["recommended"]
    contacted = played.assignments["all" if recommended == "none" else recommended].to_numpy() == 1
    places = contact_places(np.argsort(played.seen["shown_rank"].to_numpy()), contacted)
    customers = Customers(
        evidence=evidence.rows(kept),
        economics=played.economics.rows(kept),
        segment=np.unique(segment, return_inverse=True)[1],
        facts=shown.facts,
        place=places[kept],
        uplift=played.seen.loc[kept, "shown_cate"].to_numpy(),
        lower=played.seen.loc[kept, "shown_lower"].to_numpy(),
        upper=played.seen.loc[kept, "shown_upper"].to_numpy(),
        true_uplift=None if played.truth is None else played.truth.loc[kept, f"effect_{outcome}"].to_numpy(dtype=float),
    )
    page = _page(customers, size, shown, metrics, params, pool_fingerprint(panel.loc[kept, KEYS]))
    own = [*names, *map(covariate_words, panel.columns), outcome_words(outcome)]
    return page if tills else page_of_customers(page, own), game_metrics(customers, size)


def _names(segments: pd.DataFrame) -> pd.Series:
    return segments.drop_duplicates("segment").set_index("segment")["name"]


def _page(
    customers: Customers,
    size: Sizes,
    shown: Seen,
    metrics: Mapping[str, Mapping[str, Any]],
    params: Mapping[str, Any],
    pool: str,
) -> str:
    outcome, design, overlap, policy = params["policy"]["outcome"], params["design"], metrics["nuisance"], metrics["policy"]
    tills, learner = params["data"]["source"] != CUSTOMERS, policy["order_shown"]
    story = Story(
        stakes=stakes(customers.economics, outcome),
        findings=ranking_words(metrics["validate"], learner, customers.has_intervals),
        pipeline=pipeline_words(policy["recommended"], learner),
        doubts=overlap_words(overlap) if overlap["answers"] == "nothing" else "",
        counted=counted_words(outcome),
        decided=decided_words(overlap),
        window=f"from a campaign's start to {design['post_days']} days after its end" if tills else "as the table has it",
        own_facts=shown.own,
        recent_days=min(design["recent_days"]),
        outcome=outcome,
    )
    return game_page(customers, size, shown.profiles, story, pool)
