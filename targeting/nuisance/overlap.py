"""Positivity and balance: can treated and controls be compared, before and after weighting."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from targeting.base.lots import drawn_by_lot
from targeting.nuisance.extremes import pulled_in
from targeting.nuisance.imbalance import imbalance_test

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]
TINY = 1e-9  # where models say 0 or 1
WIDE = (0.05, 0.95)  # a second, weaker reading of overlap, beside the one that the pipeline works with
FEWEST = 50  # rows in effect that each arm must have
MOST = 0.95  # share of rows inside the wider bounds from which on an effect over everybody rests on data
SUSPECT = 0.005  # a balance test of a declared experiment below this says that it was not drawn as declared
BALANCED = 0.1  # an absolute standardised mean difference below this counts as balanced (Austin 2009)


def in_overlap(propensity: ArrayLike, bounds: Sequence[float]) -> NDArray[np.bool_]:
    """Rows, shape (n,), whose propensity lies inside `bounds`, ends included."""
    e = np.asarray(propensity, dtype=float)
    return (e >= bounds[0]) & (e <= bounds[1])


def comparable(panel: pd.DataFrame, propensity: ArrayLike, bounds: Sequence[float]) -> Mask:
    """Rows of the panel, shape (rows,), that could have gone either way: a propensity inside `bounds`, or lots.

    Where lots decided, both arms are alike however small the chance of one of them.
    """
    return in_overlap(propensity, bounds) | drawn_by_lot(panel)


def inverse_propensity_weights(treated: ArrayLike, propensity: ArrayLike) -> Vector:
    """1 / e for the treated, 1 / (1 - e) for controls: both arms stand for everybody. Shape (n,)."""
    t, e = np.asarray(treated, dtype=float), np.asarray(propensity, dtype=float)
    return t / e + (1 - t) / (1 - e)


def overlap_weights(treated: ArrayLike, propensity: ArrayLike) -> Vector:
    """1 - e for the treated, e for controls: both arms stand for those who could have gone either way. Shape (n,)."""
    t, e = np.asarray(treated, dtype=float), np.asarray(propensity, dtype=float)
    return t * (1 - e) + (1 - t) * e


def effective_sample_size(weights: ArrayLike) -> float:
    """Kish's (sum w)^2 / sum w^2: how many equally weighted rows would be as precise."""
    w = np.asarray(weights, dtype=float)
    return float(w.sum() ** 2 / np.square(w).sum())


def standardised_mean_differences(covariates: Vector, treated: ArrayLike, weights: ArrayLike | None = None) -> Vector:
    """Weighted mean of the treated less that of controls, in units of the unweighted spread, shape (p,) for (n, p) covariates.

    The spread is sqrt((var1 + var0) / 2) of the two arms without weights, so that weighting cannot shrink a difference by
    inflating it. A covariate that is constant in both arms has difference 0 if the constants agree, else infinity.
    Source: Austin (2009), Statistics in Medicine 28, 3083-3107.
    """
    t = np.asarray(treated) == 1
    w = np.ones(len(t)) if weights is None else np.asarray(weights, dtype=float)
    difference = np.average(covariates[t], axis=0, weights=w[t]) - np.average(covariates[~t], axis=0, weights=w[~t])
    spread = np.sqrt((covariates[t].var(axis=0, ddof=1) + covariates[~t].var(axis=0, ddof=1)) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference == 0, 0.0, difference / spread)


def balance_table(covariates: pd.DataFrame, treated: ArrayLike, propensity: ArrayLike) -> pd.DataFrame:
    """A love plot's data, one row per covariate: covariate, smd, smd_ipw, smd_overlap; largest absolute difference first.

    Of covariates drawn in, as the propensity sees them (see targeting.nuisance.extremes).
    """
    values = pulled_in(covariates.to_numpy(dtype=float))
    table = pd.DataFrame(
        {
            "covariate": covariates.columns,
            "smd": standardised_mean_differences(values, treated),
            "smd_ipw": standardised_mean_differences(values, treated, inverse_propensity_weights(treated, propensity)),
            "smd_overlap": standardised_mean_differences(values, treated, overlap_weights(treated, propensity)),
        }
    )
    return table.sort_values("smd", key=np.abs, ascending=False, kind="stable", ignore_index=True)


