"""Standard errors that count the nuisances' own error: a fifth of the households left out at a time, every model refitted.

The analytic standard error takes the cross-fitted nuisances as good as true. Where overlap is weak they extrapolate, and what
they are off by then is as large as what the analytic error knows of.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from targeting.base.columns import outcomes_of
from targeting.base.parallel import in_processes
from targeting.base.progress import track
from targeting.effects.estimators import ESTIMATORS, RATIOS, effect_data
from targeting.nuisance.light import ARMS, MEAN, LightNuisances, light_nuisances
from targeting.stats.estimates import Estimate

# All but the one that weighs rows by the outcome's variance, which is not refitted.
REFITTED = {method: terms for method, terms in RATIOS.items() if method != "owate"}
KEPT = 0.8  # share of households in a draw: near enough to all of them for the models to fare alike


def refit_draws(panel: pd.DataFrame, n_draws: int, clip: float, seed: int) -> pd.DataFrame:
    """Estimates without a random fifth of the households, `n_draws` times.

    One row per draw, one column per outcome of the panel and estimator, in two levels.

    Nuisances are the light ones (targeting.nuisance.light), cross-fitted anew in each draw over the panel's folds. Estimators are
    the ratios of sums. A bootstrap would not do: its copies leave the models 63% of the
    households to learn from, and where they extrapolate that alone makes estimates far wilder.
    """
    light = light_nuisances(panel, clip, seed, (MEAN, *ARMS))
    results = in_processes(partial(_draw, panel, light), (([seed, number],) for number in range(n_draws)))
    draws = pd.DataFrame(list(track(results, "Refitting without some households", n_draws)))
    return draws.set_axis(pd.MultiIndex.from_tuples(draws.columns), axis=1)


def _draw(panel: pd.DataFrame, light: LightNuisances, seed: Sequence[int]) -> dict[tuple[str, str], float]:
    """The estimates without one random set of households."""
    households = np.unique(panel["household_id"])
    kept = np.random.default_rng(seed).choice(households, round(KEPT * len(households)), replace=False)
    rows = panel[panel["household_id"].isin(kept)].reset_index(drop=True)
    nuisance = light.fit(rows)
    found: dict[tuple[str, str], float] = {}
    for outcome in outcomes_of(rows.columns):
        data = effect_data(rows, nuisance, outcome)
        found |= {
            (outcome, method): float(np.divide(*(sum_of.sum() for sum_of in terms(data)))) for method, terms in REFITTED.items()
        }
    return found


def refit_table(draws: pd.DataFrame, estimates: Mapping[str, Estimate]) -> pd.DataFrame:
    """One row per estimator: method, estimate, se (analytic), se_refit (from the draws), ci_lower, ci_upper, n_draws.

    The delete-d jackknife by random subsets: the spread of the draws times sqrt(kept / left out). The intervals are normal with
    the larger standard error, about the estimate from all rows. Source: Shao & Wu (1989), Annals of Statistics 17, 1176-1197.
    """
    rows = []
    for method in draws.columns:
        found, spread = estimates[method], float(draws[method].std(ddof=1) * np.sqrt(KEPT / (1 - KEPT)))
        honest = Estimate(found.value, max(found.se, spread))
        rows.append(
            {
                "method": method,
                "estimate": found.value,
                "se": found.se,
                "se_refit": spread,
                "ci_lower": honest.lower,
                "ci_upper": honest.upper,
                "n_draws": len(draws),
            }
        )
    return pd.DataFrame(rows)


def refit_effects(panel: pd.DataFrame, nuisance: pd.DataFrame, n_draws: int, clip: float, seed: int) -> pd.DataFrame:
    """The columns of `refit_table`, then outcome: one row per outcome and estimator.

    `nuisance` has the panel's rows in their order, and gives the estimates from all of them.
    """
    draws, tables = refit_draws(panel, n_draws, clip, seed), []
    for outcome in outcomes_of(panel.columns):
        data = effect_data(panel, nuisance, outcome)
        table = refit_table(draws[outcome], {method: ESTIMATORS[method](data) for method in REFITTED})
        tables.append(table.assign(outcome=outcome))
    return pd.concat(tables, ignore_index=True)


def refit_metrics(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """The refitted standard errors by outcome and estimator, the latter as METHOD_se_refit."""
    return {
        str(outcome): {f"{row.method}_se_refit": row.se_refit for row in rows.itertuples()}
        for outcome, rows in table.groupby("outcome", sort=False)
    }
