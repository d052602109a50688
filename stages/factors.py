"""Reduce the household features to a few non-negative factors.

Reads the profile; writes household factors, and what is needed to compute them for any other household.
"""

from pathlib import Path

import pandas as pd

from targeting.errors import DataError
from targeting.factors import FactorSettings, explained_variance, explained_variance_columns, fit_factors, select_factors
from targeting.figures import loadings_heatmap
from targeting.outputs import write_csv, write_figure, write_metrics, write_parquet
from targeting.params import load_params
from targeting.segment_names import name_factors
from targeting.stage import run

PROFILE = Path("data/profile/features.parquet")
FACTORS = Path("data/segments/factors.parquet")
LOADINGS = Path("data/segments/loadings.parquet")
SCALING = Path("data/segments/scaling.parquet")
SELECTION = Path("plots/factor_selection.csv")
PICTURE = Path("plots/loadings.png")
METRICS = Path("metrics/factors.json")


def main() -> None:
    params = load_params("segmentation", "seed")
    settings = FactorSettings.from_params(params["segmentation"])
    profile = pd.read_parquet(PROFILE)
    names = params["segmentation"]["features"]
    features = profile[names]

    fitted = fit_factors(features, settings, params["seed"])
    active = int((fitted.lengths > 0).sum())
    if active < settings.factors:
        raise DataError(
            f"Only {active} of {settings.factors} factors carry anything under these penalties: set segmentation.factors to "
            f"{active} or less, or lower segmentation.penalty_scores and penalty_loadings."
        )
    factors = fitted.transform(features)
    columns = [f"F{number}" for number in range(1, settings.factors + 1)]
    factor_names = name_factors(fitted.loadings, names)
    loadings = pd.DataFrame(fitted.loadings, columns=names).assign(factor=columns, name=factor_names)

    lowest, highest = params["segmentation"]["selection"]
    selection = select_factors(features, range(lowest, highest + 1), settings, params["seed"])
    scaled, rebuilt = fitted.scale(features), fitted.rebuild(factors)
    metrics = {
        "n_factors": settings.factors,
        "explained_variance": explained_variance(scaled, rebuilt),
        "explained_variance_columns": explained_variance_columns(scaled, rebuilt),
        "sparsity_loadings": (fitted.loadings == 0).mean(),
    }
    write_metrics(metrics, METRICS)
    write_parquet(pd.DataFrame(factors, columns=columns).assign(household_id=profile["household_id"]), FACTORS)
    write_parquet(loadings, LOADINGS)
    write_parquet(fitted.scaling, SCALING)
    write_csv(selection, SELECTION)
    write_figure(loadings_heatmap(fitted.loadings / fitted.lengths[:, None], names, factor_names), PICTURE)


if __name__ == "__main__":
    run("factors", main)
