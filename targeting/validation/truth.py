"""What the pipeline says against what is true, where a made-up source knows the truth: effects, learners, policies, segments.

One row per claim, columns COLUMNS: `truth` is the claim's true value, `error` the estimate less the truth, `covered` whether the
claim's 95% interval holds the truth (of a learner, the share of rows whose own interval does), `rmse` the root mean squared error
and `rank_correlation` Spearman's over the rows. Missing where a claim has no interval, no rows or no truth.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from targeting.base.columns import KEYS, OUTCOMES
from targeting.base.errors import DataError
from targeting.policy.economics import Economics
from targeting.policy.value import BEST_BETS, profits

Vector = NDArray[np.float64]

COLUMNS = [
    "what",
    "outcome",
    "trial",
    "name",
    "estimand",
    "estimate",
    "ci_lower",
    "ci_upper",
    "truth",
    "error",
    "covered",
    "rmse",
    "rank_correlation",
]
# What each method estimates. Regression and double machine learning with one coefficient weigh households by the variance of
# treatment given covariates, e (1 - e), as overlap weights do (Angrist 1998, Econometrica 66, 249-288). A method that is not
# listed is shown without a truth.
ESTIMANDS = {
    "naive": "ATE",
    "ipw": "ATE",
    "aipw": "ATE",
    "tmle": "ATE",
    "ols": "ATO",
    "dml": "ATO",
    "ato": "ATO",
    "att": "ATT",
    "matching": "ATT",
    "did": "ATT",
}


@dataclass(frozen=True)
class Said:
    """What a run says of the panel's rows, to be compared with the truth: tables as the stages leave them.

    effects: of the estimators. learners: by name, with those in use as `selected`. policies, assignments: values and decisions.
    """

    effects: pd.DataFrame
    learners: Mapping[str, pd.DataFrame]
    policies: pd.DataFrame
    assignments: pd.DataFrame
    propensity: pd.Series


def judge_run(said: Said, rows: pd.DataFrame, economics: Economics, outcome: str, by_design: bool) -> pd.DataFrame:
    """One row per claim, in the columns COLUMNS; `rows` are as of `truth_of_rows`, `by_design` as of `estimand_weights`."""
    weights = estimand_weights(rows, by_design)
    claims = [
        judge_effects(said.effects, rows, weights),
        judge_learners(said.learners, rows),
        judge_policies(said.policies, said.assignments, rows, economics, outcome),
    ]
    if "ATO" in weights:
        claims.append(judge_propensities(said.propensity, rows))
    return pd.concat(claims, ignore_index=True)


def truth_of_rows(panel: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame | None:
    """The truth of each row of the panel, in its order; None where the source does not know it for these campaigns.

    Raises DataError where it is known for some rows and not for others.
    """
    if not panel["campaign_id"].isin(truth["campaign_id"]).any():
        return None
    rows = panel[[*KEYS, "trial", "treated"]].merge(truth, on=KEYS, how="left", validate="one_to_one")
    unknown = int(rows["propensity"].isna().sum())
    if unknown:
        raise DataError(
            f"The truth of {unknown:,} of {len(rows):,} rows of the panel is missing: run `dvc repro` to rebuild both."
        )
    return rows


def estimand_weights(rows: pd.DataFrame, by_design: bool) -> dict[str, Vector]:
    """The weight of each row in the estimands ATE, ATT and ATO, (rows,) each.

    ATO needs the true propensity; `by_design` says whether the mailing's own chance is the propensity in this panel, as it is
    where every campaign is a trial of its own.
    """
    weights = {"ATE": np.ones(len(rows)), "ATT": rows["treated"].to_numpy(dtype=float)}
    if by_design:
        weights["ATO"] = (rows["propensity"] * (1 - rows["propensity"])).to_numpy()
    return weights


def judge_effects(effects: pd.DataFrame, rows: pd.DataFrame, weights: Mapping[str, Vector]) -> pd.DataFrame:
    """Every average effect of a table (outcome, trial as text, method, estimate, interval) against its estimand's truth."""
    campaign = rows["campaign_id"].astype(str).to_numpy()
    claims = []
    for claim in effects.itertuples():
        estimand = ESTIMANDS.get(claim.method, "")
        members = np.ones(len(rows), dtype=bool) if claim.trial == "all" else campaign == claim.trial
        true = np.nan
        if estimand in weights:
            true = np.average(rows.loc[members, f"effect_{claim.outcome}"], weights=weights[estimand][members])
        names = {
            "what": "effect",
            "outcome": claim.outcome,
            "trial": str(claim.trial),
            "name": claim.method,
            "estimand": estimand,
        }
        claims.append(names | _interval_claim(claim.estimate, claim.ci_lower, claim.ci_upper, true))
    return _table(claims)


def judge_propensities(propensity: ArrayLike, rows: pd.DataFrame) -> pd.DataFrame:
    """The fitted propensities, (rows,), against the true ones."""
    names = {"what": "propensity", "trial": "all", "name": "nuisance", "estimand": "propensity"}
    return _table([names | _row_claim(np.asarray(propensity, dtype=float), rows["propensity"].to_numpy())])


