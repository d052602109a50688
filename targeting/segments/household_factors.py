"""The factors of a retailer's households: fitted, named, judged, and compared with other numbers of factors."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from targeting.base.errors import DataError
from targeting.segments.factor_names import FactorName, factor_table, name_factors
from targeting.segments.factor_selection import FactorChoice, loadings_stability, recommend_factors, select_factors
from targeting.segments.factors import (
    Factorisation,
    FactorSettings,
    explained_by_feature,
    explained_variance,
    explained_variance_columns,
    fit_factors,
    settings_for,
    varying_features,
)


@dataclass(frozen=True)
class HouseholdFactors:
    """What the households' features were reduced to.

    factors: household_id and a column per factor. fitted: what computes them for any other household; features: its features, in
    its order. named: by factor. loadings, table, explained: by factor and by feature. selection: by number of factors, of which
    `choice` recommends one. metrics: but for the recommendation's reason. left_out: features with one value for all.
    """

    factors: pd.DataFrame
    fitted: Factorisation
    features: list[str]
    named: list[FactorName]
    loadings: pd.DataFrame
    table: pd.DataFrame
    explained: pd.DataFrame
    selection: pd.DataFrame
    choice: FactorChoice
    metrics: dict[str, Any]
    left_out: str


def household_factors(profile: pd.DataFrame, section: Mapping[str, Any], at_most: int | None, seed: int) -> HouseholdFactors:
    """The factors of the profile's features (household_id, and a column per feature).

    `section` is `segmentation` of params.yaml; numbers of factors are compared on `at_most` households. Raises DataError where
    penalties leave fewer factors than were asked for.
    """
    names = varying_features(profile[section["features"]])
    left_out, features = [name for name in section["features"] if name not in names], profile[names]
    settings, fitted = _fitted(features, FactorSettings.from_params(section), left_out, seed)
    factors, named = fitted.transform(features), name_factors(fitted.directions, names)
    loadings = fitted.loadings_table().assign(name=[factor.name for factor in named])
    scaled, rebuilt = fitted.scale(features), fitted.rebuild(factors)

    resamples = section["factor_resamples"]
    lowest, highest = (min(number, len(names)) for number in section["selection"])
    selection = select_factors(features, range(lowest, highest + 1), settings, resamples, seed, at_most)
    choice = recommend_factors(selection, section["enough_explained"], section["stable_loadings"])
    cosines = loadings_stability(features, fitted.directions, settings, resamples, seed, at_most)
    return HouseholdFactors(
        factors=pd.DataFrame(factors, columns=loadings["factor"].tolist()).assign(household_id=profile["household_id"]),
        fitted=fitted,
        features=names,
        named=named,
        loadings=loadings,
        table=factor_table(fitted.directions, names, named).assign(stability=cosines.mean(axis=0)),
        explained=explained_by_feature(scaled, rebuilt, names),
        selection=selection,
        choice=choice,
        metrics={
            "n_factors": settings.factors,
            "explained_variance": explained_variance(scaled, rebuilt),
            "explained_variance_columns": explained_variance_columns(scaled, rebuilt),
            "sparsity_scores": (factors == 0).mean(),
            "sparsity_loadings": (fitted.loadings == 0).mean(),
            "stability": cosines.mean(),
            "stability_worst": cosines.mean(axis=0).min(),
            "recommended": choice.recommended,
        },
        left_out=", ".join(left_out),
    )


def _fitted(
    features: pd.DataFrame, wanted: FactorSettings, left_out: list[str], seed: int
) -> tuple[FactorSettings, Factorisation]:
    """The factorisation, and the settings that it has: fewer factors than `wanted` where features that vary allow no more."""
    settings = settings_for(wanted, list(features))
    fitted = fit_factors(features, settings, seed)
    if left_out and 0 < fitted.active < settings.factors:
        settings = replace(settings, factors=fitted.active)
        fitted = fit_factors(features, settings, seed)
    if fitted.active < settings.factors:
        raise DataError(
            f"Only {fitted.active} of {settings.factors} factors carry anything under these penalties: set segmentation.factors "
            f"to {fitted.active} or less, or lower segmentation.penalty_scores and penalty_loadings."
        )
    return settings, fitted
