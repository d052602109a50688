"""Reduce the household features to a few non-negative factors, and name them.

Reads the profile; writes household factors, and what is needed to compute them for any other household.
"""

import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd

from targeting.base.errors import DataError
from targeting.base.left_out import NO_TILLS, leave_out
from targeting.base.outputs import write_csv, write_figure, write_metrics, write_parquet
from targeting.base.params import load_params
from targeting.base.stage import run
from targeting.figures.segments import factor_selection_chart, loadings_heatmap
from targeting.segments.factor_names import factor_table, name_factors
from targeting.segments.factor_selection import loadings_stability, recommend_factors, select_factors
from targeting.segments.factors import (
    FactorSettings,
    explained_by_feature,
    explained_variance,
    explained_variance_columns,
    fit_factors,
    settings_for,
    varying_features,
)
from targeting.sentences.segments import factor_words
from targeting.words.money import speak_in

PROFILE = Path("data/profile/features.parquet")
FACTORS = Path("data/segments/factors.parquet")
LOADINGS = Path("data/segments/loadings.parquet")
SCALING = Path("data/segments/scaling.parquet")
TABLE = Path("plots/factors.csv")
SELECTION = Path("plots/factor_selection.csv")
EXPLAINED = Path("plots/factor_features.csv")
LOADINGS_PICTURE = Path("plots/loadings.png")
SELECTION_PICTURE = Path("plots/factor_selection.png")
METRICS = Path("metrics/factors.json")
OUTPUTS = (FACTORS, LOADINGS, SCALING, TABLE, SELECTION, EXPLAINED, LOADINGS_PICTURE, SELECTION_PICTURE, METRICS)


def main() -> None:
    params = load_params("data", "segmentation", "sample", "seed")
    speak_in(params["data"]["currency"])
    section, seed = params["segmentation"], params["seed"]
    profile = pd.read_parquet(PROFILE)
    if profile.empty:
        leave_out("factors", NO_TILLS, OUTPUTS)
        return
    names = varying_features(profile[section["features"]])
    left_out = ", ".join(name for name in section["features"] if name not in names)
    settings, features = settings_for(FactorSettings.from_params(section), names), profile[names]

    fitted = fit_factors(features, settings, seed)
    if left_out and 0 < fitted.active < settings.factors:
        settings = replace(settings, factors=fitted.active)
        fitted = fit_factors(features, settings, seed)
    if left_out:
        print(f"factors: left out, since all households have the same value: {left_out}.", file=sys.stderr)
    if fitted.active < settings.factors:
        raise DataError(
            f"Only {fitted.active} of {settings.factors} factors carry anything under these penalties: set segmentation.factors "
            f"to {fitted.active} or less, or lower segmentation.penalty_scores and penalty_loadings."
        )
    factors = fitted.transform(features)
    named = name_factors(fitted.directions, names)
    loadings = fitted.loadings_table().assign(name=[factor.name for factor in named])
    scaled, rebuilt = fitted.scale(features), fitted.rebuild(factors)

    at_most = params["sample"]["checks"]
    lowest, highest = (min(number, len(names)) for number in section["selection"])
    selection = select_factors(features, range(lowest, highest + 1), settings, section["factor_resamples"], seed, at_most)
    choice = recommend_factors(selection, section["enough_explained"], section["stable_loadings"])
    cosines = loadings_stability(features, fitted.directions, settings, section["factor_resamples"], seed, at_most)
    metrics = {
        "n_factors": settings.factors,
        "explained_variance": explained_variance(scaled, rebuilt),
        "explained_variance_columns": explained_variance_columns(scaled, rebuilt),
        "sparsity_scores": (factors == 0).mean(),
        "sparsity_loadings": (fitted.loadings == 0).mean(),
        "stability": cosines.mean(),
        "stability_worst": cosines.mean(axis=0).min(),
        "recommended": choice.recommended,
        "reason": factor_words(choice, section["enough_explained"]),
        "left_out": left_out,
    }
    write_metrics(metrics, METRICS)
    household_factors = pd.DataFrame(factors, columns=loadings["factor"].tolist())
    write_parquet(household_factors.assign(household_id=profile["household_id"]), FACTORS)
    write_parquet(loadings, LOADINGS)
    write_parquet(fitted.scaling, SCALING)
    write_csv(factor_table(fitted.directions, names, named).assign(stability=cosines.mean(axis=0)), TABLE)
    write_csv(selection, SELECTION)
    write_csv(explained_by_feature(scaled, rebuilt, names), EXPLAINED)
    write_figure(loadings_heatmap(fitted.directions, names, named), LOADINGS_PICTURE)
    write_figure(factor_selection_chart(selection, settings.factors), SELECTION_PICTURE)


if __name__ == "__main__":
    run("factors", main)
