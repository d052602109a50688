"""Refutations, the data: panels on which the answer is known, or should hardly change.

Each function gives changed copies of a panel as Draws; targeting.robustness.refutation_fits estimates on them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from targeting.base.columns import KEYS, PREFIX, outcomes_of
from targeting.base.identifiers import own_identifiers
from targeting.stats.folds import sampled_folds

PLACEBO, NEGATIVE_CONTROL, KNOWN_REASONS, RANDOM_CAUSE = "placebo", "negative_control", "known_reasons", "random_cause"
SUBSET, LEFT_OUT, ORIGINAL = "subset", "trial_left_out", "original"
MIN_ARM = 20  # rows that each arm of the negative control needs, so that every fold's models have some to learn from


@dataclass(frozen=True)
class Draw:
    """A changed panel: for which check, and its number among the check's repeats (of a trial left out, the campaign)."""

    check: str
    repeat: int
    panel: pd.DataFrame


def placebos(panel: pd.DataFrame, propensity: ArrayLike, n_strata: int, repeats: int, seed: int) -> Iterator[Draw]:
    """Treatment permuted among the rows of one trial and propensity stratum.

    It did nothing then, while what it depends on of the covariates stays: the true effect is 0, under confounding as before.
    `propensity`, shape (rows,), is that of the real treatment. Strata need some 100 rows: a stratum keeps the share that was
    really treated, which in a small one is largely chance, and with it the placebo keeps part of the real effect.
    """
    strata = propensity_strata(propensity, panel["trial"], n_strata)
    for repeat in range(repeats):
        treated = permute_within(panel["treated"], strata, _generator(seed, PLACEBO, repeat))
        yield Draw(PLACEBO, repeat, panel.assign(treated=treated))


def random_causes(panel: pd.DataFrame, repeats: int, seed: int) -> Iterator[Draw]:
    """One more covariate, x_random_cause: uniform in [0, 1], one value per household, related to nothing."""
    households, codes = np.unique(panel["household_id"], return_inverse=True)
    for repeat in range(repeats):
        cause = _generator(seed, RANDOM_CAUSE, repeat).random(len(households))[codes]
        yield Draw(RANDOM_CAUSE, repeat, panel.assign(**{f"{PREFIX}random_cause": cause}))


def subsets(panel: pd.DataFrame, share: float, repeats: int, seed: int) -> Iterator[Draw]:
    """All rows of a random `share` of the households."""
    households = np.unique(panel["household_id"])
    for repeat in range(repeats):
        rng = _generator(seed, SUBSET, repeat)
        chosen = rng.choice(households, size=round(share * len(households)), replace=False)
        yield Draw(SUBSET, repeat, panel[panel["household_id"].isin(chosen)].reset_index(drop=True))


def trials_left_out(panel: pd.DataFrame) -> Iterator[Draw]:
    """All trials but one, each in turn; none where the panel has a single trial."""
    campaigns = panel["campaign_id"].unique()
    for campaign in campaigns if len(campaigns) > 1 else []:
        yield Draw(LEFT_OUT, int(campaign), panel[panel["campaign_id"] != campaign].reset_index(drop=True))


def changed_panels(panel: pd.DataFrame, propensity: ArrayLike, checks: Mapping[str, Any], seed: int) -> Iterator[Draw]:
    """Every draw of the effects' own panel, check by check; `checks` is the section `refute` of params.yaml."""
    yield from placebos(panel, propensity, checks["placebo_strata"], checks["placebo_repeats"], seed)
    yield from random_causes(panel, checks["cause_repeats"], seed)
    yield from subsets(panel, checks["subset_share"], checks["subset_repeats"], seed)
    yield from trials_left_out(panel)


def control_splits(control: pd.DataFrame, n_folds: int, repeats: int, seed: int, sample: int | None = None) -> Iterator[Draw]:
    """The negative-control panel under different splits of its households into folds; none where can_judge says no.

    Each draws anew the `sample` households that are learned from (see `sampled_folds`).
    """
    for repeat in range(repeats if can_judge(control) else 0):
        folds = sampled_folds(control["household_id"], n_folds, seed + repeat, sample)
        yield Draw(NEGATIVE_CONTROL, repeat, control.assign(fold=folds))