def propensity_histogram(propensity: ArrayLike, treated: ArrayLike, n_bins: int = 20) -> pd.DataFrame:
    """Share of each arm's rows by propensity, in equal bins of [0, 1]: propensity (mid of the bin), arm, share."""
    e, t = np.asarray(propensity, dtype=float), np.asarray(treated)
    edges = np.linspace(0, 1, n_bins + 1)
    tables = []
    for arm, name in ((1, "treated"), (0, "control")):
        counts, _ = np.histogram(e[t == arm], bins=edges)
        tables.append(pd.DataFrame({"propensity": (edges[:-1] + edges[1:]) / 2, "arm": name, "share": counts / counts.sum()}))
    return pd.concat(tables, ignore_index=True)


def crump_threshold(propensity: ArrayLike) -> float:
    """The alpha for which rows with a propensity in [alpha, 1 - alpha] give the most precise average effect; 0 keeps all.

    Of propensities as they were fitted: those clipped to a bound all look alike, and as if they were worth keeping.
    With g = 1 / (e (1 - e)): gamma is twice the mean of g over the rows with g <= gamma, and 1 / (alpha (1 - alpha)) = gamma.
    Source: Crump, Hotz, Imbens & Mitnik (2009), Biometrika 96, 187-199, corollary 1.
    """
    e = np.clip(np.asarray(propensity, dtype=float), TINY, 1 - TINY)
    g = np.sort(1 / (e * (1 - e)))
    means = g.cumsum() / np.arange(1, len(g) + 1)
    if g[-1] <= 2 * means[-1]:
        return 0.0
    gamma = 2 * means[np.flatnonzero(g <= 2 * means)[-1]]
    return float(0.5 - np.sqrt(0.25 - 1 / gamma))


def calibration_of_propensity(propensity: ArrayLike, treated: ArrayLike, n_bins: int = 10) -> pd.DataFrame:
    """Predicted and observed share of treated in bins of equally many rows: predicted, observed, n, observed_ci_lower, ..._upper.

    Intervals are Wilson's, rows taken as independent.
    """
    # Here, as most stages need this module for in_overlap alone: statsmodels and sklearn take half a second to load.
    from statsmodels.stats.proportion import proportion_confint

    e, t = np.asarray(propensity, dtype=float), np.asarray(treated, dtype=float)
    bins = pd.DataFrame({"predicted": e, "observed": t, "n": 1})
    # Ranks in place of values: clipped propensities tie, and would merge their bins.
    groups = bins.groupby(pd.qcut(bins["predicted"].rank(method="first"), min(n_bins, len(e)), labels=False))
    table = groups.agg({"predicted": "mean", "observed": "mean", "n": "sum"}).reset_index(drop=True)
    counts = (table["observed"] * table["n"]).round()
    lower, upper = proportion_confint(counts, table["n"], method="wilson")
    return table.assign(observed_ci_lower=lower, observed_ci_upper=upper)


def calibration_error(calibration: pd.DataFrame) -> float:
    """Mean absolute difference of predicted and observed share over the bins of a calibration table, weighted by rows."""
    return float(np.average((calibration["predicted"] - calibration["observed"]).abs(), weights=calibration["n"]))


