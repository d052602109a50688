"""The randomised experiment that would settle what a campaign does: how many households, for how long, and who gets what.

Arms are equally large and a household is in one arm once, so the usual formulas for two independent means hold (statsmodels).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from statsmodels.stats.power import NormalIndPower

from targeting.base.errors import DataError
from targeting.stats.estimates import Z

Vector = NDArray[np.float64]
ARMS = ("control", "treated")
ADJUSTMENTS = ("none", "cuped")
SIZES = ("sd", "n_per_arm", "n_total", "r2", "n_total_adjusted")
FEWEST = 2  # households per arm: one has no spread


@dataclass(frozen=True)
class Comparison:
    """A two-sided comparison of two arms: outcome spread within an arm, chance of a false finding, and R2 of the adjustment.

    Adjusting for a prediction made before the experiment leaves the share 1 - R2 of the variance (CUPED; Deng, Xu, Kohavi &
    Walker 2013, WSDM). R2 is 0 for a plain difference of means.
    """

    sd: float
    alpha: float
    r2: float = 0.0

    def __post_init__(self) -> None:
        """Raise DataError for a spread that is not positive, before or after adjustment."""
        if not (self.sd > 0 and 0 <= self.r2 < 1):
            raise DataError(f"A comparison needs a spread above 0 and an R2 in [0, 1), not {self.sd:g} and {self.r2:g}.")

    @property
    def residual_sd(self) -> float:
        """The spread that is left after adjustment, in units of the outcome."""
        return self.sd * float(np.sqrt(1 - self.r2))

    def households(self, effect: float, power: float) -> int:
        """How many households per arm it takes to find `effect` with chance `power`, to the nearest whole one, at least two.

        A whole household less than the exact number costs less power than is worth a digit (in the published example, 0.00004).
        """
        if self.power(effect, FEWEST) >= power:  # the library finds no root below its own smallest sample
            return FEWEST
        n = NormalIndPower().solve_power(effect / self.residual_sd, power=power, alpha=self.alpha)
        return round(float(n))

    def power(self, effect: float, n: ArrayLike) -> Vector:
        """The chance of finding `effect` with `n` households per arm."""
        return NormalIndPower().power(effect / self.residual_sd, np.asarray(n, dtype=float), self.alpha)

    def detectable(self, power: float, n: float) -> float:
        """The smallest effect, in units of the outcome, that `n` households per arm find with chance `power`."""
        return float(NormalIndPower().solve_power(nobs1=n, power=power, alpha=self.alpha)) * self.residual_sd


def within_groups(values: ArrayLike, groups: Sequence[ArrayLike]) -> tuple[Vector, int]:
    """Deviations of `values` (n,) from the mean of their group, and how many groups there are; groups by several keys (n,)."""
    series = pd.Series(np.asarray(values, dtype=float))
    grouped = series.groupby([np.asarray(key) for key in groups])
    return (series - grouped.transform("mean")).to_numpy(), grouped.ngroups


def outcome_spread(outcome: ArrayLike, groups: Sequence[ArrayLike]) -> float:
    """Standard deviation of the outcome (n,) within groups, such as trial and arm: what an experiment's arms would show.

    Raises DataError when the outcome does not vary.
    """
    deviations, n_groups = within_groups(outcome, groups)
    sd = float(np.sqrt(np.square(deviations).sum() / max(len(deviations) - n_groups, 1)))
    if sd == 0:
        raise DataError("The outcome is the same for everybody in every arm: there is nothing that an experiment could find.")
    return sd


def adjustment_r2(outcome: ArrayLike, predicted: ArrayLike, groups: Sequence[ArrayLike]) -> float:
    """Squared correlation, within groups, of outcomes with predictions (n,) by models that did not see them.

    It is the share of variance that CUPED removes, whose slope corrects the predictions' scale. 0 for constant predictions.
    """
    y, _ = within_groups(outcome, groups)
    m, _ = within_groups(predicted, groups)
    spread = np.square(y).sum() * np.square(m).sum()
    return float((y @ m) ** 2 / spread) if spread > 0 else 0.0


def comparisons(rows: pd.DataFrame, sd: float | None, alpha: float) -> tuple[Comparison, Comparison]:
    """The comparison without and with adjustment, as these rows (outcome, predicted, trial, treated) suggest.

    `sd` is the spread to plan with, in units of the outcome; None takes the rows'.
    """
    groups = (rows["trial"], rows["treated"])
    spread = sd or outcome_spread(rows["outcome"], groups)
    return Comparison(spread, alpha), Comparison(spread, alpha, adjustment_r2(rows["outcome"], rows["predicted"], groups))


def sizes(plain: Comparison, adjusted: Comparison, effect: float, power: float) -> dict[str, Any]:
    """What both comparisons need to find `effect`, and by what: SIZES."""
    n, n_adjusted = plain.households(effect, power), adjusted.households(effect, power)
    return dict(zip(SIZES, (plain.sd, n, 2 * n, adjusted.r2, 2 * n_adjusted), strict=True))


def sizes_by_trial(rows: pd.DataFrame, sd: float | None, alpha: float, effect: float, power: float) -> pd.DataFrame:
    """One row per campaign of the rows (as in `comparisons`, with campaign_id): campaign_id, n_eligible, then `sizes`.

    Sizes are missing for a campaign that says nothing of the spread by itself, as one of a few households. Last campaigns and
    campaigns_adjusted: how many campaigns as large both comparisons need.
    """
    table = pd.DataFrame(
        {"campaign_id": campaign, "n_eligible": len(own)} | _own_sizes(own, sd, alpha, effect, power)
        for campaign, own in rows.groupby("campaign_id", sort=False)
    )
    table["campaigns"] = table["n_total"] / table["n_eligible"]
    table["campaigns_adjusted"] = table["n_total_adjusted"] / table["n_eligible"]
    return table


def _own_sizes(rows: pd.DataFrame, sd: float | None, alpha: float, effect: float, power: float) -> dict[str, Any]:
    try:
        return sizes(*comparisons(rows, sd, alpha), effect, power)
    except DataError:
        return dict.fromkeys(SIZES, np.nan)


def totals_shown(needed: int, taking_part: int) -> list[int]:
    """Numbers of households for a curve of power: from 20 to past both that are `needed` and those `taking_part`, and these."""
    shown = np.linspace(20, 1.2 * max(needed, taking_part), 60).astype(int)
    return np.unique(np.append(shown, [taking_part] if taking_part else [])).astype(int).tolist()


def power_table(plain: Comparison, adjusted: Comparison, effect: float, power: float, totals: Sequence[int]) -> pd.DataFrame:
    """By total number of households and adjustment: adjustment, n_total, power to find `effect`, and detectable effect."""
    rows = []
    for name, test in zip(ADJUSTMENTS, (plain, adjusted), strict=True):
        chances = test.power(effect, np.asarray(totals) / 2)
        rows += [
            {"adjustment": name, "n_total": total, "power": chance, "detectable": test.detectable(power, total / 2)}
            for total, chance in zip(totals, chances, strict=True)
        ]
    return pd.DataFrame(rows)


def assign_arms(households: pd.DataFrame, strata: int, limit: int | None, seed: int) -> pd.DataFrame:
    """Draw two arms within strata: one row per household that takes part, ordered by household_id.

    `households` has household_id (distinct), segment and propensity. Strata are segments crossed with `strata` groups of equally
    many households by propensity. In the order of strata, and of the lot within them, arms alternate after a first one drawn by
    lot: in every stratum, and in all, they differ by at most one household, and each household has a chance of 1/2. With a
    `limit` an even share of every stratum takes part. Row order changes nothing.
    Columns: household_id, segment, propensity_stratum (from 1), arm (treated or control), probability (of being treated), seed;
    without rows where fewer than two households could be compared. Raises DataError for a household that is there twice.
    """
    table = households[["household_id", "segment", "propensity"]].sort_values("household_id", ignore_index=True)
    if table["household_id"].duplicated().any():
        raise DataError(f"Of {len(table)} households some are there twice: an experiment draws each once.")
    if len(table) < len(ARMS):
        table = table.head(0)
    rng = np.random.default_rng(seed)
    ranks = table["propensity"].rank(method="first").to_numpy() - 1
    table["propensity_stratum"] = (ranks * strata // max(len(table), 1)).astype(int) + 1
    table = table.assign(lot=rng.permutation(len(table))).sort_values(["segment", "propensity_stratum", "lot"], ignore_index=True)
    if limit is not None and limit < len(table):
        # At equal steps through the order of strata, the first place by lot.
        places = np.floor((np.arange(limit) + rng.random()) * len(table) / limit).astype(int)
        table = table.iloc[places].reset_index(drop=True)
    arms = np.array(ARMS)[(np.arange(len(table)) + rng.integers(2)) % 2]
    table = table.assign(arm=arms, probability=0.5, seed=seed).drop(columns=["propensity", "lot"])
    return table.sort_values("household_id", ignore_index=True)


def arms_by_stratum(assignment: pd.DataFrame) -> pd.DataFrame:
    """How many of each arm a stratum has: segment, propensity_stratum, control, treated."""
    counts = pd.crosstab([assignment["segment"], assignment["propensity_stratum"]], assignment["arm"])
    return counts.reindex(columns=list(ARMS), fill_value=0).reset_index().rename_axis(columns=None)


def experiment_metrics(
    tests: tuple[Comparison, Comparison], effect: float, power: float, n_eligible: int, n: int, cost: float
) -> dict[str, Any]:
    """What the experiment needs, and what the `n` households drawn of `n_eligible` find; `tests` without and with adjustment.

    `cost` is that of mailing the treated, in USD. Where nobody can take part, what they find is left out.
    """
    plain, adjusted = tests
    needed = sizes(plain, adjusted, effect, power)
    common = {"effect": effect, **needed, "n_eligible": n_eligible, "n_assigned": n}
    if not n:
        return {**common, "cost_usd": cost}
    return {
        **common,
        "campaigns": needed["n_total"] / n_eligible,
        "campaigns_adjusted": needed["n_total_adjusted"] / n_eligible,
        "power_assigned": float(plain.power(effect, n / 2)),
        "power_assigned_adjusted": float(adjusted.power(effect, n / 2)),
        "detectable": plain.detectable(power, n / 2),
        "detectable_adjusted": adjusted.detectable(power, n / 2),
        "half_width_adjusted": Z * adjusted.residual_sd * np.sqrt(4 / n),
        "cost_usd": cost,
    }