def known_reasons(
    control: pd.DataFrame, nuisance: pd.DataFrame, n_folds: int, repeats: int, seed: int, sample: int | None = None
) -> Iterator[Draw]:
    """The negative-control panel with treatment drawn anew by its propensity; none where can_judge says no.

    `nuisance` has KEYS and `propensity` of all the control's rows and perhaps more: the chance of being mailed by what is known
    at time zero, the control's own days included. Treatment then follows known reasons and no other, so what the control finds
    here is what these leave. The draws of a conditional randomization test: Candes, Fan, Janson & Lv (2018), Journal of the Royal
    Statistical Society B 80, 551-577.
    """
    if not can_judge(control):
        return
    chance = control[KEYS].merge(nuisance[[*KEYS, "propensity"]], on=KEYS, validate="one_to_one")["propensity"].to_numpy()
    folded = control.assign(fold=sampled_folds(control["household_id"], n_folds, seed, sample))
    for repeat in range(repeats):
        drawn = _generator(seed, KNOWN_REASONS, repeat).random(len(folded)) < chance
        yield Draw(KNOWN_REASONS, repeat, folded.assign(treated=drawn.astype(np.int64)))


def with_campaigns(draws: pd.DataFrame, key: pd.DataFrame) -> pd.DataFrame:
    """The draws, and where a campaign was left out its name as the user has it, by data/tables/identifiers.parquet."""
    without = draws["check"] == LEFT_OUT
    named = draws[without].assign(repeat=own_identifiers(draws.loc[without, "repeat"], "campaign", key))
    return pd.concat([draws[~without], named]).sort_index()


def can_judge(control: pd.DataFrame) -> bool:
    """Whether the negative-control panel has an outcome, and MIN_ARM rows in each arm."""
    return bool(
        outcomes_of(control.columns) and control["treated"].eq(1).sum() >= MIN_ARM and control["treated"].eq(0).sum() >= MIN_ARM
    )


def unadjusted_differences(control: pd.DataFrame) -> pd.DataFrame:
    """Treated mean less control mean of the negative-control panel: outcome, difference; no rows where can_judge says no."""
    outcomes = list(outcomes_of(control.columns)) if can_judge(control) else []
    arms = control.groupby("treated")[outcomes].mean()
    differences = [float(arms.loc[1, outcome] - arms.loc[0, outcome]) for outcome in outcomes]
    return pd.DataFrame({"outcome": pd.Series(outcomes, dtype="str"), "difference": pd.Series(differences, dtype=float)})


def propensity_strata(propensity: ArrayLike, trial: ArrayLike, n_strata: int) -> NDArray[np.int64]:
    """A number for each trial and quantile of the propensity in it, shape (n,).

    Propensities are rounded to four decimals, and the quantiles are values that occur: processors differ in last bits, and these
    must move nobody to another stratum. Rows of equal propensity share one, so there can be fewer strata than asked for.
    """
    rounded, trials = np.round(np.asarray(propensity, dtype=float), 4), np.asarray(trial)
    strata = np.empty(len(rounded), dtype=np.int64)
    for position, number in enumerate(np.unique(trials)):
        own = trials == number
        edges = np.quantile(rounded[own], np.arange(1, n_strata) / n_strata, method="lower")
        strata[own] = position * n_strata + np.searchsorted(edges, rounded[own], side="left")
    return strata


def permute_within(values: ArrayLike, strata: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """The values, shape (n,), shuffled among the rows of each stratum."""
    original = np.asarray(values)
    shuffled = original.copy()
    for stratum in np.unique(strata):
        own = np.flatnonzero(strata == stratum)
        shuffled[own] = original[rng.permutation(own)]
    return shuffled


def _generator(seed: int, check: str, repeat: int) -> np.random.Generator:
    """One for each check and repeat, so that more of one check changes no other."""
    return np.random.default_rng([seed, *check.encode(), repeat])