def positivity(
    covariates: pd.DataFrame,
    treated: ArrayLike,
    propensity: ArrayLike,
    bounds: Sequence[float],
    seed: int,
    by_lot: ArrayLike = False,
    fitted: ArrayLike | None = None,
) -> dict[str, float]:
    """Can the arms be compared: the numbers of one set of rows, shape (n, p), (n,), (n,); rows `by_lot` (n,) can anyway.

    `fitted` are the propensities before they were clipped, if they were: of what clipping hides Crump's threshold is told.

    Effective sample sizes are Kish's, by arm and weighting; covariates are balanced below an absolute SMD of 0.1.
    n_beyond_chance counts those that overlap weights leave unbalanced by more than the draw of who was mailed explains;
    max_t_overlap and its bound max_t_chance are what tells (see `imbalance_test`, which draws by `seed`).
    """
    from sklearn.metrics import roc_auc_score  # here for the same reason as statsmodels above

    t, e, drawn = np.asarray(treated), np.asarray(propensity, dtype=float), np.asarray(by_lot, dtype=bool)
    balance = balance_table(covariates, t, e)
    numbers: dict[str, float] = {
        "n": len(t),
        "n_treated": int(t.sum()),
        "propensity_auc": float(roc_auc_score(t, e)),
        "overlap_share": float((in_overlap(e, bounds) | drawn).mean()),
        "overlap_share_wide": float((in_overlap(e, WIDE) | drawn).mean()),
        "crump_threshold": crump_threshold(e if fitted is None else fitted),
    }
    numbers["crump_share"] = float(in_overlap(e, [numbers["crump_threshold"], 1 - numbers["crump_threshold"]]).mean())
    weightings = {
        "ipw": inverse_propensity_weights(t, e),
        "att": np.where(t == 1, 1.0, e / (1 - e)),
        "overlap": overlap_weights(t, e),
    }
    for name, weights in weightings.items():
        numbers[f"ess_treated_{name}"] = effective_sample_size(weights[t == 1])
        numbers[f"ess_control_{name}"] = effective_sample_size(weights[t == 0])
    for suffix in ("", "_ipw", "_overlap"):
        smd = balance[f"smd{suffix}"].abs()
        numbers[f"max_smd{suffix}"], numbers[f"n_balanced{suffix}"] = float(smd.max()), int((smd < BALANCED).sum())
    chance = imbalance_test(covariates.to_numpy(dtype=float), t, e, seed)
    left = balance.set_index("covariate").loc[covariates.columns, "smd_overlap"].abs().to_numpy()
    numbers["max_t_overlap"], numbers["max_t_chance"] = float(chance.t.max()), chance.critical
    numbers["n_beyond_chance"] = int(((left >= BALANCED) & chance.beyond_chance).sum())
    return numbers


def positivity_table(
    panel: pd.DataFrame,
    covariates: pd.DataFrame,
    propensity: ArrayLike,
    bounds: Sequence[float],
    seed: int,
    fitted: ArrayLike,
) -> pd.DataFrame:
    """`positivity` over all rows (campaign_id = all) and by trial; covariates constant in a trial say nothing there."""
    treated, e, unclipped = (np.asarray(own) for own in (panel["treated"], propensity, fitted))
    by_lot = drawn_by_lot(panel)
    rows = [{"campaign_id": "all", **positivity(covariates, treated, e, bounds, seed, by_lot, unclipped)}]
    for campaign in panel["campaign_id"].unique():
        inside = (panel["campaign_id"] == campaign).to_numpy()
        own = covariates.loc[inside]
        rows.append(
            {
                "campaign_id": str(campaign),
                **positivity(
                    own.loc[:, own.nunique() > 1], treated[inside], e[inside], bounds, seed, by_lot[inside], unclipped[inside]
                ),
            }
        )
    return pd.DataFrame(rows)


class Answers(StrEnum):
    """Of whom the data can tell an effect, before any is looked at."""

    EVERYBODY = "everybody"
    OVERLAP = "overlap"
    NOTHING = "nothing"


def overlap_verdict(numbers: Mapping[str, float]) -> Answers:
    """What the data can answer, by the numbers of `positivity` over all rows.

    An effect over everybody needs most rows inside the wider bounds; one over the overlap population needs enough rows in each
    arm, in effect, and no covariate that its weights leave unbalanced beyond chance. Where lots decided everywhere, `balance_p`
    says whether they were as declared (see targeting.nuisance.lots), and stands in the place of both.
    """
    if "balance_p" in numbers:
        drawn = fewest_in_effect(numbers) >= FEWEST and numbers["balance_p"] >= SUSPECT
        return Answers.EVERYBODY if drawn else Answers.NOTHING
    if fewest_in_effect(numbers) < FEWEST or numbers["n_beyond_chance"] > 0:
        return Answers.NOTHING
    return Answers.OVERLAP if numbers["overlap_share_wide"] < MOST else Answers.EVERYBODY


def fewest_in_effect(numbers: Mapping[str, float]) -> float:
    """Rows of the smaller arm under overlap weights, in effect; `numbers` as in `overlap_verdict`."""
    return min(numbers["ess_treated_overlap"], numbers["ess_control_overlap"])
