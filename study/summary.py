"""What the worlds say of each estimator: bias, error, coverage and width of the 95% interval, with Monte Carlo errors."""

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from targeting.validation.truth import ESTIMANDS

CELL = ["overlap", "effect"]
# What each estimator converges to.
ESTIMAND = {method: estimand.lower() for method, estimand in ESTIMANDS.items()}


def with_truth(estimates: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """The estimates beside the true effect of what each converges to, and whether the interval covers it.

    `truth` has a row per overlap, effect, outcome, estimand and a world where each has its own.
    Raises ValueError for an estimator whose estimand is not in ESTIMAND.
    """
    unknown = sorted(set(estimates["method"]) - set(ESTIMAND))
    if unknown:
        raise ValueError(f"No estimand is written down for {', '.join(unknown)}: add it to ESTIMAND.")
    table = estimates.assign(estimand=estimates["method"].map(ESTIMAND))
    by = [name for name in truth.columns if name != "truth"]
    table = table.merge(truth, on=by, how="left", validate="many_to_one")
    covered = (table["ci_lower"] <= table["truth"]) & (table["truth"] <= table["ci_upper"])
    return table.assign(covered=covered, error=table["estimate"] - table["truth"], width=table["ci_upper"] - table["ci_lower"])


def estimator_summary(judged: pd.DataFrame) -> pd.DataFrame:
    """One row per cell, outcome and estimator, of a table of `with_truth`.

    Columns: overlap, effect, outcome, method, estimand, truth (mean over worlds), n (worlds with an estimate), bias with its
    Monte Carlo standard error bias_se, rmse, sd (of the estimates around the truth), mean_se
    (estimated), coverage with coverage_se and Wilson's 95% interval, and width (mean, of the interval). Money in USD.
    """
    known = judged.dropna(subset=["estimate"])
    groups = known.groupby([*CELL, "outcome", "method", "estimand"], sort=False)
    table = groups.agg(
        truth=("truth", "mean"),
        n=("error", "size"),
        bias=("error", "mean"),
        rmse=("error", lambda error: np.sqrt(np.square(error).mean())),
        sd=("error", "std"),
        mean_se=("se", "mean"),
        coverage=("covered", "mean"),
        width=("width", "mean"),
    ).reset_index()
    table.insert(table.columns.get_loc("bias") + 1, "bias_se", table["sd"] / np.sqrt(table["n"]))
    return with_share_error(table, "coverage")


def cell_summary(worlds: pd.DataFrame) -> pd.DataFrame:
    """One row per cell: means of what the pipeline sees and says before and after it estimates.

    Columns: overlap, effect, n_rows, propensity_auc, overlap_share, overlap_share_wide, ess_* (effective rows by arm and
    weighting), max_smd_overlap, answers_* (share of worlds by verdict), recommends (share with a policy other than mailing
    nobody), profit (estimated, of the recommended policy), true_profit, regret (what the best policy compared earns more),
    n_worlds. Money in USD per row.
    """
    answers = pd.get_dummies(worlds["answers"], dtype=float).reindex(columns=["everybody", "overlap", "nothing"], fill_value=0.0)
    table = worlds.join(answers.add_prefix("answers_")).assign(
        n_rows=worlds["n"], recommends=worlds["recommended"] != "none", regret=worlds["best_true_profit"] - worlds["true_profit"]
    )
    ess = [f"ess_{arm}_{weighting}" for weighting in ("ipw", "overlap") for arm in ("treated", "control")]
    seen = ["n_rows", "propensity_auc", "overlap_share", "overlap_share_wide", *ess, "max_smd_overlap"]
    columns = [*seen, *(f"answers_{name}" for name in answers), "recommends", "profit", "true_profit", "regret"]
    groups = table.groupby(CELL, sort=False)
    return groups[columns].mean().join(groups.size().rename("n_worlds")).reset_index()


def answer_summary(judged: pd.DataFrame, worlds: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Coverage by what the pipeline says that the data can answer: one row per overlap, verdict and doubly robust estimator.

    Columns: overlap, answers, method, n, coverage, coverage_se and Wilson's 95% interval.
    """
    own = judged[(judged["outcome"] == outcome) & judged["method"].isin(["aipw", "ato", "att"])]
    own = own.merge(worlds[[*CELL, "world", "answers"]], on=[*CELL, "world"], validate="many_to_one")
    groups = own.groupby(["overlap", "answers", "method"], sort=False)
    return with_share_error(groups.agg(n=("covered", "size"), coverage=("covered", "mean")).reset_index(), "coverage")


def with_share_error(table: pd.DataFrame, share: str) -> pd.DataFrame:
    """The table with the Monte Carlo error of a share of its column n, and Wilson's 95% interval: *_se, *_lower, *_upper.

    Missing where nothing was counted.
    """
    counted = table["n"].where(table["n"] > 0)
    lower, upper = proportion_confint((table[share] * counted).round(), counted, method="wilson")
    error = np.sqrt(table[share] * (1 - table[share]) / counted)
    return table.assign(**{f"{share}_se": error, f"{share}_lower": lower, f"{share}_upper": upper})
