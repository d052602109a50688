"""All that is asked of whether a retailer's segments hold: fitted again in other ways, and from half to half of the weeks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from targeting.segments.factors import Factorisation, FactorSettings
from targeting.segments.stability import (
    FittedSegments,
    Recipe,
    agreement,
    agreement_table,
    of_these_alone,
    recovery,
    refitted_on_resamples,
    refitted_with_other_seeds,
    refitted_without_a_tenth,
    separation_without_groups,
    transitions,
)
from targeting.segments.stored import StoredSegments, segment_names
from targeting.stats.resampling import by_lot


@dataclass(frozen=True)
class StabilityChecks:
    """agreement: by way of fitting again. recovery: by segment. moves: from half to half of the weeks. metrics of all three."""

    agreement: pd.DataFrame
    recovery: pd.DataFrame
    moves: pd.DataFrame
    metrics: dict[str, Any]


def stability_checks(
    stored: StoredSegments,
    features: pd.DataFrame,
    by_half: tuple[pd.DataFrame, pd.DataFrame],
    at_most: int | None,
    seed: int,
) -> StabilityChecks:
    """Whether the stored segments hold; `features` are those of their households, in their order, over the whole window.

    `by_half` are the same of who bought in each half of the weeks, by household_id; checks draw `at_most` households.
    """
    section, segments, names = stored.segmentation, stored.households["segment"].to_numpy() - 1, segment_names(stored.households)
    # Where features were left out, there may be fewer factors than asked for.
    settings = replace(FactorSettings.from_params(section), factors=len(stored.loadings))
    recipe = Recipe(settings, section["k"], section["restarts"], seed)

    drawn = by_lot(np.arange(len(features)), at_most, seed)
    resampled = refitted_on_resamples(features, recipe, section["bootstraps"], drawn)
    checked, original = features[drawn], of_these_alone(features, segments, drawn, recipe)
    table = agreement_table(
        {
            "resamples of the households": agreement(segments[drawn], resampled),
            "without a tenth of the households": agreement(original, refitted_without_a_tenth(checked, recipe)),
            "other seeds": agreement(original, refitted_with_other_seeds(checked, recipe)),
        }
    )
    found = recovery(segments[drawn], resampled).mean(axis=0)
    without = separation_without_groups(checked, recipe).mean()
    moves, over_time = _over_time(by_half, stored, recipe, names.tolist())
    return StabilityChecks(
        table,
        pd.DataFrame({"segment": range(1, len(names) + 1), "name": names.tolist(), "jaccard": found}),
        moves,
        {
            "ari_all_mean": table["ari_mean"][0],
            "ari_all_std": table["ari_std"][0],
            "ari_left_out": table["ari_mean"][1],
            "ari_seeds": table["ari_mean"][2],
            "recovery_worst": found.min(),
            "silhouette_ungrouped": without["silhouette"],
            "davies_bouldin_ungrouped": without["davies_bouldin"],
            **over_time,
        },
    )


def _over_time(
    by_half: tuple[pd.DataFrame, pd.DataFrame], stored: StoredSegments, recipe: Recipe, names: list[str]
) -> tuple[pd.DataFrame, Mapping[str, float]]:
    """How households move between segments from half to half, and how far both halves agree, also when fitted on each alone."""
    factorisation = Factorisation.from_tables(stored.scaling, stored.loadings, recipe.settings)
    fitted = FittedSegments(factorisation, stored.centres[stored.loadings["factor"]].to_numpy())
    earlier, later = (pd.Series(fitted.assign(half), index=half.index) for half in by_half)
    both = earlier.index.intersection(later.index)
    refitted = [recipe.fit(half).assign(half.loc[both]) for half in by_half]
    return transitions(earlier, later, names), {
        "halves_ari": adjusted_rand_score(earlier.loc[both], later.loc[both]),
        "halves_ari_refitted": adjusted_rand_score(*refitted),
        "halves_same": (earlier.loc[both] == later.loc[both]).mean(),
        "n_halves": len(both),
    }
