"""Do the models still hold: the last campaign's households and effects against what was learned from the campaigns before it.

Drift is told by two statistics, of which one line each is our own: the Kolmogorov-Smirnov test says whether a difference is more
than chance, the population stability index whether it is large. Packages for this bring a web application with them.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import false_discovery_control, ks_2samp, norm

from targeting.policy.value import Economics, profits
from targeting.stats.estimates import SIGNIFICANCE, mean_estimate
from targeting.validation.calibration import GROUPS
from targeting.validation.ranking import descending

Vector = NDArray[np.float64]
BINS = 10
LARGE_PSI = 0.25  # the custom of credit scoring: below 0.1 is no change, above 0.25 is a large one (Siddiqi 2006)
MANY = 0.25  # share of features with a large drift from which on the models speak of other households
FEWEST = 50  # rows inside the overlap that a judgement needs
MODELLED = ["propensity", "effect"]  # what models say of a household, among the names of a drift table
DRIFT = ["name", "training_mean", "new_mean", "psi", "ks", "p", "q", "drifted"]
REALISED = ["group", "n", "predicted", "realised", "se", "ci_lower", "ci_upper", "surprise", "surprise_se"]


def stability_index(training: ArrayLike, new: ArrayLike, bins: int = BINS) -> float:
    """Population stability index of training (n,) and new values (m,): sum over bins of (q - p) ln(q / p), p and q their shares.

    Bins are cut at the training values' quantiles; equal quantiles share a bin, and half a value is added to every bin so that an
    empty one has a logarithm. 0 where the shares agree. Source: Siddiqi (2006), Credit Risk Scorecards, chapter 9.
    """
    old, later = np.asarray(training, dtype=float), np.asarray(new, dtype=float)
    cuts = np.unique(np.quantile(old, np.linspace(0, 1, bins + 1)[1:-1], method="lower"))
    shares = []
    for values in (old, later):
        counts = np.bincount(np.searchsorted(cuts, values), minlength=len(cuts) + 1) + 0.5
        shares.append(counts / counts.sum())
    p, q = shares
    return float(np.sum((q - p) * np.log(q / p)))


def drift_table(training: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """One row per column of `training`, which `new` has too (DRIFT): name, training_mean, new_mean, psi, ks, p, q, drifted.

    Each household must have one row per table, as the test takes rows as independent. ks is the largest distance between the two
    distributions, p its asymptotic p-value, q that of Benjamini & Hochberg (1995) over all columns; drifted: q below 0.05 and psi
    above 0.25, since with many households a difference that means nothing is soon beyond chance.
    """
    rows = []
    for name in training.columns:
        test = ks_2samp(training[name], new[name], method="asymp")
        psi = stability_index(training[name], new[name])
        means = {"training_mean": training[name].mean(), "new_mean": new[name].mean()}
        rows.append({"name": name, **means, "psi": psi, "ks": test.statistic, "p": test.pvalue})
    table = pd.DataFrame(rows)
    table["q"] = false_discovery_control(table["p"].clip(lower=0, upper=1))
    table = table.assign(drifted=(table["q"] < SIGNIFICANCE) & (table["psi"] > LARGE_PSI))
    return table[DRIFT]


@dataclass(frozen=True)
class Realised:
    """What happened to the households of the new campaign, arrays (n,), inside the overlap.

    `predicted` is the effect promised by models learned from the rows of earlier campaigns, `score` the doubly robust score of
    the effect, `mailed` what the recommended policy says of them (0 to 1). Neither promise nor policy is blind to the new
    campaign: the earlier rows' nuisances have seen its other households, and so have the out-of-fold effects that tell the belief
    what a learner's effects are worth; learner and policy were chosen with its outcomes.
    """

    predicted: Vector
    score: Vector
    mailed: Vector
    household_id: NDArray[np.int64]


def realised_table(realised: Realised, economics: Economics) -> pd.DataFrame:
    """Predicted and realised effects (REALISED): surprise is realised less predicted; se and ci_* are realised's.

    Groups: all; fifths of households by predicted effect, 1 the lowest, unless all are alike; and `profit`: what the policy's
    contacts earn a household of the campaign, promised and realised. Standard errors are clustered by household and take the
    prediction as it is.
    """
    groups = {"all": np.arange(len(realised.score))}
    if np.ptp(realised.predicted) > 0:
        fifths = np.array_split(descending(realised.predicted)[::-1], GROUPS)
        groups |= {str(number): rows for number, rows in enumerate(fifths, start=1)}
    table = [
        _row(name, realised.predicted[rows], realised.score[rows], realised.household_id[rows]) for name, rows in groups.items()
    ]
    promised, earned = (profits(realised.mailed, effect, economics) for effect in (realised.predicted, realised.score))
    return pd.DataFrame([*table, _row("profit", promised, earned, realised.household_id)])[REALISED]


def _row(group: str, predicted: Vector, actual: Vector, household_id: NDArray[np.int64]) -> dict[str, Any]:
    mean, surprise = mean_estimate(actual, household_id), mean_estimate(actual - predicted, household_id)
    return {
        "group": group,
        "n": len(predicted),
        "predicted": float(predicted.mean()),
        "realised": mean.value,
        **mean.columns(),
        "surprise": surprise.value,
        "surprise_se": surprise.se,
    }


class Advice(StrEnum):
    """What to do with the models and the policy."""

    KEEP = "keep"
    RETRAIN = "retrain"
    STOP = "stop"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Verdict:
    """What to do with the models and the policy, and all that holds of what can call for it.

    `lost` is what the policy's contacts are shown to have lost, in USD per household, and 0 elsewhere; `wrong` the rows of the
    table of realised effects (REALISED) that were not as predicted, `mean` that of all households, missing without any;
    `drifted_models` are the names among MODELLED that drifted.
    """

    advice: Advice
    lost: float
    wrong: pd.DataFrame
    mean: pd.Series
    drifted_models: list[str]
    n_drifted: int
    n_features: int

    @property
    def many_drifted(self) -> bool:
        """Whether so many features drifted that the models speak of other households."""
        return self.n_features > 0 and self.n_drifted / self.n_features >= MANY


def verdict_of(drift: pd.DataFrame, effects: pd.DataFrame) -> Verdict:
    """The written rule, on a `drift_table` of features, propensity and effect, and a `realised_table`; unknown if that is empty.

    Propensities and effects must be comparable: of one set of models for both sides, none of which knows a row's campaign. Where
    all effects are alike the drift table has none.

    stop: the policy's contacts in the new campaign are shown to lose money (the upper end of their profit lies below 0).
    retrain: effects are shown to differ from what was predicted, on the mean or in a fifth of the households (95% for all these
    comparisons together, Bonferroni); or households are others than those learned from: the predicted effect or the propensity
    drifted, or at least a quarter of the features did. keep: otherwise.
    """
    if effects.empty:
        nothing = pd.Series(dtype=float)
        return Verdict(Advice.UNKNOWN, lost=0.0, wrong=effects, mean=nothing, drifted_models=[], n_drifted=0, n_features=0)
    money = effects.set_index("group").loc["profit"]
    compared = effects[effects["group"] != "profit"]
    z = norm.ppf(1 - SIGNIFICANCE / 2 / len(compared))
    drifted = drift.set_index("name")["drifted"]
    models, features = drifted[drifted.index.isin(MODELLED)], drifted[~drifted.index.isin(MODELLED)]
    found = Verdict(
        Advice.KEEP,
        lost=-float(money["realised"]) if money["ci_upper"] < 0 else 0.0,
        wrong=compared[compared["surprise"].abs() > z * compared["surprise_se"]],
        mean=effects.set_index("group").loc["all"],
        drifted_models=models.index[models].tolist(),
        n_drifted=int(features.sum()),
        n_features=len(features),
    )
    if found.lost:
        return replace(found, advice=Advice.STOP)
    doubted = len(found.wrong) or found.drifted_models or found.many_drifted
    return replace(found, advice=Advice.RETRAIN) if doubted else found