def judge_learners(effects: Mapping[str, pd.DataFrame], rows: pd.DataFrame) -> pd.DataFrame:
    """Every learner's effects by household (cate_*, lower_*, upper_*, rows as in `rows`) against the true ones."""
    claims = []
    for outcome in OUTCOMES:
        true = rows[f"effect_{outcome}"].to_numpy()
        for learner, table in effects.items():
            claim = _row_claim(table[f"cate_{outcome}"].to_numpy(), true)
            lower, upper = table[f"lower_{outcome}"].to_numpy(), table[f"upper_{outcome}"].to_numpy()
            if not np.isnan(lower).any():
                claim["covered"] = np.mean((lower <= true) & (true <= upper))
            claims.append({"what": "learner", "outcome": outcome, "trial": "all", "name": learner, "estimand": "CATE"} | claim)
    return _table(claims)


def judge_policies(
    policies: pd.DataFrame, assignments: pd.DataFrame, rows: pd.DataFrame, economics: Economics, outcome: str
) -> pd.DataFrame:
    """Every policy's profit per row, as `policies` has it, against what its contacts truly earn; and the oracle's.

    Profits are off-policy, but of a best bet that reaches outside the overlap believed: there only a part of it is measured.
    `assignments` has a column per policy, rows as in `rows`. The oracle contacts exactly those whose contact pays.
    """
    effect = rows[f"effect_{outcome}"]
    names = {"what": "policy", "outcome": outcome, "trial": "all", "estimand": "profit"}
    claims = [
        names
        | {"name": claim.policy}
        | _interval_claim(*_claimed(claim), float(profits(assignments[claim.policy], effect, economics).mean()))
        for claim in policies.itertuples()
        if claim.policy in assignments  # a policy that the data could not give claims nothing
    ]
    oracle = float(profits(effect > economics.breakeven, effect, economics).mean())
    return _table([*claims, names | {"name": "oracle", "truth": oracle}])


def _claimed(claim: Any) -> tuple[float, float, float]:
    """What a row of plots/policies.csv says that all of the policy's contacts earn, with its 95% interval."""
    if claim.policy in BEST_BETS and claim.share_outside > 0:
        return claim.expected_profit, claim.expected_profit_lower, claim.expected_profit_upper
    return claim.profit, claim.profit_ci_lower, claim.profit_ci_upper


def judge_segments(segments: pd.DataFrame, truth: pd.DataFrame) -> float:
    """Agreement (adjusted Rand index) of the segments with the kinds of household that the source made."""
    # Here, as only a made-up source has kinds to agree with: with any other this stage ends at once.
    from sklearn.metrics import adjusted_rand_score

    kinds = truth.drop_duplicates("household_id").set_index("household_id")["archetype"]
    known = segments[segments["household_id"].isin(kinds.index)]
    return float(adjusted_rand_score(kinds.loc[known["household_id"]], known["segment"]))


def headline_truth(table: pd.DataFrame, outcome: str, recommended: str, learner: str) -> dict[str, Any]:
    """Flat numbers of one outcome: the true effects, what each pooled estimator errs, the learner, the policies and the regret.

    Numbers that these data leave undefined are left out, such as the rank correlation with an effect that is the same for all.
    """
    own = table[(table["outcome"] == outcome) & (table["trial"] == "all")]
    effects, policies = (own[own["what"] == what].set_index("name") for what in ("effect", "policy"))
    chosen = own[(own["what"] == "learner") & (own["name"] == learner)].iloc[0]
    # Without a row where the mailing's own chance is not the design's propensity.
    fit = table[table["what"] == "propensity"].set_index("name").reindex(["nuisance"]).loc["nuisance"]
    known = effects.dropna(subset="truth")
    numbers = {
        **{f"true_{name.lower()}": rows["truth"].iloc[0] for name, rows in known.groupby("estimand")},
        **known["error"].add_prefix("error_").to_dict(),
        **{f"covered_{name}": known["covered"].get(name, np.nan) for name in ("aipw", "ato")},
        "propensity_rmse": fit["rmse"],
        "propensity_rank_correlation": fit["rank_correlation"],
        "pehe": chosen["rmse"],
        "cate_rank_correlation": chosen["rank_correlation"],
        "cate_coverage": chosen["covered"],
        **policies["truth"].add_prefix("profit_").to_dict(),
        "profit_recommended": policies.loc[recommended, "truth"],
        "regret": policies.loc["oracle", "truth"] - policies.loc[recommended, "truth"],
    }
    return {name: float(value) for name, value in numbers.items() if np.isfinite(value)}


def _interval_claim(estimate: float, lower: float, upper: float, truth: float) -> dict[str, float]:
    unknown = np.isnan([lower, upper, truth]).any()
    return {
        "estimate": estimate,
        "ci_lower": lower,
        "ci_upper": upper,
        "truth": truth,
        "error": estimate - truth,
        "covered": np.nan if unknown else float(lower <= truth <= upper),
    }


def _row_claim(estimate: Vector, truth: Vector) -> dict[str, float]:
    from scipy.stats import rankdata  # here for the same reason as sklearn above

    error = estimate - truth
    alike = np.ptp(estimate) == 0 or np.ptp(truth) == 0
    return {
        "estimate": estimate.mean(),
        "truth": truth.mean(),
        "error": error.mean(),
        "rmse": np.sqrt(np.square(error).mean()),
        "rank_correlation": np.nan if alike else np.corrcoef(rankdata(estimate), rankdata(truth))[0, 1],
    }


def _table(claims: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(claims).reindex(columns=COLUMNS)
